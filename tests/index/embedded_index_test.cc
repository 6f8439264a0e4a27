#include "index/embedded_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "acl/directory.h"
#include "index/store/rocks_store.h"
#include "support/fake_encoder.h"
#include "support/temp_folder.h"

namespace codelore::index {
namespace {

// One chunk per line.
NewFile MakeFile(std::string path, std::string text) {
  NewFile file{std::move(path), std::move(text), {}};
  file.chunked.language = file.path.ends_with(".md") ? "markdown" : "python";
  uint32_t begin = 0, line = 1;
  while (begin < file.text.size()) {
    auto end = static_cast<uint32_t>(std::min(file.text.find('\n', begin), file.text.size() - 1)) + 1;
    Chunk chunk;
    chunk.bytes = {begin, end};
    chunk.start_line = chunk.end_line = line++;
    file.chunked.chunks.push_back(chunk);
    begin = end;
  }
  return file;
}

class EmbeddedIndexTest : public ::testing::Test {
 protected:
  explicit EmbeddedIndexTest(bool sparse = false) : encoder_(1, sparse) {}
  void SetUp() override { Open(); }

  void Open() {
    index_.reset();
    directory_.reset();
    store_.reset();
    store_ = OpenRocksStore(folder_ / "store").value();
    directory_ = acl::Directory::Open(*store_).value();
    auto index = OpenEmbeddedIndex(folder_ / "segments", *store_);
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    index_ = std::move(*index);
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
  }

  acl::Source AddSource(std::string name, std::vector<std::string> readers = {}) {
    return directory_->AddSource({.tenant = tenant_, .name = std::move(name), .location = "/nowhere", .readers = std::move(readers)})
        .value();
  }

  Status Commit(const acl::Source& source, std::string revision, std::vector<NewFile> add,
                std::vector<std::string> remove = {}) {
    PartitionId partition = directory_->PartitionFor(source.id, "").value();
    IndexCommit commit{.tenant = tenant_, .source = source.id, .revision = revision, .partitions = {}, .ledger = {},
                       .ledger_gone = remove, .state = {.branch = "main", .revision = revision}};
    for (const NewFile& file : add) {
      commit.ledger.push_back({.path = file.path, .language = file.chunked.language, .version = "v", .partition = partition,
                               .size_bytes = file.text.size(),
                               .chunks = static_cast<uint32_t>(file.chunked.chunks.size())});
    }
    commit.partitions.push_back({partition, std::move(add), std::move(remove)});
    return index_->Commit(commit);
  }

  Viewer Operator() { return directory_->OperatorViewer(tenant_).value(); }
  Viewer User(std::string name, std::vector<std::string> teams = {}) {
    return directory_->ViewerForUser(tenant_, name, teams).value();
  }

  SearchResult Search(const Viewer& viewer, std::string text, SearchRequest request = {}) {
    request.text = std::move(text);
    std::vector<std::string_view> texts = {request.text};
    Encoding encoding = encoder_.Encode(texts, {.sparse = encoder_.info().has_sparse}).value()[0];
    request.token_weights = encoding.sparse;
    auto result = index_->Search(viewer, request, encoding.dense, encoder_.info().fingerprint);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return std::move(*result);
  }
  std::vector<std::string> Paths(const SearchResult& result) {
    std::vector<std::string> paths;
    for (const Hit& hit : result.hits) paths.push_back(hit.path);
    return paths;
  }
  Status Embed(const acl::Source& source, std::stop_token stop = {}) {
    auto partitions = directory_->PartitionsOf(source.id).value();
    return index_->Embed(tenant_, partitions, encoder_, 2, stop, [](const EmbedProgress&) {});
  }

  testing::TempFolder folder_;
  std::unique_ptr<KeyValueStore> store_;
  std::unique_ptr<acl::Directory> directory_;
  std::unique_ptr<Index> index_;
  TenantId tenant_;
  testing::FakeEncoder encoder_;
};

TEST_F(EmbeddedIndexTest, FindsWhatWasCommittedAlsoAfterReopening) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "def parse_header(): pass\n"), MakeFile("b.py", "x = 1\n")}).ok());
  for (int round = 0; round < 2; ++round) {
    SearchResult result = Search(Operator(), "parse header");
    ASSERT_EQ(Paths(result), std::vector<std::string>{"a.py"});
    EXPECT_EQ(result.hits[0].revision, "c1");
    EXPECT_EQ(result.hits[0].branch, "main");
    EXPECT_EQ(result.hits[0].text, "def parse_header(): pass\n");
    EXPECT_DOUBLE_EQ(result.hits[0].coverage, 1);
    Open();
  }
}

TEST_F(EmbeddedIndexTest, ReplacesAndRemovesFilesInOneCommit) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "old words\n"), MakeFile("b.py", "other words\n"), MakeFile("c.py", "words\n")}).ok());
  ASSERT_TRUE(Commit(source, "c2", {MakeFile("a.py", "new thing\n")}, {"b.py"}).ok());
  EXPECT_EQ(Paths(Search(Operator(), "words")), std::vector<std::string>{"c.py"});
  EXPECT_EQ(Paths(Search(Operator(), "thing")), std::vector<std::string>{"a.py"});
  EXPECT_TRUE(Search(Operator(), "old").hits.empty());
  Open();
  EXPECT_EQ(Paths(Search(Operator(), "words")), std::vector<std::string>{"c.py"});
  auto status = index_->Describe(Operator(), source.id, encoder_.info().fingerprint).value();
  EXPECT_EQ(status.files_indexed, 2u);
  EXPECT_EQ(status.chunks, 2u);
}

TEST_F(EmbeddedIndexTest, DeletedTextLeavesNoTraceInTheStatistics) {
  acl::Source source = AddSource("repo");
  std::vector<NewFile> files = {MakeFile("keep.py", "alpha beta\n"), MakeFile("stay.py", "beta gamma\n")};
  ASSERT_TRUE(Commit(source, "c1", files).ok());
  double clean = Search(Operator(), "alpha beta").hits[0].why.lexical;
  for (int i = 0; i < 5; ++i) files.push_back(MakeFile("gone" + std::to_string(i) + ".py", "alpha alpha beta\n"));
  ASSERT_TRUE(Commit(source, "c2", files).ok());
  ASSERT_NE(Search(Operator(), "alpha beta").hits[0].why.lexical, clean);
  ASSERT_TRUE(Commit(source, "c3", {}, {"gone0.py", "gone1.py", "gone2.py", "gone3.py", "gone4.py"}).ok());
  EXPECT_EQ(Search(Operator(), "alpha beta").hits[0].why.lexical, clean);
}

TEST_F(EmbeddedIndexTest, ShowsAStrangerAnEmptyWorldAndAReaderOnlyTheirs) {
  acl::Source open = AddSource("open", {"user:ann"});
  acl::Source secret = AddSource("secret", {"team:sec"});
  ASSERT_TRUE(Commit(open, "c1", {MakeFile("a.py", "shared word\n")}).ok());
  double alone = Search(User("ann"), "shared word").hits[0].why.lexical;
  ASSERT_TRUE(Commit(secret, "s1", {MakeFile("k.py", "shared word secret\n"), MakeFile("l.py", "word\n")}).ok());
  EXPECT_TRUE(Search(User("bob"), "shared word").hits.empty());
  EXPECT_EQ(Search(User("bob"), "shared").chunks, 0u);
  EXPECT_EQ(Paths(Search(User("ann"), "shared word")), std::vector<std::string>{"a.py"});
  EXPECT_EQ(Search(User("ann"), "shared word").hits[0].why.lexical, alone);
  EXPECT_EQ(Search(User("ann"), "shared word").chunks, 1u);
  EXPECT_EQ(Search(User("cat", {"sec"}), "word").hits.size(), 2u);
  EXPECT_FALSE(index_->Describe(User("ann"), secret.id, encoder_.info().fingerprint).ok());
}

TEST_F(EmbeddedIndexTest, FiltersBySourcePathAndLanguage) {
  acl::Source one = AddSource("one"), two = AddSource("two");
  ASSERT_TRUE(Commit(one, "c1", {MakeFile("src/a.py", "needle\n"), MakeFile("doc/a.md", "needle\n")}).ok());
  ASSERT_TRUE(Commit(two, "c1", {MakeFile("src/b.py", "needle\n")}).ok());
  EXPECT_EQ(Search(Operator(), "needle").hits.size(), 3u);
  EXPECT_EQ(Paths(Search(Operator(), "needle", {.filter = {.sources = {two.id}}})), std::vector<std::string>{"src/b.py"});
  EXPECT_EQ(Paths(Search(Operator(), "needle", {.filter = {.languages = {"markdown"}}})), std::vector<std::string>{"doc/a.md"});
  EXPECT_EQ(Paths(Search(Operator(), "needle", {.filter = {.paths = {"src/**"}}})), (std::vector<std::string>{"src/a.py", "src/b.py"}));
  EXPECT_TRUE(Search(Operator(), "needle", {.filter = {.paths = {"nowhere/**"}}}).hits.empty());
}

TEST_F(EmbeddedIndexTest, SearchesByVectorOnceEmbedded) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "red apple\n"), MakeFile("b.py", "blue sea\n")}).ok());
  SearchResult before = Search(Operator(), "apple red", {.mode = SearchMode::kVector});
  EXPECT_TRUE(before.hits.empty());
  EXPECT_EQ(before.chunks_with_vectors, 0u);
  ASSERT_TRUE(Embed(source).ok());
  for (int round = 0; round < 2; ++round) {
    SearchResult after = Search(Operator(), "apple red", {.mode = SearchMode::kVector});
    ASSERT_EQ(after.hits.size(), 2u);
    EXPECT_EQ(after.hits[0].path, "a.py");
    EXPECT_GT(after.hits[0].similarity, 0.5);
    EXPECT_EQ(after.chunks_with_vectors, 2u);
    Open();
  }
}

TEST_F(EmbeddedIndexTest, TakesEmbeddingsOfUnchangedTextFromTheCache) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "one\ntwo\nthree\n")}).ok());
  ASSERT_TRUE(Embed(source).ok());
  int encoded = encoder_.encoded;
  ASSERT_TRUE(Commit(source, "c2", {MakeFile("a.py", "one\ntwo\nfour\n")}).ok());
  ASSERT_TRUE(Embed(source).ok());
  EXPECT_EQ(encoder_.encoded, encoded + 1);
  EXPECT_EQ(Search(Operator(), "one").chunks_with_vectors, 3u);
}

TEST_F(EmbeddedIndexTest, StoresNoVectorsWhenTheEncoderFailsAndGoesOnLater) {
  acl::Source source = AddSource("repo");
  std::string text;
  for (int i = 0; i < 200; ++i) text += "line number " + std::to_string(i) + "\n";
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", text)}).ok());
  encoder_.fail_after_texts = 100;
  EXPECT_EQ(Embed(source).code(), StatusCode::kUnavailable);
  EXPECT_EQ(Search(Operator(), "line", {.mode = SearchMode::kLexical}).chunks_with_vectors, 0u);
  encoder_.fail_after_texts = -1;
  ASSERT_TRUE(Embed(source).ok());
  EXPECT_EQ(encoder_.encoded, 200 + 1);  // each line once, and the question
  EXPECT_EQ(Search(Operator(), "line").chunks_with_vectors, 200u);
}

TEST_F(EmbeddedIndexTest, LeavesOutADamagedSegmentAndMarksItsFiles) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "first words\n")}).ok());
  ASSERT_TRUE(Commit(source, "c2", {MakeFile("b.py", "second words\n")}).ok());
  std::string damaged;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "segments")) {
    std::string content = testing::ReadFile(entry.path());
    if (content.find("a.py") != std::string::npos) damaged = entry.path();
  }
  ASSERT_FALSE(damaged.empty());
  std::string content = testing::ReadFile(damaged);
  content[content.size() / 2] ^= 4;
  std::ofstream(damaged, std::ios::binary) << content;
  Open();
  EXPECT_EQ(Paths(Search(Operator(), "words")), std::vector<std::string>{"b.py"});
  auto status = index_->Describe(Operator(), source.id, encoder_.info().fingerprint).value();
  ASSERT_EQ(status.failed.size(), 1u);
  EXPECT_EQ(status.failed[0].path, "a.py");
  EXPECT_NE(status.failed[0].reason.find("damaged"), std::string::npos);
}

TEST_F(EmbeddedIndexTest, RemovesASourceWithItsFilesOnDisk) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "words\n")}).ok());
  ASSERT_TRUE(Embed(source).ok());
  ASSERT_TRUE(index_->RemoveSource(source.id, directory_->PartitionsOf(source.id).value()).ok());
  EXPECT_TRUE(Search(Operator(), "words").hits.empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "segments"));
  EXPECT_EQ(index_->Describe(Operator(), source.id, encoder_.info().fingerprint).value().files_indexed, 0u);
}

TEST_F(EmbeddedIndexTest, ASecondProcessIsRefused) {
  auto second = OpenRocksStore(folder_ / "store");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(second.status().message().find("in use"), std::string::npos);
}

TEST_F(EmbeddedIndexTest, AStoreOlderThanItsLastWriteIsRefused) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "words\n")}).ok());
  index_.reset();
  directory_.reset();
  store_.reset();
  std::filesystem::remove_all(folder_ / "store");
  auto reopened = OpenRocksStore(folder_ / "store");
  ASSERT_FALSE(reopened.ok());
  EXPECT_EQ(reopened.status().code(), StatusCode::kCorruption);
}

// ---- lexical weights of the encoder ------------------------------------------------------------------------

using Products = std::vector<std::pair<std::string, double>>;

class TokenWeightsSearchTest : public EmbeddedIndexTest {
 protected:
  TokenWeightsSearchTest() : EmbeddedIndexTest(/*sparse=*/true) {}
  // Path and inner product of the hits that have one, by path.
  Products Weighed(const Viewer& viewer, std::string text) {
    Products found;
    for (const Hit& hit : Search(viewer, std::move(text), {.limit = 100}).hits) {
      EXPECT_EQ(hit.why.token_weights > 0, hit.why.token_weights_rank > 0);
      if (hit.why.token_weights > 0) found.emplace_back(hit.path, hit.why.token_weights);
    }
    std::ranges::sort(found);
    return found;
  }
};

TEST_F(TokenWeightsSearchTest, FindsByInnerProductAlsoAfterReopeningMergingAndDeleting) {
  acl::Source source = AddSource("repo", {"user:ann"});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Commit(source, "c", {MakeFile("f" + std::to_string(i) + ".py", i < 2 ? "walrus walrus walrus\n" : "filler\n")}).ok());
    ASSERT_TRUE(Embed(source).ok());
  }
  const Products both = {{"f0.py", 0.5 * 1.5}, {"f1.py", 0.5 * 1.5}};
  EXPECT_EQ(Weighed(Operator(), "walrus"), both);
  Open();
  EXPECT_EQ(Weighed(Operator(), "walrus"), both);
  const int encoded = encoder_.encoded;
  ASSERT_TRUE(index_->Merge(directory_->PartitionsOf(source.id).value(), {}).ok());
  EXPECT_LT(index_->Describe(Operator(), source.id, encoder_.info().fingerprint)->segments, 8u);
  EXPECT_EQ(Weighed(Operator(), "walrus"), both);
  ASSERT_TRUE(Embed(source).ok());
  EXPECT_EQ(encoder_.encoded, encoded + 1) << "the question alone";
  ASSERT_TRUE(Commit(source, "d", {}, {"f0.py"}).ok());
  EXPECT_EQ(Weighed(Operator(), "walrus"), (Products{{"f1.py", 0.5 * 1.5}}));
  EXPECT_TRUE(Weighed(User("bob"), "walrus").empty());
  EXPECT_EQ(Weighed(User("ann"), "walrus").size(), 1u);
}

TEST_F(TokenWeightsSearchTest, AnotherEncodersSegmentsAndOtherModesHaveNone) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c1", {MakeFile("a.py", "walrus\n")}).ok());
  ASSERT_TRUE(Embed(source).ok());
  EXPECT_EQ(Search(Operator(), "walrus", {.mode = SearchMode::kVector}).hits[0].why.token_weights, 0);
  EXPECT_EQ(Search(Operator(), "walrus", {.mode = SearchMode::kLexical}).hits[0].why.token_weights, 0);
  SearchRequest request{.text = "walrus"};
  request.token_weights = encoder_.Encode(std::vector<std::string_view>{"walrus"}, {.sparse = true}).value()[0].sparse;
  const Hash256 other = testing::FakeEncoder(7).info().fingerprint;
  EXPECT_EQ(index_->Search(Operator(), request, {}, other)->hits[0].why.token_weights, 0);
}

TEST_F(TokenWeightsSearchTest, WhatOthersMayNotReadMovesNoScore) {
  acl::Source open = AddSource("open", {"user:ann"}), secret = AddSource("secret");
  ASSERT_TRUE(Commit(open, "c1", {MakeFile("a.py", "walrus seal\n"), MakeFile("b.py", "seal\n")}).ok());
  ASSERT_TRUE(Embed(open).ok());
  const SearchResult before = Search(User("ann"), "walrus seal");
  ASSERT_TRUE(Commit(secret, "c1", {MakeFile("k.py", "walrus walrus walrus seal seal\n")}).ok());
  ASSERT_TRUE(Embed(secret).ok());
  const SearchResult after = Search(User("ann"), "walrus seal");
  ASSERT_EQ(Paths(after), Paths(before));
  for (size_t i = 0; i < before.hits.size(); ++i) EXPECT_EQ(after.hits[i].score, before.hits[i].score);
  EXPECT_EQ(Weighed(Operator(), "walrus").size(), 2u);
}

// ---- merging -----------------------------------------------------------------------------------------------

class MergingTest : public EmbeddedIndexTest {
 protected:
  Status Merge(const acl::Source& source) { return index_->Merge(directory_->PartitionsOf(source.id).value(), {}); }
  SourceStatus Describe(const acl::Source& source) { return index_->Describe(Operator(), source.id, encoder_.info().fingerprint).value(); }
  // All that a reader sees, as text.
  std::string Seen() {
    std::string out;
    for (const char* query : {"alpha", "beta gamma", "walrus", "def"}) {
      for (SearchMode mode : {SearchMode::kLexical, SearchMode::kVector, SearchMode::kHybrid}) {
        std::vector<std::string> hits;
        for (const Hit& hit : Search(Operator(), query, {.mode = mode, .limit = 100}).hits) {
          hits.push_back(hit.path + "@" + hit.revision + ":" + std::to_string(hit.start_line) + " " + hit.text + std::to_string(hit.why.lexical) + " " +
                         std::to_string(hit.why.dense));
        }
        std::ranges::sort(hits);  // equal scores may change places
        for (const std::string& hit : hits) out += hit + "\n";
      }
      auto exact = index_->SearchExact(Operator(), {.pattern = query}).value();
      for (const ExactFile& file : exact.files) out += file.path + " " + std::to_string(file.matches) + "\n";
    }
    return out;
  }
};

TEST_F(MergingTest, ManySmallCommitsBecomeFewSegmentsAndNothingElseChanges) {
  acl::Source source = AddSource("repo");
  for (int i = 0; i < 40; ++i) {
    std::string number = std::to_string(i), text = i % 3 == 0 ? "alpha beta " : "gamma walrus ";
    ASSERT_TRUE(Commit(source, "c" + number, {MakeFile("f" + number + ".py", "def x" + number + "\n" + text + number + "\n"),
                                               MakeFile("hot.py", "alpha " + number + "\n")},
                       i % 5 == 4 ? std::vector<std::string>{"f" + std::to_string(i - 2) + ".py"} : std::vector<std::string>{}).ok());
    ASSERT_TRUE(Embed(source).ok());
  }
  std::string before = Seen();
  SourceStatus status = Describe(source);
  EXPECT_GT(status.segments, 30u);
  ASSERT_TRUE(Merge(source).ok());
  SourceStatus merged = Describe(source);
  EXPECT_LT(merged.segments, 8u);
  EXPECT_LT(merged.index_bytes, status.index_bytes);
  EXPECT_EQ(merged.chunks, status.chunks);
  EXPECT_EQ(merged.chunks_with_vectors, merged.chunks);
  EXPECT_EQ(merged.files_indexed, status.files_indexed);
  EXPECT_EQ(Seen(), before);
  Open();
  EXPECT_EQ(Seen(), before);
  EXPECT_EQ(Describe(source).segments, merged.segments);
  int encoded = encoder_.encoded;
  ASSERT_TRUE(Embed(source).ok());
  EXPECT_EQ(encoder_.encoded, encoded);
  // Files beside the manifest are the ones it names: a segment and its vectors each.
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "segments")) files += entry.is_regular_file();
  EXPECT_EQ(files, 2 * merged.segments);
}

TEST_F(MergingTest, WithoutVectorsTooAndDeletesGoOn) {
  acl::Source source = AddSource("repo");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Commit(source, "c", {MakeFile("f" + std::to_string(i) + ".py", "alpha " + std::to_string(i) + "\n")}).ok());
  }
  ASSERT_TRUE(Merge(source).ok());
  EXPECT_LT(Describe(source).segments, 8u);
  ASSERT_TRUE(Commit(source, "d", {}, {"f3.py", "f7.py"}).ok());
  EXPECT_EQ(Search(Operator(), "alpha", {.mode = SearchMode::kLexical, .limit = 100}).hits.size(), 18u);
  ASSERT_TRUE(Commit(source, "e", {MakeFile("f4.py", "walrus\n")}).ok());
  EXPECT_EQ(Search(Operator(), "alpha", {.mode = SearchMode::kLexical, .limit = 100}).hits.size(), 17u);
  EXPECT_EQ(Search(Operator(), "walrus", {.mode = SearchMode::kLexical}).hits[0].revision, "e");
}

TEST_F(MergingTest, SegmentsOfAnUnfinishedUpdateStayApart) {
  acl::Source source = AddSource("repo");
  PartitionId partition = directory_->PartitionFor(source.id, "").value();
  for (int i = 0; i < 10; ++i) {
    IndexCommit commit{.tenant = tenant_, .source = source.id, .revision = "new", .partitions = {}, .ledger = {}, .ledger_gone = {},
                       .state = {.branch = "main", .revision = "old", .target_revision = "new"}};
    commit.partitions.push_back({partition, {MakeFile("f" + std::to_string(i) + ".py", "alpha\n")}, {}});
    ASSERT_TRUE(index_->Commit(commit).ok());
  }
  ASSERT_TRUE(Merge(source).ok());
  EXPECT_EQ(Describe(source).segments, 10u);
}

TEST_F(MergingTest, DamageToAMergedSegmentIsKnownToItsFiles) {
  acl::Source source = AddSource("repo");
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(Commit(source, "c", {MakeFile("f" + std::to_string(i) + ".py", "alpha " + std::to_string(i) + "\n")}).ok());
  }
  ASSERT_TRUE(Merge(source).ok());
  index_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "segments")) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.put('\xFF');
    file.put('\x01');
  }
  Open();
  EXPECT_EQ(Describe(source).files_failed, 8u);
}

// Readers and a writer go on while segments are merged.
TEST_F(MergingTest, ReadersAndWritersAreNotDisturbed) {
  acl::Source source = AddSource("repo");
  ASSERT_TRUE(Commit(source, "c", {MakeFile("base.py", "walrus\n")}).ok());
  std::atomic<bool> done = false;
  std::jthread merging([&] {
    while (!done) EXPECT_TRUE(Merge(source).ok());
  });
  std::jthread reading([&] {
    while (!done) EXPECT_EQ(Search(Operator(), "walrus", {.mode = SearchMode::kLexical}).hits.size(), 1u);
  });
  for (int i = 0; i < 60; ++i) {
    std::string name = "f" + std::to_string(i % 12) + ".py";
    if (i % 7 == 6) {
      ASSERT_TRUE(Commit(source, "c", {}, {name}).ok());
    } else {
      ASSERT_TRUE(Commit(source, "c", {MakeFile(name, "alpha " + std::to_string(i) + "\n")}).ok());
    }
  }
  done = true;
  merging.join();
  reading.join();
  std::map<std::string, std::string> wanted, found;
  for (int i = 0; i < 60; ++i) {
    std::string name = "f" + std::to_string(i % 12) + ".py";
    if (i % 7 == 6) wanted.erase(name);
    else wanted[name] = "alpha " + std::to_string(i) + "\n";
  }
  for (const Hit& hit : Search(Operator(), "alpha", {.mode = SearchMode::kLexical, .limit = 100}).hits) {
    EXPECT_TRUE(found.emplace(hit.path, hit.text).second) << hit.path;
  }
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace codelore::index
