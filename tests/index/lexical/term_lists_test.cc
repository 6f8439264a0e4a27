#include "index/lexical/term_lists.h"

#include <gtest/gtest.h>

#include <random>

namespace codelore::index {
namespace {

TEST(TermLists, GivesBackWhatWasAppendedInRandomOrder) {
  std::mt19937 random(7);
  TermLists lists;
  std::vector<TermLists::List> handles(50);
  std::vector<std::string> expected(handles.size());
  for (int i = 0; i < 20000; ++i) {
    size_t term = random() % (1 + random() % handles.size());  // some are met often, some hardly
    std::string bytes(random() % 30, static_cast<char>(random()));
    lists.Append(handles[term], bytes);
    expected[term] += bytes;
  }
  for (size_t term = 0; term < handles.size(); ++term) {
    std::string read;
    lists.Read(handles[term], read);
    EXPECT_EQ(read, expected[term]) << term;
  }
}

TEST(TermLists, KeepsAListOfEveryLength) {
  TermLists lists;
  for (size_t size = 0; size < 300; ++size) {
    TermLists::List list;
    std::string bytes(size, 'x'), read;
    for (char c : bytes) lists.Append(list, std::string_view(&c, 1));
    lists.Read(list, read);
    EXPECT_EQ(read, bytes);
  }
}

}  // namespace
}  // namespace codelore::index
