// Runs that look at the differences between two commits alone, compared with runs that look at everything.
#include <random>

#include "ingest/indexer_fixture.h"

namespace codelore::ingest {
namespace {

class IndexerWalkTest : public IndexerTest {
 protected:
  // What a source holds after a first run over the same commit must be what this one holds.
  void ExpectLikeFresh(const acl::Source& source, const std::string& location) {
    acl::Source fresh = Add(location, "fresh" + std::to_string(++fresh_));
    Run(fresh);
    EXPECT_EQ(Ledger(source), Ledger(fresh));
    for (const char* word : {"alpha", "beta", "gamma", "delta"}) {
      std::map<SourceId, std::set<std::string>> found;
      for (const Hit& hit : Search(word)) found[hit.source].insert(hit.path + " " + hit.revision + " " + hit.text);
      EXPECT_EQ(found[source.id], found[fresh.id]) << word;
    }
    RemoveFresh(fresh);
  }
  void RemoveFresh(const acl::Source& fresh) {
    auto partitions = directory_->PartitionsOf(fresh.id).value();
    ASSERT_TRUE(directory_->RemoveSource(fresh.id).ok());
    ASSERT_TRUE(index_->RemoveSource(fresh.id, partitions).ok());
  }

  int fresh_ = 0;
};

TEST_F(IndexerWalkTest, SecondRunLooksAtTheDifferencesOnly) {
  ScratchRepository repository;
  for (int i = 0; i < 20; ++i) repository.Write("d" + std::to_string(i) + "/f.md", "# File\n\nalpha " + std::to_string(i) + "\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  EXPECT_TRUE(Run(source).walked_all);
  repository.Write("d3/f.md", "# File\n\nbeta\n");
  repository.Write("d21/f.md", "# File\n\ngamma\n");
  repository.Git({"mv", "d4/f.md", "d4/g.md"});
  repository.Git({"rm", "-q", "d5/f.md"});
  repository.Commit();
  IndexReport report = Run(source);
  EXPECT_FALSE(report.walked_all);
  EXPECT_EQ(report.files_seen, 20u);
  EXPECT_EQ(report.files_changed, 3u);
  EXPECT_EQ(report.files_removed, 2u);
  EXPECT_EQ(report.files_unchanged, 17u);
  ExpectLikeFresh(source, repository.path());
  report = Run(source);
  EXPECT_FALSE(report.walked_all);
  EXPECT_EQ(report.files_seen, 20u);
  EXPECT_EQ(report.files_unchanged, 20u);
}

TEST_F(IndexerWalkTest, RenamedFilesKeepTheirVectorsOrAreEncodedOnce) {
  ScratchRepository repository;
  repository.Write("1/2.md", "# Title\n\nalpha beta\n");  // a path that says nothing is not part of what is embedded
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  int encoded = encoder_.encoded;
  repository.Git({"mv", "1/2.md", "3.md"});
  repository.Commit();
  EXPECT_EQ(Run(source).files_indexed, 1u);
  EXPECT_EQ(encoder_.encoded, encoded);
  EXPECT_EQ(Find("alpha"), Paths{"3.md"});
}

TEST_F(IndexerWalkTest, RewrittenHistoryIsFollowed) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  std::string first = repository.Commit();
  repository.Write("b.md", "beta secret\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Git({"reset", "--quiet", "--hard", first});
  repository.Write("c.md", "gamma\n");
  repository.Commit();
  EXPECT_FALSE(Run(source).walked_all);
  EXPECT_EQ(Find("secret"), Paths{});
  ExpectLikeFresh(source, repository.path());
  // The commit that was indexed is gone for good: everything is walked.
  repository.Git({"checkout", "--quiet", "--orphan", "other"});
  repository.Write("d.md", "delta\n");
  repository.Commit();
  repository.Git({"branch", "-M", "main"});
  repository.Git({"reflog", "expire", "--expire=now", "--all"});
  repository.Git({"gc", "--quiet", "--prune=now"});
  EXPECT_TRUE(Run(source).walked_all);
  ExpectLikeFresh(source, repository.path());
}

TEST_F(IndexerWalkTest, ChangedAttributesWalkEverything) {
  ScratchRepository repository;
  repository.Write("a/a.md", "alpha\n");
  repository.Write("b/b.md", "beta\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Write("a/.gitattributes", "*.md linguist-generated\n");
  repository.Commit();
  EXPECT_TRUE(Run(source).walked_all);
  EXPECT_EQ(Find("alpha"), Paths{});
  ExpectLikeFresh(source, repository.path());
  // They also count for files that come later, when nothing but these is looked at.
  repository.Write("a/deeper/new.md", "gamma\n");
  repository.Write("b/new.md", "delta\n");
  repository.Commit();
  EXPECT_FALSE(Run(source).walked_all);
  ExpectLikeFresh(source, repository.path());
}

TEST_F(IndexerWalkTest, OddSpellingsWalkEverything) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Write("b\\xFF.md", "beta\n");
  repository.Write("b\xFF.md", "gamma\n");
  repository.Commit();
  EXPECT_TRUE(Run(source).walked_all);
  ExpectLikeFresh(source, repository.path());
}

TEST_F(IndexerWalkTest, FilesBecomeFoldersAndLinks) {
  ScratchRepository repository;
  repository.Write("a", "alpha\n");
  repository.Write("b/c.md", "beta\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Git({"rm", "-q", "-r", "a", "b"});
  repository.Write("a/x.md", "gamma\n");
  std::string link = repository.Blob("a/x.md");
  repository.Git({"add", "--all"});
  repository.Git({"update-index", "--add", "--cacheinfo", "120000," + link + ",b"});
  repository.Git({"commit", "--quiet", "--message=change"});
  EXPECT_FALSE(Run(source).walked_all);
  ExpectLikeFresh(source, repository.path());
}

TEST_F(IndexerWalkTest, RunAfterAnInterruptedOneWalksEverything) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  repository.Write("a.md", "beta\n");
  for (int i = 0; i < 4; ++i) repository.Write("n" + std::to_string(i) + ".md", "gamma\n");
  repository.Commit();
  limits_ = {.window_files = 1, .commit_files = 1};
  std::stop_source stop;
  auto interrupted = TryRun(source, stop.get_token(), [&](const IndexProgress& progress) {
    if (progress.files_done >= 2) stop.request_stop();
  });
  EXPECT_FALSE(interrupted.ok());
  repository.Write("a.md", "alpha\n");  // back to what the last complete commit had
  repository.Commit();
  EXPECT_TRUE(Run(source).walked_all);
  ExpectLikeFresh(source, repository.path());
  repository.Write("z.md", "delta\n");
  repository.Commit();
  EXPECT_FALSE(Run(source).walked_all);
}

TEST_F(IndexerWalkTest, RandomHistoriesEndLikeAFreshRun) {
  std::mt19937 random(7);
  auto pick = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  const char* words[] = {"alpha", "beta", "gamma", "delta"};
  ScratchRepository repository;
  repository.Write("keep.md", "alpha\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  int partial = 0;
  for (int round = 0; round < 15; ++round) {
    for (int edit = 0; edit < 1 + pick(4); ++edit) {
      std::string path = "d" + std::to_string(pick(3)) + "/f" + std::to_string(pick(5)) + ".md";
      int kind = pick(10);
      if (kind == 0) repository.Write("d" + std::to_string(pick(3)) + "/.gitattributes", pick(2) ? "f1.md binary\n" : "f2.md linguist-vendored\n");
      if (kind > 0 && kind < 7) repository.Write(path, std::string(words[pick(4)]) + " " + words[pick(4)] + "\n");
      if (kind >= 7) repository.Git({"rm", "-q", "-r", "--ignore-unmatch", "-f", "--", path});
    }
    repository.Commit();
    partial += !Run(source).walked_all;
    ExpectLikeFresh(source, repository.path());
  }
  EXPECT_GT(partial, 5);
}

TEST_F(IndexerWalkTest, MirrorIsFollowedByDifferencesToo) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Write("b.md", "beta\n");
  std::string first = repository.Commit();
  acl::Source source = Add("file://" + repository.path());
  Indexer indexer(*index_, *directory_, encoder_, {.repositories_folder = data_ / "repositories"});
  EXPECT_TRUE(indexer.Run(source, {}, [](const IndexProgress&) {}).ok());
  EXPECT_FALSE(indexer.HasNews(source, {}, {}).value());
  repository.Write("a.md", "gamma\n");
  repository.Commit();
  EXPECT_TRUE(indexer.HasNews(source, {}, {}).value());
  EXPECT_FALSE(Run(source).walked_all);
  EXPECT_FALSE(indexer.HasNews(source, {}, {}).value());
  repository.Git({"reset", "--quiet", "--hard", first});
  EXPECT_FALSE(Run(source).walked_all);
  ExpectLikeFresh(source, "file://" + repository.path());
  indexer.RemoveMirror(source.id);  // the next one has no history
  repository.Write("c.md", "delta\n");
  repository.Commit();
  EXPECT_TRUE(Run(source).walked_all);
}

}  // namespace
}  // namespace codelore::ingest
