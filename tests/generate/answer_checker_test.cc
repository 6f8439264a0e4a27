#include "generate/answer_checker.h"

#include <gtest/gtest.h>

#include "generate/scripted_model.h"

namespace codelore::generate {
namespace {

using codelore::testing::MakePassage;

struct Checked {
  std::string text;
  std::vector<Support> supports;
  bool cited = false;
};

const std::vector<Passage> kPassages = {
    MakePassage("src/retry.py", "def retry_upload(name):\n    limit = 5\n    return send(name, limit)\n", 10),
    MakePassage("docs/limits.md", "# Limits\nA file may have 200 MB.\n"),
    MakePassage("src/secret.py", "kept_out = 1\n"),
};

// `pieces`: how the answer arrives.
Checked Check(const std::string& answer, Unsupported policy = Unsupported::kMark, size_t pieces = 1) {
  Checked result;
  const std::vector<uint32_t> used = {0, 1};
  AnswerChecker checker(kPassages, used, "how does upload_file retry?", policy, [&](const AnswerPiece& piece) {
    result.text += piece.text;
    result.supports.insert(result.supports.end(), piece.supports.begin(), piece.supports.end());
  });
  for (size_t i = 0; i < answer.size(); i += pieces) checker.Feed(std::string_view(answer).substr(i, pieces));
  checker.Finish();
  result.cited = checker.cited();
  return result;
}

TEST(AnswerCheckerTest, BindsMarksToTheLinesThatSupportThem) {
  Checked checked = Check("`retry_upload` tries 5 times [1]. A file may have 200 MB [2].\n");
  EXPECT_EQ(checked.text, "`retry_upload` tries 5 times [1]. A file may have 200 MB [2].\n");
  ASSERT_EQ(checked.supports.size(), 2u);
  EXPECT_EQ(checked.supports[0].passage, 0u);
  EXPECT_EQ(checked.supports[0].start_line, 10u);
  EXPECT_EQ(checked.supports[0].end_line, 11u);
  EXPECT_EQ(checked.supports[1].passage, 1u);
  EXPECT_EQ(checked.supports[1].start_line, 2u);
  EXPECT_TRUE(checked.cited);
}

TEST(AnswerCheckerTest, JudgesEachSentenceAlone) {
  EXPECT_EQ(Check("`retry_upload` sends [1]. It was made in 1999 [1]. The `limit` is 5 [1].\n").text,
            "`retry_upload` sends [1]. It was made in 1999 [1]. (not confirmed by the passages) The `limit` is 5 [1].\n");
}

TEST(AnswerCheckerTest, TheSameInAnyPieces) {
  const std::string answer = "First, `retry_upload` is called [1]. See http://evil.example/x?q=1 now!\n\n```python\nx < 1\n```\nNo [7] mark. Thing_2 is new [1].";
  const std::string whole = Check(answer, Unsupported::kMark, answer.size()).text;
  for (size_t pieces : {1u, 2u, 3u, 5u, 17u}) EXPECT_EQ(Check(answer, Unsupported::kMark, pieces).text, whole) << pieces;
}

TEST(AnswerCheckerTest, Attack077MarksOfPassagesThatWereNotSentAreTakenOut) {
  EXPECT_EQ(Check("It is so [3]. And so [9][0]. And [1, 3].\n").text, "It is so . And so . And [1].\n");
}

TEST(AnswerCheckerTest, MarksOrDropsWhatThePassagesDoNotSay) {
  EXPECT_EQ(Check("It tries 12 times [1].\n").text, "It tries 12 times [1]. (not confirmed by the passages)\n");
  EXPECT_EQ(Check("It tries 12 times [1]. It tries 5 times [1].\n", Unsupported::kDrop).text, "It tries 5 times [1].\n");
  EXPECT_EQ(Check("`max_speed` rules.\n", Unsupported::kDrop).text, "");
  // A number in another passage than the one cited is not supported by the one cited.
  EXPECT_EQ(Check("It is 200 [1].\n", Unsupported::kDrop).text, "");
  // Names of the question need no support.
  EXPECT_EQ(Check("`upload_file` does it.\n", Unsupported::kDrop).text, "`upload_file` does it.\n");
  EXPECT_FALSE(Check("I could not find this.\n").cited);
}

TEST(AnswerCheckerTest, Attack070NothingInTheAnswerActs) {
  for (std::string answer : {"[click](http://evil.example/a)", "![i](http://evil.example/a.png)", "<img src=x onerror=alert(1)>", "<http://evil.example>",
                             "http://evil.example/?q=secret", "www.evil.example", "[a]: http://evil.example", "[x][a]", "<script>alert(1)</script>",
                             "[c](javascript:alert(1))", "javascript:alert(1)", "HTTPS://EVIL.example/", "a@evil.example", "![a]\n(http://evil.example)",
                             "<a href='//evil.example'>x</a>", "[![b](http://evil.example/b)](http://evil.example)", "data:text/html,<script>x</script>"}) {
    for (size_t pieces : {1u, 4u, 1000u}) {
      std::string text = Check(answer + "\n", Unsupported::kMark, pieces).text;
      EXPECT_EQ(text.find('<'), std::string::npos) << text;
      EXPECT_EQ(text.find("]("), std::string::npos) << text;
      EXPECT_EQ(text.find("]:"), std::string::npos) << text;
      EXPECT_EQ(text.find("]["), std::string::npos) << text;
      EXPECT_EQ(text.find("!["), std::string::npos) << text;
      for (const char* acting : {"http", "HTTP", "www.", "javascript:", "data:text", "a@evil"}) {
        size_t at = text.find(acting);
        if (at != std::string::npos) EXPECT_EQ(text[at - 1], '`') << text;  // in a code span
      }
    }
  }
}

TEST(AnswerCheckerTest, CodeStaysAsItIs) {
  const std::string answer = "Like this:\n\n```cpp\nstd::vector<int> v = f(\"http://x\"); // [9]\n```\nand `a<b>` too.\n";
  EXPECT_EQ(Check(answer).text, answer.substr(0, answer.find("and")) + "and `a<b>` too.\n");
}

TEST(AnswerCheckerTest, ClosesABlockThatTheModelLeftOpen) {
  EXPECT_EQ(Check("````\ncode\n```\n").text, "````\ncode\n```\n\n````\n");
}

TEST(AnswerCheckerTest, LeavesOutThoughtsAndCharactersNobodySees) {
  EXPECT_EQ(Check("<think>\nsecret plan 77\n</think>It is so.\n").text, "It is so.\n");
  EXPECT_EQ(Check("It\u200b is\u202e so\U000E0041.\n").text, "It is so.\n");
}

TEST(AnswerCheckerTest, AnEndlessSentenceIsShownInParts) {
  std::string endless;
  for (int i = 0; i < 2000; ++i) endless += "가나다";
  EXPECT_EQ(Check(endless, Unsupported::kMark, 5).text, endless);
}

TEST(AnswerCheckerTest, ClaimsAreNamesAndNumbers) {
  EXPECT_EQ(ClaimsIn("The getUserName of HTTP2 calls retry() with `limit` and max_size 12 [3]."),
            (std::vector<std::string>{"12", "getusername", "http2", "limit", "max_size", "retry"}));
  EXPECT_TRUE(ClaimsIn("Plain words say nothing here. 한국어 문장.").empty());
}

}  // namespace
}  // namespace codelore::generate
