#include "index/rank/search.h"

#include "index/query/query_fixture.h"

namespace codelore::index {
namespace {

class ChunkRankingTest : public QueryFixture {
 protected:
  void SetUp() override {
    QueryFixture::SetUp();
    acl::Source source = AddSource("sea", {"user:ann"});
    Commit(source, {{"long.md", "walrus and heron meet\nthe walrus swims\nwalrus and heron part\na walrus sleeps\nwalrus and heron again\n"},
                    {"short.md", "walrus and heron fish\nno animals here\n"}});
  }
  std::vector<Hit> Hits(const Viewer& viewer, size_t per_file) {
    SearchRequest request = Request(viewer, "walrus heron");
    request.per_file = per_file;
    auto result = index_->Search(viewer, request, {}, {});
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? std::move(result->hits) : std::vector<Hit>();
  }
};

TEST_F(ChunkRankingTest, WithoutALimitPerFileChunksCompeteWithEachOther) {
  std::vector<Hit> hits = Hits(User("ann"), 0);
  ASSERT_EQ(hits.size(), 6u);
  for (size_t i = 0; i < hits.size(); ++i) {
    EXPECT_EQ(hits[i].text.find("heron") != std::string::npos, i < 4) << i << " " << hits[i].text;
    EXPECT_LE(hits[i].score, hits[i == 0 ? 0 : i - 1].score);
    double sum = 0;
    for (const auto& [name, amount] : hits[i].why.signals) sum += amount;
    EXPECT_NEAR(sum, hits[i].score, 1e-9);
  }
  EXPECT_TRUE(Hits(User("bob"), 0).empty());
}

TEST_F(ChunkRankingTest, TheLimitPerFileHolds) {
  EXPECT_EQ(Hits(User("ann"), 1).size(), 2u);
  EXPECT_EQ(Hits(User("ann"), 2).size(), 3u);
  EXPECT_TRUE(Hits(User("bob"), 2).empty());
}

}  // namespace
}  // namespace codelore::index
