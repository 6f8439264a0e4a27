#include "index/source_counts.h"

#include <algorithm>

namespace codelore::index {
uint64_t LiveChunksWithVectors(const LiveSegment& segment, const Hash256& encoder) {
  const VectorIndex* vectors = segment.VectorsOf(encoder);
  if (vectors == nullptr) return 0;
  if (vectors->rows() >= segment.reader->chunk_count()) return segment.live_chunks;
  uint64_t count = 0;
  for (uint32_t file = 0; file < segment.reader->file_count(); ++file) {
    if (segment.FileDeleted(file)) continue;
    const FileRow& row = segment.reader->file(file);
    count += std::clamp(vectors->rows(), row.first_chunk, row.first_chunk + row.chunk_count) - row.first_chunk;
  }
  return count;
}

uint32_t VectorsOfFile(const LiveSegment& segment, std::string_view path, const Hash256& encoder) {
  const VectorIndex* vectors = segment.VectorsOf(encoder);
  for (uint32_t file = 0; vectors != nullptr && file < segment.reader->file_count(); ++file) {
    const FileRow& row = segment.reader->file(file);
    if (segment.FileDeleted(file) || segment.reader->StringsOf(row).path != path) continue;
    return std::clamp(vectors->rows(), row.first_chunk, row.first_chunk + row.chunk_count) - row.first_chunk;
  }
  return 0;
}

void AddSpaces(const LiveSegment& segment, VectorSpaces& all) {
  all.chunks += segment.live_chunks;
  for (size_t i = 0; i < segment.vectors.size(); ++i) {
    const Hash256& encoder = segment.entry.vectors[i].encoder;
    auto space = std::ranges::find(all.spaces, encoder, &VectorSpace::encoder);
    if (space == all.spaces.end()) space = all.spaces.insert(space, {encoder});
    space->chunks_with_vectors += LiveChunksWithVectors(segment, encoder);
    space->bytes += segment.vectors[i]->size_bytes();
  }
}

void AddCounts(const LiveSegment& segment, const Hash256& encoder, SourceSummary& summary) {
  summary.chunks += segment.live_chunks;
  summary.chunks_with_vectors += LiveChunksWithVectors(segment, encoder);
  summary.index_bytes += segment.reader->size_bytes();
  for (const auto& vectors : segment.vectors) summary.index_bytes += vectors->size_bytes();
  ++summary.segments;
}

void AddSegment(const LiveSegment& segment, const Hash256& encoder, SourceStatus& status) {
  const SegmentReader& reader = *segment.reader;
  for (uint32_t file = 0; file < reader.file_count(); ++file) {
    if (!segment.FileDeleted(file)) status.text_bytes += reader.file(file).size_bytes;
  }
  status.chunks += segment.live_chunks;
  status.chunks_with_vectors += LiveChunksWithVectors(segment, encoder);
  status.index_bytes += reader.size_bytes();
  for (const auto& v : segment.vectors) status.index_bytes += v->size_bytes();
  ++status.segments;
}

}  // namespace codelore::index
