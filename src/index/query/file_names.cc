#include "index/query/file_names.h"

#include <algorithm>
#include <bitset>
#include <tuple>

#include "index/query/file_name.h"
#include "index/query/name_pattern.h"
#include "index/rank/provenance.h"
#include "index/rank/world.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxWords = 16;

struct Match {
  NameFit fit = NameFit::kNone;  // of the word that fits worst
  uint32_t in_name = 0;          // words that the name itself has
  uint32_t left_over = 0;        // letters of the name that no word stands for
  uint32_t depth = 0;
  uint32_t segment = 0, file = 0;
  std::string_view path;

  // Smaller is better.
  auto Key() const { return std::tuple(-static_cast<int>(fit), -static_cast<int>(in_name), left_over, depth, path, segment); }
};

// Words of the question, by spaces and slashes.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size() && words.size() < kMaxWords;) {
    size_t end = std::min(text.find_first_of(" \t\r\n/\\", begin), text.size());
    std::string word = NameLetters(text.substr(begin, end - begin));
    if (word.size() > FileName::kMaxWordBytes) word.resize(FileName::kMaxWordBytes);
    if (!word.empty()) words.push_back(std::move(word));
    begin = end + 1;
  }
  return words;
}

class NameSearch {
 public:
  NameSearch(World& world, std::vector<std::string> words) : world_(world), words_(std::move(words)) {
    for (const std::string& word : words_) joined_ += word;
  }

  std::vector<Match> Run(bool typos) {
    std::vector<Match> matches;
    for (uint32_t s = 0; s < world_.segments().size(); ++s) {
      VisibleSegment& segment = world_.segments()[s];
      for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
        std::string_view path = segment.reader().StringsOf(segment.reader().file(file)).path;
        if (typos ? !MayFitWithTypo(path) : !MayFit(path)) continue;
        Match match{.segment = s, .file = file, .path = path};
        if (segment.Allows(file) && Fits(typos, match)) matches.push_back(match);
      }
    }
    return matches;
  }

  std::vector<Match> All() {
    std::vector<Match> matches;
    for (uint32_t s = 0; s < world_.segments().size(); ++s) {
      VisibleSegment& segment = world_.segments()[s];
      for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
        if (!segment.Allows(file)) continue;
        matches.push_back({.fit = NameFit::kPath, .segment = s, .file = file, .path = segment.reader().StringsOf(segment.reader().file(file)).path});
      }
    }
    return matches;
  }

  bool MayHaveTypos() const {
    return std::ranges::any_of(words_, [](const std::string& word) { return word.size() >= FileName::kLeastTypoBytes; });
  }

 private:
  // Every way to fit but a typo keeps the letters in order.
  bool MayFit(std::string_view path) const {
    return std::ranges::all_of(words_, [&](const std::string& word) { return IsSubsequence(word, path); });
  }

  // A typo brings in one letter at most that the path has not.
  bool MayFitWithTypo(std::string_view path) const {
    std::bitset<256> letters;
    for (char c : path) letters.set(static_cast<uint8_t>(LowerAscii(c)));
    return std::ranges::all_of(words_, [&](const std::string& word) {
      std::bitset<256> missing;
      for (char c : word) missing.set(static_cast<uint8_t>(c));
      return (missing & ~letters).count() <= 1;
    });
  }

  bool Fits(bool typos, Match& match) {
    name_.Read(match.path);
    match.depth = static_cast<uint32_t>(std::ranges::count(match.path, '/'));
    match.left_over = static_cast<uint32_t>(name_.letters());
    match.fit = NameFit::kParts;
    if (name_.IsExactly(joined_)) {
      match.fit = NameFit::kExact;
      match.in_name = static_cast<uint32_t>(words_.size());
      return true;
    }
    for (const std::string& word : words_) {
      NameFit fit = name_.Fit(word, typos);
      if (fit == NameFit::kNone) return false;
      match.fit = std::min(match.fit, fit);
      if (fit == NameFit::kFolder || fit == NameFit::kPath) continue;
      ++match.in_name;
      match.left_over -= std::min(match.left_over, static_cast<uint32_t>(word.size()));
    }
    return true;
  }

  World& world_;
  const std::vector<std::string> words_;
  std::string joined_;
  FileName name_;
};

std::string_view ReasonFor(NameFit fit) {
  switch (fit) {
    case NameFit::kExact: return "exact name";
    case NameFit::kParts: return "words of the name";
    case NameFit::kInitials: return "initials";
    case NameFit::kPrefixes: return "beginnings of the name's words";
    case NameFit::kPiece: return "piece of the name";
    case NameFit::kFolder: return "folder";
    case NameFit::kSubsequence:
    case NameFit::kPath: return "letters in order";
    default: return "one letter differs";
  }
}

}  // namespace

Result<FileResult> FindFilesByName(const Snapshot& snapshot, const Viewer& viewer, const FileNameRequest& request) {
  const bool list = request.text.empty();
  std::vector<std::string> words = WordsOf(request.text);
  if (words.empty() && !list) return InvalidArgument("the file name has neither letters nor digits");
  World world(snapshot, viewer, request.filter);
  NameSearch search(world, std::move(words));
  std::vector<Match> matches = list ? search.All() : search.Run(/*typos=*/false);
  auto any_at_least = [&](NameFit fit) { return std::ranges::any_of(matches, [&](const Match& match) { return match.fit >= fit; }); };
  if (!list && search.MayHaveTypos() && !any_at_least(NameFit::kFolder)) matches = search.Run(/*typos=*/true);
  // Letters strewn over a path say little beside a real fit.
  if (any_at_least(NameFit::kTypo)) std::erase_if(matches, [](const Match& match) { return match.fit < NameFit::kTypo; });
  size_t end = std::min(matches.size(), request.offset + request.limit);
  std::partial_sort(matches.begin(), matches.begin() + static_cast<ptrdiff_t>(end), matches.end(),
                    [](const Match& a, const Match& b) { return a.Key() < b.Key(); });
  FileResult result;
  for (size_t i = request.offset; i < end; ++i) {
    const VisibleSegment& segment = world.segments()[matches[i].segment];
    FileStrings strings = segment.reader().StringsOf(segment.reader().file(matches[i].file));
    Provenance provenance = ProvenanceOf(snapshot, segment, matches[i].file);
    result.files.push_back({.source = provenance.source, .revision = std::move(provenance.revision),
                            .branch = std::move(provenance.branch), .path = std::string(strings.path),
                            .language = std::string(strings.language), .reasons = {}});
    if (!list) result.files.back().reasons.emplace_back(ReasonFor(matches[i].fit));
  }
  if (!result.files.empty()) return result;
  if (!matches.empty()) {
    result.notes.push_back("the offset skips all of the " + std::to_string(matches.size()) + " files");
  } else {
    result.notes.push_back(world.live_chunks() == 0 ? "there is nothing that you may read in the sources searched" : "no file's name fits");
  }
  return result;
}

}  // namespace codelore::index
