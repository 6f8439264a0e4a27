// What one segment adds to what is told of a source.
#ifndef CODELORE_INDEX_SOURCE_COUNTS_H_
#define CODELORE_INDEX_SOURCE_COUNTS_H_

#include <string_view>

#include "codelore/index.h"
#include "index/snapshot.h"

namespace codelore::index {

uint32_t VectorsOfFile(const LiveSegment& segment, std::string_view path, const Hash256& encoder);
void AddCounts(const LiveSegment& segment, const Hash256& encoder, SourceSummary& summary);
void AddSegment(const LiveSegment& segment, const Hash256& encoder, SourceStatus& status);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SOURCE_COUNTS_H_
