#include "chunker/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

using namespace std::string_literals;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// CHARSET.NAME.bytes beside CHARSET.NAME.utf8
class EncodingTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(EncodingTest, IsRecognisedAndDecoded) {
  std::filesystem::path expected = GetParam();
  std::string name = GetParam().filename().string();
  DecodedText decoded = DecodeToUtf8(ReadFile(GetParam()));
  EXPECT_FALSE(decoded.is_binary);
  EXPECT_EQ(decoded.text, ReadFile(expected.replace_extension(".utf8")));
  std::string charset = decoded.charset;
  std::transform(charset.begin(), charset.end(), charset.begin(),
                 [](char c) { return static_cast<char>(std::tolower(c)); });
  EXPECT_EQ(charset, name.substr(0, name.find('.')));
  EXPECT_EQ(decoded.replaced, 0u);
}

std::vector<std::filesystem::path> Samples() {
  std::vector<std::filesystem::path> samples;
  for (const auto& entry : std::filesystem::directory_iterator(TESTDATA "/chunker/encodings")) {
    if (entry.path().extension() == ".bytes") samples.push_back(entry.path());
  }
  std::sort(samples.begin(), samples.end());
  return samples;
}

INSTANTIATE_TEST_SUITE_P(Samples, EncodingTest, testing::ValuesIn(Samples()), [](const auto& test) {
  std::string name = test.param.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
      '_');
  return name;
});

TEST(Decode, TakesAnEmptyFileForText) {
  DecodedText decoded = DecodeToUtf8("");
  EXPECT_FALSE(decoded.is_binary);
  EXPECT_EQ(decoded.text, "");
}

TEST(Decode, ReplacesWhatIsBrokenInUtf8AndSaysSo) {
  DecodedText decoded = DecodeToUtf8("설정 값을 읽는다 \xFF 그리고 \xE3\x81 끝난다\n");
  EXPECT_EQ(decoded.charset, "utf-8");
  EXPECT_EQ(decoded.replaced, 2u);
  EXPECT_EQ(decoded.text, "설정 값을 읽는다 \xEF\xBF\xBD 그리고 \xEF\xBF\xBD 끝난다\n");
}

TEST(Decode, KeepsALoneCarriageReturn) { EXPECT_EQ(DecodeToUtf8("a\rb\r\nc").text, "a\rb\r\nc"); }

TEST(Decode, ReplacesAStrayNulInText) {
  std::string text(5'000, 'x');
  text[100] = '\0';
  DecodedText decoded = DecodeToUtf8(text);
  EXPECT_FALSE(decoded.is_binary);
  EXPECT_EQ(decoded.replaced, 1u);
  EXPECT_EQ(decoded.text.find('\0'), std::string::npos);
}

TEST(Decode, KnowsBinaryFiles) {
  EXPECT_TRUE(DecodeToUtf8("\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s).is_binary);
  EXPECT_TRUE(DecodeToUtf8("%PDF-1.4\nhello\n").is_binary);
  EXPECT_TRUE(DecodeToUtf8("\x7F"
                           "ELF\x02\x01\x01\0\0\0"s)
                  .is_binary);
  EXPECT_TRUE(DecodeToUtf8("abc\0def"s).is_binary);
  EXPECT_TRUE(DecodeToUtf8("\x01\x02\x03\x04\x05\x06\x07\x0E\x0F"s).is_binary);
  EXPECT_TRUE(DecodeToUtf8("\xFF\xFE\x00\x01\x02\x03\x80\x05\x90\xFF\x12\x13"s).is_binary);
}

TEST(Decode, TakesRandomBytesForBinary) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(64 + random() % 4'000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_TRUE(DecodeToUtf8(bytes).is_binary) << round;
  }
}

TEST(Decode, GivesValidUtf8WithoutNulForEveryTruncationAndMutation) {
  std::mt19937 random(2);
  for (const auto& path : Samples()) {
    std::string bytes = ReadFile(path);
    for (size_t size = 0; size <= bytes.size(); ++size) {
      std::string cut = bytes.substr(0, size);
      if (!cut.empty() && size % 3 == 0) cut[random() % cut.size()] = static_cast<char>(random());
      DecodedText decoded = DecodeToUtf8(cut);
      if (decoded.is_binary) continue;
      EXPECT_TRUE(IsValidUtf8(decoded.text)) << path << " " << size;
      EXPECT_EQ(decoded.text.find('\0'), std::string::npos) << path << " " << size;
    }
  }
}

}  // namespace
}  // namespace codelore::chunker
