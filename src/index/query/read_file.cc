#include "index/query/read_file.h"

#include <utility>

#include "index/blobs.h"
#include "index/rank/provenance.h"
#include "index/rank/world.h"

namespace codelore::index {

Result<FileText> ReadFileIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer, SourceId source,
                            const std::string& path, const std::string& branch) {
  SearchFilter filter;
  filter.sources.push_back(source);
  if (!branch.empty()) filter.branches.push_back(branch);
  World world(snapshot, viewer, filter);
  for (VisibleSegment& segment : world.segments()) {
    const SegmentReader& reader = segment.reader();
    for (uint32_t i = 0; i < reader.file_count(); ++i) {
      FileStrings strings = reader.StringsOf(reader.file(i));
      if (strings.path != path || !segment.Allows(i)) continue;
      Provenance provenance = ProvenanceOf(snapshot, segment, i);
      FileText file{.revision = std::move(provenance.revision), .branch = std::move(provenance.branch),
                    .language = std::string(strings.language), .text = {}};
      ASSIGN_OR_RETURN(file.text, ReadBlob(store, segment.partition().tenant, reader.file(i).blob));
      return file;
    }
  }
  return NotFound("there is no such file that you may read");
}

}  // namespace codelore::index
