#include "index/query/file_name.h"

#include <algorithm>

#include "index/analysis/analyzer.h"
#include "index/query/name_pattern.h"

namespace codelore::index {
namespace {

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<uint8_t>(c) >= 0x80;
}

void SplitName(std::string_view name, std::vector<std::string>& parts) {
  std::vector<std::string_view> pieces;
  for (size_t begin = 0; begin < name.size();) {
    size_t end = begin;
    while (end < name.size() && IsNameByte(name[end])) ++end;
    SplitIdentifier(name.substr(begin, end - begin), pieces);
    begin = end + 1;
  }
  for (std::string_view piece : pieces) parts.push_back(LowerAscii(piece));
}

// Whether `word` is the parts one behind the other, all but some left out: as wholes, or by their beginnings. Bit i
// of a set: the first i letters of the word are used up. From `only_wholes` on, beginnings do not count: of an
// extension.
NameFit FitParts(std::string_view word, const std::vector<std::string>& parts, size_t only_wholes) {
  uint64_t wholes = 1, beginnings = 1;
  for (size_t p = 0; p < parts.size(); ++p) {
    const std::string& part = parts[p];
    uint64_t whole_now = wholes, beginning_now = beginnings;
    for (size_t i = 0; i < word.size(); ++i) {
      if ((beginnings >> i & 1) == 0) continue;
      size_t length = 0;
      while (i + length < word.size() && length < part.size() && word[i + length] == part[length]) {
        ++length;
        if (p < only_wholes || length == part.size()) beginning_now |= uint64_t{1} << (i + length);
      }
      if (length == part.size() && (wholes >> i & 1) != 0) whole_now |= uint64_t{1} << (i + length);
    }
    wholes = whole_now;
    beginnings = beginning_now;
  }
  uint64_t end = uint64_t{1} << word.size();
  return (wholes & end) != 0 ? NameFit::kParts : (beginnings & end) != 0 ? NameFit::kPrefixes : NameFit::kNone;
}

// One letter changed, added, left out, or swapped with its neighbour.
bool IsOneEditAway(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  size_t same = 0;
  while (same < a.size() && a[same] == b[same]) ++same;
  if (b.size() > a.size()) return a.substr(same) == b.substr(same + 1);
  if (same == a.size() || a.substr(same + 1) == b.substr(same + 1)) return true;
  return same + 1 < a.size() && a[same] == b[same + 1] && a[same + 1] == b[same] && a.substr(same + 2) == b.substr(same + 2);
}

}  // namespace

std::string NameLetters(std::string_view text) {
  std::string letters;
  for (char c : text) {
    if (IsNameByte(c)) letters += LowerAscii(c);
  }
  return letters;
}

bool IsSubsequence(std::string_view word, std::string_view text) {
  if (std::ranges::any_of(word, [](char c) { return static_cast<uint8_t>(c) >= 0x80; })) return NamePattern(word, NamePattern::Case::kIgnored).IsPartOf(text);
  size_t next = 0;
  for (size_t i = 0; i < text.size() && next < word.size(); ++i) next += LowerAscii(text[i]) == word[next];
  return next == word.size();
}

void FileName::Read(std::string_view path) {
  path_ = path;
  parts_.clear();
  folders_.clear();
  size_t slash = path.rfind('/');
  std::string_view basename = path.substr(slash + 1);  // npos + 1 is 0
  if (slash != std::string_view::npos) SplitName(path.substr(0, slash), folders_);
  size_t dot = basename.rfind('.');
  if (dot == std::string_view::npos || dot == 0) dot = basename.size();
  SplitName(basename.substr(0, dot), parts_);
  stem_parts_ = parts_.size();
  initials_.clear();
  for (const std::string& part : parts_) initials_ += part[0];
  stem_ = NameLetters(basename.substr(0, dot));
  basename_ = NameLetters(basename);
  if (dot < basename.size()) parts_.push_back(NameLetters(basename.substr(dot)));
  if (!parts_.empty() && parts_.back().empty()) parts_.pop_back();
}

NameFit FileName::Fit(std::string_view word, bool typos) const {
  NameFit fit = FitParts(word, parts_, stem_parts_);
  if (fit == NameFit::kPrefixes && word.size() > 1 && initials_.find(word) != std::string::npos) return NameFit::kInitials;
  if (fit != NameFit::kNone) return fit;
  if (basename_.find(word) != std::string::npos) return NameFit::kPiece;
  if (std::ranges::any_of(folders_, [&](const std::string& folder) { return folder.starts_with(word); })) return NameFit::kFolder;
  if (FitParts(word, folders_, folders_.size()) == NameFit::kParts) return NameFit::kFolder;
  if (IsSubsequence(word, basename_)) return NameFit::kSubsequence;
  if (IsSubsequence(word, path_)) return NameFit::kPath;
  auto close = [&](const std::string& part) { return word.size() >= 4 && IsOneEditAway(word, part); };
  bool typo = typos && (close(stem_) || std::ranges::any_of(parts_, close) || std::ranges::any_of(folders_, close));
  return typo ? NameFit::kTypo : NameFit::kNone;
}

}  // namespace codelore::index
