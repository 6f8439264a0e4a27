#include "index/analysis/analyzer.h"

#include <gtest/gtest.h>

#include <random>

namespace codelore::index {
namespace {

using Terms = std::vector<std::string>;

Terms Of(std::string_view text) { return Analyzer().Terms(text); }

TEST(Analyzer, EmitsTheCompoundAndItsParts) {
  EXPECT_EQ(Of("getUserName"), (Terms{"getusername", "get", "user", "name"}));
  EXPECT_EQ(Of("HTTPServer2_x"), (Terms{"httpserver2_x", "http", "server", "2", "x"}));
  EXPECT_EQ(Of("snake_case_names"), (Terms{"snake_case_names", "snake", "case", "name"}));
  EXPECT_EQ(Of("utf8"), (Terms{"utf8", "utf", "8"}));
}

TEST(Analyzer, KeepsASimpleWordOnce) {
  EXPECT_EQ(Of("the request handler"), (Terms{"the", "request", "handler"}));
  EXPECT_EQ(Of("__init__ ____"), (Terms{"init"}));
}

TEST(Analyzer, StemsWordsButNotCompounds) {
  EXPECT_EQ(Of("running connections"), (Terms{"run", "connect"}));
  EXPECT_EQ(Of("runningConnections")[0], "runningconnections");
}

TEST(Analyzer, KeepsNumbersAsWritten) {
  EXPECT_EQ(Of("v 1.2.3."), (Terms{"v", "1.2.3", "1", "2", "3"}));
  EXPECT_EQ(Of("E0502 ECONNRESET #4411 0x1F"),
            (Terms{"e0502", "e", "0502", "econnreset", "4411", "0x1f", "0", "x", "1", "f"}));
}

TEST(Analyzer, CutsHangulIntoBigrams) {
  EXPECT_EQ(Of("사용자를 인증"), (Terms{"사용", "용자", "자를", "인증"}));
  EXPECT_EQ(Of("값"), (Terms{"값"}));
  EXPECT_EQ(Of("User클래스의 login"), (Terms{"user", "클래", "래스", "스의", "login"}));
}

TEST(Analyzer, ComposesDecomposedHangul) {
  EXPECT_EQ(Of("\xE1\x84\x8B\xE1\x85\xB5\xE1\x86\xAB\xE1\x84\x8C\xE1\x85\xB3\xE1\x86\xBC"), (Terms{"인증"}));
}

TEST(Analyzer, HandlesOtherScripts) {
  EXPECT_EQ(Of("東京都"), (Terms{"東京", "京都"}));
  EXPECT_EQ(Of("Größe Привет"), (Terms{"grösse", "привет"}));
  EXPECT_EQ(Of("ＡＢＣ"), (Terms{"abc"}));
  EXPECT_GT(Of("สวัสดีชาวโลก").size(), 1u);
}

TEST(Analyzer, CountsPositionsSoThatPhrasesMatchInsideIdentifiers) {
  std::vector<std::pair<std::string, uint32_t>> tokens;
  uint32_t next = Analyzer().Analyze("call getUser now", [&](const Token& t) {
    tokens.emplace_back(std::string(t.term), t.position);
  });
  EXPECT_EQ(tokens, (std::vector<std::pair<std::string, uint32_t>>{
                        {"call", 0}, {"getuser", 1}, {"get", 1}, {"user", 2}, {"now", 3}}));
  EXPECT_EQ(next, 4u);
}

TEST(Analyzer, SurvivesRandomBytes) {
  std::mt19937 random(7);
  Analyzer analyzer;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 64, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const std::string& term : analyzer.Terms(bytes)) EXPECT_FALSE(term.empty());
  }
}

TEST(Analyzer, BoundsTheLengthOfATerm) {
  for (const std::string& term : Of(std::string(100000, 'a'))) EXPECT_LE(term.size(), 96u);
}

}  // namespace
}  // namespace codelore::index
