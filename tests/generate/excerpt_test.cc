#include "generate/excerpt.h"

#include <gtest/gtest.h>

#include <random>

namespace codelore::generate {
namespace {

// The excerpt's text, ranges joined by "--\n". Lines weigh as much of the question's words as they hold.
std::string Excerpt(Passage passage, const std::string& question, size_t max_lines = 8) {
  std::vector<std::string> stems = StemsOf(question);
  auto lines = SplitLines(passage.text);
  for (std::string_view line : lines) {
    float weight = 0;
    for (const std::string& stem : stems) weight += LowerCase(line).find(stem) != std::string::npos ? 1.0f : 0.0f;
    passage.line_weights.push_back(weight / static_cast<float>(std::max<size_t>(stems.size(), 1)));
  }
  std::string text;
  for (LineRange range : ChooseExcerpt(passage, stems, max_lines)) {
    if (!text.empty()) text += "--\n";
    for (size_t i = range.first; i < range.last; ++i) text += lines[i];
  }
  return text;
}

Passage Section(std::string text) { return {.language = "markdown", .kind = ChunkKind::kSection, .symbol = "S", .text = std::move(text)}; }

std::string Filler(int lines, const std::string& indent = "") {
  std::string text;
  for (int i = 0; i < lines; ++i) text += indent + "filler " + std::to_string(i) + "\n";
  return text;
}

TEST(ExcerptTest, StemsAreTheWordsThatCarryAQuestion) {
  EXPECT_EQ(StemsOf("How are the cookies signed, and where?"), (std::vector<std::string>{"cooki", "sign"}));
  EXPECT_EQ(StemsOf("what does parse_header do"), (std::vector<std::string>{"parse_head"}));
  EXPECT_EQ(StemsOf("비밀번호 변경"), (std::vector<std::string>{"비밀번호", "변경"}));
  EXPECT_EQ(StemsOf("a is of"), std::vector<std::string>{});
}

TEST(ExcerptTest, ShortPassageIsQuotedWholeWithoutBlankEnds) {
  EXPECT_EQ(Excerpt(Section("\n\none\n\ntwo\n\n\n"), "nothing"), "one\n\ntwo\n");
  EXPECT_EQ(Excerpt(Section("no line end"), "nothing"), "no line end");
  EXPECT_EQ(Excerpt(Section(""), "nothing"), "");
  EXPECT_EQ(Excerpt(Section("\n\n"), "nothing"), "\n");
}

TEST(ExcerptTest, ParagraphWithMostOfTheQuestionIsQuoted) {
  std::string text = Filler(5) + "\nTokens end after\nninety days.\n\n" + Filler(6);
  EXPECT_EQ(Excerpt(Section(text), "when do tokens end"), "Tokens end after\nninety days.\n");
}

TEST(ExcerptTest, DifferentWordsOfTheQuestionCountMoreThanOneWordOften) {
  std::string text = "token token\ntoken\ntoken\n\n" + Filler(6) + "\nA token is revoked by an administrator.\n";
  EXPECT_EQ(Excerpt(Section(text), "administrator revokes token"), "A token is revoked by an administrator.\n");
}

TEST(ExcerptTest, HeadingsStayWithWhatTheyHead) {
  EXPECT_EQ(Excerpt(Section(Filler(9) + "\n## Expiry\n\nAfter ninety days.\n\n" + Filler(9)), "expiry"),
            "## Expiry\n\nAfter ninety days.\n");
  EXPECT_EQ(Excerpt(Section(Filler(9) + "\nExpiry\n------\n\nAfter ninety days.\n\n" + Filler(9)), "expiry"),
            "Expiry\n------\n\nAfter ninety days.\n");
}

TEST(ExcerptTest, AnnouncedExampleComesWithItsAnnouncement) {
  EXPECT_EQ(Excerpt(Section(Filler(9) + "\nRegister the blueprint like this::\n\n    app.add(x)\n\n" + Filler(9)), "register blueprint"),
            "Register the blueprint like this::\n\n    app.add(x)\n");
}

TEST(ExcerptTest, FencedCodeIsNotCutAtItsBlankLines) {
  EXPECT_EQ(Excerpt(Section(Filler(9) + "\n```\nfirst\n\nwalrus\n```\n\n" + Filler(9)), "walrus"), "```\nfirst\n\nwalrus\n```\n");
}

TEST(ExcerptTest, LongParagraphIsCutWhereSentencesEnd) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += i == 14 ? "the walrus\n" : i % 4 == 3 ? "ends here.\n" : "goes on\n";
  std::string excerpt = Excerpt(Section(text), "walrus");
  EXPECT_NE(excerpt.find("walrus"), std::string::npos);
  EXPECT_TRUE(excerpt.ends_with("ends here.\n")) << excerpt;
  EXPECT_LE(SplitLines(excerpt).size(), 8u);
}

TEST(ExcerptTest, DeclarationComesWithTheLinesThatAnswer) {
  Passage passage{.language = "python", .kind = ChunkKind::kFunction, .symbol = "close", .signature = "def close(self, force=False)",
                  .text = "def close(self,\n          force=False):\n    \"\"\"Ends it.\"\"\"\n" + Filler(20, "    ") +
                          "\n    self.walrus.release()\n\n" + Filler(10, "    ")};
  EXPECT_EQ(Excerpt(passage, "walrus release"),
            "def close(self,\n          force=False):\n    \"\"\"Ends it.\"\"\"\n--\n    self.walrus.release()\n");
}

TEST(ExcerptTest, DeclarationAndAnswerSideBySideAreOneRange) {
  Passage passage{.language = "go", .kind = ChunkKind::kFunction, .symbol = "Close", .signature = "func Close() error",
                  .text = "// Close ends it.\nfunc Close() error {\n\twalrus.Release()\n\n" + Filler(20, "\t") + "}\n"};
  EXPECT_EQ(Excerpt(passage, "walrus release"), "// Close ends it.\nfunc Close() error {\n\twalrus.Release()\n");
}

TEST(ExcerptTest, DeclarationAloneIsEnoughWhenNothingElseMatches) {
  Passage passage{.language = "go", .kind = ChunkKind::kFunction, .symbol = "Close", .signature = "func Close() error",
                  .text = "func Close() error {\n" + Filler(20, "\t") + "}\n"};
  std::string excerpt = Excerpt(passage, "walrus");
  EXPECT_TRUE(excerpt.starts_with("func Close() error {\n\tfiller 0\n"));
  EXPECT_LE(SplitLines(excerpt).size(), 8u);
}

TEST(ExcerptTest, PartOfAFunctionWithoutItsDeclarationIsQuotedAlone) {
  Passage passage{.language = "go", .kind = ChunkKind::kFunction, .symbol = "Close", .signature = "func Close() error",
                  .text = Filler(20, "\t") + "\n\twalrus.Release()\n}\n"};
  EXPECT_EQ(Excerpt(passage, "walrus release"), "\twalrus.Release()\n}\n");
}

// Whatever the passage holds: ranges ascend, stay inside, and keep to the limit.
TEST(ExcerptTest, RangesAlwaysFit) {
  std::mt19937 random(7);
  constexpr const char* kLines[] = {"\n", "walrus\n", "def close(self):\n", "    \"\"\"Doc\n", "\"\"\"\n", "```\n", "# H\n",
                                    "====\n", "ends.\n", "like this::\n", "    code\n", "}\n", "한글 문장\n"};
  for (int round = 0; round < 3000; ++round) {
    Passage passage{.kind = round % 2 ? ChunkKind::kSection : ChunkKind::kFunction, .symbol = "close", .signature = "def close(self)"};
    for (size_t i = random() % 60; i > 0; --i) passage.text += kLines[random() % std::size(kLines)];
    if (random() % 2) passage.text += "no end";
    size_t count = SplitLines(passage.text).size(), max_lines = 1 + random() % 20;
    for (size_t i = 0; i < count; ++i) passage.line_weights.push_back(static_cast<float>(random() % 5) / 4);
    auto ranges = ChooseExcerpt(passage, StemsOf("close walrus code"), max_lines);
    EXPECT_EQ(ranges.empty(), count == 0);
    size_t at = 0, total = 0;
    for (LineRange range : ranges) {
      EXPECT_LT(range.first, range.last);
      EXPECT_GE(range.first, at);
      EXPECT_LE(range.last, count);
      at = range.last;
      total += range.size();
    }
    EXPECT_LE(total, std::max<size_t>(max_lines, 8) * 5 / 4);
  }
}

TEST(ExcerptTest, KeepsWhatAParagraphAnnounces) {
  const std::string text = "Intro.\n\nDo this::\n\n    a = 1\n\n    b = 2\n\nThen that:\n\n```\nc = 3\n\nd = 4\n```\n\nDone.\n";
  const std::vector<std::string_view> lines = SplitLines(text);  // 2 announces 4 to 6, 8 announces 10 to 14
  auto kept = [&](LineRange range, size_t most = 20) { return KeepAnnounced(lines, {range}, most); };
  EXPECT_EQ(kept({2, 3}), (std::vector<LineRange>{{2, 7}}));
  EXPECT_EQ(kept({4, 7}), (std::vector<LineRange>{{2, 7}}));
  EXPECT_EQ(kept({8, 9}), (std::vector<LineRange>{{8, 15}}));
  EXPECT_EQ(kept({10, 15}), (std::vector<LineRange>{{8, 15}}));
  EXPECT_EQ(kept({0, 1}), (std::vector<LineRange>{{0, 1}}));
  EXPECT_EQ(kept({16, 17}), (std::vector<LineRange>{{16, 17}}));
  EXPECT_EQ(kept({2, 3}, 2), (std::vector<LineRange>{{2, 3}})) << "what does not fit is left out";
  EXPECT_EQ(KeepAnnounced(lines, {{8, 9}, {10, 15}}, 20), (std::vector<LineRange>{{8, 15}}));
}

}  // namespace
}  // namespace codelore::generate
