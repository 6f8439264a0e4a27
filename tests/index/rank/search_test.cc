#include "index/rank/search.h"

#include <map>

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

using VersionRankingTest = QueryFixture;

TEST_F(VersionRankingTest, TheVersionOfTheQuestionIsMeantOrElseTheNewest) {
  Commit(AddSource("sea", {"user:ann"}), {{"v3/errors.py", "walrus errors\n"}, {"v4/errors.py", "walrus errors\n"}});
  auto first = [&](const char* question) { return Paths(Search(User("ann"), question)).front(); };
  EXPECT_EQ(first("walrus errors"), "v4/errors.py");
  EXPECT_EQ(first("v3 walrus errors"), "v3/errors.py");
  EXPECT_EQ(first("walrus errors of v4"), "v4/errors.py");
}

using WholeFileRankingTest = QueryFixture;

// No line has both words, and each has one of them: a file is about what all its lines say.
TEST_F(WholeFileRankingTest, WordsCountWhereverInAFileTheyStand) {
  Commit(AddSource("sea", {"user:ann"}), {{"a.py", "the walrus swims here\nthe lion sleeps here\n"},
                                          {"b.py", "the walrus swims here\nthe heron sleeps here\n"},
                                          {"c.py", "the heron swims here\nthe lion sleeps here\n"}});
  EXPECT_EQ(Paths(Search(User("ann"), "walrus heron")).front(), "b.py");
  EXPECT_TRUE(Search(User("bob"), "walrus heron").hits.empty());
}

class VectorRankingTest : public QueryFixture {
 protected:
  SearchResult Hybrid(const Viewer& viewer, std::string_view text, std::vector<SourceId> sources) {
    SearchRequest request = Request(viewer, std::string(text));
    request.mode = SearchMode::kHybrid;
    request.filter.sources = std::move(sources);
    auto vector = encoder_.Encode(std::span(&text, 1), {});
    auto result = index_->Search(viewer, request, (*vector)[0].dense, encoder_.info().fingerprint);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return std::move(*result);
  }
};

// What many candidates are like scores lower; only what the viewer sees counts, and copies count once.
TEST_F(VectorRankingTest, AHubIsWorthLess) {
  acl::Source sea = AddSource("sea", {"user:ann"}), hidden = AddSource("hidden", {"user:bob"});
  std::vector<File> files = {{"alone.py", "heron tern\n"}};
  for (const char* word : {"seal", "otter", "orca", "squid", "crab", "clam"}) files.push_back({std::string(word) + ".py", "walrus walrus walrus " + std::string(word) + "\n"});
  Commit(sea, files);
  Embed(sea);
  auto crowding = [&] {
    std::map<std::string, double> of;
    for (const Hit& hit : Hybrid(User("ann"), "walrus heron", {}).hits) {
      double sum = 0;
      for (const auto& [name, amount] : hit.why.signals) sum += amount;
      EXPECT_NEAR(sum, hit.score, 1e-9);
      for (const auto& [name, amount] : hit.why.signals) {
        if (name == "others are like it") of[hit.path] = amount;
      }
    }
    return of;
  };
  const std::map<std::string, double> before = crowding();
  ASSERT_EQ(before.size(), 7u);
  for (const auto& [path, amount] : before) EXPECT_EQ(amount > 0, path == "alone.py") << path << " " << amount;
  files.clear();
  for (const char* word : {"tern", "gull", "auk", "crane", "ibis", "rail"}) files.push_back({std::string(word) + ".py", "heron heron heron " + std::string(word) + "\n"});
  Commit(hidden, files);
  Embed(hidden);
  EXPECT_EQ(crowding(), before);
  acl::Source fork = AddSource("fork", {"user:ann"});
  Commit(fork, {{"fork.py", "heron tern\n"}, {"fork2.py", "heron tern\n"}});
  Embed(fork);
  std::map<std::string, double> with_copies = crowding();
  EXPECT_EQ(with_copies["fork.py"], with_copies["alone.py"]);
  EXPECT_GT(with_copies["fork2.py"], 0);
}

class ContinuationRankingTest : public VectorRankingTest {
 protected:
  // The first of two files that differ in the order of their lines alone.
  std::string First(const std::string& ending) {
    acl::Source source = AddSource("sea" + ending, {"user:ann"});
    Commit(source, {{"a" + ending, "stone\nwalrus heron\nwalrus\n"}, {"b" + ending, "walrus\nwalrus heron\nstone\n"}});
    Embed(source);
    return Paths(Hybrid(User("ann"), "walrus heron", {source.id})).front();
  }
};

TEST_F(ContinuationRankingTest, APassageOfProseGoesOnFromTheOneBeforeIt) { EXPECT_EQ(First(".md"), "b.md"); }
TEST_F(ContinuationRankingTest, ADefinitionStandsAlone) { EXPECT_EQ(First(".py"), "a.py"); }

using NameRankingTest = QueryFixture;

// "sea" is in every path: that a file is called so says nothing about it.
TEST_F(NameRankingTest, AWordOfEveryPathNamesNoFile) {
  std::vector<File> files = {{"src/sea/__init__.py", "from sea app\n"}, {"src/sea/app.py", "class Sea\n  def walrus\n"}};
  for (int i = 0; i < 30; ++i) files.push_back({"src/sea/other" + std::to_string(i) + ".py", "sea\n"});
  Commit(AddSource("ocean", {"user:ann"}), files);
  EXPECT_EQ(Paths(Search(User("ann"), "Sea")).front(), "src/sea/app.py");
}

TEST_F(NameRankingTest, AFileMayBeNamedByAnAbbreviation) {
  Commit(AddSource("sea", {"user:ann"}), {{"src/auth.py", "def check\n"}, {"src/pass.py", "def check\n"}, {"src/fs.py", "def walk\n"}, {"src/tree.py", "def walk\n"}});
  EXPECT_EQ(Paths(Search(User("ann"), "authentication check of users")).front(), "src/auth.py");
  EXPECT_EQ(Paths(Search(User("ann"), "file system walk")).front(), "src/fs.py");
  EXPECT_TRUE(Search(User("bob"), "authentication check of users").hits.empty());
}

TEST_F(NameRankingTest, TheSubjectOfAQuestionComesFirst) {
  Commit(AddSource("sea", {"user:ann"}), {{"heron.py", "def feed\n"}, {"walrus.py", "def feed\n"}});
  Commit(AddSource("handbook", {"user:ann"}), {{"heron.md", "feed\n"}, {"walrus.md", "feed\n"}});
  for (const auto& [question, code] : {std::pair("feed a walrus using a heron", "walrus.py"), {"feed a heron using a walrus", "heron.py"}}) {
    auto paths = Paths(Search(User("ann"), question));
    auto place = [&](const char* path) { return std::ranges::find(paths, path) - paths.begin(); };
    EXPECT_EQ(place(code), std::min(place("walrus.py"), place("heron.py"))) << question;
    EXPECT_LT(place("heron.md"), place("walrus.md")) << question;  // titles: alike, so by path
  }
}

}  // namespace
}  // namespace codelore::index
