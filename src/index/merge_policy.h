// Which segments of a partition are to be made one.
//
// Tiered, as in log-structured stores: segments are sorted by their living chunks into tiers, each four times the one
// before; eight of one tier are merged. So a chunk is copied about once per tier, and n pushes leave at most seven
// segments per tier. A segment of which more than a third is deleted is rewritten alone.
#ifndef CODELORE_INDEX_MERGE_POLICY_H_
#define CODELORE_INDEX_MERGE_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace codelore::index {

struct MergeCandidate {
  uint64_t live_chunks = 0, all_chunks = 0;
  bool ready = true;  // false: it lacks vectors that others have, or may still change
};

// Indexes of segments to merge, ascending; empty: nothing is to be done.
std::vector<size_t> ChooseMerge(std::span<const MergeCandidate> segments);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_MERGE_POLICY_H_
