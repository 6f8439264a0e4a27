#include "api/eval_spans.h"

#include <sstream>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

using Records = std::vector<std::vector<std::string>>;

TEST(ParseCsvTest, ReadsQuotesCommasAndLineBreaks) {
  auto records = ParseCsv("a,\"b,\"\"c\"\"\nd\",e\r\n,\"\",x\n");
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(*records, (Records{{"a", "b,\"c\"\nd", "e"}, {"", "", "x"}}));
  EXPECT_EQ(*ParseCsv("a,"), (Records{{"a", ""}}));
  EXPECT_EQ(*ParseCsv(""), Records());
  EXPECT_FALSE(ParseCsv("a\n\"b").ok());
}

TEST(CharacterSpanTest, UnitesAndIntersects) {
  std::vector<CharacterSpan> united = United({{8, 9}, {0, 4}, {4, 5}, {2, 3}});
  EXPECT_EQ(united, (std::vector<CharacterSpan>{{0, 5}, {8, 9}}));
  EXPECT_EQ(Overlap(united, {{3, 20}}), 3u);
  EXPECT_EQ(Overlap(united, {{5, 8}}), 0u);
  EXPECT_EQ(Overlap(united, united), 6u);
  EXPECT_EQ(Overlap({}, united), 0u);
}

class EvalSpansTest : public ::testing::Test {
 protected:
  // "갈매기 " is 4 characters and 10 bytes; the span of "walrus sleeps." is 4 to 18.
  void Write(const std::string& references) {
    data_.Write("corpora/sea.md", "갈매기 walrus sleeps.\n");
    data_.Write("corpora/land.md", "A heron stands.\n");
    data_.Write("questions_df.csv", "question,references,corpus_id\nwalrus,\"" + references + "\",sea\n");
  }
  Result<std::string> Try(size_t hits = 5) {
    return Evaluate(world_.service(), {.spans_folder = data_.path(), .hits = hits, .mode = SearchMode::kLexical}, {{}, [](const std::string&) {}});
  }
  std::string Failure() {
    auto result = Try();
    return result.ok() ? "none" : result.status().ToString();
  }

  TempFolder data_;
  World world_;
};

TEST_F(EvalSpansTest, CountsCharactersOfTheRetrieved) {
  Write(R"([{""content"": ""walrus sleeps."", ""start_index"": 4, ""end_index"": 18}])");
  auto result = Try();
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  Json report = Json::parse(*result);
  EXPECT_EQ(report["mean"], Json::parse(R"({"recall": 1.0, "precision": 0.7368, "iou": 0.7368, "chunk_iou": 0.7368})"));  // 14 of 19
  EXPECT_EQ(report["corpora"]["sea"]["queries"], 1);
  EXPECT_EQ(report["chunks"], 2);
  EXPECT_TRUE(world_.directory().ListSources(world_.Tenant("evaluation"))->empty());
}

TEST_F(EvalSpansTest, NothingIsMasked) {
  Write(R"([{""start_index"": 4, ""end_index"": 10}])");
  data_.Write("corpora/sea.md", "갈매기 walrus of ann.kim@shore.co.kr sleeps.\n");
  EXPECT_EQ(Failure(), "none");
}

TEST_F(EvalSpansTest, RetrievesSeveralChunksOfOneFile) {
  Write(R"([{""start_index"": 4, ""end_index"": 18}])");
  std::string text = "갈매기 walrus sleeps.\n\n";
  for (int i = 0; i < 200; ++i) text += "The walrus swims in water number " + std::to_string(i) + ".\n\n";
  data_.Write("corpora/sea.md", text);
  Json one = Json::parse(*Try(1)), three = Json::parse(*Try(3));
  EXPECT_LT(three["mean"]["precision"], one["mean"]["precision"].get<double>() + 1e-9);
  EXPECT_GT(three["chunks"], 5);
}

TEST_F(EvalSpansTest, MalformedDataNamesFileAndRecord) {
  std::string at = "invalid argument: " + data_.path() + "/questions_df.csv";
  Write("[");
  EXPECT_EQ(Failure(), at + " record 1: 'references' is not a JSON array with at least one span");
  for (const char* span : {"{}", "7", R"({""start_index"": 4, ""end_index"": 21})", R"({""start_index"": -1, ""end_index"": 2})", R"({""start_index"": 2, ""end_index"": 2})"}) {
    Write("[" + std::string(span) + "]");
    EXPECT_EQ(Failure(), at + " record 1: a reference is no span of the text, which has 19 characters") << span;
  }
  data_.Write("questions_df.csv", "question,references,corpus_id\nwalrus,[],moon\n");
  EXPECT_EQ(Failure(), "not found: " + data_.path() + "/questions_df.csv record 1: there is no corpora/moon.md");
  data_.Write("questions_df.csv", "question,references\n");
  EXPECT_EQ(Failure(), at + ": expected the columns question, references and corpus_id");
  data_.Write("questions_df.csv", "question,references,corpus_id\na,b\n");
  EXPECT_EQ(Failure(), at + " record 1: expected 3 fields");
  data_.Write("questions_df.csv", "question,references,corpus_id\n\"a\n");
  EXPECT_EQ(Failure(), at + ": record 2: a quote is not closed");
}

}  // namespace
}  // namespace codelore::api
