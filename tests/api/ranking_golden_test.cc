// What search finds for questions written by hand over small corpora of our own: tests/testdata/ranking. A change of the
// ranking shows as a diff of its golden files, to be reviewed. CODELORE_UPDATE_GOLDEN=1 rewrites them.
//
// The targets of a question were chosen by reading the corpora, not by looking at what is found: a bad rank is to be
// seen in the golden files, not to be mended in queries.jsonl.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

const std::string kFolder = TESTDATA "/ranking/";
constexpr const char* kCorpora[] = {"engine", "handbook"};
constexpr const char* kModes[] = {"hybrid", "lexical"};
constexpr size_t kShown = 5, kFound = 20;

// Scores by vectors differ a little between processors.
constexpr double kNearTie = 1e-3;

bool Update() {
  const char* update = std::getenv("CODELORE_UPDATE_GOLDEN");
  return update != nullptr && std::string_view(update) == "1";
}

// ---- questions and rankings -----------------------------------------------------------------------------------------

struct Question {
  std::string id, category, text;
  std::set<std::string> targets;  // "engine:src/acl/principal.cc"
};

// In the format of `codelore eval --queries`.
std::vector<Question> ReadQuestions() {
  std::vector<Question> questions;
  std::ifstream in(kFolder + "queries.jsonl");
  for (std::string line; std::getline(in, line);) {
    Json json = Json::parse(line);
    Question question{json["_id"], json["category"], json["text"], {}};
    for (const Json& target : json["relevant"]) {
      question.targets.insert(json["repo"].get<std::string>() + ":" + target["path"].get<std::string>());
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

struct Ranked {
  std::string file;  // "engine:src/acl/principal.cc"
  uint32_t start_line, end_line;
  double score;
};
using Ranking = std::vector<Ranked>;

// The ranking with the golden files in front, if only near ties make it differ from that; else as it is. So what a
// tie's order depends on, the processor, can neither fail the test nor change a golden file.
Ranking Settled(Ranking ranking, const std::vector<std::string>& golden) {
  Ranking settled;
  for (const std::string& file : golden) {
    auto at = std::ranges::find(ranking, file, &Ranked::file);
    if (at != ranking.end()) settled.push_back(*at);
  }
  for (const Ranked& hit : ranking) {
    if (std::ranges::find(golden, hit.file) == golden.end()) settled.push_back(hit);
  }
  for (size_t i = 1; i < settled.size(); ++i) {
    if (settled[i].score > settled[i - 1].score + kNearTie) return ranking;
  }
  return settled;
}

// ---- golden files: a title and its lines, then an empty line ----------------------------------------------------------

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string TitleOf(const Question& question) { return question.id + ": " + question.text; }

// The files listed under a title.
std::vector<std::string> FilesUnder(const std::string& title, const std::vector<std::string>& golden) {
  std::vector<std::string> files;
  auto at = std::ranges::find(golden, title);
  if (at == golden.end()) return files;
  for (++at; at != golden.end() && !at->empty(); ++at) files.push_back(at->substr(2, at->find(' ', 2) - 2));
  return files;
}

// `with_lines`: not where vectors choose a file's best chunk, since that may be a near tie, too.
std::string Section(const Question& question, const Ranking& ranking, bool with_lines) {
  std::string text = TitleOf(question) + "\n";
  for (size_t i = 0; i < std::min(kShown, ranking.size()); ++i) {
    const Ranked& hit = ranking[i];
    text += (question.targets.contains(hit.file) ? "* " : "  ") + hit.file;
    if (with_lines) text += " " + std::to_string(hit.start_line) + "-" + std::to_string(hit.end_line);
    text += "\n";
  }
  return text + "\n";
}

// Lines of `golden` and `now` that are not in both, by their longest common subsequence, each group under its title.
std::string Difference(const std::vector<std::string>& golden, const std::vector<std::string>& now) {
  size_t rows = golden.size(), columns = now.size();
  std::vector<std::vector<uint32_t>> common(rows + 1, std::vector<uint32_t>(columns + 1));  // of what is left
  for (size_t g = rows; g-- > 0;) {
    for (size_t n = columns; n-- > 0;) {
      common[g][n] = golden[g] == now[n] ? common[g + 1][n + 1] + 1 : std::max(common[g + 1][n], common[g][n + 1]);
    }
  }
  std::string text, title;
  bool begins = true;
  for (size_t g = 0, n = 0; g < rows || n < columns;) {
    if (g < rows && n < columns && golden[g] == now[n]) {
      if (begins) title = now[n] + "\n";
      begins = now[n].empty();
      ++g, ++n;
      continue;
    }
    text += std::exchange(title, "");
    bool old_line = n == columns || (g < rows && common[g + 1][n] >= common[g][n + 1]);
    text += old_line ? "- " + golden[g++] + "\n" : "+ " + now[n++] + "\n";
    begins = false;
  }
  return text;
}

void ExpectGolden(const std::string& name, const std::string& now) {
  if (Update()) std::ofstream(kFolder + name, std::ios::binary) << now;
  std::string golden = testing::ReadFile(kFolder + name);
  EXPECT_TRUE(golden == now) << "tests/testdata/ranking/" << name << " says otherwise (-) than search (+):\n"
                             << Difference(LinesOf(golden), LinesOf(now))
                             << "If this is meant: CODELORE_UPDATE_GOLDEN=1 api_test --gtest_filter='RankingGolden*', and review the diff.";
}

// ---- figures ----------------------------------------------------------------------------------------------------------

// As eval.h defines them, with a gain of 1 per target.
struct Figures {
  static constexpr const char* kNames[] = {"nDCG@10", "MRR@10", "recall@1", "recall@5", "recall@10"};
  std::array<double, 5> values{};
  size_t queries = 0;

  void Add(const Question& question, const Ranking& ranking) {
    auto total = static_cast<double>(question.targets.size());
    double gain = 0, ideal = 0, first = 0, found = 0;
    for (size_t i = 0; i < 10; ++i) {
      double discount = 1 / std::log2(static_cast<double>(i) + 2);
      if (i < question.targets.size()) ideal += discount;
      if (i < ranking.size() && question.targets.contains(ranking[i].file)) {
        ++found;
        gain += discount;
        if (first == 0) first = 1 / static_cast<double>(i + 1);
      }
      if (i == 0) values[2] += found / total;
      if (i == 4) values[3] += found / total;
    }
    values[0] += gain / ideal;
    values[1] += first;
    values[4] += found / total;
    ++queries;
  }
};

std::string Line(const char* format, auto... arguments) {
  char line[200];
  std::snprintf(line, sizeof line, format, arguments...);
  return std::string(line) + "\n";
}

std::string FiguresLine(const char* mode, const std::string& category, const Figures& figures) {
  std::array<double, 5> mean = figures.values;
  for (double& value : mean) value /= static_cast<double>(figures.queries);
  return Line("%-8s  %-9s  %7zu  %7.3f  %7.3f  %8.3f  %8.3f  %9.3f", mode, category.c_str(), figures.queries, mean[0], mean[1],
              mean[2], mean[3], mean[4]);
}

std::string RankOfFirst(const Question& question, const Ranking& ranking) {
  auto at = std::ranges::find_if(ranking, [&](const Ranked& hit) { return question.targets.contains(hit.file); });
  return at == ranking.end() ? "-" : std::to_string(at - ranking.begin() + 1);
}

std::string RankStats(const std::vector<Question>& questions, const std::map<std::string, std::vector<Ranking>>& rankings) {
  std::string text;
  for (const char* mode : kModes) {
    const auto& names = Figures::kNames;
    text += Line("%-8s  %-9s  %7s  %7s  %7s  %8s  %8s  %9s", "mode", "category", "queries", names[0], names[1], names[2], names[3], names[4]);
    Figures all;
    std::map<std::string, Figures> categories;
    for (size_t i = 0; i < questions.size(); ++i) {
      all.Add(questions[i], rankings.at(mode)[i]);
      categories[questions[i].category].Add(questions[i], rankings.at(mode)[i]);
    }
    text += FiguresLine(mode, "all", all);
    for (const auto& [category, figures] : categories) text += FiguresLine(mode, category, figures);
    text += "\n";
  }
  text += Line("rank of the first target  %7s  %7s", kModes[0], kModes[1]);
  for (size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    text += Line("%-24s  %7s  %7s", question.id.c_str(), RankOfFirst(question, rankings.at(kModes[0])[i]).c_str(),
                 RankOfFirst(question, rankings.at(kModes[1])[i]).c_str());
  }
  return text;
}

// ---- the tests --------------------------------------------------------------------------------------------------------

// Indexing is most of the time, so it is done once.
class RankingGolden : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = std::make_unique<World>();
    for (const char* corpus : kCorpora) world_->Index(kFolder + "corpus/" + corpus, corpus, {"user:reader"});
  }
  static void TearDownTestSuite() { world_.reset(); }

  static SearchReply Search(const Caller& caller, const Question& question, size_t mode) {
    auto reply = world_->service().Search(caller.viewer, {.text = question.text,
                                                          .mode = mode == 0 ? SearchMode::kHybrid : SearchMode::kLexical,
                                                          .syntax = QuerySyntax::kAuto,
                                                          .limit = kFound});
    EXPECT_TRUE(reply.ok()) << TitleOf(question) << ": " << reply.status().ToString();
    return reply.ok() ? *reply : SearchReply();
  }
  static Ranking Rank(const Caller& caller, const Question& question, size_t mode) {
    Ranking ranking;
    for (const NamedHit& named : Search(caller, question, mode).hits) {
      ranking.push_back({named.source + ":" + named.hit.path, named.hit.start_line, named.hit.end_line, named.hit.score});
    }
    return ranking;
  }

  static std::unique_ptr<World> world_;
  const std::vector<Question> questions_ = ReadQuestions();
};
std::unique_ptr<World> RankingGolden::world_;

TEST_F(RankingGolden, EveryTargetIsAFileOfTheCorpora) {
  EXPECT_GE(questions_.size(), 40u);
  std::set<std::string> ids;
  for (const Question& question : questions_) {
    EXPECT_TRUE(ids.insert(question.id).second) << question.id << " appears twice";
    EXPECT_FALSE(question.targets.empty()) << question.id;
    for (std::string target : question.targets) {
      target[target.find(':')] = '/';
      EXPECT_TRUE(std::filesystem::is_regular_file(kFolder + "corpus/" + target)) << question.id << ": " << target;
    }
  }
}

TEST_F(RankingGolden, RankingsAreThoseReviewed) {
  Caller caller = world_->Operator();
  std::map<std::string, std::vector<Ranking>> rankings;
  for (size_t mode = 0; mode < std::size(kModes); ++mode) {
    std::string name = std::string("golden/") + kModes[mode] + ".txt";
    bool vectors = mode == 0;
    std::vector<std::string> golden = LinesOf(testing::ReadFile(kFolder + name));
    std::string now;
    for (const Question& question : questions_) {
      Ranking ranking = Rank(caller, question, mode);
      if (vectors) ranking = Settled(std::move(ranking), FilesUnder(TitleOf(question), golden));
      now += Section(question, ranking, /*with_lines=*/!vectors);
      rankings[kModes[mode]].push_back(std::move(ranking));
    }
    ExpectGolden(name, now);
  }
  ExpectGolden("rank_stats.txt", RankStats(questions_, rankings));
}

TEST_F(RankingGolden, AReaderOfAllSeesWhatTheOperatorSees) {
  Caller reader = world_->User("reader"), all = world_->Operator();
  for (const Question& question : questions_) {
    Ranking seen = Rank(reader, question, 1), expected = Rank(all, question, 1);
    EXPECT_TRUE(std::ranges::equal(seen, expected, {}, &Ranked::file, &Ranked::file)) << TitleOf(question);
  }
}

TEST_F(RankingGolden, NothingForAStranger) {
  Caller stranger = world_->User("stranger");
  for (const Question& question : questions_) {
    for (size_t mode = 0; mode < std::size(kModes); ++mode) {
      SearchReply reply = Search(stranger, question, mode);
      EXPECT_TRUE(reply.hits.empty()) << TitleOf(question);
      EXPECT_EQ(reply.chunks, 0u) << TitleOf(question);
      for (const std::string& note : reply.notes) EXPECT_EQ(note.find("engine"), std::string::npos) << note;
    }
  }
}

// ---- what the test itself stands on -------------------------------------------------------------------------------------

std::string Order(const Ranking& ranking) {
  std::string files;
  for (const Ranked& hit : ranking) files += hit.file;
  return files;
}

TEST(SettledTest, OnlyNearTiesFollowTheGoldenOrder) {
  Ranking ranking = {{"a", 1, 1, 0.9}, {"b", 1, 1, 0.5004}, {"c", 1, 1, 0.5}, {"d", 1, 1, 0.1}};
  EXPECT_EQ(Order(Settled(ranking, {})), "abcd");
  EXPECT_EQ(Order(Settled(ranking, {"a", "c", "b"})), "acbd");
  EXPECT_EQ(Order(Settled(ranking, {"a", "c"})), "acbd");  // a tie across the end of what is listed
  EXPECT_EQ(Order(Settled(ranking, {"b", "a"})), "abcd");
  EXPECT_EQ(Order(Settled(ranking, {"a", "d"})), "abcd");
  EXPECT_EQ(Order(Settled(ranking, {"a", "gone", "b"})), "abcd");
}

TEST(FiguresTest, AreThoseComputedByHand) {
  Figures figures;
  figures.Add({"", "", "", {"a", "b"}}, {{"x", 1, 1, 3}, {"a", 1, 1, 2}, {"b", 1, 1, 1}});
  EXPECT_DOUBLE_EQ(figures.values[0], (1 / std::log2(3) + 0.5) / (1 + 1 / std::log2(3)));
  EXPECT_DOUBLE_EQ(figures.values[1], 0.5);
  EXPECT_DOUBLE_EQ(figures.values[2], 0);
  EXPECT_DOUBLE_EQ(figures.values[3], 1);
  EXPECT_DOUBLE_EQ(figures.values[4], 1);
}

TEST(DifferenceTest, ShowsWhatMovedUnderItsTitle) {
  std::vector<std::string> golden = {"one: x", "* a", "  b", "", "two: y", "  c", "* d", ""};
  EXPECT_EQ(Difference(golden, golden), "");
  std::vector<std::string> now = {"one: x", "* a", "  b", "", "two: y", "* d", "  c", ""};
  EXPECT_EQ(Difference(golden, now), "two: y\n-   c\n+   c\n");
  EXPECT_EQ(Difference({}, {"one: x", "* a"}), "+ one: x\n+ * a\n");
}

}  // namespace
}  // namespace codelore::api
