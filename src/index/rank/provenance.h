// Where a file of a segment comes from, as hits and citations say it.
#ifndef CODELORE_INDEX_RANK_PROVENANCE_H_
#define CODELORE_INDEX_RANK_PROVENANCE_H_

#include <string>

#include "index/rank/world.h"
#include "index/snapshot.h"

namespace codelore::index {

struct Provenance {
  SourceId source;
  std::string revision, branch;
};

inline Provenance ProvenanceOf(const Snapshot& snapshot, const VisibleSegment& segment) {
  Provenance provenance{.source = segment.partition().source, .revision = {}, .branch = {}};
  if (auto state = snapshot.sources.find(provenance.source); state != snapshot.sources.end()) {
    provenance.branch = state->second.branch;
    provenance.revision = state->second.revision;
    // While an update is under way its files stand for the new revision, all others still for the old one.
    const std::string& own = segment.live().entry.revision;
    if (provenance.revision.empty() || own == state->second.target_revision) provenance.revision = own;
  }
  return provenance;
}

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_PROVENANCE_H_
