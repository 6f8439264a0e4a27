#include "index/query/query_parser.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace codelore::index {
namespace {

// ---- the corpus: title, ":syntax", query, "---", what it is read as -----------------------------------------

struct Case {
  std::string title, syntax, source, expected;
};

std::string CorpusPath(const std::string& name) { return std::string(TESTDATA) + "/query/" + name + ".txt"; }

std::vector<Case> ReadCorpus(const std::string& name) {
  std::ifstream file(CorpusPath(name));
  std::vector<Case> cases;
  enum { kTitle, kSource, kExpected } part = kExpected;
  for (std::string line; std::getline(file, line);) {
    if (line == "===") {
      if (part != kTitle) cases.emplace_back();
      part = part == kTitle ? kSource : kTitle;
    } else if (part == kTitle && line.starts_with(':')) {
      cases.back().syntax = line.substr(1);
    } else if (part == kTitle) {
      cases.back().title = line;
    } else if (line == "---") {
      part = kExpected;
    } else {
      std::string& text = part == kSource ? cases.back().source : cases.back().expected;
      text += (text.empty() ? "" : "\n") + line;
    }
  }
  for (Case& each : cases) {
    while (each.expected.ends_with('\n')) each.expected.pop_back();
  }
  return cases;
}

void WriteCorpus(const std::string& name, const std::vector<Case>& cases) {
  std::ofstream file(CorpusPath(name));
  for (const Case& each : cases) {
    file << "===\n" << each.title << "\n:" << each.syntax << "\n===\n" << each.source << "\n---\n" << each.expected << "\n\n";
  }
}

std::string Describe(const QueryNode& node) {
  static constexpr const char* kNames[] = {"word", "phrase", "regex", "sym", "repo", "path", "lang", "branch", "not", "and", "or"};
  std::string text = std::string("(") + kNames[static_cast<size_t>(node.kind)];
  if (IsAtom(node.kind)) text += " " + node.text;
  for (const QueryNode& child : node.children) text += " " + Describe(child);
  return text + ")";
}

QuerySyntax SyntaxOf(const std::string& name) { return name == "query" ? QuerySyntax::kQuery : QuerySyntax::kAuto; }

std::string Outcome(const Case& each) {
  auto parsed = ParseQuery(each.source, SyntaxOf(each.syntax));
  if (!parsed.ok()) return parsed.status().message();
  return parsed->plain ? "plain" : Describe(parsed->tree);
}

class QueryCorpusTest : public ::testing::TestWithParam<const char*> {};

TEST_P(QueryCorpusTest, EachCaseIsReadAsWritten) {
  std::vector<Case> cases = ReadCorpus(GetParam());
  ASSERT_FALSE(cases.empty());
  if (const char* update = std::getenv("CODELORE_UPDATE_CORPUS"); update != nullptr && *update == '1') {
    for (Case& each : cases) each.expected = Outcome(each);
    WriteCorpus(GetParam(), cases);
  }
  for (const Case& each : cases) EXPECT_EQ(Outcome(each), each.expected) << each.title << ": " << each.source;
}

TEST_P(QueryCorpusTest, EachTreePrintsAsAQueryThatGivesItAgain) {
  for (const Case& each : ReadCorpus(GetParam())) {
    auto parsed = ParseQuery(each.source, SyntaxOf(each.syntax));
    if (!parsed.ok() || parsed->plain) continue;
    std::string printed = PrintQuery(parsed->tree);
    auto again = ParseQuery(printed, QuerySyntax::kQuery);
    ASSERT_TRUE(again.ok()) << each.source << " -> " << printed << "\n" << again.status().message();
    EXPECT_EQ(Describe(again->tree), Describe(parsed->tree)) << printed;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, QueryCorpusTest, ::testing::Values("prose", "korean", "operators", "errors"));

// ---- properties ---------------------------------------------------------------------------------------------

std::string RandomQuery(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {
      "a", "foo", "사용자", "\"", "\"", "/", "/", "\\", "(", ")", "-", " ", " ", " ", "OR", " OR ", "sym:", "path:", "lang:go",
      "repo:", "branch:", ":", "*", ".", "[", "]", "?", "\n", "\xED\xA0\x80", "\xFF", "인", "c++", "=", ",", "{", "3", "::", "//"};
  std::string text;
  for (size_t i = 0, n = random() % 24; i < n; ++i) text += kPieces[random() % kPieces.size()];
  return text;
}

TEST(QueryParserTest, RandomTextNeverCrashesAndErrorsPointAtAPlace) {
  std::mt19937 random(7);
  for (int i = 0; i < 60000; ++i) {
    std::string text = RandomQuery(random);
    for (QuerySyntax syntax : {QuerySyntax::kPlain, QuerySyntax::kAuto, QuerySyntax::kQuery}) {
      auto parsed = ParseQuery(text, syntax);
      if (!parsed.ok()) {
        EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
        EXPECT_TRUE(parsed.status().message().starts_with("query: ")) << text;
        EXPECT_TRUE(parsed.status().message().ends_with("^")) << text;
        EXPECT_NE(syntax, QuerySyntax::kPlain);
      } else if (!parsed->plain) {
        auto again = ParseQuery(PrintQuery(parsed->tree), QuerySyntax::kQuery);
        ASSERT_TRUE(again.ok()) << text << " -> " << PrintQuery(parsed->tree) << "\n" << again.status().message();
        ASSERT_EQ(again->tree, parsed->tree) << text << " -> " << PrintQuery(parsed->tree);
      }
    }
  }
}

QueryNode RandomTree(std::mt19937& random, int depth) {
  static const std::vector<std::string> kTexts = {"a",  "OR", "-x",   "\"", "\\", "a b", "f(x)", "(", ")(", "path:y", "std::x", "사용자",
                                                  "/u/", "*", "http://x", "a\"b", ":", "x:", "::", "//", "a\\", "-", "isn't", "a,"};
  QueryNode node;
  auto kind = static_cast<QueryKind>(random() % (depth > 0 ? 11 : 8));
  node.kind = kind;
  if (IsAtom(kind)) {
    do {
      node.text = kTexts[random() % kTexts.size()];
    } while ((kind == QueryKind::kWord && node.text.find(' ') != std::string::npos) || (kind == QueryKind::kRegex && node.text == "a\\"));
    if (kind == QueryKind::kRegex && node.text == "\\") node.text = "\\\\";
    return node;
  }
  size_t children = kind == QueryKind::kNot ? 1 : 2 + random() % 3;
  while (node.children.size() < children) {
    QueryNode child = RandomTree(random, depth - 1);
    if (child.kind != kind || kind == QueryKind::kNot) node.children.push_back(std::move(child));
  }
  return node;
}

TEST(QueryParserTest, EveryTreePrintsAsAQueryThatGivesItAgain) {
  std::mt19937 random(11);
  for (int i = 0; i < 20000; ++i) {
    QueryNode tree = RandomTree(random, 3);
    std::string printed = PrintQuery(tree);
    auto parsed = ParseQuery(printed, QuerySyntax::kQuery);
    if (!parsed.ok()) {
      ASSERT_NE(parsed.status().message().find("too many"), std::string::npos) << printed << "\n" << parsed.status().message();
      continue;
    }
    ASSERT_EQ(Describe(parsed->tree), Describe(tree)) << printed;
  }
}

TEST(QueryParserTest, WorkIsBoundedOnHostileInput) {
  for (const char* piece : {"(", ")", "\"", "/", "-", "\\", "a OR ", "-(", "path:", "\"a\" ", "(a ", "- ", "\"\\", "/\\"}) {
    std::string text;
    while (text.size() < 8000) text += piece;
    for (QuerySyntax syntax : {QuerySyntax::kAuto, QuerySyntax::kQuery}) (void)ParseQuery(text, syntax);
  }
}

TEST(QueryParserTest, RanksByWordsPhrasesSymbolsAndTheWordsOfExpressions) {
  auto ranked = [](std::string_view text) { return RankedTextOf(text, ParseQuery(text, QuerySyntax::kQuery).value()); };
  EXPECT_EQ(ranked("retry \"failed upload\" -test lang:go path:src repo:x branch:main"), "retry failed upload");
  EXPECT_EQ(ranked("sym:Flask.rou*"), "Flask.rou ");
  EXPECT_EQ(ranked("/func\\s+New[A-Z]\\w+Server?(abc)/"), "func New Serve abc");
  EXPECT_EQ(ranked("lang:go -x"), "");
  EXPECT_EQ(RankedTextOf("what does f(x) do", {}), "what does f(x) do");
}

TEST(QueryParserTest, TellsCodeFromPhrases) {
  for (const char* code : {"foo(bar)", "a.b", "->", "std::x", "x = 1", "content-type", "#4411", "a/b", "\\d"}) EXPECT_TRUE(IsCode(code)) << code;
  for (const char* phrase : {"foo bar", "don't stop", "hello, world.", "is it?", "사용자 인증", "get_user", "a; b"}) EXPECT_FALSE(IsCode(phrase)) << phrase;
}

}  // namespace
}  // namespace codelore::index
