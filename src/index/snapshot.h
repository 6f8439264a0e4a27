// Snapshot: one consistent view of all partitions, as readers hold it. Immutable; a commit publishes the next one
// and shares everything that did not change.
#ifndef CODELORE_INDEX_SNAPSHOT_H_
#define CODELORE_INDEX_SNAPSHOT_H_

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "index/manifest.h"
#include "index/segment/segment.h"
#include "index/vector/vector_index.h"

namespace codelore::index {

// A segment with what has happened to it since it was written: all its files that any branch holds, or, as a view, those
// that some branches hold; the others are deleted then for whoever looks.
struct LiveSegment {
  SegmentEntry entry;
  std::shared_ptr<const SegmentReader> reader;
  std::vector<std::shared_ptr<const VectorIndex>> vectors;  // beside entry.vectors
  std::vector<uint8_t> file_deleted;                        // by file ordinal; empty: none is
  uint64_t live_files = 0, live_chunks = 0;
  uint64_t live_prose_chunks = 0;  // those of documents

  // Views for single branches that hold some of the files, but not all. A view has none itself.
  std::vector<std::pair<BranchSet, std::shared_ptr<const LiveSegment>>> views;
  BranchSet of_any = kDefaultBranch, of_all = kDefaultBranch;  // branches that hold any, or all, of the files

  BranchSet BranchesOf(uint32_t file) const { return entry.branches.empty() ? kDefaultBranch : entry.branches[file]; }
  bool FileDeleted(uint32_t file) const { return !file_deleted.empty() && file_deleted[file] != 0; }
  // Null without vectors of this encoder.
  const VectorIndex* VectorsOf(const Hash256& encoder) const {
    for (size_t i = 0; i < entry.vectors.size(); ++i) {
      if (entry.vectors[i].encoder == encoder) return vectors[i].get();
    }
    return nullptr;
  }
};

// What has to be counted is counted here. `entry.deleted_files` must lie within the segment.
std::shared_ptr<const LiveSegment> MakeLive(SegmentEntry entry, std::shared_ptr<const SegmentReader> reader,
                                            std::vector<std::shared_ptr<const VectorIndex>> vectors);

// The files that any branch of `set` holds; the segment itself where these are all, null where there are none.
std::shared_ptr<const LiveSegment> ViewOf(const std::shared_ptr<const LiveSegment>& segment, BranchSet set);

// The set in words, as far as these branches can be searched.
std::vector<std::string> BranchNames(const SourceState& state, BranchSet set);
// The branches that `patterns` name (name_pattern.h; one that is a branch's very name means that one alone). The default
// one without patterns, and for an empty one.
BranchSet BranchesNamed(const SourceState& state, const std::vector<std::string>& patterns);
const BranchState* FindBranch(const SourceState& state, uint32_t bit);  // null for the default one

struct PartitionSnapshot {
  PartitionId id;
  TenantId tenant;
  SourceId source;
  std::vector<std::shared_ptr<const LiveSegment>> segments;
};

struct Snapshot {
  std::unordered_map<PartitionId, std::shared_ptr<const PartitionSnapshot>> partitions;
  std::unordered_map<SourceId, SourceState> sources;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SNAPSHOT_H_
