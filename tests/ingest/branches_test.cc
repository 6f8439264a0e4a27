// Several branches of one repository: each must look as if it were indexed alone, and cost no more than its difference.
#include <random>

#include "codelore/symbols.h"

#include "ingest/indexer_fixture.h"

namespace codelore::ingest {
namespace {

class BranchesTest : public IndexerTest {
 protected:
  Result<IndexReport> TryRunWith(const acl::Source& source, const RefPatterns& also) {
    Indexer indexer(*index_, *directory_, encoder_, {.repositories_folder = data_ / "repositories", .threads = 2, .limits = limits_});
    return indexer.Run(source, {.masking = Masking::kOff, .also = also}, {}, [](const IndexProgress&) {});
  }
  IndexReport RunWith(const acl::Source& source, const RefPatterns& also) {
    auto report = TryRunWith(source, also);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : IndexReport();
  }
  bool HasNews(const acl::Source& source, const RefPatterns& also) {
    Indexer indexer(*index_, *directory_, encoder_, {.repositories_folder = data_ / "repositories", .threads = 2, .limits = limits_});
    return indexer.HasNews(source, {.also = also}, {}).value();
  }

  // "path revision branch holders: text" of every hit, and the scores, which tell of statistics.
  std::vector<std::string> SearchIn(const acl::Source& source, const std::string& branch, const std::string& words, bool with_names = true) {
    Viewer viewer = directory_->OperatorViewer(tenant_).value();
    SearchRequest request{.text = words, .mode = SearchMode::kLexical, .limit = 100};
    request.filter.sources = {source.id};
    if (!branch.empty()) request.filter.branches = {branch};
    auto result = index_->Search(viewer, request, {}, {});
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    std::vector<std::string> found;
    for (const Hit& hit : result->hits) {
      std::string line = hit.path + " " + hit.revision + " " + std::to_string(hit.score) + ": " + hit.text;
      if (with_names) {
        line += " (" + hit.branch + " of";
        for (const std::string& name : hit.branches) line += " " + name;
        line += ")";
      }
      found.push_back(line);
    }
    return found;
  }
  Paths FindIn(const acl::Source& source, const std::string& branch, const std::string& words) {
    std::set<std::string> paths;
    for (const std::string& hit : SearchIn(source, branch, words)) paths.insert(hit.substr(0, hit.find(' ')));
    return {paths.begin(), paths.end()};
  }
  std::vector<std::string> Query(const std::string& text) {
    Viewer viewer = directory_->OperatorViewer(tenant_).value();
    SearchRequest request{.text = text, .syntax = QuerySyntax::kQuery, .mode = SearchMode::kLexical, .limit = 100};
    for (auto& visible : directory_->VisibleSources(viewer).value()) request.source_names.emplace_back(visible.id, visible.name);
    auto result = index_->Search(viewer, request, {}, {});
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    std::vector<std::string> found;
    for (const Hit& hit : result->hits) found.push_back(hit.path + "@" + hit.branch);
    std::ranges::sort(found);
    found.insert(found.end(), result->notes.begin(), result->notes.end());
    return found;
  }

  // The ledger as a branch has it: path -> outcome and partition.
  std::map<std::string, std::string> LedgerOf(const acl::Source& source, uint32_t bit) {
    std::map<std::string, std::string> outcomes;
    EXPECT_TRUE(index_->ScanLedger(source.id, [&](const FileRecord& record) {
      if ((record.branches >> bit & 1) == 0) return true;
      EXPECT_TRUE(outcomes.emplace(record.path, Outcome(record)).second) << record.path << " has two versions in one branch";
      return true;
    }).ok());
    return outcomes;
  }
  uint32_t BitOf(const acl::Source& source, const std::string& branch) {
    SourceState state = index_->StateOf(source.id).value();
    if (state.branch == branch) return 0;
    auto at = std::ranges::find(state.others, branch, &BranchState::name);
    EXPECT_NE(at, state.others.end()) << branch;
    return at == state.others.end() ? 63 : at->bit;
  }

  // A source that follows this branch alone says the same, to the score.
  void ExpectLikeAlone(const acl::Source& source, const std::string& location, const std::string& branch) {
    Location resolved = ResolveLocation(location).value();
    acl::Source alone = directory_->AddSource({.tenant = tenant_, .name = "alone" + std::to_string(++alone_), .location = resolved.text,
                                               .branch = branch, .kind = resolved.kind}).value();
    RunWith(alone, {});
    EXPECT_EQ(LedgerOf(source, BitOf(source, branch)), LedgerOf(alone, 0)) << branch;
    for (const char* word : {"alpha", "beta", "gamma", "delta"}) {
      auto sorted = [&](std::vector<std::string> hits) { std::ranges::sort(hits); return hits; };
      EXPECT_EQ(sorted(SearchIn(source, branch, word, false)), sorted(SearchIn(alone, "", word, false))) << branch << ": " << word;
    }
    auto partitions = directory_->PartitionsOf(alone.id).value();
    ASSERT_TRUE(directory_->RemoveSource(alone.id).ok());
    ASSERT_TRUE(index_->RemoveSource(alone.id, partitions).ok());
  }

  int alone_ = 0;
};

constexpr const char* kRelease = "release/1";

TEST_F(BranchesTest, SearchesSeeTheDefaultBranchUnlessTheyAskForAnother) {
  ScratchRepository repository;
  repository.Write("both.md", "alpha shared\n");
  repository.Write("changed.md", "alpha before\n");
  repository.Commit();
  repository.Git({"branch", kRelease});
  repository.Write("changed.md", "alpha after\n");
  repository.Write("new.md", "alpha news\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  RunWith(source, {.branches = {"release/*"}});
  EXPECT_EQ(FindIn(source, "", "alpha"), (Paths{"both.md", "changed.md", "new.md"}));
  EXPECT_EQ(FindIn(source, kRelease, "alpha"), (Paths{"both.md", "changed.md"}));
  EXPECT_EQ(FindIn(source, "", "before"), Paths{});
  EXPECT_EQ(FindIn(source, kRelease, "before"), Paths{"changed.md"});
  EXPECT_EQ(FindIn(source, kRelease, "after"), Paths{});
  EXPECT_EQ(FindIn(source, "nowhere", "alpha"), Paths{});
  EXPECT_NE(SearchIn(source, "", "shared")[0].find("(main of main release/1)"), std::string::npos) << SearchIn(source, "", "shared")[0];
  EXPECT_NE(SearchIn(source, kRelease, "shared")[0].find("(release/1 of main release/1)"), std::string::npos);
  EXPECT_EQ(index_->StateOf(source.id)->others[0].revision, repository.Git({"rev-parse", kRelease}));
  ExpectLikeAlone(source, repository.path(), kRelease);
  ExpectLikeAlone(source, repository.path(), "main");
}

TEST_F(BranchesTest, OperatorsSelectBranches) {
  ScratchRepository repository;
  repository.Write("both.md", "alpha\n");
  repository.Write("changed.md", "alpha before\n");
  repository.Commit();
  repository.Git({"branch", kRelease});
  repository.Write("changed.md", "alpha after\n");
  repository.Commit();
  RunWith(Add(repository.path()), {.branches = {"release/*"}});
  using Found = std::vector<std::string>;
  EXPECT_EQ(Query("alpha"), (Found{"both.md@main", "changed.md@main"}));
  EXPECT_EQ(Query("alpha branch:release/1"), (Found{"both.md@release/1", "changed.md@release/1"}));
  EXPECT_EQ(Query("alpha branch:rel*"), (Found{"both.md@release/1", "changed.md@release/1"}));
  EXPECT_EQ(Query("alpha branch:main branch:release/1"), Found{"both.md@main"});
  EXPECT_EQ(Query("alpha -branch:release/1"), Found{"changed.md@main"});
  EXPECT_EQ(Query("alpha (branch:main OR branch:release/1)"), (Found{"both.md@main", "changed.md@main", "changed.md@release/1"}));
  EXPECT_EQ(Query("alpha branch:other"), Found{"branch 'other' is not indexed in any source searched; indexed: main, release/1"});
}

TEST_F(BranchesTest, FilesAreReadOutlinedAndExplainedInTheBranchAskedFor) {
  ScratchRepository repository;
  repository.Write("a.py", "def before():\n    return 1\n");
  repository.Commit();
  repository.Git({"branch", kRelease});
  repository.Write("a.py", "def after():\n    return 2\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  RunWith(source, {.branches = {"release/*"}});
  Viewer viewer = directory_->OperatorViewer(tenant_).value();
  EXPECT_NE(index_->ReadFile(viewer, source.id, "a.py")->text.find("after"), std::string::npos);
  EXPECT_NE(index_->ReadFile(viewer, source.id, "a.py", kRelease)->text.find("before"), std::string::npos);
  EXPECT_EQ(index_->ReadFile(viewer, source.id, "a.py", kRelease)->branch, kRelease);
  EXPECT_EQ(index_->ReadFile(viewer, source.id, "a.py", "nowhere").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(index_->OutlineOf(viewer, source.id, "a.py", kRelease)->entries[0].name, "before");
  EXPECT_EQ(index_->Explain(viewer, source.id, "a.py", {}, kRelease)->branches, std::vector<std::string>{kRelease});
  ExactRequest exact{.pattern = "def "};
  exact.filter.branches = {kRelease};
  EXPECT_EQ(index_->SearchExact(viewer, exact)->files[0].branch, kRelease);
  SymbolRequest symbol{.name = "before"};
  EXPECT_TRUE(index_->FindSymbols(viewer, symbol)->definitions.empty());
  symbol.filter.branches = {kRelease};
  EXPECT_EQ(index_->FindSymbols(viewer, symbol)->definitions[0].place.branch, kRelease);
}

TEST_F(BranchesTest, ABranchCostsItsDifference) {
  ScratchRepository repository;
  for (int i = 0; i < 100; ++i) repository.Write("d/" + std::to_string(i) + ".md", "# File\n\nalpha " + std::to_string(i) + "\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  RunWith(source, {});
  int encoded = encoder_.encoded;
  uint64_t bytes = Describe(source).index_bytes;
  repository.Git({"checkout", "-q", "-b", "topic"});
  repository.Write("d/7.md", "# File\n\nbeta\n");
  repository.Commit();
  repository.Git({"checkout", "-q", "main"});
  IndexReport report = RunWith(source, {.branches = {"topic"}});
  EXPECT_EQ(report.files_indexed, 1u);
  EXPECT_EQ(report.branches_changed, 1u);
  EXPECT_EQ(encoder_.encoded - encoded, 1);
  EXPECT_LT(Describe(source).index_bytes, bytes + bytes / 5);
  EXPECT_EQ(Describe(source).files_indexed, 100u);
  ExpectLikeAlone(source, repository.path(), "topic");
  // What one branch gets from the other is not even read.
  repository.Git({"merge", "-q", "topic"});
  report = RunWith(source, {.branches = {"topic"}});
  EXPECT_EQ(report.files_indexed, 0u);
  EXPECT_EQ(report.files_shared, 1u);
  ExpectLikeAlone(source, repository.path(), "main");
  EXPECT_EQ(FindIn(source, "", "beta"), Paths{"d/7.md"});
}

TEST_F(BranchesTest, RenamedNewAndDeletedBranchesAndTagsAreFollowed) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Commit();
  repository.Git({"tag", "-a", "-m", "one", "v1"});
  repository.Git({"checkout", "-q", "-b", "release/1"});
  repository.Write("b.md", "beta\n");
  repository.Commit();
  repository.Git({"checkout", "-q", "main"});
  acl::Source source = Add(repository.path());
  RefPatterns also{.branches = {"release/*"}, .tags = {"v*"}};
  RunWith(source, also);
  EXPECT_FALSE(HasNews(source, also));
  EXPECT_EQ(FindIn(source, "tags/v1", "alpha"), Paths{"a.md"});
  EXPECT_EQ(FindIn(source, "release/1", "beta"), Paths{"b.md"});
  int encoded = encoder_.encoded;
  repository.Git({"branch", "-m", "release/1", "release/2"});
  EXPECT_TRUE(HasNews(source, also));
  IndexReport report = RunWith(source, also);
  EXPECT_EQ(report.files_indexed, 0u);
  EXPECT_EQ(encoder_.encoded, encoded);
  EXPECT_EQ(FindIn(source, "release/1", "beta"), Paths{});
  EXPECT_EQ(FindIn(source, "release/2", "beta"), Paths{"b.md"});
  repository.Git({"branch", "-D", "release/2"});
  EXPECT_TRUE(HasNews(source, also));
  RunWith(source, also);
  EXPECT_EQ(FindIn(source, "release/2", "beta"), Paths{});
  EXPECT_EQ(index_->StateOf(source.id)->others.size(), 1u);
  RunWith(source, {});  // not followed any more
  EXPECT_TRUE(index_->StateOf(source.id)->others.empty());
  EXPECT_EQ(Ledger(source).size(), 1u);
  EXPECT_EQ(FindIn(source, "", "alpha"), Paths{"a.md"});
}

TEST_F(BranchesTest, TheSixtyFifthBranchIsLeftOutAndNamed) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Commit();
  for (int i = 100; i < 165; ++i) repository.Git({"branch", "b" + std::to_string(i)});
  acl::Source source = Add(repository.path());
  RefPatterns also{.branches = {"*"}};
  RunWith(source, also);
  SourceState state = index_->StateOf(source.id).value();
  EXPECT_EQ(state.others.size(), 63u);
  EXPECT_EQ(state.left_out, (std::vector<std::string>{"b163", "b164"}));
  EXPECT_EQ(FindIn(source, "b162", "alpha"), Paths{"a.md"});
  EXPECT_FALSE(HasNews(source, also));
  repository.Git({"branch", "-D", "b120"});  // now there is room for one
  EXPECT_TRUE(HasNews(source, also));
  RunWith(source, also);
  state = index_->StateOf(source.id).value();
  EXPECT_EQ(state.left_out, std::vector<std::string>{"b164"});
  EXPECT_EQ(FindIn(source, "b163", "alpha"), Paths{"a.md"});
  EXPECT_EQ(FindIn(source, "b120", "alpha"), Paths{});
}

TEST_F(BranchesTest, ASourceIndexedBeforeThereWereBranchesOpensAndGetsThem) {
  ScratchRepository repository;
  repository.Write("a.md", "alpha\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  RunWith(source, {});  // writes what was written before: nothing of branches
  Reopen();
  source = directory_->FindSource(source.id).value();
  repository.Git({"branch", "other"});
  RunWith(source, {.branches = {"other"}});
  Reopen();
  EXPECT_EQ(FindIn(source, "other", "alpha"), Paths{"a.md"});
  EXPECT_EQ(FindIn(source, "", "alpha"), Paths{"a.md"});
}

// Random histories of three branches, with merges of segments between: always as if indexed alone.
TEST_F(BranchesTest, RandomHistoriesLookLikeBranchesIndexedAlone) {
  const std::vector<std::string> branches = {"main", "one", "two"};
  for (unsigned seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    ScratchRepository repository;
    repository.Write("start.md", "alpha beta\n");
    repository.Commit();
    repository.Git({"branch", "one"});
    repository.Git({"branch", "two"});
    acl::Source source = Add(repository.path(), "random" + std::to_string(seed));
    RefPatterns also{.branches = {"one", "two"}};
    for (int step = 0; step < 8; ++step) {
      for (int edits = 1 + static_cast<int>(random() % 2); edits > 0; --edits) {
        const std::string& branch = branches[random() % 3];
        repository.Git({"checkout", "-q", branch});
        if (random() % 4 == 0) {
          repository.Git({"reset", "-q", "--hard", branches[random() % 3]});
          continue;
        }
        const char* words[] = {"alpha", "beta", "gamma", "delta"};
        for (int i = 0; i < 4; ++i) {
          repository.Write("f" + std::to_string(random() % 6) + (random() % 5 == 0 ? ".bin" : ".md"),
                           std::string(words[random() % 4]) + " " + words[random() % 4] + "\n" + (random() % 7 == 0 ? std::string(1, '\0') : ""));
        }
        repository.Commit();
      }
      repository.Git({"checkout", "-q", "main"});
      RunWith(source, also);
      if (step % 3 == 2) Reopen();
      for (const std::string& branch : branches) ExpectLikeAlone(source, repository.path(), branch);
      if (HasFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace codelore::ingest
