#include "index/rank/query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace codelore::index {
namespace {

uint32_t ConceptOf(const QueryTerms& query, std::string_view term) {
  auto at = std::ranges::find(query.terms, term);
  EXPECT_NE(at, query.terms.end()) << term;
  return query.concepts[static_cast<size_t>(at - query.terms.begin())];
}

// A word that is there twice is no concept of its own, and must leave no room for another's.
TEST(Query, UnknownKoreanIsNoReadingOfAnotherWord) {
  QueryTerms query = AnalyzeQuery("turbine turbine turbine valve gasket 뷁쉙쀍");
  std::set<uint32_t> concepts(query.concepts.begin(), query.concepts.end());
  EXPECT_EQ(concepts.size(), query.terms.size());
  EXPECT_NE(ConceptOf(query, "뷁쉙"), ConceptOf(query, "gasket"));
}

TEST(Query, LooksForAWordsAbbreviationInItsPlaceAndForLess) {
  QueryTerms query = AnalyzeQuery("how is authentication configured");
  EXPECT_EQ(ConceptOf(query, "auth"), ConceptOf(query, "authent"));
  EXPECT_LT(query.weights[static_cast<size_t>(std::ranges::find(query.terms, "auth") - query.terms.begin())], 1);
  QueryTerms name = AnalyzeQuery("Authentication");
  EXPECT_EQ(name.terms, std::vector<std::string>{"authent"});
}

TEST(Query, KnowsWhatFilesAboutItsWordsMayBeCalled) {
  QueryTerms query = AnalyzeQuery("file system watching in a request context");
  for (const char* name : {"fs", "req", "ctx", "fsw"}) EXPECT_TRUE(std::ranges::count(query.abbreviations, name)) << name;
  EXPECT_FALSE(std::ranges::count(query.abbreviations, "wr"));  // not neighbours
}

double Seconds(const std::string& text, QueryTerms& query) {
  auto begin = std::chrono::steady_clock::now();
  query = AnalyzeQuery(text);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// As long as a question may be.
TEST(Query, ReadsTheLongestKoreanQuestionInBoundedTime) {
  std::string same, different, words;
  while (same.size() + 3 <= 8192) same += "뷁";
  for (uint32_t syllable = 0xAC00; different.size() + 3 <= 8192; syllable += 4) {
    different += static_cast<char>(0xE0 | syllable >> 12);
    different += static_cast<char>(0x80 | (syllable >> 6 & 0x3F));
    different += static_cast<char>(0x80 | (syllable & 0x3F));
  }
  while (words.size() + 40 <= 8192) words += "서버설정변경데이터베이스파일검색 ";
  for (const std::string& text : {same, different, words}) {
    QueryTerms query;
    double seconds = Seconds(text, query);
    EXPECT_LE(query.terms.size(), text.size());
    EXPECT_LT(seconds, 2);
  }
}

}  // namespace
}  // namespace codelore::index
