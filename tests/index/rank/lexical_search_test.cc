#include "index/rank/lexical_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "acl/directory.h"
#include "index/blobs.h"
#include "support/memory_store.h"

namespace codelore::index {
namespace {

// A snapshot of random segments in several partitions, all visible to the operator.
class RandomWorld {
 public:
  RandomWorld(uint32_t seed, int partitions, uint32_t chunks_each) : random_(seed) {
    directory_ = acl::Directory::Open(store_).value();
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
    for (int p = 0; p < partitions; ++p) {
      auto source = directory_->AddSource({.tenant = tenant_, .name = "s" + std::to_string(p), .location = "/"}).value();
      auto partition = std::make_shared<PartitionSnapshot>();
      partition->id = directory_->PartitionsOf(source.id).value()[0];
      partition->tenant = tenant_;
      partition->source = source.id;
      for (int s = 0; s < 1 + static_cast<int>(random_() % 2); ++s) partition->segments.push_back(MakeSegment(chunks_each));
      snapshot_.partitions[partition->id] = partition;
    }
  }

  const Snapshot& snapshot() const { return snapshot_; }
  Viewer Operator() const { return directory_->OperatorViewer(tenant_).value(); }
  // Zipf-like: word 0 is everywhere, word 300 hardly anywhere.
  std::string Word() {
    double u = std::uniform_real_distribution<>(0.0, 1.0)(random_);
    return "w" + std::to_string(static_cast<int>(std::pow(400.0, u)) - 1);
  }
  std::mt19937& random() { return random_; }

 private:
  std::shared_ptr<const LiveSegment> MakeSegment(uint32_t chunks) {
    SegmentBuilder builder;
    for (uint32_t made = 0; made < chunks;) {
      NewFile file{.path = (random_() % 3 == 0 ? "doc/f" : "src/f") + std::to_string(made) + ".py", .text = {}, .chunked = {}};
      file.chunked.language = "python";
      uint32_t count = 1 + static_cast<uint32_t>(random_() % 5);
      for (uint32_t i = 0; i < count; ++i, ++made) {
        Chunk chunk;
        chunk.bytes.begin = static_cast<uint32_t>(file.text.size());
        for (uint64_t words = 1 + random_() % 12; words > 0; --words) file.text += Word() + " ";
        chunk.bytes.end = static_cast<uint32_t>(file.text.size());
        file.chunked.chunks.push_back(chunk);
      }
      builder.AddFile(file, Hash256());
    }
    auto bytes = std::make_shared<std::string>(builder.Finish());
    auto live = std::make_shared<LiveSegment>();
    live->reader = SegmentReader::Open(*bytes, bytes).value();
    live->live_chunks = live->reader->chunk_count();
    if (random_() % 2 == 0) {
      live->file_deleted.resize(live->reader->file_count());
      for (uint32_t f = 0; f < live->reader->file_count(); ++f) {
        if (random_() % 10 != 0) continue;
        live->file_deleted[f] = 1;
        live->live_chunks -= live->reader->file(f).chunk_count;
      }
    }
    return live;
  }

  std::mt19937 random_;
  testing::MemoryStore store_;
  std::unique_ptr<acl::Directory> directory_;
  TenantId tenant_;
  Snapshot snapshot_;
};

QueryTerms RandomQuery(RandomWorld& world) {
  QueryTerms query;
  for (uint64_t words = 1 + world.random()() % 8; words > 0; --words) {
    std::string word = world.random()() % 20 == 0 ? "absent" : world.Word();
    if (std::ranges::find(query.terms, word) != query.terms.end()) continue;
    query.terms.push_back(word);
    query.weights.push_back(static_cast<float>(1 + world.random()() % 2));
  }
  return query;
}

void ExpectSame(const std::vector<ChunkRef>& a, const std::vector<ChunkRef>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].segment, b[i].segment) << i;
    ASSERT_EQ(a[i].ordinal, b[i].ordinal) << i;
    ASSERT_EQ(a[i].score, b[i].score) << i;
  }
}

TEST(LexicalSearch, FindsExactlyWhatScoringEveryChunkFindsIn100000RandomQueries) {
  const std::pair<int, uint32_t> shapes[] = {{1, 9000}, {3, 3000}, {40, 60}, {1, 300}, {200, 4}};
  for (uint32_t seed = 0; seed < 20; ++seed) {
    RandomWorld random_world(seed, shapes[seed % 5].first, shapes[seed % 5].second);
    Viewer viewer = random_world.Operator();
    SearchFilter filter;
    if (seed % 3 == 1) filter.paths = {"doc/**"};
    World world(random_world.snapshot(), viewer, filter);
    for (int round = 0; round < 5000; ++round) {
      LexicalSearch search(world, RandomQuery(random_world));
      size_t k = std::array<size_t, 4>{1, 10, 10, 100}[random_world.random()() % 4];
      std::vector<ChunkRef> best = search.Best(k);
      ASSERT_NO_FATAL_FAILURE(ExpectSame(best, search.BestExhaustively(k))) << "seed " << seed << " round " << round;
    }
  }
}

TEST(LexicalSearch, ScoresGivenChunksAsTheRankingDoes) {
  RandomWorld random_world(99, 2, 2000);
  Viewer viewer = random_world.Operator();
  World world(random_world.snapshot(), viewer, {});
  for (int round = 0; round < 200; ++round) {
    LexicalSearch search(world, RandomQuery(random_world));
    for (const ChunkRef& ref : search.Best(20)) {
      std::vector<uint32_t> chunks = {ref.ordinal};
      if (ref.ordinal + 1 < world.segments()[ref.segment].reader().chunk_count()) chunks.push_back(ref.ordinal + 1);
      std::vector<ChunkMatch> matches = search.Score(ref.segment, chunks).chunks;
      EXPECT_EQ(matches[0].score, ref.score);
      EXPECT_NE(matches[0].terms, 0u);
      EXPECT_GT(search.Coverage(matches[0].terms), 0);
    }
  }
}

// One word's score of a file, from its chunks' scores.
double WholeFile(std::span<const ChunkMatch> chunks, double weight) {
  double sum = 0;
  for (const ChunkMatch& chunk : chunks) {
    double share = chunk.score / weight;  // weighted / (k1 + weighted)
    sum += kK1 * share / (1 - share);
  }
  sum /= 1 + std::log(static_cast<double>(chunks.size()));
  return weight * sum / (kK1 + sum);
}

TEST(LexicalSearch, ScoresAFileAsOneTextOfItsChunks) {
  RandomWorld random_world(7, 1, 500);
  Viewer viewer = random_world.Operator();
  World world(random_world.snapshot(), viewer, {});
  const SegmentReader& reader = world.segments()[0].reader();
  std::vector<uint32_t> chunks(reader.chunk_count());
  std::iota(chunks.begin(), chunks.end(), 0);
  for (int round = 0; round < 50; ++round) {
    const QueryTerms query = RandomQuery(random_world);
    std::vector<double> expected(reader.file_count());
    for (size_t t = 0; t < query.terms.size(); ++t) {
      LexicalSearch word(world, {.terms = {query.terms[t]}, .weights = {query.weights[t]}});
      const std::vector<ChunkMatch> matches = word.Score(0, chunks).chunks;
      for (uint32_t f = 0; f < reader.file_count(); ++f) {
        const FileRow& file = reader.file(f);
        expected[f] += WholeFile(std::span(matches).subspan(file.first_chunk, file.chunk_count), word.Idf(0) * query.weights[t]);
      }
    }
    const LexicalScores scores = LexicalSearch(world, query).Score(0, chunks);
    ASSERT_EQ(scores.files.size(), reader.file_count());
    for (uint32_t f = 0; f < reader.file_count(); ++f) EXPECT_NEAR(scores.files[f], expected[f], 0.02) << f;
  }
}

TEST(LexicalSearch, GivesNothingForAWorldOfNothing) {
  Snapshot empty;
  testing::MemoryStore store;
  auto directory = acl::Directory::Open(store).value();
  Viewer viewer = directory->OperatorViewer(directory->FindTenant(acl::kDefaultTenant).value()).value();
  World world(empty, viewer, {});
  QueryTerms query{.terms = {"word"}, .weights = {1}};
  EXPECT_TRUE(LexicalSearch(world, query).Best(10).empty());
}

}  // namespace
}  // namespace codelore::index
