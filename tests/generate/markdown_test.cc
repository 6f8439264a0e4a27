#include "generate/markdown.h"

#include <gtest/gtest.h>

#include "generate/answer_reader.h"

namespace codelore::generate {
namespace {

constexpr const char* kHostile[] = {
    "plain",
    "```",
    "````\n```\n``\n`",
    "~~~\nstill inside\n~~~",
    "```\n<script>alert(1)</script>\n```",
    "`",
    "a `b` c",
    "``",
    "`` ` ```",
    " leading and trailing ",
    "[click](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "<img src=x onerror=alert(1)>",
    "\n\n# Heading\n",
    "ends with a fence\n```",
    "    indented\n\ttab",
    "</code></pre>",
    "한글 `코드` 끝",
};

TEST(MarkdownTest, BlocksHoldAnyTextAndNothingElse) {
  for (const char* text : kHostile) {
    ReadAnswer answer = Read("before\n" + CodeBlock("cpp", text) + "after\n");
    ASSERT_EQ(answer.blocks.size(), 1u) << text;
    std::string expected = text;
    if (!expected.ends_with('\n')) expected += '\n';
    EXPECT_EQ(answer.blocks[0], expected);
    EXPECT_EQ(answer.rendered, "before\nafter\n") << text;
    EXPECT_TRUE(answer.closed);
  }
}

TEST(MarkdownTest, SpansHoldAnyTextOnOneLine) {
  for (const char* text : kHostile) {
    ReadAnswer answer = Read("before " + CodeSpan(text) + " after\n");
    ASSERT_EQ(answer.spans.size(), 1u) << text;
    std::string expected = text;
    for (char& c : expected) {
      if (c == '\n' || c == '\t') c = ' ';
    }
    EXPECT_TRUE(answer.spans[0] == expected || " " + answer.spans[0] + " " == expected) << text;
    EXPECT_EQ(answer.rendered, "before  after\n") << text;
    EXPECT_TRUE(answer.closed);
  }
}

TEST(MarkdownTest, SpansHoldNoControlCharacters) {
  std::string span = CodeSpan("a\nb\rc\x1b[31md\x7f" "e");
  EXPECT_EQ(span, "`a b c [31md e`");
}

TEST(MarkdownTest, EmptySpanIsASpan) { EXPECT_EQ(Read("x" + CodeSpan("") + "y\n").rendered, "xy\n"); }

TEST(MarkdownTest, LanguageIsAPlainWordOrNothing) {
  EXPECT_TRUE(CodeBlock("c++", "x").starts_with("```c++\n"));
  EXPECT_TRUE(CodeBlock("objective-c", "x").starts_with("```objective-c\n"));
  for (const char* language : {"py`thon", "a b", "x\ny", "<b>", "Ruby\" onload", "é"}) {
    EXPECT_TRUE(CodeBlock(language, "x").starts_with("```\n")) << language;
  }
}

}  // namespace
}  // namespace codelore::generate
