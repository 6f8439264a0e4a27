// PartitionMerge: some segments of a partition on their way to be one. What needs no lock is here; EmbeddedIndex commits
// the result.
#ifndef CODELORE_INDEX_PARTITION_MERGE_H_
#define CODELORE_INDEX_PARTITION_MERGE_H_

#include <memory>
#include <stop_token>
#include <vector>

#include "codelore/store.h"
#include "index/segment/segment_merger.h"
#include "index/segment_folder.h"
#include "index/snapshot.h"

namespace codelore::index {

struct PartitionMerge {
  std::shared_ptr<const PartitionSnapshot> partition;
  std::vector<std::shared_ptr<const LiveSegment>> segments;  // none: nothing is to be merged
};

struct MergedSegment {
  SegmentEntry entry;
  std::shared_ptr<const SegmentReader> reader;
  std::vector<std::shared_ptr<const VectorIndex>> vectors;  // beside entry.vectors
  std::vector<MergedPlaces> places;  // beside the merge's segments: where their files are now
};

// While an update of several commits is under way, segments stand for different revisions: they stay apart.
bool IsBetweenRevisions(const Snapshot& snapshot, SourceId source);

PartitionMerge ChooseSegments(const std::shared_ptr<const PartitionSnapshot>& partition);

// Writes segment and vectors under the id and revision in `entry`. kUnavailable when stopped.
Result<MergedSegment> WriteMerged(const PartitionMerge& merge, SegmentEntry entry, const SegmentFolder& folder,
                                  const KeyValueStore& store, const std::stop_token& stop);

// Gives the merged segment's files the branches that they have in its inputs now; files that are in none since are
// deleted. False if an input is gone or has other vectors now.
bool CatchUp(const PartitionMerge& merge, const PartitionSnapshot& now, MergedSegment& merged);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_PARTITION_MERGE_H_
