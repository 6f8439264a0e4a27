#include "index/manifest.h"

#include <gtest/gtest.h>

namespace codelore::index {
namespace {

PartitionManifest WithBranches() {
  PartitionManifest manifest{{1}, {2}, {}};
  manifest.segments.resize(2);
  manifest.segments[0] = {.id = {7}, .revision = "abc", .file = {100, 5}, .deleted_files = {1}, .vectors = {}, .branches = {3, 0, 3, 1}};
  manifest.segments[1] = {.id = {8}, .revision = "def", .file = {50, 6}, .deleted_files = {}, .vectors = {}};
  return manifest;
}

TEST(Manifest, BranchesComeBackAndCostRuns) {
  std::string bytes = Encode(WithBranches());
  PartitionManifest read;
  ASSERT_TRUE(Decode(bytes, read).ok());
  EXPECT_EQ(read.segments[0].branches, (std::vector<BranchSet>{3, 0, 3, 1}));
  EXPECT_TRUE(read.segments[1].branches.empty());
  EXPECT_EQ(read.segments[1].revision, "def");
  PartitionManifest large = WithBranches();
  size_t before = Encode(large).size();
  large.segments[0].branches.assign(100'000, ~BranchSet{0});
  EXPECT_LT(Encode(large).size(), before + 16);
}

// What was written before there were branches, byte for byte.
TEST(Manifest, WithoutBranchesItIsTheOldForm) {
  PartitionManifest manifest = WithBranches();
  manifest.segments[0].branches.clear();
  std::string bytes = Encode(manifest);
  EXPECT_EQ(bytes[0], 1);
  PartitionManifest read;
  ASSERT_TRUE(Decode(bytes, read).ok());
  EXPECT_TRUE(read.segments[0].branches.empty());
  EXPECT_EQ(bytes.size() + 1 + 8 + 1, Encode(WithBranches()).size()) << "two counts of runs, and four runs of two bytes";

  FileRecord record{.path = "a", .version = "1"};
  std::string old = Encode(record);
  record.branches = 6;
  EXPECT_EQ(Encode(record).size(), old.size() + 1);
  FileRecord again;
  ASSERT_TRUE(Decode(old, again).ok());
  EXPECT_EQ(again.branches, kDefaultBranch);
  SourceState state{.branch = "main", .revision = "x"};
  std::string plain = Encode(state);
  state.others.push_back({.bit = 3, .name = "release", .revision = "y"});
  SourceState back;
  ASSERT_TRUE(Decode(Encode(state), back).ok());
  EXPECT_EQ(back.others[0].name, "release");
  ASSERT_TRUE(Decode(plain, back = {}).ok());
  EXPECT_TRUE(back.others.empty());
}

TEST(Manifest, DamagedBytesAreRefusedOrReadAsSomethingSound) {
  const std::string bytes = Encode(WithBranches());
  for (size_t end = 0; end < bytes.size(); ++end) {
    PartitionManifest read;
    EXPECT_FALSE(Decode(bytes.substr(0, end), read).ok()) << end;
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ 1 << (bit % 8));
    PartitionManifest read;
    (void)Decode(altered, read).ok();
    for (const SegmentEntry& segment : read.segments) EXPECT_LE(segment.branches.size(), size_t{1} << 22);
  }
}

TEST(Manifest, VersionsOfAPathHaveKeysOfTheirOwn) {
  EXPECT_EQ(LedgerKey({1}, "a"), LedgerKey({1}, "a", 5));  // the default branch has it
  EXPECT_EQ(LedgerKey({1}, "a", 6), LedgerKey({1}, "a", 2));
  EXPECT_NE(LedgerKey({1}, "a", 6), LedgerKey({1}, "a", 4));
  for (BranchSet set : {BranchSet{1}, BranchSet{6}, BranchSet{1} << 63}) EXPECT_EQ(PathInLedgerKey(LedgerKey({1}, "a/b", set)), "a/b");
}

}  // namespace
}  // namespace codelore::index
