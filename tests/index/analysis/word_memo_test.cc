#include "index/analysis/word_memo.h"

#include <gtest/gtest.h>

namespace codelore::index {
namespace {

using Terms = std::vector<std::pair<std::string, int>>;

Terms TermsOf(const WordMemo& memo, std::string_view word) {
  Terms terms;
  const char* record = memo.Find(word);
  if (record != nullptr) WordMemo::ForEach(record, [&](std::string_view term, uint8_t form) { terms.emplace_back(term, form); });
  return terms;
}

TEST(WordMemo, GivesBackTheTermsOfAWord) {
  WordMemo memo;
  EXPECT_EQ(memo.Find("getName"), nullptr);
  memo.Begin("getName");
  memo.AddTerm("getname", 1);
  memo.AddTerm("get", 2);
  memo.AddTerm("name", 2);
  memo.Begin("___");
  EXPECT_EQ(TermsOf(memo, "getName"), (Terms{{"getname", 1}, {"get", 2}, {"name", 2}}));
  EXPECT_EQ(TermsOf(memo, "getname"), Terms());
  ASSERT_NE(memo.Find("___"), nullptr);
  EXPECT_EQ(TermsOf(memo, "___"), Terms());
}

TEST(WordMemo, TakesTheLongestWord) {
  WordMemo memo;
  std::string word(WordMemo::kLongestWord, 'x');
  memo.Begin(word);
  memo.AddTerm(word, 0);
  EXPECT_EQ(TermsOf(memo, word), (Terms{{word, 0}}));
}

TEST(WordMemo, ForgetsRatherThanGrowWithoutEnd) {
  WordMemo memo;
  for (int i = 0; i < 200000; ++i) {
    std::string word = "word" + std::to_string(i);
    memo.Begin(word);
    memo.AddTerm(word, 0);
    ASSERT_EQ(TermsOf(memo, word), (Terms{{word, 0}}));
  }
  EXPECT_EQ(memo.Find("word0"), nullptr);
}

}  // namespace
}  // namespace codelore::index
