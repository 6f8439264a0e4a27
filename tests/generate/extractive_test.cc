#include "generate/extractive.h"

#include <gtest/gtest.h>

#include <map>

#include "generate/answer_reader.h"
#include "generate/excerpt.h"

namespace codelore::generate {
namespace {

struct Answered {
  AnswerSummary summary;
  std::vector<AnswerPiece> pieces;
  std::string text;
};

Answered Answer(const std::string& question, const std::vector<Passage>& passages, const ExtractiveOptions& options = {}) {
  Answered answered;
  auto summary = MakeExtractiveGenerator(options)->Answer({.question = question, .passages = passages}, {}, [&](const AnswerPiece& piece) {
    answered.pieces.push_back(piece);
    answered.text += piece.text;
  });
  EXPECT_TRUE(summary.ok()) << summary.status().ToString();
  if (summary.ok()) answered.summary = *summary;
  return answered;
}

// A passage of `lines` numbered lines whose line `weighty` (from 0) is the one asked for.
Passage Numbered(const std::string& path, int lines, int weighty, uint32_t start_line = 101) {
  Passage passage{.path = path, .language = "python", .start_line = start_line};
  for (int i = 0; i < lines; ++i) {
    passage.text += "line " + std::to_string(start_line + i) + (i == weighty ? " walrus" : "") + "\n";
    if (i % 3 == 2) passage.text += "\n";
  }
  auto count = SplitLines(passage.text).size();
  passage.line_weights.assign(count, 0);
  for (size_t i = 0; i < count; ++i) passage.line_weights[i] = SplitLines(passage.text)[i].ends_with("walrus\n") ? 1.0f : 0.0f;
  passage.citation = "repo@c0ffee:" + path + "#L" + std::to_string(start_line) + "-L" + std::to_string(start_line + count - 1);
  return passage;
}

// The lines of a passage by their numbers in the file.
std::string LinesOf(const Passage& passage, uint32_t start, uint32_t end) {
  std::string text;
  auto lines = SplitLines(passage.text);
  for (uint32_t i = start; i <= end; ++i) text += lines.at(i - passage.start_line);
  return text;
}

TEST(ExtractiveTest, SaysHonestlyThatNothingWasFound) {
  Answered answered = Answer("how?", {});
  EXPECT_FALSE(answered.summary.found);
  EXPECT_EQ(answered.summary.generator, "extractive");
  ASSERT_EQ(answered.pieces.size(), 1u);
  EXPECT_TRUE(answered.text.starts_with("Nothing found"));
  EXPECT_TRUE(answered.pieces[0].supports.empty());
}

TEST(ExtractiveTest, QuotesExactlyTheLinesItCites) {
  std::vector<Passage> passages = {Numbered("a.py", 40, 25), Numbered("b.py", 5, 1), Numbered("c.py", 30, 0, 1)};
  Answered answered = Answer("where is the walrus", passages);
  EXPECT_TRUE(answered.summary.found);
  ASSERT_EQ(answered.pieces.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const AnswerPiece& piece = answered.pieces[i];
    ReadAnswer read = Read(piece.text);
    ASSERT_EQ(piece.supports.size(), read.blocks.size());
    for (size_t k = 0; k < read.blocks.size(); ++k) {
      const Support& support = piece.supports[k];
      EXPECT_EQ(support.passage, i);
      EXPECT_EQ(read.blocks[k], LinesOf(passages[i], support.start_line, support.end_line));
      EXPECT_NE(read.blocks[k].find("walrus"), std::string::npos);
      std::string citation = "repo@c0ffee:" + passages[i].path + "#L" + std::to_string(support.start_line) + "-L" +
                             std::to_string(support.end_line);
      EXPECT_EQ(read.spans.back(), citation);
      EXPECT_NE(piece.text.find("[" + std::to_string(i + 1) + "] `" + citation + "`"), std::string::npos);
    }
  }
}

TEST(ExtractiveTest, NamesFurtherPassagesWithoutQuotingThem) {
  std::vector<Passage> passages;
  for (int i = 0; i < 9; ++i) passages.push_back(Numbered("f" + std::to_string(i) + ".py", 6 + i, 1));
  Answered answered = Answer("walrus", passages, {.max_passages = 2, .max_further = 3, .excerpt_lines = 10});
  ReadAnswer read = Read(answered.text);
  EXPECT_EQ(read.blocks.size(), 2u);
  EXPECT_NE(answered.text.find("See also:\n- `f2.py` [3] `" + passages[2].citation + "`\n"), std::string::npos) << answered.text;
  EXPECT_NE(answered.text.find("[5] `"), std::string::npos);
  EXPECT_EQ(answered.text.find("[6]"), std::string::npos);
}

TEST(ExtractiveTest, CopyOfAQuotedPassageIsOnlyNamed) {
  std::vector<Passage> passages = {Numbered("a.py", 5, 1), Numbered("copy.py", 5, 1), Numbered("b.py", 7, 2)};
  Answered answered = Answer("walrus", passages);
  EXPECT_EQ(Read(answered.text).blocks.size(), 2u);
  EXPECT_NE(answered.text.find("- `copy.py` [2] "), std::string::npos);
}

TEST(ExtractiveTest, IntroducesDefinitionsSectionsAndPlainLines) {
  Passage method{.citation = "r@1:a.cc#L1-L1", .path = "a.cc", .kind = ChunkKind::kMethod, .symbol = "A.b", .text = "x\n"};
  Passage section{.citation = "r@1:g.md#L1-L1", .path = "g.md", .kind = ChunkKind::kSection, .symbol = "Expiry", .scope = "Guide", .text = "y\n"};
  Passage lines{.citation = "r@1:c#L1-L1", .path = "c", .text = "z\n"};
  std::string text = Answer("?", {method, section, lines}).text;
  EXPECT_NE(text.find("`A.b` (method) in `a.cc`:\n"), std::string::npos) << text;
  EXPECT_NE(text.find("`g.md`, section `Guide > Expiry`:\n"), std::string::npos);
  EXPECT_NE(text.find("`c`:\n"), std::string::npos);
}

TEST(ExtractiveTest, LinesWithoutEndAreShortenedAroundTheQuestion) {
  std::string prose;
  for (int i = 0; i < 200; ++i) prose += "Nothing to see in sentence " + std::to_string(i) + ". ";
  prose.insert(prose.find("Nothing to see in sentence 150"), "The walrus sleeps at noon. ");
  Passage passage{.citation = "r@1:long.md#L1-L1", .path = "long.md", .kind = ChunkKind::kSection, .text = prose + "\n", .line_weights = {1}};
  ReadAnswer read = Read(Answer("when does the walrus sleep", {passage}).text);
  ASSERT_EQ(read.blocks.size(), 1u);
  EXPECT_LT(read.blocks[0].size(), 500u);
  EXPECT_TRUE(read.blocks[0].starts_with("…The walrus sleeps at noon. ")) << read.blocks[0];
  EXPECT_TRUE(read.blocks[0].ends_with("…\n"));
  passage.text = std::string(3 * 300, '\0');
  for (size_t i = 0; i < passage.text.size(); i += 3) passage.text.replace(i, 3, "글");
  std::string block = Read(Answer("글", {passage}).text).blocks.at(0);
  EXPECT_EQ((block.size() - 4) % 3, 0u);  // no character is cut
}

TEST(ExtractiveTest, HostileTextStaysInItsFences) {
  std::vector<Passage> passages;
  for (const char* text : {"```\n# not a heading\n[click](javascript:alert(1))\n```\n", "````markdown\n<script>alert(1)</script>\n````",
                           "~~~\n![](http://example.com/leak)\n", "`\n``\n```\n````\n`````\n"}) {
    passages.push_back({.citation = "evil@c:a`b``c.md#L1-L9", .path = "a`b``c\n# x\n.md", .language = "evil`\n", .kind = ChunkKind::kSection,
                        .symbol = "`](http://example.com)<b>", .scope = "<img src=x>", .text = text});
  }
  ReadAnswer read = Read(Answer("alert", passages, {.max_passages = 2}).text);
  EXPECT_TRUE(read.closed);
  EXPECT_EQ(read.blocks.size(), 2u);
  for (const char* sign : {"<", "http", "javascript", "#", "!", "evil"}) {
    EXPECT_EQ(read.rendered.find(sign), std::string::npos) << sign << " in: " << read.rendered;
  }
}

TEST(ExtractiveTest, StopEndsTheAnswer) {
  std::stop_source stop;
  stop.request_stop();
  std::vector<Passage> passages = {Numbered("a.py", 5, 1)};
  auto summary = MakeExtractiveGenerator()->Answer({.question = "?", .passages = passages}, stop.get_token(), [](const AnswerPiece&) {});
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.status().code(), StatusCode::kUnavailable);
}

Passage Defined(const std::string& symbol, const std::string& path, const std::string& text, const std::string& signature, ChunkKind kind = ChunkKind::kFunction) {
  return {.citation = "r@1:" + path + "#L1-L9", .path = path, .language = "python", .kind = kind, .symbol = symbol, .signature = signature, .text = text};
}

TEST(ExtractiveTest, DefinesANameAndThenSaysWhereItIsUsed) {
  std::string body;
  for (int i = 0; i < 40; ++i) body += "    step_" + std::to_string(i) + "()\n";
  Passage guide{.citation = "r@1:g.md#L1-L1", .path = "g.md", .kind = ChunkKind::kSection, .symbol = "Walks", .text = "Use walk() daily.\n"};
  std::vector<Passage> passages = {
      guide, Defined("Dog.run", "dog.py", "def run(self):\n    prepare()\n    self.legs.walk(2)\n", "def run(self)", ChunkKind::kMethod),
      Defined("Legs.walk", "legs.py", "# Walks so many steps.\n# Slowly.\ndef walk(self, steps):\n    \"\"\"One leg\n\n    after the other.\"\"\"\n" + body, "def walk(self, steps)", ChunkKind::kMethod)};
  std::string text = Answer("what is Legs.walk?", passages).text;
  EXPECT_TRUE(text.starts_with("`Legs.walk` (method) in `legs.py`:\n\n```python\n# Walks so many steps.\n# Slowly.\ndef walk(self, steps):\n    \"\"\"One leg\n\n    after the other.\"\"\"\n")) << text;
  EXPECT_NE(text.find("Used in:\n- `Dog.run` (method) in `dog.py` [2] `r@1:dog.py#L3-L3`\n"), std::string::npos) << text;
  EXPECT_NE(text.find("See also:\n- `g.md`, section `Walks` [1]"), std::string::npos) << text;
  EXPECT_EQ(Read(text).blocks.size(), 1u);
}

TEST(ExtractiveTest, OfALongCommentItQuotesTheBeginning) {
  std::string comment;
  for (int i = 0; i < 50; ++i) comment += "/// Line " + std::to_string(i) + ".\n";
  ReadAnswer read = Read(Answer("Limit란 무엇인가요?", {Defined("Limit", "limit.rs", comment + "pub struct Limit {\n    kind: u8,\n}\n", "pub struct Limit {", ChunkKind::kClass)}).text);
  ASSERT_EQ(read.blocks.size(), 2u);
  EXPECT_TRUE(read.blocks[0].starts_with("/// Line 0.\n"));
  EXPECT_EQ(read.blocks[1], "pub struct Limit {\n");
}

TEST(ExtractiveTest, QuotesStepsWholeAndInOrder) {
  std::string list;
  for (int i = 1; i <= 30; ++i) list += std::to_string(i) + ". Turn the walrus.\n";
  Passage other{.citation = "r@1:a.md#L1-L1", .path = "a.md", .kind = ChunkKind::kSection, .symbol = "Walrus", .text = "A walrus turned.\n"};
  Passage steps{.citation = "r@1:b.md#L1-L32", .path = "b.md", .kind = ChunkKind::kSection, .symbol = "Turning", .text = "So:\n\n" + list};
  std::string text = Answer("how do I turn a walrus?", {other, steps}).text;
  EXPECT_TRUE(text.starts_with("Steps, from `b.md`, section `Turning`:\n")) << text;
  EXPECT_EQ(Read(text).blocks.at(0), "So:\n\n" + list);
  EXPECT_NE(text.find("[2] `r@1:b.md#L1-L32`"), std::string::npos);
  EXPECT_TRUE(Answer("walrus turn 방법", {steps}).text.starts_with("절차, `b.md`, 절 `Turning`:\n"));
}

TEST(ExtractiveTest, ListAboutSomethingElseIsNotTheAnswer) {
  Passage list{.citation = "r@1:b.md#L1-L2", .path = "b.md", .kind = ChunkKind::kSection, .text = "1. Boil water.\n2. Add tea.\n"};
  EXPECT_FALSE(Answer("how do I turn a walrus?", {list}).text.starts_with("Steps"));
}

TEST(ExtractiveTest, ComparesSideBySide) {
  std::vector<Passage> passages = {Defined("open|close", "x.py", "x\n", ""), Defined("bind", "b.py", "def bind(a): return must(a)\n", "def bind(a)"),
                                   Defined("try_bind", "t.py", "def try_bind(a): return a\n", "def try_bind(a)")};
  std::string text = Answer("difference between bind and try_bind", passages).text;
  EXPECT_TRUE(text.starts_with("| | `bind` | `try_bind` |\n|---|---|---|\n| kind | function | function |\n| defined in | `b.py` | `t.py` |\n"
                               "| declaration | `def bind(a)` | `def try_bind(a)` |\n\n**`bind`**\n\n")) << text;
  EXPECT_LT(text.find("return must(a)"), text.find("**`try_bind`**"));
  EXPECT_EQ(Read(text).blocks.size(), 2u);
  EXPECT_NE(Answer("bind와 nothing_else의 차이", passages).text.find("찾지 못한 것: `nothing_else`."), std::string::npos);
  passages[1].signature = "def bind(a|b)";
  EXPECT_NE(Answer("bind vs try_bind", passages).text.find("`def bind(a\\|b)`"), std::string::npos);  // the cell goes on
}

TEST(ExtractiveTest, OnePassageAboutBothSidesIsQuotedForEach) {
  Passage both{.citation = "r@1:leave.md#L1-L15", .path = "leave.md", .kind = ChunkKind::kSection, .symbol = "Leave",
               .text = "# Leave\n\n## Annual\n\nAnnual leave: 15 days.\n\n## Other\n\nNothing.\nNothing.\n\n## Sickness\n\nSickness: 10 days.\nMore.\n"};
  std::string text = Answer("annual vs sickness", {both}).text;
  ReadAnswer read = Read(text);
  ASSERT_EQ(read.blocks.size(), 2u) << text;
  EXPECT_NE(read.blocks[0].find("15 days"), std::string::npos);
  EXPECT_NE(read.blocks[1].find("10 days"), std::string::npos);
}

TEST(ExtractiveTest, SpeaksTheLanguageOfTheQuestion) {
  EXPECT_TRUE(Answer("바다코끼리?", {}).text.starts_with("찾지 못했습니다"));
  std::vector<Passage> passages;
  for (int i = 0; i < 5; ++i) passages.push_back(Defined("f" + std::to_string(i), "f" + std::to_string(i) + ".py", "walrus " + std::to_string(i) + "\n", ""));
  std::string text = Answer("walrus는 어디에 있나요?", passages).text;
  EXPECT_TRUE(text.starts_with("`f0.py`의 `f0` (함수):\n")) << text;
  EXPECT_NE(text.find("함께 보기:\n- `f3.py`의 `f3` (함수) [4]"), std::string::npos) << text;
  EXPECT_EQ(text.find("See also"), std::string::npos);
}

TEST(ExtractiveTest, HostileTextStaysInItsFencesInEveryForm) {
  std::vector<Passage> passages;
  for (const char* text : {"# x\n```\n[click](javascript:alert(1))\n1. <script>\n2. alert\n```\n", "1. <img src=x>\n2. ![](http://example.com) alert\n3. ````\n"}) {
    for (ChunkKind kind : {ChunkKind::kSection, ChunkKind::kFunction}) {
      passages.push_back({.citation = "evil@c:a`b|c.md#L1-L9", .path = "a`b|c\n# x\n.md", .language = "evil`\n", .kind = kind, .symbol = "alert", .scope = "<img src=x>|",
                          .signature = "<b>|`](http://example.com)", .text = text});
    }
  }
  for (const char* question : {"what is alert()?", "how do I alert?", "alert vs script", "alert와 <script>의 차이"}) {
    ReadAnswer read = Read(Answer(question, passages).text);
    EXPECT_TRUE(read.closed) << question;
    for (const char* sign : {"<", "http", "javascript", "#", "!", "evil"}) EXPECT_EQ(read.rendered.find(sign), std::string::npos) << question << ": " << sign << " in: " << read.rendered;
  }
}

}  // namespace
}  // namespace codelore::generate
