#include "gloss/korean.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "gloss/glossing_encoder.h"

namespace codelore::gloss {
namespace {

std::string Squeeze(const std::string& text) {
  std::string squeezed;
  for (char c : text) {
    if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) squeezed += c;
  }
  while (squeezed.ends_with(' ')) squeezed.pop_back();
  return squeezed;
}
std::string English(std::string_view text) { return Squeeze(InEnglish(text)); }

TEST(Korean, ReadsQuestionsAboutCode) {
  EXPECT_EQ(English("요청 재시도를 어디서 처리하나요?"), "request retry where handle ?");
  EXPECT_EQ(English("미들웨어는 어떻게 동작하나요"), "middleware how work");
  EXPECT_EQ(English("URLSession에서 응답을 검증하는 코드"), "URLSession response validate code");
}

TEST(Korean, CutsCompoundsWrittenTogether) {
  EXPECT_EQ(English("요청재시도"), "request retry");
  EXPECT_EQ(English("오류코드"), "error code");
  EXPECT_EQ(English("이벤트루프를"), "event loop");
}

TEST(Korean, KnowsConjugations) {
  for (const char* word : {"보내는", "보낸", "보낼", "보냅니다", "보냈는지", "보내기"}) EXPECT_EQ(English(word), "send") << word;
  for (const char* word : {"저장", "저장하는", "저장할", "저장합니다", "저장되었는지", "저장을"}) EXPECT_EQ(English(word), "save") << word;
}

TEST(Korean, PrefersTheLongerWordToTheLongerEnding) { EXPECT_EQ(English("표현식은"), "expression"); }

TEST(Korean, OneSyllableIsAWordOnlyAloneOrBehindKnownWords) {
  EXPECT_EQ(English("키를"), "key");
  EXPECT_EQ(English("해시키"), "hash key");
  EXPECT_EQ(English("키위"), "");  // a fruit
}

TEST(Korean, UnknownWordsLeaveNothing) {
  EXPECT_EQ(English("김치찌개"), "");
  auto pieces = ReadKorean("김치찌개를");
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].kind, PieceKind::kUnknown);
  EXPECT_EQ(pieces[0].korean, "김치찌개");
  EXPECT_EQ(pieces[1].kind, PieceKind::kEnding);
}

TEST(Korean, PiecesJoinedAreTheRun) {
  std::string run;
  for (uint32_t i = 0; i < 3000; ++i) {
    uint32_t c = 0xAC00 + (i * 7919) % 11172;
    run += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
  }
  ASSERT_EQ(HangulRuns(run).size(), 1u);
  std::string joined;
  for (const KoreanPiece& piece : ReadKorean(run)) joined += piece.korean;
  EXPECT_EQ(joined, run);
}

TEST(Korean, BrokenAndForeignBytesPassThrough) {
  for (std::string text : {std::string("\xEA\xB0"), std::string("\xED\xA0\x80"), std::string("a\xEA\0b", 4), std::string("日本語 ascii"), std::string()}) {
    EXPECT_FALSE(HasHangul(text));
    EXPECT_EQ(InEnglish(text), text);
  }
  EXPECT_TRUE(HasHangul("abc \xEA 값"));
}

// Whatever is in a run: twice as long takes about twice as long, and a megabyte is soon read.
TEST(Korean, ReadsAMegabyteWithoutASpace) {
  for (std::string_view part : {"가", "뷁", "서버설정", "하는데이터베이스를위한"}) {
    std::string run;
    while (run.size() < 1 << 20) run += part;
    auto begin = std::chrono::steady_clock::now();
    size_t bytes = 0;
    for (const KoreanPiece& piece : ReadKorean(run)) bytes += piece.korean.size();
    EXPECT_EQ(bytes, run.size()) << part;
    EXPECT_LT(InEnglish(run).size(), 16 * run.size()) << part;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << part;
  }
}

// Gives back what it was asked, one number for each byte.
class Echo final : public TextEncoder {
 public:
  const EncoderInfo& info() const override { return info_; }
  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts, const EncodeOptions&) const override {
    std::vector<Encoding> encodings;
    for (std::string_view text : texts) encodings.push_back({.dense = std::vector<float>(text.begin(), text.end())});
    return encodings;
  }

 private:
  EncoderInfo info_{.name = "echo", .dimension = 1};
};

std::string Asked(const TextEncoder& encoder, std::string_view text) {
  std::vector<std::string_view> texts = {text};
  auto encodings = encoder.Encode(texts, {});
  return Squeeze(std::string((*encodings)[0].dense.begin(), (*encodings)[0].dense.end()));
}

TEST(GlossingEncoder, GivesTheEncoderEnglish) {
  GlossingEncoder encoder(std::make_unique<Echo>());
  EXPECT_EQ(Asked(encoder, "토큰 갱신"), "token refresh");
  EXPECT_EQ(Asked(encoder, "token refresh"), "token refresh");
  EXPECT_NE(encoder.info().fingerprint, Echo().info().fingerprint);
}

}  // namespace
}  // namespace codelore::gloss
