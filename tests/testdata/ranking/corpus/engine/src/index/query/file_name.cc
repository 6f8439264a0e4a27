#include "index/query/file_name.h"

#include <algorithm>

#include "index/analysis/analyzer.h"
#include "index/query/name_pattern.h"

namespace codelore::index {
namespace {

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<uint8_t>(c) >= 0x80;
}

void AppendLetters(std::string_view text, std::string& letters) {
  for (char c : text) {
    if (IsNameByte(c)) letters += LowerAscii(c);
  }
}

// Whether `word` is the parts one behind the other, all but some left out: as wholes, or by their beginnings. Bit i
// of a set: the first i letters of the word are used up. From `only_wholes` on, beginnings do not count: of an
// extension.
NameFit FitParts(std::string_view word, const std::vector<std::string_view>& parts, size_t only_wholes) {
  uint64_t wholes = 1, beginnings = 1;
  for (size_t p = 0; p < parts.size(); ++p) {
    std::string_view part = parts[p];
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
  AppendLetters(text, letters);
  return letters;
}

bool IsSubsequence(std::string_view word, std::string_view text) {
  if (std::ranges::any_of(word, [](char c) { return static_cast<uint8_t>(c) >= 0x80; })) return NamePattern(word, NamePattern::Case::kIgnored).IsPartOf(text);
  size_t next = 0;
  for (size_t i = 0; i < text.size() && next < word.size(); ++i) next += LowerAscii(text[i]) == word[next];
  return next == word.size();
}

void FileName::Split(size_t begin, size_t end, std::vector<std::string_view>& parts) {
  pieces_.clear();
  while (begin < end) {
    size_t at = begin;
    while (at < end && IsNameByte(path_[at])) ++at;
    SplitIdentifier(path_.substr(begin, at - begin), pieces_);
    begin = at + 1;
  }
  for (std::string_view piece : pieces_) {
    parts.push_back(std::string_view(lower_).substr(static_cast<size_t>(piece.data() - path_.data()), piece.size()));
  }
}

void FileName::Read(std::string_view path) {
  path_ = path;
  lower_.assign(path);
  for (char& c : lower_) c = LowerAscii(c);
  for (auto* list : {&parts_, &folders_}) list->clear();
  for (std::string* text : {&stem_, &basename_, &initials_}) text->clear();
  size_t begin = path.rfind('/') + 1;  // npos + 1 is 0
  size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || dot <= begin) dot = path.size();
  name_begin_ = begin;
  folders_read_ = false;
  Split(begin, dot, parts_);
  stem_parts_ = parts_.size();
  for (std::string_view part : parts_) initials_ += part[0];
  AppendLetters(path.substr(begin, dot - begin), stem_);
  basename_ = stem_;
  AppendLetters(path.substr(dot), basename_);
  if (basename_.size() > stem_.size()) parts_.push_back(std::string_view(lower_).substr(dot + 1));
}

const std::vector<std::string_view>& FileName::Folders() {
  if (!folders_read_) Split(0, name_begin_, folders_);
  folders_read_ = true;
  return folders_;
}

NameFit FileName::Fit(std::string_view word, bool typos) {
  NameFit fit = FitParts(word, parts_, stem_parts_);
  if (fit == NameFit::kPrefixes && word.size() > 1 && initials_.find(word) != std::string::npos) return NameFit::kInitials;
  if (fit != NameFit::kNone) return fit;
  if (basename_.find(word) != std::string::npos) return NameFit::kPiece;
  if (std::ranges::any_of(Folders(), [&](std::string_view folder) { return folder.starts_with(word); })) return NameFit::kFolder;
  if (FitParts(word, Folders(), Folders().size()) == NameFit::kParts) return NameFit::kFolder;
  auto close = [&](std::string_view part) { return word.size() >= kLeastTypoBytes && IsOneEditAway(word, part); };
  bool typo = typos && (close(stem_) || std::ranges::any_of(parts_, close) || std::ranges::any_of(Folders(), close));
  if (typo) return NameFit::kTypo;
  if (IsSubsequence(word, basename_)) return NameFit::kSubsequence;
  return IsSubsequence(word, path_) ? NameFit::kPath : NameFit::kNone;
}

}  // namespace codelore::index
