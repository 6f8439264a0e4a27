#include "index/snapshot.h"

#include <utility>

#include "index/rank/path_kind.h"

namespace codelore::index {

std::shared_ptr<const LiveSegment> MakeLive(SegmentEntry entry, std::shared_ptr<const SegmentReader> reader,
                                            std::vector<std::shared_ptr<const VectorIndex>> vectors) {
  auto live = std::make_shared<LiveSegment>();
  if (!entry.deleted_files.empty()) live->file_deleted.resize(reader->file_count());
  for (uint32_t file : entry.deleted_files) live->file_deleted[file] = 1;
  for (uint32_t file = 0; file < reader->file_count(); ++file) {
    if (live->FileDeleted(file)) continue;
    const FileRow& row = reader->file(file);
    live->live_chunks += row.chunk_count;
    if (IsProseLanguage(reader->StringsOf(row).language)) live->live_prose_chunks += row.chunk_count;
  }
  live->entry = std::move(entry);
  live->reader = std::move(reader);
  live->vectors = std::move(vectors);
  return live;
}

}  // namespace codelore::index
