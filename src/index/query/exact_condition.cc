#include "index/query/exact_condition.h"

#include <re2/re2.h>

#include "index/blobs.h"
#include "index/query/name_pattern.h"

namespace codelore::index {
namespace {

constexpr int64_t kMaxPatternMemory = 8 << 20;

// Whether an expression has a capital that stands for itself: \S and \pL do not.
bool HasCapitalLetter(std::string_view pattern, bool regex) {
  if (!regex) return HasCapital(pattern);
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
      if (i < pattern.size() && (pattern[i] == 'p' || pattern[i] == 'P')) {
        i = i + 1 < pattern.size() && pattern[i + 1] == '{' ? std::min(pattern.find('}', i), pattern.size()) : i + 1;
      }
    } else if (pattern[i] >= 'A' && pattern[i] <= 'Z') {
      return true;
    }
  }
  return false;
}

}  // namespace

class ExactCondition::Pattern {
 public:
  Pattern(std::string_view text, const re2::RE2::Options& options) : regex(re2::StringPiece(text.data(), text.size()), options) {}
  const re2::RE2 regex;
};

ExactCondition::ExactCondition(std::unique_ptr<Pattern> pattern) : pattern_(std::move(pattern)) {}
ExactCondition::~ExactCondition() = default;

Result<std::unique_ptr<ExactCondition>> ExactCondition::Compile(std::string_view text, bool regex) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_literal(!regex);
  options.set_case_sensitive(HasCapitalLetter(text, regex));
  options.set_max_mem(kMaxPatternMemory);
  // ^ and $ are a line's begin and end, as in every tool that searches lines.
  std::string whole = regex ? "(?m)" + std::string(text) : std::string(text);
  auto pattern = std::make_unique<Pattern>(whole, options);
  if (!pattern->regex.ok()) {
    std::string error = pattern->regex.error();
    if (size_t own = error.find("(?m)"); regex && own != std::string::npos) error.erase(own, 4);
    return InvalidArgument("the expression is wrong: " + error);
  }
  return std::unique_ptr<ExactCondition>(new ExactCondition(std::move(pattern)));
}

Result<FileSet> ExactCondition::FilesWithMatch(World& world, const KeyValueStore& store, const FileSet& among,
                                               uint64_t& budget_bytes) const {
  FileSet found = FileSet::None(world);
  for (size_t s = 0; s < world.segments().size(); ++s) {
    VisibleSegment& segment = world.segments()[s];
    for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
      if (!among.Has(s, file)) continue;
      const FileRow& row = segment.reader().file(file);
      if (row.size_bytes > budget_bytes) {
        return ResourceExhausted("an exact search would have to read too much; narrow it with path:, lang: or repo:");
      }
      budget_bytes -= row.size_bytes;
      ASSIGN_OR_RETURN(std::string text, ReadBlob(store, segment.partition().tenant, row.blob));
      if (re2::RE2::PartialMatch(text, pattern_->regex)) found.Add(s, file);
    }
  }
  return found;
}

std::vector<std::pair<size_t, size_t>> ExactCondition::Matches(std::string_view text, size_t limit) const {
  std::vector<std::pair<size_t, size_t>> matches;
  re2::StringPiece whole(text.data(), text.size()), match;
  for (size_t at = 0; at <= text.size() && matches.size() < limit;) {
    if (!pattern_->regex.Match(whole, at, text.size(), re2::RE2::UNANCHORED, &match, 1)) break;
    auto begin = static_cast<size_t>(match.data() - whole.data());
    matches.emplace_back(begin, begin + match.size());
    at = std::max(begin + match.size(), at + 1);
  }
  return matches;
}

}  // namespace codelore::index
