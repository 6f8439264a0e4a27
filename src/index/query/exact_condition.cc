#include "index/query/exact_condition.h"

#include "index/exact/exact_search.h"

namespace codelore::index {

ExactCondition::ExactCondition(std::unique_ptr<PatternMatcher> matcher) : matcher_(std::move(matcher)) {}

Result<std::unique_ptr<ExactCondition>> ExactCondition::Compile(std::string_view text, bool regex) {
  ASSIGN_OR_RETURN(auto matcher, PatternMatcher::Compile({.text = std::string(text), .regex = regex, .fold = CaseMode::kSmart}));
  return std::unique_ptr<ExactCondition>(new ExactCondition(std::move(matcher)));
}

Result<FileSet> ExactCondition::FilesWithMatch(World& world, const KeyValueStore& store, const FileSet& among,
                                               ExactBudget& budget) const {
  ASSIGN_OR_RETURN(auto files, MatchingFiles(world, store, *matcher_, budget));
  if (!budget.reason().empty()) {
    return ResourceExhausted("an exact search would have to read too much; narrow it with path:, lang: or repo:");
  }
  FileSet found = FileSet::None(world);
  for (size_t s = 0; s < files.size(); ++s) {
    for (uint32_t file : files[s]) {
      if (among.Has(s, file)) found.Add(s, file);
    }
  }
  return found;
}

std::vector<std::pair<size_t, size_t>> ExactCondition::Matches(std::string_view text, size_t limit) const {
  std::vector<std::pair<size_t, size_t>> matches;
  std::vector<ByteSpan> ranges;
  for (size_t at = 0; at < text.size() && matches.size() < limit;) {
    std::optional<ByteSpan> line = matcher_->NextLine(text, at);
    if (!line) break;
    ranges.clear();
    matcher_->RangesIn(text.substr(line->begin, line->size()), limit - matches.size(), ranges);
    for (ByteSpan range : ranges) matches.emplace_back(line->begin + range.begin, line->begin + range.end);
    at = std::max<size_t>(line->end + 1, at + 1);
  }
  return matches;
}

}  // namespace codelore::index
