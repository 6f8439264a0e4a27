#include "index/rank/provenance.h"

#include <algorithm>
#include <set>

namespace codelore::index {

std::vector<SeenBranch> SeenBy(const Snapshot& snapshot, const Viewer& viewer, const SearchFilter& filter) {
  std::set<SourceId> sources;
  for (const ReadablePartition& readable : viewer.partitions()) {
    bool wanted = filter.sources.empty() || std::ranges::find(filter.sources, readable.source) != filter.sources.end();
    if (wanted) sources.insert(readable.source);
  }
  std::vector<SeenBranch> seen;
  for (SourceId source : sources) {
    auto at = snapshot.sources.find(source);
    if (at == snapshot.sources.end()) continue;
    const SourceState& state = at->second;
    BranchSet branches = BranchesNamed(state, filter.branches);
    if ((branches & kDefaultBranch) != 0) seen.push_back({source, state.branch, state.revision, !state.target_revision.empty()});
    for (const BranchState& branch : state.others) {
      if ((branches >> branch.bit & 1) != 0) seen.push_back({source, branch.name, branch.revision, !branch.target_revision.empty()});
    }
  }
  return seen;
}

}  // namespace codelore::index
