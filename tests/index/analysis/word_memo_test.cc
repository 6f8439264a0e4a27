#include "index/analysis/word_memo.h"

#include <gtest/gtest.h>

namespace codelore::index {
namespace {

using Terms = std::vector<std::pair<std::string, int>>;

Terms TermsOf(WordMemo& memo, std::string_view word) {
  Terms terms;
  char* record = memo.Find(word);
  if (record == nullptr) return terms;
  WordMemo::ForEach(record, [&](std::string_view term, uint8_t form, TermNote) { terms.emplace_back(term, form); });
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

TEST(WordMemo, KeepsANoteBesideEachTerm) {
  WordMemo memo;
  memo.Begin("ab12");
  for (const char* term : {"ab12", "ab", "12"}) memo.AddTerm(term, 0);
  uint32_t next = 7;
  WordMemo::ForEach(memo.Find("ab12"), [&](std::string_view, uint8_t, TermNote note) {
    EXPECT_EQ(note.Get(), 0u);
    note.Set(next++);
  });
  std::vector<uint32_t> notes;
  WordMemo::ForEach(memo.Find("ab12"), [&](std::string_view, uint8_t, TermNote note) { notes.push_back(note.Get()); });
  EXPECT_EQ(notes, (std::vector<uint32_t>{7, 8, 9}));
  EXPECT_FALSE(TermNote());
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
