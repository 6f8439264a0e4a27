#include "index/symbols/symbol_pattern.h"

#include <gtest/gtest.h>

#include <random>

namespace codelore::index {
namespace {

std::string Parts(std::string_view text) {
  auto pattern = SymbolPattern::Parse(text, false);
  if (!pattern.ok()) return "refused";
  std::string parts;
  for (const std::string& part : pattern->owner()) parts += part + " > ";
  return parts + pattern->name();
}

TEST(SymbolPattern, SplitsAtTheSeparatorsOfAnyLanguage) {
  EXPECT_EQ(Parts("route"), "route");
  EXPECT_EQ(Parts("Flask.route"), "Flask > route");
  EXPECT_EQ(Parts(" Flask::route() "), "Flask > route");
  EXPECT_EQ(Parts("Flask#route"), "Flask > route");
  EXPECT_EQ(Parts("M:close"), "M > close");
  EXPECT_EQ(Parts("App\\Log\\Handler"), "App > Log > Handler");
  EXPECT_EQ(Parts("self->x"), "self > x");
  EXPECT_EQ(Parts("Vec::operator->"), "Vec > operator->");
  EXPECT_EQ(Parts("operator::x"), "operator::x");
  EXPECT_EQ(Parts("operators.x"), "operators > x");
  EXPECT_EQ(Parts("::a..b."), "a > b");
  EXPECT_EQ(Parts("..."), "refused");
  EXPECT_EQ(Parts(""), "refused");
}

TEST(SymbolPattern, OwnerIsTheEndOfTheScopeAndGoesOnInThePath) {
  auto fits = [](std::string_view pattern, std::string_view scope, std::string_view path) {
    return SymbolPattern::Parse(pattern, false)->OwnerFits(scope, path);
  };
  EXPECT_TRUE(fits("route", "Flask", "a.py"));
  EXPECT_TRUE(fits("Flask.route", "Flask", "a.py"));
  EXPECT_TRUE(fits("Flask.route", "app.Flask", "a.py"));
  EXPECT_FALSE(fits("Flask.route", "Flask.Inner", "a.py"));
  EXPECT_TRUE(fits("flask.app.Flask.route", "Flask", "src/flask/app.py"));
  EXPECT_FALSE(fits("django.app.Flask.route", "Flask", "src/flask/app.py"));
  EXPECT_TRUE(fits("F*k.route", "Flask", "a.py"));
  EXPECT_FALSE(fits("Flask.route", "", "src/flask.py"));  // a capital: case counts
  EXPECT_TRUE(fits("flask.route", "", "src/flask.py"));
}

// The matcher against the plain recursive definition.
bool PlainGlob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return PlainGlob(pattern.substr(1), text) || (!text.empty() && PlainGlob(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && PlainGlob(pattern.substr(1), text.substr(1));
}

TEST(GlobFits, AgreesWithThePlainDefinition) {
  std::mt19937 random(3);
  auto word = [&](std::string_view letters, size_t most) {
    std::string text;
    for (size_t i = random() % (most + 1); i > 0; --i) text += letters[random() % letters.size()];
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern = word("ab*?", 7), text = word("ab", 9);
    EXPECT_EQ(GlobFits(pattern, text, true), PlainGlob(pattern, text)) << pattern << " " << text;
  }
  EXPECT_TRUE(GlobFits("*CONTROLLER", "UserController", false));
  EXPECT_FALSE(GlobFits("*CONTROLLER", "UserController", true));
}

TEST(GlobFits, IsQuickOnStubbornPatterns) {
  std::string pattern, text(300, 'a');
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(GlobFits(pattern + "b", text, true));
}

}  // namespace
}  // namespace codelore::index
