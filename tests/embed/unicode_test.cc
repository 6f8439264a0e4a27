#include "embed/unicode.h"

#include <gtest/gtest.h>

#include <vector>

namespace codelore::embed {
namespace {

std::vector<std::string> Graphemes(std::string_view text) {
  std::vector<std::string> clusters;
  while (!text.empty()) {
    clusters.emplace_back(text.substr(0, GraphemeLength(text)));
    text.remove_prefix(clusters.back().size());
  }
  return clusters;
}
using V = std::vector<std::string>;

TEST(UnicodeTest, CutsGraphemeClusters) {
  EXPECT_EQ(Graphemes("ab\r\n\n"), (V{"a", "b", "\r\n", "\n"}));
  EXPECT_EQ(Graphemes("e\u0301\u0323x"), (V{"e\u0301\u0323", "x"}));
  EXPECT_EQ(Graphemes("\u1100\u1161\u11a8\u1100"), (V{"\u1100\u1161\u11a8", "\u1100"}));
  EXPECT_EQ(Graphemes("각나"), (V{"각", "나"}));
  EXPECT_EQ(Graphemes("🇰🇷🇯🇵🇺"), (V{"🇰🇷", "🇯🇵", "🇺"}));
  EXPECT_EQ(Graphemes("👩‍👩‍👧a"), (V{"👩‍👩‍👧", "a"}));
  EXPECT_EQ(Graphemes("👍🏽👍"), (V{"👍🏽", "👍"}));
  EXPECT_EQ(Graphemes("\u0600a"), (V{"\u0600a"}));
}

TEST(UnicodeTest, ReplacesEachMaximalBrokenPart) {
  EXPECT_EQ(ReplaceBrokenUtf8("a\xFF\xFFz"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(ReplaceBrokenUtf8("\xE2\x82z"), "\uFFFDz");
  EXPECT_EQ(ReplaceBrokenUtf8("\xF0\x90\x80"), "\uFFFD");
  EXPECT_EQ(ReplaceBrokenUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ReplaceBrokenUtf8("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(ReplaceBrokenUtf8("\xE0\x9F\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ReplaceBrokenUtf8("\xF4\x8F\xBF"), "\uFFFD");
  EXPECT_EQ(ReplaceBrokenUtf8("각\x80"), "각\uFFFD");
}

TEST(UnicodeTest, NormalisesToFormKc) { EXPECT_EQ(Nfkc("ﬁ\u1100\u1161Ａ"), "fi가A"); }

}  // namespace
}  // namespace codelore::embed
