#include "api/eval.h"

#include <cmath>
#include <sstream>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class EvalTest : public ::testing::Test {
 protected:
  // A folder in the layout of BEIR: "walrus" finds `often` before `once`, "heron" only `bird`.
  void WriteBeir() {
    data_.Write("corpus.jsonl",
                R"({"_id": "often", "title": "", "text": "walrus walrus walrus"})" "\n"
                R"({"_id": "once", "text": "one walrus among many other animals of the cold sea, which all swim and eat fish"})" "\n"
                "\n"
                R"({"_id": "https://example.com//bird/", "title": "Heron", "text": "a bird that stands still"})" "\n");
    data_.Write("queries.jsonl",
                R"({"_id": "q1", "text": "walrus"})" "\n" R"({"_id": "q2", "text": "heron"})" "\n" R"({"_id": "q3", "text": "not judged"})" "\n");
    data_.Write("qrels/dev.tsv", "query-id\tcorpus-id\tscore\nq1\tonce\t2\nq1\toften\t1\nq2\thttps://example.com//bird/\t1\nq2\tonce\t0\n");
  }
  Result<std::string> Try(EvalOptions options) {
    options.mode = SearchMode::kLexical;
    return Evaluate(world_.service(), options, {{}, [](const std::string&) {}});
  }
  Json Run(EvalOptions options) {
    auto result = Try(std::move(options));
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? Json::parse(*result) : Json::object();
  }
  std::string Failure(EvalOptions options) {
    auto result = Try(std::move(options));
    return result.ok() ? "none" : result.status().ToString();
  }
  // The per-query lines, by query.
  std::map<std::string, Json> PerQuery() {
    std::map<std::string, Json> lines;
    std::istringstream in(testing::ReadFile(data_ / "per_query.jsonl"));
    for (std::string line; std::getline(in, line);) {
      Json json = Json::parse(line);
      lines[json["_id"]] = json;
    }
    return lines;
  }

  TempFolder data_;
  World world_;
};

double Rounded(double value) { return std::round(value * 1e4) / 1e4; }

TEST_F(EvalTest, FiguresOfABeirFolderAreThoseComputedByHand) {
  WriteBeir();
  Json report = Run({.folder = data_.path(), .split = "dev", .per_query_file = data_ / "per_query.jsonl"});
  auto queries = PerQuery();
  ASSERT_EQ(queries.size(), 2u);
  EXPECT_EQ(queries["q1"]["ranking"], Json({"often", "once"}));
  EXPECT_EQ(queries["q2"]["ranking"], Json({"https://example.com//bird/"}));
  double discounted = 1 / std::log2(2) + 2 / std::log2(3), ideal = 2 / std::log2(2) + 1 / std::log2(3);
  EXPECT_DOUBLE_EQ(queries["q1"]["ndcg@10"], Rounded(discounted / ideal));
  EXPECT_DOUBLE_EQ(queries["q1"]["mrr@10"], 1);
  EXPECT_DOUBLE_EQ(queries["q1"]["recall@1"], 0.5);
  EXPECT_DOUBLE_EQ(queries["q1"]["recall@5"], 1);
  EXPECT_DOUBLE_EQ(queries["q2"]["ndcg@10"], 1);
  EXPECT_EQ(report["queries"], 2);
  EXPECT_EQ(report["documents"], 3);
  EXPECT_EQ(report["documents_skipped"], 0);
  EXPECT_EQ(report["mode"], "lexical");
  EXPECT_DOUBLE_EQ(report["mean"]["ndcg@10"], Rounded((discounted / ideal + 1) / 2));
  EXPECT_DOUBLE_EQ(report["mean"]["recall@1"], 0.75);
  EXPECT_DOUBLE_EQ(report["mean"]["recall@20"], 1);
  EXPECT_TRUE(report["latency_ms"].contains("p99"));
}

TEST_F(EvalTest, RankOfTheFirstRelevantDocumentGivesTheReciprocal) {
  WriteBeir();
  data_.Write("qrels/dev.tsv", "q1\tonce\t1\n");  // a header is not needed
  Json report = Run({.folder = data_.path(), .split = "dev"});
  EXPECT_DOUBLE_EQ(report["mean"]["mrr@10"], 0.5);
  EXPECT_DOUBLE_EQ(report["mean"]["ndcg@10"], Rounded(1 / std::log2(3)));
  EXPECT_DOUBLE_EQ(report["mean"]["recall@1"], 0);
}

TEST_F(EvalTest, NothingIsLeftOfAnEvaluation) {
  WriteBeir();
  Json first = Run({.folder = data_.path(), .split = "dev"});
  Json second = Run({.folder = data_.path(), .split = "dev"});
  EXPECT_EQ(first["mean"], second["mean"]);
  EXPECT_TRUE(world_.directory().ListSources(world_.Tenant("evaluation"))->empty());
  EXPECT_TRUE(world_.Call(world_.Operator(), "source.list")["sources"].empty());
}

TEST_F(EvalTest, RepositoriesAreMeansOfTheirOwn) {
  data_.Write("repos/alpha/src/walrus.py", "def walrus():\n    return 'tusk'\n");
  data_.Write("repos/alpha/src/heron.py", "def heron():\n    return 'beak'\n");
  data_.Write("repos/alpha/tests/walrus.py", "def test_walrus(): pass\n");  // outside of the folder to index
  data_.Write("repos/beta/main.go", "package main\n\n// Otter swims.\nfunc Otter() {}\n");
  data_.Write("set/repos.json", R"([{"name": "alpha", "benchmark_root": "src"}, {"name": "beta", "benchmark_root": null}])");
  data_.Write("set/queries.jsonl",
              R"({"_id": "a1", "repo": "alpha", "category": "symbol", "text": "walrus", "relevant": [{"path": "src/walrus.py"}], "secondary": []})" "\n"
              R"({"_id": "a2", "repo": "alpha", "category": "semantic", "text": "tusk", "relevant": [{"path": "heron.py"}], "secondary": [{"path": "src/walrus.py"}]})" "\n"
              R"({"_id": "b1", "repo": "beta", "category": "symbol", "text": "otter", "relevant": [{"path": "other.go"}]})" "\n"
              R"({"_id": "c1", "repo": "gamma", "category": "symbol", "text": "x", "relevant": [{"path": "x"}]})" "\n");
  Json report = Run({.queries_file = data_ / "set/queries.jsonl", .repositories = data_ / "repos", .per_query_file = data_ / "per_query.jsonl"});
  auto queries = PerQuery();
  EXPECT_EQ(queries["a1"]["ranking"], Json({"src/walrus.py"}));
  EXPECT_EQ(queries["a2"]["relevant"], Json::parse(R"({"src/heron.py": 1.0, "src/walrus.py": 1.0})"));
  double a2 = 1 / (1 + 1 / std::log2(3));  // one of two, at rank 1
  EXPECT_DOUBLE_EQ(queries["a2"]["ndcg@10"], Rounded(a2));
  EXPECT_DOUBLE_EQ(report["repositories"]["alpha"]["ndcg@10"], Rounded((1 + a2) / 2));
  EXPECT_EQ(report["repositories"]["alpha"]["queries"], 2);
  EXPECT_DOUBLE_EQ(report["repositories"]["beta"]["ndcg@10"], 0);
  EXPECT_DOUBLE_EQ(report["mean"]["ndcg@10"], Rounded((1 + a2) / 4));  // over repositories, not over queries
  EXPECT_DOUBLE_EQ(report["categories"]["symbol"]["ndcg@10"], 0.5);
  EXPECT_DOUBLE_EQ(report["categories"]["semantic"]["ndcg@10"], Rounded(a2));
  EXPECT_EQ(report["missing"], Json({"gamma"}));
  EXPECT_EQ(report["queries"], 3);
}

TEST_F(EvalTest, MalformedDataNamesFileAndLine) {
  WriteBeir();
  std::string corpus = testing::ReadFile(data_ / "corpus.jsonl");
  EvalOptions beir{.folder = data_.path(), .split = "dev"};
  auto failure = [&](const std::string& file, const std::string& content) {
    std::string before = testing::ReadFile(data_ / file);
    data_.Write(file, content);
    std::string text = Failure(beir);
    data_.Write(file, before);
    return text;
  };
  std::string at = "invalid argument: " + data_.path();
  EXPECT_EQ(failure("corpus.jsonl", corpus + "{oops\n"), at + "/corpus.jsonl line 5: expected a JSON object");
  EXPECT_EQ(failure("corpus.jsonl", corpus + "[1]\n"), at + "/corpus.jsonl line 5: expected a JSON object");
  EXPECT_EQ(failure("corpus.jsonl", corpus + R"({"_id": 7, "text": "x"})"), at + "/corpus.jsonl line 5: expected a string '_id'");
  EXPECT_EQ(failure("corpus.jsonl", corpus + R"({"_id": "x"})"), at + "/corpus.jsonl line 5: expected a string 'text'");
  EXPECT_EQ(failure("corpus.jsonl", corpus + R"({"_id": "once", "text": "x"})"), at + "/corpus.jsonl line 5: the document 'once' appears twice");
  EXPECT_EQ(failure("queries.jsonl", "{\"_id\": \"q1\"}\n"), at + "/queries.jsonl line 1: expected a string 'text'");
  EXPECT_EQ(failure("qrels/dev.tsv", "q1\tonce\t1\nq1 once 1\n"), at + "/qrels/dev.tsv line 2: expected query, document and score between tabs");
  EXPECT_EQ(failure("qrels/dev.tsv", "q1\tonce\t1\nq1\tonce\tmuch\n"), at + "/qrels/dev.tsv line 2: 'much' is not a number");
  EXPECT_EQ(failure("qrels/dev.tsv", "other\tonce\t1\n"), at + ": no query is judged in qrels/dev.tsv");
  EXPECT_EQ(Failure({.folder = data_.path(), .split = "test"}), "not found: " + data_.path() + "/qrels/test.tsv: cannot be read");
  EXPECT_EQ(Failure({.folder = data_ / "none"}), "not found: " + data_.path() + "/none/corpus.jsonl: cannot be read");
  data_.Write("repos/alpha/a.py", "x = 1\n");
  data_.Write("questions.jsonl", R"({"_id": "a", "repo": "alpha", "text": "x", "relevant": "a.py"})");
  EvalOptions repositories{.queries_file = data_ / "questions.jsonl", .repositories = data_ / "repos"};
  EXPECT_TRUE(Failure(repositories).starts_with(at + "/questions.jsonl line 1: ")) << Failure(repositories);
  data_.Write("questions.jsonl", R"({"_id": "a", "repo": "alpha", "text": "x"})");
  EXPECT_EQ(Failure(repositories), at + "/questions.jsonl line 1: expected at least one path under 'relevant' or 'secondary'");
  data_.Write("questions.jsonl", R"({"_id": "a", "repo": "zeta", "text": "x", "relevant": [{"path": "x"}]})");
  EXPECT_TRUE(Failure(repositories).starts_with("not found: ")) << Failure(repositories);
  EXPECT_TRUE(Failure({.folder = data_.path(), .split = "dev", .per_query_file = data_ / "no/such/file"}).starts_with("invalid argument"));
}

TEST_F(EvalTest, InterruptionLeavesNoSource) {
  WriteBeir();
  std::stop_source stop;
  auto result = Evaluate(world_.service(), {.folder = data_.path(), .split = "dev"}, {stop.get_token(), [&](const std::string&) { stop.request_stop(); }});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(world_.directory().ListSources(world_.Tenant("evaluation"))->empty());
}

}  // namespace
}  // namespace codelore::api
