// Conditions on a file's bytes: an expression, or text to the letter, within a line (exact/pattern.h).
#ifndef CODELORE_INDEX_QUERY_EXACT_CONDITION_H_
#define CODELORE_INDEX_QUERY_EXACT_CONDITION_H_

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/status.h"
#include "codelore/store.h"
#include "index/exact/exact_count.h"
#include "index/exact/pattern.h"
#include "index/query/file_set.h"

namespace codelore::index {

// Smart case: small letters match capitals too, unless the text has a capital. Immutable and thread-safe.
class ExactCondition {
 public:
  // kInvalidArgument, with the reason alone, for an expression that is wrong or too costly.
  static Result<std::unique_ptr<ExactCondition>> Compile(std::string_view text, bool regex);

  // The files of `among` with a match. kResourceExhausted when the budget ends: never a part.
  Result<FileSet> FilesWithMatch(World& world, const KeyValueStore& store, const FileSet& among, ExactBudget& budget) const;

  // Bytes [begin, end) of the first match, and of up to `limit` matches; an empty match counts.
  std::vector<std::pair<size_t, size_t>> Matches(std::string_view text, size_t limit) const;

 private:
  explicit ExactCondition(std::unique_ptr<PatternMatcher> matcher);
  std::unique_ptr<PatternMatcher> matcher_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_EXACT_CONDITION_H_
