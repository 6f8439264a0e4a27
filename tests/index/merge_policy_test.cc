#include "index/merge_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace codelore::index {
namespace {

std::vector<MergeCandidate> Same(size_t count, uint64_t chunks) { return std::vector<MergeCandidate>(count, {chunks, chunks}); }

TEST(MergePolicyTest, EightOfOneTierAreMerged) {
  EXPECT_TRUE(ChooseMerge(Same(7, 5)).empty());
  EXPECT_EQ(ChooseMerge(Same(8, 5)).size(), 8u);
  auto mixed = Same(7, 5);
  mixed.push_back({100'000, 100'000});
  EXPECT_TRUE(ChooseMerge(mixed).empty());
  EXPECT_TRUE(ChooseMerge(Same(30, 30'000)).empty());  // two would be too large
}

TEST(MergePolicyTest, MostlyDeletedSegmentIsRewrittenAndUnreadyOnesAreLeft) {
  std::vector<MergeCandidate> segments = {{100, 100}, {49, 100}, {50, 100}};
  EXPECT_EQ(ChooseMerge(segments), std::vector<size_t>{1});
  segments[1].ready = false;
  EXPECT_TRUE(ChooseMerge(segments).empty());
}

TEST(MergePolicyTest, ManyPushesLeaveFewSegmentsAndCopyLittle) {
  std::vector<MergeCandidate> segments = Same(1, 50'000);
  uint64_t copied = 0, pushed = 0;
  std::mt19937 random(3);
  for (int push = 0; push < 10'000; ++push) {
    uint64_t chunks = 1 + random() % 10;
    pushed += chunks;
    segments.push_back({chunks, chunks});
    for (auto chosen = ChooseMerge(segments); !chosen.empty(); chosen = ChooseMerge(segments)) {
      uint64_t sum = 0;
      for (size_t i : chosen) sum += segments[i].live_chunks;
      for (size_t i = chosen.size(); i > 0; --i) segments.erase(segments.begin() + static_cast<ptrdiff_t>(chosen[i - 1]));
      segments.push_back({sum, sum});
      copied += sum;
    }
  }
  EXPECT_LT(segments.size(), 50u);
  EXPECT_LT(copied, 8 * pushed);
}

}  // namespace
}  // namespace codelore::index
