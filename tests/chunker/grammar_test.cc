#include "chunker/grammar.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace codelore::chunker {
namespace {

// The grammars that share a table share its rows: each must mean something in at least one of them.
TEST(Grammar, NamesOnlyNodeTypesThatExist) {
  for (const Grammar* grammar : AllGrammars()) {
    for (const NodeRule& rule : grammar->rules) {
      bool exists = false;
      for (const Grammar* other : AllGrammars()) {
        exists = exists || (other->rules.data() == grammar->rules.data() &&
                            TypeNumber(other->parser(), rule.type) != 0);
      }
      EXPECT_TRUE(exists) << grammar->language << ": " << rule.type;
    }
    for (std::string_view body : grammar->bodies) {
      bool exists = false;
      for (const Grammar* other : AllGrammars()) {
        exists = exists || (other->bodies.data() == grammar->bodies.data() &&
                            TypeNumber(other->parser(), body) != 0);
      }
      EXPECT_TRUE(exists) << grammar->language << ": " << body;
    }
  }
}

// RuleTable tries the rows of a type from the first one on.
TEST(Grammar, KeepsTheRowsOfANodeTypeTogether) {
  for (const Grammar* grammar : AllGrammars()) {
    std::set<std::string_view> seen;
    std::string_view last;
    for (const NodeRule& rule : grammar->rules) {
      if (rule.type != last) {
        EXPECT_TRUE(seen.insert(rule.type).second) << grammar->language << ": " << rule.type;
      }
      last = rule.type;
    }
  }
}

TEST(Grammar, IsFoundByLanguage) {
  EXPECT_EQ(FindGrammar("python"), &kPython);
  EXPECT_EQ(FindGrammar("markdown"), nullptr);
  EXPECT_EQ(AllGrammars().size(), 26u);
}

TEST(Dotted, JoinsPathsOfAnyLanguageWithDots) {
  EXPECT_EQ(Dotted("a::b"), "a.b");
  EXPECT_EQ(Dotted("Outer<T>::Inner"), "Outer.Inner");
  EXPECT_EQ(Dotted("App\\Log"), "App.Log");
  EXPECT_EQ(Dotted("M:close"), "M.close");
  EXPECT_EQ(Dotted("self->x"), "self.x");
  EXPECT_EQ(Dotted("std :: vector< int >"), "std.vector");
}

TEST(Unquoted, TakesMatchingQuotesOff) {
  auto unquoted = [](std::string_view text) {
    ByteSpan span = Unquoted(text, {0, static_cast<uint32_t>(text.size())});
    return std::string(text.substr(span.begin, span.size()));
  };
  EXPECT_EQ(unquoted("\"a\""), "a");
  EXPECT_EQ(unquoted("'a'"), "a");
  EXPECT_EQ(unquoted("\"a'"), "\"a'");
  EXPECT_EQ(unquoted("\""), "\"");
  EXPECT_EQ(unquoted("\"\""), "");
}

}  // namespace
}  // namespace codelore::chunker
