// Runs that are stopped, fail or are cut off: what is in the index is always consistent, and the next run completes
// it without doing again what is done.
#include <functional>

#include "ingest/indexer_fixture.h"

namespace codelore::ingest {
namespace {

constexpr int kFiles = 48;

std::string NameOf(int i) { return "folder" + std::to_string(i % 7) + "/file" + std::to_string(i) + ".txt"; }
// Ends so that no stemmer cuts it.
std::string WordOf(int i) { return std::string("w") + static_cast<char>('a' + i / 26) + static_cast<char>('a' + i % 26) + "rq"; }

// Calls `before` ahead of every text batch it encodes.
class WatchedEncoder final : public TextEncoder {
 public:
  explicit WatchedEncoder(std::function<void()> before) : before_(std::move(before)) {}
  const EncoderInfo& info() const override { return encoder_.info(); }
  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts, const EncodeOptions& options) const override {
    before_();
    return encoder_.Encode(texts, options);
  }

 private:
  FakeEncoder encoder_;
  const std::function<void()> before_;
};

class IndexerStopTest : public IndexerTest {
 protected:
  void SetUp() override {
    IndexerTest::SetUp();
    Fill("");
    limits_ = {.window_files = 4, .window_bytes = 1 << 20, .commit_files = 8, .commit_bytes = 1 << 20};
    source_ = Add(repository_.path());
  }
  // Every file gets its own word and `more`.
  std::string Fill(const std::string& more) {
    for (int i = 0; i < kFiles; ++i) repository_.Write(NameOf(i), WordOf(i) + " " + more + "\n");
    return repository_.Commit();
  }
  void RunUntil(const std::function<bool(const IndexProgress&)>& enough) {
    std::stop_source stop;
    auto report = TryRun(source_, stop.get_token(), [&](const IndexProgress& progress) {
      if (enough(progress)) stop.request_stop();
    });
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.status().code(), StatusCode::kUnavailable) << report.status().ToString();
  }
  // The ledger and the index agree, and each file is found in one of its two states. How many are in the new one.
  int CheckConsistent(const std::string& more) {
    std::map<std::string, std::string> ledger = Ledger(source_);
    int fresh = 0;
    for (int i = 0; i < kFiles; ++i) {
      auto hits = Search(WordOf(i));
      EXPECT_EQ(hits.size(), ledger.contains(NameOf(i)) ? 1u : 0u) << i;
      if (hits.empty()) continue;
      EXPECT_EQ(hits[0].path, NameOf(i));
      if (hits[0].text.find(more) != std::string::npos) ++fresh;
    }
    EXPECT_EQ(Describe(source_).files_indexed, ledger.size());
    return fresh;
  }

  ScratchRepository repository_;
  acl::Source source_;
};

TEST_F(IndexerStopTest, StopBetweenCommitsKeepsWhatIsDone) {
  for (uint64_t enough : {4u, 20u, 40u}) {
    source_ = Add(repository_.path(), "source" + std::to_string(enough));
    RunUntil([&](const IndexProgress& progress) { return progress.files_done >= enough; });
    int done = CheckConsistent("");
    EXPECT_GE(done, static_cast<int>(enough));
    EXPECT_LT(done, kFiles);
    SourceState state = index_->StateOf(source_.id).value();
    EXPECT_TRUE(state.revision.empty());
    EXPECT_FALSE(state.target_revision.empty());
    Reopen();
    IndexReport rest = Run(source_);
    EXPECT_EQ(rest.files_unchanged, static_cast<uint64_t>(done));
    EXPECT_EQ(rest.files_changed, static_cast<uint64_t>(kFiles - done));
    EXPECT_EQ(CheckConsistent(""), kFiles);
    EXPECT_TRUE(index_->StateOf(source_.id)->target_revision.empty());
    auto partitions = directory_->PartitionsOf(source_.id).value();
    ASSERT_TRUE(directory_->RemoveSource(source_.id).ok());
    ASSERT_TRUE(index_->RemoveSource(source_.id, partitions).ok());
  }
}

TEST_F(IndexerStopTest, StoppedUpdateCitesTheCommitEachFileStandsFor) {
  std::string first = Run(source_).revision;
  std::string second = Fill("renewed");
  repository_.Git({"rm", "--quiet", NameOf(0)});
  second = repository_.Commit();
  RunUntil([](const IndexProgress& progress) { return progress.files_done >= 20; });
  int fresh = CheckConsistent("renewed");
  EXPECT_GE(fresh, 19);
  EXPECT_LT(fresh, kFiles);
  for (const Hit& hit : Search(WordOf(1) + " " + WordOf(10) + " " + WordOf(26) + " " + WordOf(47))) {
    EXPECT_EQ(hit.revision, hit.text.find("renewed") == std::string::npos ? first : second) << hit.path;
  }
  EXPECT_EQ(Find(WordOf(0)), Paths{NameOf(0)});  // removals come last
  Run(source_);
  EXPECT_EQ(Find(WordOf(0)), Paths{});
  EXPECT_EQ(Find("renewed").size(), static_cast<size_t>(kFiles - 1));
  for (const Hit& hit : Search("renewed")) EXPECT_EQ(hit.revision, second);
}

TEST_F(IndexerStopTest, StopWhileListingChangesNothing) {
  RunUntil([](const IndexProgress& progress) { return progress.stage == IndexStage::kListing; });
  EXPECT_TRUE(Ledger(source_).empty());
  Run(source_);
  EXPECT_EQ(CheckConsistent(""), kFiles);
}

TEST_F(IndexerStopTest, StopWhileEncodingLeavesTextSearchableAndVectorsForLater) {
  std::stop_source stop;
  std::atomic<int> calls{0};
  WatchedEncoder watched([&] {
    if (++calls == 1) stop.request_stop();
  });
  Indexer indexer(*index_, *directory_, watched, {.repositories_folder = data_ / "repositories", .threads = 1, .limits = limits_});
  auto report = indexer.Run(source_, stop.get_token(), [](const IndexProgress&) {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(CheckConsistent(""), kFiles);
  SourceStatus status = Describe(source_);
  EXPECT_FALSE(status.state.revision.empty());
  EXPECT_LT(status.chunks_with_vectors, status.chunks);
  IndexReport rest = Run(source_);
  EXPECT_EQ(rest.files_changed, 0u);
  EXPECT_EQ(Describe(source_).chunks_with_vectors, status.chunks);
}

TEST_F(IndexerStopTest, EncoderThatFailsLosesNoText) {
  encoder_.fail_after_texts = 0;
  auto report = TryRun(source_);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(CheckConsistent(""), kFiles);
  encoder_.fail_after_texts = -1;
  EXPECT_EQ(Run(source_).files_changed, 0u);
  SourceStatus status = Describe(source_);
  EXPECT_EQ(status.chunks_with_vectors, status.chunks);
}

TEST_F(IndexerStopTest, StoreThatFailsLosesTheBatchAtMost) {
  auto report = TryRun(source_, {}, [&](const IndexProgress& progress) {
    if (progress.files_done >= 24) store_.set_fault(MemoryStore::Fault::kFailAndDrop);
  });
  ASSERT_FALSE(report.ok());
  store_.set_fault(MemoryStore::Fault::kNone);
  Reopen();
  EXPECT_GE(CheckConsistent(""), 8);
  Run(source_);
  EXPECT_EQ(CheckConsistent(""), kFiles);
}

TEST_F(IndexerStopTest, ManySmallBatchesGiveWhatOneLargeBatchGives) {
  Run(source_);
  EXPECT_GT(Describe(source_).segments, 1u);
  limits_ = {};
  acl::Source whole = Add(repository_.path(), "whole");
  Run(whole);
  EXPECT_EQ(Describe(whole).segments, 1u);
  EXPECT_EQ(Ledger(source_), Ledger(whole));
  EXPECT_EQ(Describe(source_).chunks, Describe(whole).chunks);
  for (int i = 0; i < kFiles; ++i) EXPECT_EQ(Search(WordOf(i)).size(), 2u) << i;
}

}  // namespace
}  // namespace codelore::ingest
