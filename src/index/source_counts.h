// What one segment adds to what is told of a source.
#ifndef CODELORE_INDEX_SOURCE_COUNTS_H_
#define CODELORE_INDEX_SOURCE_COUNTS_H_

#include <string_view>

#include "codelore/index.h"
#include "index/snapshot.h"

namespace codelore::index {

// Chunks of files that are not deleted.
uint64_t LiveChunksWithVectors(const LiveSegment& segment, const Hash256& encoder);
uint32_t VectorsOfFile(const LiveSegment& segment, std::string_view path, const Hash256& encoder);
void AddSpaces(const LiveSegment& segment, VectorSpaces& all);
void AddCounts(const LiveSegment& segment, const Hash256& encoder, SourceSummary& summary);
void AddSegment(const LiveSegment& segment, const Hash256& encoder, SourceStatus& status);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SOURCE_COUNTS_H_
