#include "embed/unicode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "codelore/utf8.h"

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

// Byte by byte: a part is as long as some bytes more would make a character of it.
std::string ReplacedByTheBook(std::string_view text) {
  const auto could_become_one = [](const std::string& part) {
    return std::ranges::any_of(std::array{"", "\x80", "\x80\x80", "\xBF", "\xBF\xBF"},
                               [&](const char* rest) { return Utf8SequenceLength(part + rest) > 0; });
  };
  std::string result;
  for (size_t length; !text.empty(); text.remove_prefix(length)) {
    length = Utf8SequenceLength(text);
    result += length > 0 ? text.substr(0, length) : "\uFFFD";
    if (length > 0) continue;
    for (length = 1; length < std::min<size_t>(text.size(), 4) && could_become_one(std::string(text.substr(0, length + 1)));) ++length;
  }
  return result;
}

TEST(UnicodeTest, ReplacesAsByTheBook) {
  constexpr std::string_view kBytes = "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF";
  const size_t kinds = kBytes.size();
  for (size_t i = 0; i < kinds * kinds * kinds * kinds; ++i) {
    const char text[] = {kBytes[i % kinds], kBytes[i / kinds % kinds], kBytes[i / kinds / kinds % kinds], kBytes[i / kinds / kinds / kinds]};
    for (size_t size = 1; size <= sizeof text; ++size) {
      const std::string_view part(text, size);
      ASSERT_EQ(ReplaceBrokenUtf8(part), ReplacedByTheBook(part)) << i << " of " << size;
    }
  }
}

TEST(UnicodeTest, NormalisesToFormKc) { EXPECT_EQ(Nfkc("ﬁ\u1100\u1161Ａ"), "fi가A"); }

}  // namespace
}  // namespace codelore::embed
