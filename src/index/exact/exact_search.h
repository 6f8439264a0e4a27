// Exact search: which files of a world have a match, and which lines.
//
// Per segment the pattern's trigram condition leaves some text blocks; of these the allowed files' are read and
// searched. Nothing outside the world is looked at, so nothing of it shows in time, counts or order. What is read is
// bounded by a budget: an answer that it cut short says so.
#ifndef CODELORE_INDEX_EXACT_EXACT_SEARCH_H_
#define CODELORE_INDEX_EXACT_EXACT_SEARCH_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "codelore/index.h"
#include "codelore/store.h"
#include "index/exact/pattern.h"
#include "index/rank/world.h"

namespace codelore::index {

// Shared by all the searches of one request.
class ExactBudget {
 public:
  ExactBudget(uint32_t max_milliseconds, uint64_t max_bytes)
      : deadline_(std::chrono::steady_clock::now() + std::chrono::milliseconds(max_milliseconds)), bytes_left_(max_bytes) {}

  // Takes `bytes` for the next read; false, from then on, when time or bytes are used up.
  bool Take(uint64_t bytes);
  // Notes that something was left out, for another reason.
  void Skip(const std::string& reason) {
    if (reason_.empty()) reason_ = reason;
  }
  bool ended() const { return ended_; }
  const std::string& reason() const { return reason_; }  // empty: everything was searched

 private:
  std::chrono::steady_clock::time_point deadline_;
  uint64_t bytes_left_;
  bool ended_ = false;
  std::string reason_;
};

// Per segment of the world, the ordinals of the files with at least one match, ascending. Text is read from the
// segments; the store is for those of older kinds that have none.
Result<std::vector<std::vector<uint32_t>>> MatchingFiles(World& world, const KeyValueStore& store,
                                                         const PatternMatcher& matcher, ExactBudget& budget);

Result<ExactResult> SearchExactSnapshot(const Snapshot& snapshot, const Viewer& viewer, const ExactRequest& request);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_EXACT_SEARCH_H_
