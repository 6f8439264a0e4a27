#include "acl/token_text.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "acl/checksum.h"

namespace codelore::acl {
namespace {

// "123456789": the check value that the catalogues of CRC algorithms give.
TEST(TokenTextTest, ChecksumIsTheWellKnownOne) {
  EXPECT_EQ(Crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(Crc32("6789", Crc32("12345")), 0xCBF43926u);
}

// RFC 4231, test case 2.
TEST(TokenTextTest, HashIsHmacSha256) {
  auto hash = HashToken("Jefe", "what do ya want for nothing?");
  ASSERT_TRUE(hash.ok());
  std::string hex;
  for (char c : *hash) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
    hex += digits;
  }
  EXPECT_EQ(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(TokenTextTest, EachIsNewAndWellFormed) {
  std::set<std::string> seen;
  std::map<char, int> counts;
  for (int i = 0; i < 2000; ++i) {
    auto text = NewTokenText();
    ASSERT_TRUE(text.ok());
    EXPECT_TRUE(IsWellFormedToken(*text)) << *text;
    EXPECT_TRUE(seen.insert(*text).second);
    for (char c : text->substr(4, 32)) ++counts[c];
  }
  EXPECT_EQ(counts.size(), 62u);
  for (auto [character, count] : counts) {  // 1,032 expected, standard deviation 32
    EXPECT_NEAR(count, 2000 * 32 / 62, 6 * 32) << character;
  }
}

TEST(TokenTextTest, EveryChangedCharacterShows) {
  std::string text = NewTokenText().value();
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(IsWellFormedToken(changed)) << changed;
  }
  for (std::string_view other : {std::string_view(""), std::string_view("clr_"), std::string_view(text).substr(1)}) {
    EXPECT_FALSE(IsWellFormedToken(other));
  }
}

}  // namespace
}  // namespace codelore::acl
