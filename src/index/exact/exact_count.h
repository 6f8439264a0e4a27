// The first half of an exact search: which files of a world have matches, and how many.
#ifndef CODELORE_INDEX_EXACT_EXACT_COUNT_H_
#define CODELORE_INDEX_EXACT_EXACT_COUNT_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "index/exact/pattern.h"
#include "index/rank/world.h"

namespace codelore::index {

// What all the searches of one request may cost together. Not thread-safe.
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

// A file with the blocks that may have a match; once they are counted, those that have.
struct CountedFile {
  uint32_t segment = 0, file = 0;
  std::vector<uint32_t> blocks;
  std::vector<uint64_t> counts;  // of matches, beside blocks
  uint64_t matches = 0;
  bool secondary = false, defines = false;
};

// The candidates among the allowed files, in order of segment and file, but those of the first row before tests and
// the like.
std::vector<CountedFile> Candidates(World& world, const PatternMatcher& matcher);

// Counts the matches of candidates, in their order, until there are more than `max_matches`, which `capped` tells, or
// the budget ends; leaves those that have any. Large sets are shared by several threads: the outcome is the same.
Status CountMatches(World& world, const PatternMatcher& matcher, uint64_t max_matches, ExactBudget& budget,
                    std::vector<CountedFile>& files, bool& capped);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_EXACT_COUNT_H_
