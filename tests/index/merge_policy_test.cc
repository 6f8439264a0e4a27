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

TEST(MergePolicyTest, SegmentOfWhichAThirdIsGoneIsRewrittenAndUnreadyOnesAreLeft) {
  std::vector<MergeCandidate> segments = {{100, 100}, {66, 100}, {67, 100}};
  EXPECT_EQ(ChooseMerge(segments), std::vector<size_t>{1});
  segments[1].ready = false;
  EXPECT_TRUE(ChooseMerge(segments).empty());
}

// Files of one chunk each, replaced one by one at random.
TEST(MergePolicyTest, WhatIsDeletedNeverTakesMoreThanHalfOfWhatLives) {
  constexpr uint32_t kFiles = 2000;
  std::vector<MergeCandidate> segments = Same(1, kFiles);
  std::vector<std::vector<uint32_t>> files(1);
  for (uint32_t file = 0; file < kFiles; ++file) files[0].push_back(file);
  std::mt19937 random(5);
  uint64_t copied = 0, most = 0;
  for (int push = 0; push < 10'000; ++push) {
    uint32_t file = random() % kFiles;
    for (size_t i = 0; i < files.size(); ++i) {
      if (std::erase(files[i], file) > 0) --segments[i].live_chunks;
    }
    files.push_back({file});
    segments.push_back({1, 1});
    for (auto chosen = ChooseMerge(segments); !chosen.empty(); chosen = ChooseMerge(segments)) {
      std::vector<uint32_t> merged;
      for (size_t i = chosen.size(); i > 0; --i) {
        auto at = static_cast<ptrdiff_t>(chosen[i - 1]);
        merged.insert(merged.end(), files[chosen[i - 1]].begin(), files[chosen[i - 1]].end());
        files.erase(files.begin() + at);
        segments.erase(segments.begin() + at);
      }
      copied += merged.size();
      segments.push_back({merged.size(), merged.size()});
      files.push_back(std::move(merged));
    }
    uint64_t all = 0;
    for (const MergeCandidate& segment : segments) all += segment.all_chunks;
    most = std::max(most, all);
  }
  EXPECT_LE(most, kFiles * 3 / 2);
  EXPECT_LT(copied, 10u * 10'000);
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
