#include "codelore/coding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace codelore {
namespace {

TEST(CodingTest, GivesBackWhatWasWritten) {
  std::string bytes = ByteWriter().Fixed<uint8_t>(7).Fixed(-1.5).Fixed<int64_t>(-2).Key32(0xDEADBEEF).Varint(300)
                          .String("text").Raw("raw").Take();
  ByteReader in(bytes);
  EXPECT_EQ(in.Fixed<uint8_t>(), 7);
  EXPECT_EQ(in.Fixed<double>(), -1.5);
  EXPECT_EQ(in.Fixed<int64_t>(), -2);
  EXPECT_EQ(in.Key32(), 0xDEADBEEF);
  EXPECT_EQ(in.Varint(), 300u);
  EXPECT_EQ(in.String(), "text");
  EXPECT_FALSE(in.done());
  EXPECT_EQ(in.Raw(3), "raw");
  EXPECT_TRUE(in.done());
}

TEST(CodingTest, IsLittleEndianAndLeb128) {
  EXPECT_EQ(ByteWriter().Fixed<uint32_t>(0x01020304).Take(), "\x04\x03\x02\x01");
  EXPECT_EQ(ByteWriter().Key32(0x01020304).Take(), "\x01\x02\x03\x04");
  EXPECT_EQ(ByteWriter().Varint(624485).Take(), "\xE5\x8E\x26");  // the example of the DWARF specification
}

TEST(CodingTest, VarintsOfEveryLength) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> values = {0, std::numeric_limits<uint64_t>::max()};
  for (int shift = 0; shift < 64; ++shift) {
    values.insert(values.end(), {uint64_t{1} << shift, (uint64_t{1} << shift) - 1, random() >> shift});
  }
  for (uint64_t value : values) {
    std::string bytes = ByteWriter().Varint(value).Take();
    ByteReader in(bytes);
    EXPECT_EQ(in.Varint(), value);
    EXPECT_TRUE(in.done());
    EXPECT_EQ(bytes.size(), value == 0 ? 1 : (static_cast<size_t>(std::bit_width(value)) + 6) / 7);
  }
}

TEST(CodingTest, KeysSortByNumber) {
  std::mt19937 random(2);
  for (int i = 0; i < 1000; ++i) {
    uint32_t a = static_cast<uint32_t>(random()), b = static_cast<uint32_t>(random()) >> (i % 32);
    EXPECT_EQ(a < b, ByteWriter().Key32(a).Take() < ByteWriter().Key32(b).Take());
  }
}

TEST(CodingTest, MalformedVarintsFail) {
  std::string eleven(10, '\x80'), overflow = std::string(9, '\xFF') + "\x02";
  for (const std::string& bytes : {std::string(), std::string("\x80"), eleven + "\x01", overflow}) {
    ByteReader in(bytes);
    EXPECT_EQ(in.Varint(), 0u);
    EXPECT_FALSE(in.ok());
  }
}

TEST(CodingTest, StaysFailedAfterAShortRead) {
  ByteReader in("\x05xy");
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Raw(0), "");
  EXPECT_EQ(in.Fixed<uint8_t>(), 0);
  EXPECT_EQ(in.Key32(), 0u);
  EXPECT_FALSE(in.done());
}

TEST(CodingTest, LengthsAndCountsThatCannotBeAreRefused) {
  std::string huge = ByteWriter().Varint(std::numeric_limits<uint64_t>::max()).Raw("abc").Take();
  EXPECT_EQ(ByteReader(huge).String(), "");
  EXPECT_EQ(ByteReader(huge).Count(), 0u);
  std::string three = ByteWriter().Varint(3).Raw("123456").Take();
  EXPECT_EQ(ByteReader(three).Count(2), 3u);
  EXPECT_EQ(ByteReader(three).Count(3), 0u);
}

// Whatever the bytes, a reader ends and never reads past them (the sanitizers look on).
TEST(CodingTest, SurvivesRandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bytes(random() % 20);  // on the heap, without a terminator behind it
    for (char& byte : bytes) byte = static_cast<char>(random());
    ByteReader in(std::string_view(bytes.data(), bytes.size()));
    for (int read = 0; read < 8; ++read) {
      switch (random() % 6) {
        case 0: in.Varint(); break;
        case 1: in.String(); break;
        case 2: in.Fixed<uint64_t>(); break;
        case 3: in.Key32(); break;
        case 4: EXPECT_LE(in.Count(3), 6u); break;
        default: in.Raw(random() % 8); break;
      }
    }
  }
}

}  // namespace
}  // namespace codelore
