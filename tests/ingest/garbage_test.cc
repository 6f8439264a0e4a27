// Texts and vectors that nothing needs any more, over the whole write path.
#include "ingest/indexer_fixture.h"

namespace codelore::ingest {
namespace {

using std::chrono::milliseconds;

class GarbageTest : public IndexerTest {
 protected:
  uint64_t Collect(int64_t now) {
    auto removed = index_->CollectGarbage(now, milliseconds(100), encoder_.info().fingerprint, {});
    EXPECT_TRUE(removed.ok()) << removed.status().ToString();
    return removed.ok() ? *removed : 0;
  }
  size_t Rows(Table table) {
    size_t rows = 0;
    EXPECT_TRUE(store_.Scan(table, "", [&](std::string_view, std::string_view) { return ++rows > 0; }).ok());
    return rows;
  }
};

TEST_F(GarbageTest, WhatNothingNeedsGoesAfterAWhileAndNothingElse) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Write("b.md", "beta\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  EXPECT_EQ(Collect(0), 0u);
  EXPECT_EQ(Collect(1000), 0u);
  repository.Write("a.md", "gamma\n");
  repository.Commit();
  Run(source);
  EXPECT_EQ(Rows(Table::kBlobs), 3u);
  EXPECT_EQ(Collect(2000), 0u);  // noted
  EXPECT_EQ(Collect(2050), 0u);  // not for long enough
  EXPECT_EQ(Collect(2200), 2u);  // text and vector
  EXPECT_EQ(Rows(Table::kBlobs), 2u);
  EXPECT_EQ(Rows(Table::kEmbeddings), 2u);
  EXPECT_EQ(Find("gamma"), Paths{"a.md"});
  EXPECT_EQ(Find("beta"), Paths{"b.md"});
}

TEST_F(GarbageTest, WhatComesBackIsKept) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  std::string first = repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Write("a.md", "beta\n");
  repository.Commit();
  Run(source);
  EXPECT_EQ(Collect(0), 0u);
  repository.Git({"reset", "-q", "--hard", first});
  int encoded = encoder_.encoded;
  Run(source);
  EXPECT_EQ(encoder_.encoded, encoded);
  EXPECT_EQ(Collect(1000), 0u);  // beta is noted only now
  EXPECT_EQ(Collect(2000), 2u);
  EXPECT_EQ(Find("alpha"), Paths{"a.md"});
  Reopen();
  EXPECT_EQ(Find("alpha"), Paths{"a.md"});
}

TEST_F(GarbageTest, TimeCountsAnewForWhatCameBackBetweenTwoLooks) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  std::string first = repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Write("a.md", "beta\n");
  std::string second = repository.Commit();
  Run(source);
  EXPECT_EQ(Collect(0), 0u);  // alpha is noted
  repository.Git({"reset", "-q", "--hard", first});
  Run(source);
  repository.Git({"reset", "-q", "--hard", second});
  Run(source);
  EXPECT_EQ(Collect(1000), 0u);  // it was needed since
  EXPECT_EQ(Collect(1200), 2u);
}

TEST_F(GarbageTest, OtherSourcesAndBranchesKeepWhatTheyShare) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Commit();
  acl::Source one = Add(repository.path(), "one"), two = Add(repository.path(), "two");
  Run(one);
  Run(two);
  auto partitions = directory_->PartitionsOf(one.id).value();
  ASSERT_TRUE(directory_->RemoveSource(one.id).ok());
  ASSERT_TRUE(index_->RemoveSource(one.id, partitions).ok());
  EXPECT_EQ(Collect(0), 0u);
  EXPECT_EQ(Collect(1000), 0u);
  EXPECT_EQ(Find("alpha"), Paths{"a.md"});
}

}  // namespace
}  // namespace codelore::ingest
