#include "ingest/branch_plan.h"

#include <algorithm>
#include <bit>

namespace codelore::ingest {
namespace {

constexpr size_t kMaxNamedLeftOut = 100;

}  // namespace

BranchPlan PlanBranches(const SourceState& state, const std::string& default_branch, const std::vector<GitRef>& refs) {
  BranchPlan plan;
  BranchSet used = kDefaultBranch, kept = kDefaultBranch;
  for (const BranchState& branch : state.others) used |= BranchSet{1} << branch.bit;
  std::vector<const GitRef*> fresh;
  for (const GitRef& ref : refs) {
    if (ref.name == default_branch) continue;
    auto known = std::ranges::find(state.others, ref.name, &BranchState::name);
    if (known == state.others.end()) {
      fresh.push_back(&ref);
      continue;
    }
    kept |= BranchSet{1} << known->bit;
    plan.branches.push_back({.ref = ref, .bit = known->bit});
  }
  plan.gone = used & ~kept;
  for (const GitRef* ref : fresh) {
    BranchSet free = ~used != 0 ? ~used : ~kept;
    if (free == 0) {
      if (plan.left_out.size() < kMaxNamedLeftOut) plan.left_out.push_back(ref->name);
      continue;
    }
    BranchSet bit = free & (~free + 1);
    used |= bit;
    kept |= bit;
    plan.branches.push_back({.ref = *ref, .bit = static_cast<uint32_t>(std::countr_zero(bit)), .added = true});
  }
  return plan;
}

bool HasBranchNews(const SourceState& state, const std::string& default_branch, const std::vector<GitRef>& refs) {
  size_t known = 0;
  bool full = state.others.size() + 1 >= kMaxBranches;
  for (const GitRef& ref : refs) {
    if (ref.name == default_branch) continue;
    auto at = std::ranges::find(state.others, ref.name, &BranchState::name);
    bool left_out = std::ranges::find(state.left_out, ref.name) != state.left_out.end();
    if (at == state.others.end() ? !left_out && !full : at->revision != ref.commit || !at->target_revision.empty()) return true;
    known += at != state.others.end();
  }
  return known != state.others.size();
}

uint32_t ClosestBranch(const SourceState& state, const std::string& commit) {
  if (state.revision == commit) return 0;
  auto at = std::ranges::find(state.others, commit, &BranchState::revision);
  return at != state.others.end() ? at->bit : 0;
}

}  // namespace codelore::ingest
