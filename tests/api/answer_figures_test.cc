#include "api/answer_figures.h"

#include <gtest/gtest.h>

namespace codelore::api {
namespace {

using Figures = std::map<std::string, double>;

TEST(GoldPassageTest, ReadsPlacesAndSaysWhatIsNone) {
  GoldPassage whole = GoldPassage::Parse("handbook:a:b.md").value();
  EXPECT_EQ(whole.source + "|" + whole.path, "handbook|a:b.md");
  EXPECT_EQ(whole.end_line, UINT32_MAX);
  GoldPassage lines = GoldPassage::Parse("s:c#.md#L3-L9").value();
  EXPECT_EQ(lines.path, "c#.md");
  EXPECT_EQ(lines.start_line, 3u);
  EXPECT_EQ(lines.end_line, 9u);
  EXPECT_EQ(GoldPassage::Parse("s:c#L7")->end_line, 7u);
  for (const char* wrong : {"", "s", ":a", "s:", "s:a#L", "s:a#L0", "s:a#L9-L3", "s:a#L1-3", "s:a#L99999999999", "s:#L1"}) EXPECT_FALSE(GoldPassage::Parse(wrong).ok()) << wrong;
}

TEST(AnswerFiguresTest, FactsCountAsWholeNumbersWhateverTheSpaces) {
  JudgedQuestion question{.text = "?", .facts = {{"15"}, {"Round  Half"}, {"1.5"}, {"하루 12만 원", "12만원"}}};
  EXPECT_TRUE(MissingFacts(question, "15 days, round\nhalf up, 1.5. 하루 12만\n원까지").empty());
  EXPECT_EQ(MissingFacts(question, "150, 2.15, 15.7, 1,15 round half, 21.5, 1.55, 12만원"), (std::vector<std::string>{"15", "1.5"}));
  EXPECT_TRUE(MissingFacts({.text = "?", .facts = {{"15"}}}, "It is 15.").empty());
}

TEST(AnswerFiguresTest, CitationsTouchGoldPassages) {
  JudgedQuestion question{.text = "?", .passages = {GoldPassage::Parse("s:a.md#L5-L8").value(), GoldPassage::Parse("s:b.md").value()}};
  GivenAnswer answer{.text = "x", .cited = {{"a.md", 8, 20}, {"a.md", 9, 9}, {"c.md", 5, 8}, {"a.md", 1, 5}}, .evidence = "", .found = true};
  EXPECT_EQ(FiguresOf(question, answer), (Figures{{"citation_precision", 0.5}, {"citation_recall", 0.5}, {"false_refusal", 0}}));
  answer.cited.clear();
  answer.found = false;
  EXPECT_EQ(FiguresOf(question, answer), (Figures{{"citation_recall", 0}, {"false_refusal", 1}}));
}

TEST(AnswerFiguresTest, GroundedIsWhatTheEvidenceSays) {
  JudgedQuestion question{.text = "what does retry_count do?", .facts = {{"3"}}};
  GivenAnswer answer{.text = "It is `MaxRetries`, and 3 by default [1] `s@1:a.py#L77-L78`.\n`retry_count` is counted.\nNo claim here.\n```python\nretries = 3\n```\n",
                     .cited = {{"a.py", 1, 2}}, .evidence = "class MaxRetries:\n    retries   = 3\n", .found = true};
  EXPECT_DOUBLE_EQ(FiguresOf(question, answer).at("groundedness"), 1);
  answer.text += "```\nretries = 4\n```\nThere are 5.\n";
  EXPECT_DOUBLE_EQ(FiguresOf(question, answer).at("groundedness"), 0.5);
  answer.text = "Nothing to check.\n";
  EXPECT_FALSE(FiguresOf(question, answer).contains("groundedness"));
}

TEST(AnswerFiguresTest, UnanswerableQuestionsAreToBeRefused) {
  JudgedQuestion question{.text = "?", .unanswerable = true};
  EXPECT_EQ(FiguresOf(question, {.found = true}), (Figures{{"refusal", 0}}));
  EXPECT_EQ(FiguresOf(question, {.found = false}), (Figures{{"refusal", 1}}));
}

}  // namespace
}  // namespace codelore::api
