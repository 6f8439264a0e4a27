#include "index/rank/hit.h"

#include "index/blobs.h"
#include "index/rank/provenance.h"

namespace codelore::index {

Result<Hit> MakeHit(const KeyValueStore& store, const Snapshot& snapshot, const VisibleSegment& segment,
                    const ChunkRow& chunk) {
  const SegmentReader& reader = segment.reader();
  const FileRow& file = reader.file(chunk.file);
  Hit hit;
  Provenance provenance = ProvenanceOf(snapshot, segment, chunk.file);
  hit.source = provenance.source;
  hit.branch = std::move(provenance.branch);
  hit.branches = std::move(provenance.branches);
  hit.revision = std::move(provenance.revision);
  FileStrings file_strings = reader.StringsOf(file);
  ChunkStrings strings = reader.StringsOf(chunk);
  hit.path = file_strings.path;
  hit.language = file_strings.language;
  hit.kind = static_cast<ChunkKind>(chunk.kind);
  hit.symbol = strings.symbol;
  hit.scope = strings.scope;
  hit.signature = strings.signature;
  hit.start_line = chunk.start_line;
  hit.end_line = chunk.end_line;
  ASSIGN_OR_RETURN(std::string text, ReadBlob(store, segment.partition().tenant, file.blob));
  if (chunk.end > text.size()) return Corruption("blob " + file.blob.ToHex() + " is shorter than its chunks");
  hit.text = text.substr(chunk.begin, chunk.end - chunk.begin);
  return hit;
}

}  // namespace codelore::index
