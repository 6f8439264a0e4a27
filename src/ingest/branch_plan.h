// BranchPlan: which branches of a source are indexed under which bits (index.h), and which are left out.
//
// A branch keeps its bit for as long as it is followed. Those that are new take what is free, in the order of the listing:
// branches before tags, by name. A branch that was renamed is one gone and one new.
#ifndef CODELORE_INGEST_BRANCH_PLAN_H_
#define CODELORE_INGEST_BRANCH_PLAN_H_

#include <string>
#include <vector>

#include "codelore/index.h"
#include "ingest/git.h"

namespace codelore::ingest {

struct PlannedBranch {
  GitRef ref;
  uint32_t bit = 0;
  bool added = false;  // the index does not know it yet
};

struct BranchPlan {
  std::vector<PlannedBranch> branches;  // besides the default one
  BranchSet gone = 0;                   // bits that are followed no longer
  std::vector<std::string> left_out;    // names; the first 100
};

// `refs` is what is followed; the default branch may be among it. Bits of branches that are gone are taken again only if
// no other is free: until they are dropped, a branch that was renamed finds its files under the old name.
BranchPlan PlanBranches(const SourceState& state, const std::string& default_branch, const std::vector<GitRef>& refs);

// Whether a run would change anything: as `refs` tells, with the index as `state` tells.
bool HasBranchNews(const SourceState& state, const std::string& default_branch, const std::vector<GitRef>& refs);

// The branch whose files are most like those of a commit: one that is at that very commit, or the default one.
uint32_t ClosestBranch(const SourceState& state, const std::string& commit);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_BRANCH_PLAN_H_
