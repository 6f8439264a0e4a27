#include "index/exact/exact_search.h"

#include <algorithm>
#include <utility>

#include "codelore/utf8.h"
#include "index/rank/provenance.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxLineBytes = 400;     // of a line shown
constexpr size_t kMaxRangesInLine = 100;
constexpr size_t kMaxFilesNamed = 5'000;  // of which is asked whether they define what matched

class ExactSearch {
 public:
  ExactSearch(World& world, const Snapshot& snapshot, const ExactRequest& request, const PatternMatcher& matcher)
      : world_(world), snapshot_(snapshot), request_(request), matcher_(matcher),
        budget_(request.max_milliseconds, request.max_bytes) {}

  Result<ExactResult> Run() {
    ASSIGN_OR_RETURN(std::vector<CountedFile> files, Count());
    for (size_t i = 0; i < files.size() && i < kMaxFilesNamed; ++i) files[i].defines = Defines(files[i]);
    std::ranges::stable_sort(files, [&](const CountedFile& a, const CountedFile& b) { return Before(a, b); });
    size_t left = request_.limit;
    for (const CountedFile& file : files) {
      if (left == 0) break;
      ExactFile described = Describe(file);
      if (request_.count_only) {
        --left;
      } else {
        RETURN_IF_ERROR(ReadLines(file, left, described));
      }
      result_.files.push_back(std::move(described));
    }
    return std::move(result_);
  }

 private:
  const SegmentReader& ReaderOf(const CountedFile& file) const { return world_.segments()[file.segment].reader(); }
  std::string_view PathOf(const CountedFile& file) const { return ReaderOf(file).StringsOf(ReaderOf(file).file(file.file)).path; }

  // The files with matches, until the limits are reached.
  Result<std::vector<CountedFile>> Count() {
    std::vector<CountedFile> files = Candidates(world_, matcher_);
    bool capped = false;
    RETURN_IF_ERROR(CountMatches(world_, matcher_, request_.max_matches, budget_, files, capped));
    if (capped) budget_.Skip("counting ended at " + std::to_string(request_.max_matches) + " matches");
    for (const CountedFile& file : files) result_.matches += file.matches;
    result_.files_with_matches = files.size();
    result_.complete = budget_.reason().empty();
    result_.incomplete = budget_.reason();
    return files;
  }

  bool Defines(const CountedFile& file) const {
    const SegmentReader& reader = ReaderOf(file);
    if (!matcher_.MayName(reader.StoredStringsOf(file.file))) return false;
    const FileRow& row = reader.file(file.file);
    for (uint32_t i = 0; i < row.chunk_count; ++i) {
      for (const DefinedName& name : reader.StringsOf(reader.chunk(row.first_chunk + i)).definitions) {
        if (matcher_.IsWhole(name.name)) return true;
      }
    }
    return false;
  }

  bool Before(const CountedFile& a, const CountedFile& b) const {
    if (a.secondary != b.secondary) return b.secondary;
    if (a.defines != b.defines) return a.defines;
    if (a.matches != b.matches) return a.matches > b.matches;
    return PathOf(a) < PathOf(b);
  }

  ExactFile Describe(const CountedFile& file) const {
    const VisibleSegment& segment = world_.segments()[file.segment];
    ExactFile described;
    Provenance provenance = ProvenanceOf(snapshot_, segment, file.file);
    described.source = provenance.source;
    described.branch = std::move(provenance.branch);
    described.revision = std::move(provenance.revision);
    FileStrings strings = segment.reader().StringsOf(segment.reader().file(file.file));
    described.path = strings.path;
    described.language = strings.language;
    described.matches = file.matches;
    described.defines = file.defines;
    return described;
  }

  // A block with its neighbours, as far as lines of context could stand there.
  Result<std::string> ReadAround(const CountedFile& file, uint32_t block, uint32_t& first_line, size_t& begin) {
    const ExactIndex& index = ReaderOf(file).exact();
    auto [first, last] = index.BlocksOf(file.file);
    uint32_t from = request_.context > 0 && block > first ? block - 1 : block;
    uint32_t to = request_.context > 0 ? std::min(block + 2, last) : block + 1;
    std::string text;
    for (uint32_t i = from; i < to; ++i) {
      if (i == block) begin = text.size();
      ASSIGN_OR_RETURN(std::string_view piece, index.Read(i, buffer_));
      text += piece;
    }
    first_line = index.row(from).first_line;
    return text;
  }

  Status ReadLines(const CountedFile& file, size_t& left, ExactFile& described) {
    for (uint32_t block : file.blocks) {
      if (left == 0) break;
      uint32_t first_line = 1;
      size_t begin = 0;
      ASSIGN_OR_RETURN(std::string text, ReadAround(file, block, first_line, begin));
      AddLines(text, {static_cast<uint32_t>(begin), static_cast<uint32_t>(begin + ReaderOf(file).exact().SizeOf(block))}, first_line,
               left, described.lines);
    }
    return OkStatus();
  }

  // The lines of `text` with a match within `block`, and their context; `first_line` is the number of the text's first.
  void AddLines(std::string_view text, ByteSpan block, uint32_t first_line, size_t& left, std::vector<ExactLine>& lines) {
    std::vector<std::string_view> all;
    std::vector<size_t> begins;
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(text.find('\n', at), text.size());
      begins.push_back(at);
      all.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    std::string_view searched = text.substr(block.begin, block.size());
    for (size_t from = 0; from < searched.size() && left > 0; --left) {
      std::optional<ByteSpan> line = matcher_.NextLine(searched, from);
      if (!line) break;
      from = line->end + size_t{1};
      auto number = static_cast<size_t>(std::ranges::upper_bound(begins, block.begin + size_t{line->begin}) - begins.begin()) - 1;
      size_t first = number - std::min(number, request_.context), last = std::min(all.size() - 1, number + request_.context);
      for (size_t i = first; i <= last; ++i) AddLine(all[i], first_line + static_cast<uint32_t>(i), i == number, lines);
    }
  }

  // A line once; as a match where it was context before.
  void AddLine(std::string_view line, uint32_t number, bool matches, std::vector<ExactLine>& lines) {
    auto at = std::ranges::lower_bound(lines, number, {}, &ExactLine::number);
    bool known = at != lines.end() && at->number == number;
    if (known && (!matches || !at->matches.empty())) return;
    std::vector<ByteSpan> ranges;
    if (matches) matcher_.RangesIn(line, kMaxRangesInLine, ranges);
    ExactLine shown = Shorten(line, number, ranges);
    if (known) {
      *at = std::move(shown);
    } else {
      lines.insert(at, std::move(shown));
    }
  }

  // What is shown of a line: all of it, or a part around its first match.
  static ExactLine Shorten(std::string_view line, uint32_t number, const std::vector<ByteSpan>& ranges) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    size_t begin = 0;
    if (line.size() > kMaxLineBytes && !ranges.empty() && ranges[0].end > kMaxLineBytes) {
      begin = ranges[0].begin - std::min<size_t>(ranges[0].begin, kMaxLineBytes / 4);
      while (begin > 0 && IsUtf8Continuation(line[begin])) --begin;
    }
    std::string_view shown = Utf8Prefix(line.substr(begin), kMaxLineBytes);
    ExactLine result{.number = number, .text = std::string(shown), .column = static_cast<uint32_t>(begin), .cut = shown.size() < line.size(),
                     .matches = {}};
    for (ByteSpan range : ranges) {
      if (range.begin > begin + shown.size() && !result.matches.empty()) break;
      auto last = static_cast<uint32_t>(shown.size());
      result.matches.push_back({std::min(range.begin - static_cast<uint32_t>(begin), last),
                                std::min(range.end - static_cast<uint32_t>(begin), last)});
    }
    return result;
  }

  World& world_;
  const Snapshot& snapshot_;
  const ExactRequest& request_;
  const PatternMatcher& matcher_;
  ExactBudget budget_;
  ExactResult result_;
  std::string buffer_;
};

}  // namespace

Result<std::vector<std::vector<uint32_t>>> MatchingFiles(World& world, const KeyValueStore&, const PatternMatcher& matcher,
                                                         ExactBudget& budget) {
  std::vector<std::vector<uint32_t>> files(world.segments().size());
  std::string buffer;
  for (const CountedFile& file : Candidates(world, matcher)) {
    const ExactIndex& index = world.segments()[file.segment].reader().exact();
    for (uint32_t block : file.blocks) {
      if (!budget.Take(index.SizeOf(block))) break;
      if (!matcher.CanSearch(index.SizeOf(block))) {
        budget.Skip("lines too long for this regular expression were left out");
        continue;
      }
      ASSIGN_OR_RETURN(std::string_view text, index.Read(block, buffer));
      if (!matcher.NextLine(text, 0)) continue;
      files[file.segment].push_back(file.file);
      break;
    }
    if (budget.ended()) break;
  }
  for (auto& ordinals : files) std::ranges::sort(ordinals);
  return files;
}

Result<ExactResult> SearchExactSnapshot(const Snapshot& snapshot, const Viewer& viewer, const ExactRequest& request) {
  ASSIGN_OR_RETURN(auto matcher, PatternMatcher::Compile(PatternOf(request)));
  World world(snapshot, viewer, request.filter);
  auto result = ExactSearch(world, snapshot, request, *matcher).Run();
  if (result.ok()) result->seen = SeenBy(snapshot, viewer, request.filter);
  return result;
}

}  // namespace codelore::index
