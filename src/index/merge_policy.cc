#include "index/merge_policy.h"

#include <algorithm>
#include <array>

namespace codelore::index {
namespace {

constexpr size_t kSegmentsPerTier = 8;
constexpr size_t kMostAtOnce = 64;         // after a backlog: all of a tier
constexpr uint64_t kFirstTier = 32;        // chunks
constexpr uint64_t kLargestMerge = 40'000;  // chunks: some tens of megabytes of text

size_t TierOf(uint64_t chunks) {
  size_t tier = 0;
  for (uint64_t limit = kFirstTier; chunks > limit; limit *= 4) ++tier;
  return tier;
}

// Where a third is gone: so what is deleted never takes more than half of the room that the rest takes, and a chunk is copied
// at most twice for each one that goes.
bool IsMuchDeleted(const MergeCandidate& segment) {
  return segment.live_chunks * 3 < segment.all_chunks * 2 && segment.live_chunks <= kLargestMerge;
}

}  // namespace

std::vector<size_t> ChooseMerge(std::span<const MergeCandidate> segments) {
  std::array<std::vector<size_t>, 64> tiers;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].ready) tiers[TierOf(segments[i].live_chunks)].push_back(i);
  }
  for (const std::vector<size_t>& tier : tiers) {
    if (tier.size() < kSegmentsPerTier) continue;
    std::vector<size_t> chosen;
    uint64_t chunks = 0;
    for (size_t i : tier) {
      chunks += segments[i].live_chunks;
      if (chunks > kLargestMerge || chosen.size() == kMostAtOnce) break;
      chosen.push_back(i);
    }
    if (chosen.size() > 1) return chosen;
  }
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].ready && IsMuchDeleted(segments[i])) return {i};
  }
  return {};
}

}  // namespace codelore::index
