// Where a file of a segment comes from, as hits and citations say it.
#ifndef CODELORE_INDEX_RANK_PROVENANCE_H_
#define CODELORE_INDEX_RANK_PROVENANCE_H_

#include <bit>
#include <string>
#include <vector>

#include "index/rank/world.h"
#include "index/snapshot.h"

namespace codelore::index {

struct Provenance {
  SourceId source;
  std::string revision, branch;
  std::vector<std::string> branches;  // all that hold the file
};

// Of a file that the segment's view holds.
inline Provenance ProvenanceOf(const Snapshot& snapshot, const VisibleSegment& segment, uint32_t file) {
  Provenance provenance{.source = segment.partition().source, .revision = {}, .branch = {}, .branches = {}};
  auto at = snapshot.sources.find(provenance.source);
  if (at == snapshot.sources.end()) return provenance;
  const SourceState& state = at->second;
  BranchSet holders = segment.live().BranchesOf(file);
  const BranchState* other = FindBranch(state, static_cast<uint32_t>(std::countr_zero(holders & segment.branches())));
  provenance.branches = BranchNames(state, holders);
  provenance.branch = other != nullptr ? other->name : state.branch;
  provenance.revision = other != nullptr ? other->revision : state.revision;
  // While an update is under way its files stand for the new revision, all others still for the old one.
  const std::string& own = segment.live().entry.revision;
  const std::string& target = other != nullptr ? other->target_revision : state.target_revision;
  if (provenance.revision.empty() || (own == target && !target.empty())) provenance.revision = own;
  return provenance;
}

// What a search with this filter looks at.
std::vector<SeenBranch> SeenBy(const Snapshot& snapshot, const Viewer& viewer, const SearchFilter& filter);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_PROVENANCE_H_
