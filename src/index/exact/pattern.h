// PatternMatcher: a literal text or a regular expression, ready to be looked for in lines of text.
//
// Matches lie within one line: "^" and "$" stand for its ends, and nothing matches a line break. Case is ignored as
// RE2 ignores it, for literals too. Regular expressions take linear time and bounded memory (RE2); what is left to the
// caller to bound is the size of the text. Immutable and thread-safe.
#ifndef CODELORE_INDEX_EXACT_PATTERN_H_
#define CODELORE_INDEX_EXACT_PATTERN_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/index.h"
#include "index/exact/trigram_query.h"

namespace codelore::index {

struct ExactPattern {
  std::string text;
  bool regex = false;
  CaseMode fold = CaseMode::kSmart;
};

// The fold and regex fields of a request.
inline ExactPattern PatternOf(const ExactRequest& request) { return {request.pattern, request.regex, request.fold}; }

class PatternMatcher {
 public:
  static constexpr size_t kMaxPatternBytes = 4096;

  // kInvalidArgument: empty, too long, not UTF-8, not a regular expression, or one that cannot match within a line.
  static Result<std::unique_ptr<PatternMatcher>> Compile(const ExactPattern& pattern);
  virtual ~PatternMatcher() = default;

  // What a block fulfils that has a match.
  const TrigramQuery& condition() const { return condition_; }

  // The first line of `text`, from the one that begins at `from` on, that has a match. `text` is whole lines.
  virtual std::optional<ByteSpan> NextLine(std::string_view text, size_t from) const = 0;
  // The matches of a line that NextLine gave, none overlapping; empty ones only if there is no other, and then one.
  // At most `max`.
  virtual void RangesIn(std::string_view line, size_t max, std::vector<ByteSpan>& ranges) const = 0;
  // How many RangesIn would give at most `max` of in all lines of `text`.
  virtual uint64_t Count(std::string_view text, uint64_t max) const;
  // The pattern matches the name as a whole.
  virtual bool IsWhole(std::string_view name) const = 0;
  // Some name in `text` (which is not lines) could be matched as a whole; cheap, and true when in doubt.
  virtual bool MayName(std::string_view text) const = 0;
  // Text of this size, as one line, can be searched in bounded time.
  virtual bool CanSearch(size_t bytes) const = 0;

 protected:
  TrigramQuery condition_ = TrigramQuery::All();
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_PATTERN_H_
