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

}  // namespace
}  // namespace codelore::generate
