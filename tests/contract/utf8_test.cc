#include "codelore/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace codelore {
namespace {

std::string Encode(uint32_t c) {
  std::string text;
  auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  }
  return text;
}

TEST(Utf8Test, KnowsEveryCharacterAndNoSurrogate) {
  for (uint32_t c = 0; c <= 0x110FFF; ++c) {
    std::string text = Encode(c);
    bool character = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    ASSERT_EQ(Utf8SequenceLength(text + "x"), character ? text.size() : 0u) << std::hex << c;
  }
}

// Against the definition: a string of three bytes is valid exactly if it is a sequence of encoded characters.
TEST(Utf8Test, RefusesEveryOtherShortString) {
  std::vector<bool> valid(1 << 24);
  auto mark = [&](const std::string& text) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    if (text.size() == 3) valid[byte(0) << 16 | byte(1) << 8 | byte(2)] = true;
  };
  for (uint32_t c = 0x800; c < 0x10000; ++c) {
    if (c < 0xD800 || c > 0xDFFF) mark(Encode(c));
  }
  for (uint32_t c = 0x80; c < 0x800; ++c) {
    for (uint32_t ascii = 0; ascii < 0x80; ++ascii) {
      mark(Encode(c) + Encode(ascii));
      mark(Encode(ascii) + Encode(c));
    }
  }
  for (uint32_t i = 0; i < 1 << 21; ++i) mark(Encode(i >> 14) + Encode(i >> 7 & 127) + Encode(i & 127));
  size_t wrong = 0;
  for (uint32_t i = 0; i < 1 << 24; ++i) {
    char bytes[3] = {static_cast<char>(i >> 16), static_cast<char>(i >> 8), static_cast<char>(i)};
    wrong += IsValidUtf8({bytes, 3}) != valid[i];
  }
  EXPECT_EQ(wrong, 0u);
}

TEST(Utf8Test, CutCharactersAreInvalid) {
  for (std::string_view text : {"\u00E9", "\u20AC", "\U0001F98A"}) {
    EXPECT_TRUE(IsValidUtf8(text));
    for (size_t size = 1; size < text.size(); ++size) EXPECT_FALSE(IsValidUtf8(text.substr(0, size)));
  }
  EXPECT_TRUE(IsValidUtf8(""));
}

TEST(Utf8Test, PrefixEndsBetweenCharacters) {
  std::string text = "a\u00E9\uD55C\U0001F98A";  // 1 + 2 + 3 + 4 bytes
  size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (size_t max = 0; max < std::size(expected); ++max) {
    EXPECT_EQ(Utf8Prefix(text, max), text.substr(0, expected[max])) << max;
  }
}

}  // namespace
}  // namespace codelore
