// Snapshot: one consistent view of all partitions, as readers hold it. Immutable; a commit publishes the next one
// and shares everything that did not change.
#ifndef CODELORE_INDEX_SNAPSHOT_H_
#define CODELORE_INDEX_SNAPSHOT_H_

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "index/manifest.h"
#include "index/segment/segment.h"
#include "index/vector/vector_index.h"

namespace codelore::index {

// A segment with what has happened to it since it was written.
struct LiveSegment {
  SegmentEntry entry;
  std::shared_ptr<const SegmentReader> reader;
  std::vector<std::shared_ptr<const VectorIndex>> vectors;  // beside entry.vectors
  std::vector<uint8_t> file_deleted;                        // by file ordinal; empty: none is
  uint64_t live_chunks = 0;
  uint64_t live_prose_chunks = 0;  // those of documents

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
