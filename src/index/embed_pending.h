// Gives the chunks that lack a vector one: from the embedding cache, else from the encoder.
#ifndef CODELORE_INDEX_EMBED_PENDING_H_
#define CODELORE_INDEX_EMBED_PENDING_H_

#include <span>
#include <stop_token>
#include <string>

#include "codelore/encoder.h"
#include "codelore/index.h"
#include "codelore/store.h"
#include "index/snapshot.h"

namespace codelore::index {

// Takes a segment's first rows.size() vectors (rows as EncodeRow makes them).
class VectorSink {
 public:
  virtual ~VectorSink() = default;
  virtual Status CommitVectors(PartitionId partition, SegmentId segment, const Hash256& encoder, uint32_t dimension,
                               std::span<const std::string> rows) = 0;
};

// Works through the segments in windows of consecutive chunks. After each window its vectors are in the cache; now
// and then, and at a segment's end, they go to `sink`. See Index::Embed.
Status EmbedPending(KeyValueStore& store, const Snapshot& snapshot, TenantId tenant,
                    std::span<const PartitionId> partitions, const TextEncoder& encoder, int threads,
                    std::stop_token stop, const std::function<void(const EmbedProgress&)>& progress,
                    VectorSink& sink);

// Ends what the embedding cache has of an encoder, some rows at a time.
Status EraseCachedVectors(KeyValueStore& store, TenantId tenant, const Hash256& encoder);

// The text of a chunk as it is embedded: a line of context (path, enclosing names, definitions), the declaration
// if the chunk does not start with it, and the chunk.
std::string EmbeddingKey(TenantId tenant, const Hash256& encoder, const Hash256& text);
std::string EmbeddedText(const FileStrings& file, const ChunkStrings& chunk, std::string_view text);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EMBED_PENDING_H_
