#include "generate/steps.h"

#include <gtest/gtest.h>

namespace codelore::generate {
namespace {

std::vector<std::string> ListsIn(const std::string& text, ChunkKind kind = ChunkKind::kSection) {
  Passage passage{.kind = kind, .text = text};
  std::vector<std::string> lists;
  auto lines = SplitLines(passage.text);
  for (const StepList& list : FindSteps(passage)) {
    std::string joined;
    for (size_t i = list.lines.first; i < list.lines.last; ++i) joined += lines.at(i);
    lists.push_back(std::to_string(list.steps) + "|" + joined);
  }
  return lists;
}

using Lists = std::vector<std::string>;

TEST(StepsTest, KeepsAListWholeWithWhatAnnouncesIt) {
  EXPECT_EQ(ListsIn("# Title\n\nDo this:\n\n1. Open it.\n   Slowly.\n\n   ```\n   open\n   ```\n2. Close it,\nand lock it.\n\n3) Not this.\n"),
            Lists{"3|Do this:\n\n1. Open it.\n   Slowly.\n\n   ```\n   open\n   ```\n2. Close it,\nand lock it.\n\n3) Not this.\n"});
  EXPECT_EQ(ListsIn("Text.\n\n1. a\n2. b\n\nText.\n"), Lists{"2|1. a\n2. b\n"});
}

TEST(StepsTest, ReadsReStructuredTextAndNestedLists) {
  EXPECT_EQ(ListsIn("#.  one\n#.  two\n\n    more\n#.  three\n"), Lists{"3|#.  one\n#.  two\n\n    more\n#.  three\n"});
  EXPECT_EQ(ListsIn("1. a\n   1. inner\n   2. inner\n2. b\n"), Lists{"2|1. a\n   1. inner\n   2. inner\n2. b\n"});
}

TEST(StepsTest, TwoListsAreTwo) {
  EXPECT_EQ(ListsIn("1. a\n2. b\n\n1. c\n2. d\n"), (Lists{"2|1. a\n2. b\n", "2|1. c\n2. d\n"}));
}

TEST(StepsTest, WhatCountsOtherwiseIsNone) {
  for (const char* text : {"", "1. only one\n", "3. c\n4. d\n", "1.5 is a number\n2.5 is another\n", "# One\n# Two\n", "- a\n- b\n", "2021. Then\n", "```\n1. a\n2. b\n```\n", "1.\n2.\n"}) {
    EXPECT_EQ(ListsIn(text), Lists{}) << text;
  }
  EXPECT_EQ(ListsIn("1. a\n2. b\n", ChunkKind::kFunction), Lists{});
}

}  // namespace
}  // namespace codelore::generate
