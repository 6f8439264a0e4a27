#include "index/exact/pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "codelore/utf8.h"
#include "index/exact/literal_finder.h"
#include "index/exact/regex_analysis.h"

namespace codelore::index {
namespace {

constexpr int64_t kRegexMemory = 16 << 20;
constexpr int kMaxProgram = 20'000;           // instructions
constexpr size_t kLeastRequired = 2;          // bytes; shorter ones are everywhere, and RE2 by itself is quicker
constexpr int kMaxFailures = 8;               // lines in a row that have what is required, and no match: likewise
constexpr uint64_t kMaxSteps = 400'000'000;   // instructions x bytes that one call of RE2 may come to

ByteSpan Span(size_t begin, size_t end) { return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}; }

// The line around a place, without its line break.
ByteSpan LineAround(std::string_view text, size_t at) {
  size_t begin = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  begin = begin == std::string_view::npos ? 0 : begin + 1;
  const void* end = std::memchr(text.data() + at, '\n', text.size() - at);
  return Span(begin, end == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(end) - text.data()));
}

// The characters that equal an ASCII letter when case is ignored: the long s and the Kelvin sign.
class SpecialLetters {
 public:
  bool In(std::string_view text) const { return Has(s_, text) || Has(k_, text); }

 private:
  static bool Has(const LiteralFinder& finder, std::string_view text) { return finder.Find(text, 0) != std::string_view::npos; }
  LiteralFinder s_{"\xC5\xBF", false}, k_{"\xE2\x84\xAA", false};
};

RE2::Options RegexOptions(bool ignore_case, bool literal) {
  RE2::Options options;
  options.set_max_mem(kRegexMemory);
  options.set_log_errors(false);
  options.set_never_nl(true);
  options.set_literal(literal);
  options.set_case_sensitive(!ignore_case);
  return options;
}

class RegexMatcher final : public PatternMatcher {
 public:
  RegexMatcher(const std::string& pattern, bool literal, RegexAnalysis analysis, bool ignore_case)
      : regex_(literal ? pattern : "(?m)" + pattern, RegexOptions(ignore_case, literal)) {
    condition_ = std::move(analysis.condition);
    for (const std::string& text : analysis.required) {
      if (text.size() < kLeastRequired) required_.clear();
      if (text.size() < kLeastRequired) break;
      required_.emplace_back(text, analysis.folds);
      special_ |= analysis.folds && text.find_first_of("skSK") != std::string::npos;
    }
  }

  const RE2& regex() const { return regex_; }

  std::optional<ByteSpan> NextLine(std::string_view text, size_t from) const override {
    if (required_.empty() || (special_ && letters_.In(text))) return NextLineByRegex(text, from);
    for (int failures = 0; from < text.size(); ++failures) {
      if (failures == kMaxFailures) return NextLineByRegex(text, from);
      size_t at = FindRequired(text, from);
      if (at == std::string_view::npos) return std::nullopt;
      ByteSpan line = LineAround(text, at);
      if (Match(text.substr(line.begin, line.size()), 0)) return line;
      from = line.end + size_t{1};
    }
    return std::nullopt;
  }

  void RangesIn(std::string_view line, size_t max, std::vector<ByteSpan>& ranges) const override {
    ranges.clear();
    std::optional<ByteSpan> empty;
    for (size_t at = 0; at <= line.size() && ranges.size() < max;) {
      std::optional<ByteSpan> match = Match(line, at);
      if (!match) break;
      if (match->size() > 0) {
        ranges.push_back(*match);
        at = match->end;
        continue;
      }
      if (!empty) empty = match;
      at = match->end + std::max<size_t>(1, Utf8SequenceLength(line.substr(match->end)));
    }
    if (ranges.empty() && empty && max > 0) ranges.push_back(*empty);
  }

  bool IsWhole(std::string_view name) const override {
    return regex_.Match({name.data(), name.size()}, 0, name.size(), RE2::ANCHOR_BOTH, nullptr, 0);
  }
  bool MayName(std::string_view text) const override {
    return required_.empty() || special_ || FindRequired(text, 0) != std::string_view::npos;
  }
  bool CanSearch(size_t bytes) const override { return static_cast<uint64_t>(regex_.ProgramSize()) * bytes <= kMaxSteps; }

 private:
  std::optional<ByteSpan> Match(std::string_view text, size_t from) const {
    re2::StringPiece match;
    if (!regex_.Match({text.data(), text.size()}, from, text.size(), RE2::UNANCHORED, &match, 1)) return std::nullopt;
    auto begin = static_cast<size_t>(match.data() - text.data());
    return Span(begin, begin + match.size());
  }

  // The first place of any of them. Each is looked for before the best so far.
  size_t FindRequired(std::string_view text, size_t from) const {
    size_t first = std::string_view::npos;
    for (const LiteralFinder& finder : required_) {
      bool found = first != std::string_view::npos;
      first = std::min(first, finder.Find(found ? text.substr(0, first + finder.size() - 1) : text, from));
    }
    return first;
  }

  std::optional<ByteSpan> NextLineByRegex(std::string_view text, size_t from) const {
    std::optional<ByteSpan> match = Match(text, from);
    if (match && match->begin < text.size()) return LineAround(text, match->begin);
    // An empty match at the end of a last line that no line break ends.
    bool open = from < text.size() && text.back() != '\n' && Match(text, text.size());
    return open ? std::optional(LineAround(text, text.size())) : std::nullopt;
  }

  RE2 regex_;
  std::vector<LiteralFinder> required_;  // every match has one of these; none: not known
  bool special_ = false;
  SpecialLetters letters_;
};

class LiteralMatcher final : public PatternMatcher {
 public:
  // `by_regex` does the same for text with characters that equal an ASCII letter of the pattern; null: there are none.
  LiteralMatcher(const std::string& text, bool ignore_case, std::unique_ptr<RegexMatcher> by_regex)
      : finder_(text, ignore_case), by_regex_(std::move(by_regex)) {
    condition_ = TrigramQuery::Of(text);
  }

  std::optional<ByteSpan> NextLine(std::string_view text, size_t from) const override {
    if (NeedsRegex(text)) return by_regex_->NextLine(text, from);
    size_t at = finder_.Find(text, from);
    return at == std::string_view::npos ? std::nullopt : std::optional(LineAround(text, at));
  }

  void RangesIn(std::string_view line, size_t max, std::vector<ByteSpan>& ranges) const override {
    if (NeedsRegex(line)) return by_regex_->RangesIn(line, max, ranges);
    ranges.clear();
    size_t at = finder_.Find(line, 0);
    for (; at != std::string_view::npos && ranges.size() < max; at = finder_.Find(line, at + finder_.size())) {
      ranges.push_back(Span(at, at + finder_.size()));
    }
  }

  uint64_t Count(std::string_view text, uint64_t max) const override {
    if (NeedsRegex(text)) return by_regex_->Count(text, max);
    uint64_t count = 0;
    size_t at = max == 0 ? std::string_view::npos : finder_.Find(text, 0);
    while (at != std::string_view::npos && ++count < max) at = finder_.Find(text, at + finder_.size());
    return count;
  }

  bool IsWhole(std::string_view name) const override {
    if (NeedsRegex(name)) return by_regex_->IsWhole(name);
    return name.size() == finder_.size() && finder_.Find(name, 0) == 0;
  }
  bool MayName(std::string_view text) const override {
    return finder_.Find(text, 0) != std::string_view::npos || NeedsRegex(text);
  }
  bool CanSearch(size_t) const override { return true; }

 private:
  bool NeedsRegex(std::string_view text) const { return by_regex_ != nullptr && letters_.In(text); }

  LiteralFinder finder_;
  std::unique_ptr<RegexMatcher> by_regex_;
  SpecialLetters letters_;
};

Status Check(const ExactPattern& pattern) {
  if (pattern.text.empty()) return InvalidArgument("the pattern is empty");
  if (pattern.text.size() > PatternMatcher::kMaxPatternBytes) {
    return InvalidArgument("the pattern has " + std::to_string(pattern.text.size()) + " bytes; at most " +
                           std::to_string(PatternMatcher::kMaxPatternBytes) + " are allowed");
  }
  if (!IsValidUtf8(pattern.text)) return InvalidArgument("the pattern is not valid UTF-8");
  if (size_t at = pattern.text.find('\0'); at != std::string::npos) {
    return InvalidArgument("the pattern has a NUL at byte " + std::to_string(at + 1));
  }
  if (size_t at = pattern.text.find('\n'); at != std::string::npos) {
    return InvalidArgument("the pattern has a line break at byte " + std::to_string(at + 1) + "; a match lies within one line");
  }
  return OkStatus();
}

bool HasCapital(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// "missing ): (abc at byte 4".
Status Refusal(const RE2& regex, const std::string& pattern) {
  std::string message = "not a regular expression: " + regex.error();
  size_t at = regex.error_arg().empty() ? std::string::npos : pattern.find(regex.error_arg());
  if (at != std::string::npos && at > 0) message += ", at byte " + std::to_string(at + 1);
  return InvalidArgument(message);
}

Status CheckRegex(const RE2& regex, const std::string& pattern) {
  if (!regex.ok()) return Refusal(regex, pattern);
  if (regex.ProgramSize() <= kMaxProgram) return OkStatus();
  return InvalidArgument("the regular expression is too large: " + std::to_string(regex.ProgramSize()) +
                         " instructions, at most " + std::to_string(kMaxProgram) + " are allowed");
}

Result<std::unique_ptr<PatternMatcher>> CompileRegex(const ExactPattern& pattern) {
  // First by itself, so that what is wrong is told in the pattern's own words.
  RE2 plain(pattern.text, RegexOptions(false, false));
  RETURN_IF_ERROR(CheckRegex(plain, pattern.text));
  RegexAnalysis analysis = AnalyzeRegex(pattern.text, false);
  bool ignore_case = pattern.fold == CaseMode::kInsensitive || (pattern.fold == CaseMode::kSmart && !analysis.has_capital);
  if (ignore_case) analysis = AnalyzeRegex(pattern.text, true);
  if (!analysis.refused.empty()) {
    return InvalidArgument(analysis.refused + " cannot be searched for: a match lies within one line, '^' and '$' are its ends");
  }
  auto matcher = std::make_unique<RegexMatcher>(pattern.text, /*literal=*/false, std::move(analysis), ignore_case);
  RETURN_IF_ERROR(CheckRegex(matcher->regex(), pattern.text));
  return std::unique_ptr<PatternMatcher>(std::move(matcher));
}

Result<std::unique_ptr<PatternMatcher>> CompileLiteral(const ExactPattern& pattern) {
  bool ignore_case = pattern.fold == CaseMode::kInsensitive || (pattern.fold == CaseMode::kSmart && !HasCapital(pattern.text));
  if (!ignore_case) return std::unique_ptr<PatternMatcher>(std::make_unique<LiteralMatcher>(pattern.text, false, nullptr));
  RegexAnalysis analysis{.folds = true};
  bool plain = true;  // the bytes alone say what matches, but for the special letters
  std::vector<std::string> runs(1);
  for (std::string_view rest = pattern.text; !rest.empty(); rest.remove_prefix(Utf8SequenceLength(rest))) {
    std::string_view character = rest.substr(0, Utf8SequenceLength(rest));
    std::string folded = FoldedCharacter(character);
    if (folded.empty()) {
      runs.emplace_back();
    } else {
      runs.back() += folded;
    }
    plain &= folded.size() == character.size();
  }
  for (const std::string& run : runs) {
    analysis.condition = TrigramQuery::And(std::move(analysis.condition), TrigramQuery::Of(run));
    if (analysis.required.empty() || run.size() > analysis.required[0].size()) analysis.required = {run};
  }
  auto by_regex = std::make_unique<RegexMatcher>(pattern.text, /*literal=*/true, std::move(analysis), true);
  RETURN_IF_ERROR(CheckRegex(by_regex->regex(), pattern.text));
  if (!plain) return std::unique_ptr<PatternMatcher>(std::move(by_regex));
  if (pattern.text.find_first_of("skSK") == std::string::npos) by_regex.reset();
  return std::unique_ptr<PatternMatcher>(std::make_unique<LiteralMatcher>(pattern.text, true, std::move(by_regex)));
}

}  // namespace

Result<std::unique_ptr<PatternMatcher>> PatternMatcher::Compile(const ExactPattern& pattern) {
  RETURN_IF_ERROR(Check(pattern));
  return pattern.regex ? CompileRegex(pattern) : CompileLiteral(pattern);
}

uint64_t PatternMatcher::Count(std::string_view text, uint64_t max) const {
  uint64_t count = 0;
  std::vector<ByteSpan> ranges;
  for (size_t from = 0; from < text.size() && count < max;) {
    std::optional<ByteSpan> line = NextLine(text, from);
    if (!line) break;
    RangesIn(text.substr(line->begin, line->size()), static_cast<size_t>(max - count), ranges);
    count += ranges.size();
    from = line->end + size_t{1};
  }
  return count;
}

}  // namespace codelore::index
