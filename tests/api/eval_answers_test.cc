#include "api/eval_answers.h"

#include <fstream>
#include <sstream>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class EvalAnswersTest : public ::testing::Test {
 protected:
  Result<std::string> Try(AnswerEvalOptions options) {
    if (options.file.empty()) options.file = data_.path() + "/q.jsonl";
    return EvaluateAnswers(world_.service(), options, {{}, [](const std::string&) {}});
  }
  std::string Failure(const std::string& lines) {
    data_.Write("q.jsonl", lines);
    auto result = Try({.repositories = data_.path()});
    return result.ok() ? "none" : result.status().ToString();
  }

  TempFolder data_;
  World world_;
};

TEST_F(EvalAnswersTest, JudgesTheExtractiveAnswerOverTheCorpus) {
  std::string each = data_.path() + "/each.jsonl";
  auto result = Try({.file = TESTDATA "/answers/questions.jsonl", .repositories = TESTDATA "/ranking/corpus", .per_question_file = each, .mode = SearchMode::kLexical});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  Json report = Json::parse(*result);
  EXPECT_EQ(report["mean"]["questions"], 10);
  EXPECT_EQ(report["generators"], Json::array({"extractive"}));
  EXPECT_EQ(report["mean"]["groundedness"], 1.0);  // it quotes
  EXPECT_EQ(report["mean"]["refusal"], 1.0);
  EXPECT_GE(report["mean"]["fact_recall"], 0.8) << *result;
  EXPECT_GE(report["mean"]["citation_recall"], 0.8);
  EXPECT_LE(report["mean"]["false_refusal"], 0.13);  // one of eight: "얼마나 자주 바꿔야" shares too little with "90일마다 바꾼다" without vectors
  EXPECT_EQ(report["categories"]["symbol"]["fact_recall"], 1.0);
  EXPECT_EQ(report["categories"]["difference"]["citation_recall"], 1.0);
  EXPECT_FALSE(report.contains("judge"));
  EXPECT_GE(report["latency_ms"]["answer"]["p95"], report["latency_ms"]["citations"]["p50"]);
  EXPECT_TRUE(world_.directory().ListSources(world_.Tenant("evaluation"))->empty());

  std::ifstream in(each);
  size_t lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    Json question = Json::parse(line);
    EXPECT_TRUE(question.contains("_id") && question.contains("answer") && question.contains("figures")) << line;
    EXPECT_TRUE(!question["figures"].contains("refusal") || question["found"] == false) << line;
  }
  EXPECT_EQ(lines, 10u);
}

TEST_F(EvalAnswersTest, AsksWhatTheDataFolderHolds) {
  ScratchRepository repository;
  FillBilling(repository);
  world_.Index(repository.path(), "billing");
  data_.Write("q.jsonl", R"({"question": "what is round_total?", "passages": ["billing:src/invoice.py#L4-L6"], "facts": ["whole cents", 2]})" "\n\n");
  auto result = Try({});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  Json mean = Json::parse(*result)["mean"];
  EXPECT_EQ(mean["citation_recall"], 1.0);
  EXPECT_EQ(mean["fact_recall"], 1.0);
}

TEST_F(EvalAnswersTest, MalformedQuestionsNameFileAndLine) {
  std::string at = "invalid argument: " + data_.path() + "/q.jsonl line 1: ";
  EXPECT_EQ(Failure("[]\n"), at + "expected a JSON object");
  EXPECT_EQ(Failure("{}\n"), at + "expected a string 'question'");
  EXPECT_EQ(Failure(R"({"question": "x", "source": "s"})"), at + "expected 'passages' or 'facts', or \"unanswerable\": true");
  EXPECT_EQ(Failure(R"({"question": "x", "facts": ["y"]})"), at + "expected a string 'source', or a passage that names one");
  EXPECT_EQ(Failure(R"({"question": "x", "source": "s", "unanswerable": true, "facts": ["y"]})"), at + "an unanswerable question has neither passages nor facts");
  EXPECT_EQ(Failure(R"({"question": "x", "passages": ["nowhere"]})"), at + "'nowhere' is no passage: write source:path or source:path#L10-L20");
  EXPECT_EQ(Failure(R"({"question": "x", "passages": ["a:x", "b:x"]})"), at + "the passages are of several sources; a question is asked in one");
  EXPECT_EQ(Failure(R"({"question": "x", "passages": ["a:x"], "facts": [""]})"), at + "a fact is empty");
  EXPECT_TRUE(Failure(R"({"question": 7})").starts_with(at));
  EXPECT_TRUE(Failure(R"({"question": "x", "passages": 3})").starts_with("invalid argument: ")) << Failure(R"({"question": "x", "passages": 3})");
  EXPECT_EQ(Failure("\n"), "invalid argument: " + data_.path() + "/q.jsonl: holds no question");
  EXPECT_EQ(Failure(R"({"question": "x", "source": "moon", "unanswerable": true})"),
            "not found: " + data_.path() + "/moon: there is no such folder; questions ask in the source 'moon'");
}

TEST_F(EvalAnswersTest, AJudgeThatIsNoModelIsRefused) {
  data_.Write("q.jsonl", R"({"question": "x", "source": "s", "unanswerable": true})");
  auto result = Try({.repositories = data_.path(), .judge = "extractive"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace codelore::api
