#include "index/query/query_condition.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>
#include <set>

#include "index/analysis/analyzer.h"
#include "index/query/query_notes.h"
#include "query_fixture.h"

namespace codelore::index {
namespace {

using Strings = std::vector<std::string>;

class QueryConditionTest : public QueryFixture {
 protected:
  void Fill() {
    app_ = AddSource("app", {"user:ann"});
    Commit(app_, {{"src/session.py", "class Session:\n  def close(self): pass\n  def open(self): retry()\nx = foo(bar)\n"},
                  {"src/user.go", "def getUserName():\n// returns the user name\nreturn name\n"},
                  {"tests/session_test.py", "def test_close(): Session().close()\n"},
                  {"docs/session.md", "Sessions are closed after a retry.\n인증은 사용자 세션을 닫습니다.\n"}});
    ops_ = AddSource("ops/tools", {"user:ann", "user:bob"});
    Commit(ops_, {{"deploy.py", "def close(): retry()\nE_BUSY = 16\n"}, {"Deploy.MD", "retry the Deploy\n"}}, "release/2");
  }
  Strings Found(std::string query) { return SortedPaths(Search(Operator(), std::move(query))); }

  acl::Source app_, ops_;
};

TEST_F(QueryConditionTest, EachAtomSelectsItsFiles) {
  Fill();
  EXPECT_EQ(Found("\"user name\""), (Strings{"src/user.go"}));
  EXPECT_EQ(Found("\"name user\""), Strings());
  EXPECT_EQ(Found("\"foo(bar)\""), (Strings{"src/session.py"}));
  EXPECT_EQ(Found("\"foo bar\""), (Strings{"src/session.py"}));
  EXPECT_EQ(Found("\"Foo(bar)\""), Strings());
  EXPECT_EQ(Found("\"사용자 세션\""), (Strings{"docs/session.md"}));
  EXPECT_EQ(Found("/e_busy *= *\\d+/"), (Strings{"deploy.py"}));
  EXPECT_EQ(Found("/^class /"), (Strings{"src/session.py"}));
  EXPECT_EQ(Found("sym:close"), (Strings{"deploy.py", "src/session.py"}));
  EXPECT_EQ(Found("sym:Session.close"), (Strings{"src/session.py"}));
  EXPECT_EQ(Found("sym:session::close"), (Strings{"src/session.py"}));
  EXPECT_EQ(Found("sym:*close"), (Strings{"deploy.py", "src/session.py", "tests/session_test.py"}));
  EXPECT_EQ(Found("sym:GETUSERNAME"), Strings());
  EXPECT_EQ(Found("sym:getusername"), (Strings{"src/user.go"}));
  EXPECT_EQ(Found("repo:app path:session"), (Strings{"docs/session.md", "src/session.py", "tests/session_test.py"}));
  EXPECT_EQ(Found("repo:ops/*"), (Strings{"Deploy.MD", "deploy.py"}));
  EXPECT_EQ(Found("path:Deploy"), (Strings{"Deploy.MD"}));
  EXPECT_EQ(Found("path:src/**"), (Strings{"src/session.py", "src/user.go"}));
  EXPECT_EQ(Found("lang:py -path:test"), (Strings{"deploy.py", "src/session.py"}));
  EXPECT_EQ(Found("branch:release/*"), (Strings{"Deploy.MD", "deploy.py"}));
}

TEST_F(QueryConditionTest, OrGroupsAndNegationsCombineThem) {
  Fill();
  EXPECT_EQ(Found("(sym:close OR sym:getusername) -repo:app"), (Strings{"deploy.py"}));
  EXPECT_EQ(Found("retry OR foo"), (Strings{"Deploy.MD", "deploy.py", "docs/session.md", "src/session.py"}));
  EXPECT_EQ(Found("-retry -foo"), (Strings{"src/user.go", "tests/session_test.py"}));
  EXPECT_EQ(Found("(close retry) OR \"user name\""), (Strings{"deploy.py", "docs/session.md", "src/session.py", "src/user.go"}));
  EXPECT_EQ(Found("-(lang:py OR lang:go)"), (Strings{"Deploy.MD", "docs/session.md"}));
}

TEST_F(QueryConditionTest, WordsAtTheTopOnlyRank) {
  Fill();
  EXPECT_EQ(Search(Operator(), "close session path:src").hits[0].path, "src/session.py");
  EXPECT_EQ(Found("retry nowhere lang:py"), (Strings{"deploy.py", "src/session.py"}));
}

TEST_F(QueryConditionTest, ListsSourceBeforeTestsWhenNothingRanks) {
  Fill();
  EXPECT_EQ(Paths(Search(Operator(), "lang:py")), (Strings{"deploy.py", "src/session.py", "tests/session_test.py"}));
}

TEST_F(QueryConditionTest, EmptyFilesAreNeverHits) {
  Fill();
  Commit(app_, {{"src/__init__.py", ""}});
  EXPECT_EQ(Found("lang:py"), (Strings{"deploy.py", "src/session.py", "tests/session_test.py"}));
  EXPECT_EQ(Found("path:__init__"), Strings());
  EXPECT_EQ(Found("-retry lang:py"), (Strings{"tests/session_test.py"}));
}

TEST_F(QueryConditionTest, DefinitionsComeFirst) {
  Fill();
  Commit(app_, {{"a/use.py", "retry()\nretry()\nretry again and retry\n"}, {"z/retry_policy.py", "def retry(): loop\n"}});
  EXPECT_EQ(Search(Operator(), "\"retry\" repo:app").hits[0].path, "z/retry_policy.py");
  EXPECT_EQ(Search(Operator(), "sym:*").hits.size(), 5u);
}

TEST_F(QueryConditionTest, ShowsTheChunkThatSatisfies) {
  Fill();
  EXPECT_EQ(Search(Operator(), "sym:Session.open").hits[0].start_line, 3u);
  EXPECT_EQ(Search(Operator(), "\"foo(bar)\"").hits[0].start_line, 4u);
  EXPECT_EQ(Search(Operator(), "/retry\\(\\)/ repo:app").hits[0].start_line, 3u);
  EXPECT_EQ(Search(Operator(), "/retry\\(\\)/ repo:app").hits[0].line_weights, std::vector<float>{1});
  EXPECT_EQ(Search(Operator(), "\"user name\" path:user.go").hits[0].path, "src/user.go");
}

TEST_F(QueryConditionTest, AWrongExpressionIsPointedAt) {
  Fill();
  Viewer viewer = Operator();
  auto result = index_->Search(viewer, Request(viewer, "x /a(b/"), {}, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().message(), "query: not a regular expression: missing ): a(b at 3\n  x /a(b/\n    ^");
  for (const char* costly : {"/((a{1,100}){1,100}){1,100}/", "/(a+)+$/", "/(.*)(.*)(.*)(.*)(.*)x/"}) {
    (void)index_->Search(viewer, Request(viewer, costly), {}, {});
  }
}

TEST_F(QueryConditionTest, SaysWhyThereIsNothing) {
  Fill();
  auto notes = [&](std::string query, QuerySyntax syntax = QuerySyntax::kQuery) { return Search(Operator(), std::move(query), syntax).notes; };
  EXPECT_EQ(notes("path:foo/** retry"), (Strings{"no file matches path:foo/**"}));
  EXPECT_EQ(notes("path:foo/** sym:close"), (Strings{"no file matches path:foo/**; 2 files match the rest"}));
  EXPECT_EQ(notes("sym:getusername lang:py"),
            (Strings{"1 file matches sym:getusername and 3 files match the rest, but none both", "3 files match lang:py and 1 file matches the rest, but none both"}));
  EXPECT_EQ(notes("lang:pyton sym:close"), (Strings{"lang:pyton is not a known language; did you mean python?", "2 files match the rest of the query"}));
  EXPECT_EQ(notes("repo:apq"), (Strings{"no source named 'apq' that you may read; did you mean app?"}));
  EXPECT_EQ(notes("branch:dev"), (Strings{"branch 'dev' is not indexed in any source searched; indexed: main, release/2"}));
  EXPECT_EQ(notes("zzz"), (Strings{"no file has any word of: zzz"}));
  EXPECT_EQ(notes("zzz lang:py"), (Strings{"of the 3 files that satisfy the conditions, none has any word of: zzz"}));
  EXPECT_EQ(notes("\"no such\" OR zzz", QuerySyntax::kAuto),
            (Strings{"no file matches (\"no such\" OR zzz)", "the query was read as: (\"no such\" OR zzz) (syntax plain searches its words as they are)"}));
  EXPECT_EQ(notes("lang:py OR lang:xx"), (Strings{"lang:xx is not a known language"}));
  EXPECT_EQ(notes("lang:py"), Strings());
  Viewer stranger = User("eve");
  EXPECT_EQ(Search(stranger, "retry").notes, (Strings{"there is no source that you may read"}));
  SearchRequest request = Request(Operator(), "retry");
  request.offset = 500;
  EXPECT_EQ(index_->Search(Operator(), request, {}, {})->notes, (Strings{"the offset skips all of the 4 hits"}));
  request = Request(Operator(), "retry");
  request.filter.paths = {"nowhere/**"};
  EXPECT_EQ(index_->Search(Operator(), request, {}, {})->notes, (Strings{"no file passes the filters (sources, paths, languages)"}));
}

// What bob sees must not depend on whether there is more that he may not see.
TEST_F(QueryConditionTest, AStrangersAnswersAreTheSameWithAndWithoutHiddenSources) {
  ops_ = AddSource("ops/tools", {"user:bob"});
  Commit(ops_, {{"deploy.py", "def close(): retry()\nE_BUSY = 16\n"}, {"Deploy.MD", "retry the Deploy\n"}}, "release/2");
  Viewer bob = User("bob");
  auto answers = [&] {
    std::string all;
    for (const char* query : {"sym:close", "repo:app", "repo:app2 x", "branch:main", "lang:go", "lang:gp", "/retry/", "\"foo(bar)\"", "-retry", "retry OR secret",
                              "path:src/**", "secret", "sym:Session.close lang:py", "lang:jav", "repo:*", "branch:*", "\"user name\"", "repo:secre"}) {
      SearchResult result = Search(bob, query, QuerySyntax::kAuto);
      all += std::string(query) + " " + std::to_string(result.chunks);
      for (const Hit& hit : result.hits) all += " " + hit.path + " " + std::to_string(hit.score);
      for (const std::string& note : result.notes) all += " [" + note + "]";
      all += "\n";
    }
    return all;
  };
  std::string before = answers();
  acl::Source hidden = AddSource("secret", {"user:ann"});
  Commit(hidden, {{"src/session.py", "class Session:\n  def close(self): retry()\nsecret foo(bar)\n"}, {"src/x.go", "user name\n"}, {"A.java", "retry retry\n"}});
  EXPECT_EQ(answers(), before);
}

// ---- the oracle: the same tree, evaluated by reading every file ----------------------------------------------

struct NaiveFile {
  std::string source, branch, path, text;
};

bool NaivePhrase(const NewFile& file, std::string_view phrase) {
  Analyzer analyzer;
  auto terms = [&](std::string_view text) {
    Strings list;
    analyzer.Analyze(text, [&](const Token& token) {
      if (token.form != TokenForm::kCompound) list.emplace_back(token.term);
    });
    return list;
  };
  Strings wanted = terms(phrase);
  for (const Chunk& chunk : file.chunked.chunks) {
    std::vector<std::string> texts = {file.path, chunk.scope, chunk.symbol, file.text.substr(chunk.bytes.begin, chunk.bytes.size())};
    for (const std::string& text : texts) {
      Strings has = terms(text);
      if (std::search(has.begin(), has.end(), wanted.begin(), wanted.end()) != has.end()) return true;
    }
  }
  return false;
}

bool NaiveRegex(std::string_view text, std::string_view pattern, bool literal) {
  std::string quoted = literal ? RE2::QuoteMeta(re2::StringPiece(pattern.data(), pattern.size())) : std::string(pattern);
  bool capital = false;
  for (size_t i = 0; i < pattern.size(); ++i) capital = capital || (pattern[i] >= 'A' && pattern[i] <= 'Z');
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), (capital ? "(?m)" : "(?mi)") + quoted);
}

bool Naive(const QueryNode& node, const NaiveFile& file) {
  NewFile made = MakeFile(file.path, file.text);
  auto child = [&](const QueryNode& each) { return Naive(each, file); };
  switch (node.kind) {
    case QueryKind::kAnd: return std::ranges::all_of(node.children, child);
    case QueryKind::kOr: return std::ranges::any_of(node.children, child);
    case QueryKind::kNot: return !Naive(node.children[0], file);
    case QueryKind::kSource: return node.text == "*" || file.source == node.text;
    case QueryKind::kBranch: return file.branch == node.text;
    case QueryKind::kLanguage: return made.chunked.language == node.text;
    case QueryKind::kPath: return file.path.find(node.text) != std::string::npos;
    case QueryKind::kSymbol:
      return std::ranges::any_of(made.chunked.definitions, [&](const Definition& d) {
        return d.name == node.text || d.qualified == node.text || (node.text == "al*" && d.name.starts_with("al"));
      });
    case QueryKind::kRegex: return NaiveRegex(file.text, node.text, false);
    case QueryKind::kPhrase: return IsCode(node.text) ? NaiveRegex(file.text, node.text, true) : NaivePhrase(made, node.text);
    case QueryKind::kWord: return NaivePhrase(made, node.text);
  }
  return false;
}

QueryNode RandomCondition(std::mt19937& random, int depth) {
  static const std::vector<std::pair<QueryKind, std::string>> kAtoms = {
      {QueryKind::kWord, "alpha"},       {QueryKind::kWord, "betas"},          {QueryKind::kWord, "getAlpha"},   {QueryKind::kWord, "사용자"},
      {QueryKind::kPhrase, "alpha beta"}, {QueryKind::kPhrase, "beta gamma x"}, {QueryKind::kPhrase, "x(y)"},     {QueryKind::kPhrase, "사용자 인증"},
      {QueryKind::kRegex, "al.ha\\s"},    {QueryKind::kRegex, "^def beta"},     {QueryKind::kRegex, "[xyz]\\("},  {QueryKind::kSymbol, "alpha"},
      {QueryKind::kSymbol, "gamma.beta"}, {QueryKind::kSymbol, "al*"},          {QueryKind::kSource, "one"},      {QueryKind::kSource, "two"},
      {QueryKind::kPath, "a"},            {QueryKind::kPath, "test"},           {QueryKind::kLanguage, "go"},     {QueryKind::kLanguage, "python"},
      {QueryKind::kBranch, "dev"},        {QueryKind::kWord, "nowhere"}};
  auto roll = depth > 0 ? random() % 6 : 0;
  if (roll < 3) {
    const auto& [kind, text] = kAtoms[random() % kAtoms.size()];
    return {kind, text, {}, 0};
  }
  QueryNode node{roll == 3 ? QueryKind::kNot : roll == 4 ? QueryKind::kAnd : QueryKind::kOr, "", {}, 0};
  for (size_t i = 0, n = roll == 3 ? 1 : 2 + random() % 2; i < n; ++i) node.children.push_back(RandomCondition(random, depth - 1));
  return node;
}

TEST_F(QueryConditionTest, FindsWhatReadingEveryFileFinds) {
  std::mt19937 random(3);
  static const Strings kWords = {"alpha", "beta", "gamma", "x(y)", "getAlphaBeta", "alpha_beta", "x", "y", "사용자", "인증을", "사용자 인증", "z("};
  static const Strings kPaths = {"a/b.py", "a/test_b.py", "b.go", "c/alpha.go", "d.md", "e/gamma_x.java"};
  std::vector<NaiveFile> files;
  for (const char* source : {"one", "two"}) {
    acl::Source added = AddSource(source);
    std::string branch = source == std::string("one") ? "main" : "dev";
    for (int commit = 0; commit < 3; ++commit) {  // several segments, some files replaced
      std::vector<File> batch;
      for (const std::string& path : kPaths) {
        if (random() % 3 == 0) continue;
        std::string text;
        for (size_t line = 0, lines = 1 + random() % 4; line < lines; ++line) {
          auto kind = random() % 6;
          text += kind == 0 ? "def " : kind == 1 ? "class " : kind == 2 ? "  def " : "";
          for (size_t w = 0, n = 1 + random() % 4; w < n; ++w) text += kWords[random() % kWords.size()] + " ";
          text += "\n";
        }
        std::erase_if(files, [&](const NaiveFile& file) { return file.source == source && file.path == path; });
        files.push_back({source, branch, path, text});
        batch.push_back({path, text});
      }
      Commit(added, batch, branch);
    }
  }
  int found_any = 0;
  for (int round = 0; round < 1500; ++round) {
    QueryNode raw = RandomCondition(random, 3);
    QueryNode tree = ParseQuery(PrintQuery(raw), QuerySyntax::kQuery)->tree;  // in normal form
    auto soft = [](const QueryNode& node) { return node.kind == QueryKind::kWord; };
    if (soft(tree) || (tree.kind == QueryKind::kAnd && std::ranges::any_of(tree.children, soft))) continue;
    Strings expected, actual;
    for (const NaiveFile& file : files) {
      if (Naive(tree, file)) expected.push_back(file.source + ":" + file.path);
    }
    SearchResult result = Search(Operator(), PrintQuery(tree));
    auto sources = directory_->VisibleSources(Operator()).value();
    for (const Hit& hit : result.hits) {
      actual.push_back(std::ranges::find(sources, hit.source, &acl::VisibleSource::id)->name + ":" + hit.path);
    }
    std::ranges::sort(expected);
    std::ranges::sort(actual);
    ASSERT_EQ(actual, expected) << PrintQuery(tree);
    EXPECT_EQ(result.hits.empty(), !result.notes.empty()) << PrintQuery(tree);
    found_any += !expected.empty();
  }
  EXPECT_GT(found_any, 300);
}

TEST(WithinEditsTest, CountsTypos) {
  EXPECT_TRUE(WithinEdits("pyton", "python", 1));
  EXPECT_TRUE(WithinEdits("pyhton", "python", 1));
  EXPECT_FALSE(WithinEdits("java", "javascript", 2));
  EXPECT_FALSE(WithinEdits("go", "rust", 2));
}

}  // namespace
}  // namespace codelore::index
