#include "index/exact/exact_search.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>

#include "acl/directory.h"
#include "index/blobs.h"
#include "index/exact/random_patterns.h"
#include "support/memory_store.h"

namespace codelore::index {
namespace {

struct TestFile {
  std::string source, path, text;
  bool secondary = false, deleted = false;
};

// Segments of random files in several partitions; some files are deleted.
class TestWorld {
 public:
  explicit TestWorld(uint32_t seed) : random(seed) {
    directory_ = acl::Directory::Open(store).value();
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
  }

  SourceId AddSource(const std::string& name, const std::vector<std::vector<TestFile>>& segments, std::vector<std::string> readers = {}) {
    auto source = directory_->AddSource({.tenant = tenant_, .name = name, .location = "/", .readers = std::move(readers)}).value();
    auto partition = std::make_shared<PartitionSnapshot>();
    partition->id = directory_->PartitionsOf(source.id).value()[0];
    partition->tenant = tenant_;
    partition->source = source.id;
    for (const auto& segment : segments) partition->segments.push_back(MakeSegment(segment));
    snapshot.partitions[partition->id] = partition;
    snapshot.sources[source.id] = {.branch = "main", .revision = "c1"};
    return source.id;
  }

  void Fill(size_t sources) {
    vocabulary = random.Vocabulary(60);
    for (size_t s = 0; s < sources; ++s) {
      std::vector<std::vector<TestFile>> segments(1 + random.Below(2));
      for (auto& segment : segments) {
        for (size_t f = 1 + random.Below(12); f > 0; --f) segment.push_back(RandomFile(s, &segment - segments.data(), f));
        files.insert(files.end(), segment.begin(), segment.end());
      }
      AddSource("s" + std::to_string(s), segments);
    }
  }

  Viewer Operator() { return directory_->OperatorViewer(tenant_).value(); }
  Viewer User(const std::string& name) { return directory_->ViewerForUser(tenant_, name, {}).value(); }

  RandomPatterns random;
  testing::MemoryStore store;
  Snapshot snapshot;
  std::vector<std::string> vocabulary;
  std::vector<TestFile> files;

 private:
  TestFile RandomFile(size_t source, size_t segment, size_t number) {
    static const std::vector<std::string> kFolders = {"src/", "tests/", "", "vendor/x/"};
    TestFile file;
    file.source = "s" + std::to_string(source);
    size_t folder = random.Below(4);
    file.path = kFolders[folder] + "f" + std::to_string(segment) + std::to_string(number) + ".py";
    file.secondary = folder % 2 == 1;
    file.text = random.Text(vocabulary, random.Below(10) == 0 ? random.Below(40'000) : random.Below(1'500));
    file.deleted = random.Below(8) == 0;
    return file;
  }

  std::shared_ptr<const LiveSegment> MakeSegment(const std::vector<TestFile>& segment_files) {
    SegmentBuilder builder;
    auto live = std::make_shared<LiveSegment>();
    for (const TestFile& file : segment_files) {
      NewFile added{.path = file.path, .text = file.text, .chunked = {}};
      added.chunked.language = "python";
      Chunk chunk{.bytes = {0, static_cast<uint32_t>(file.text.size())}};
      for (size_t at = file.text.find("def "); at != std::string::npos; at = file.text.find("def ", at + 1)) {
        std::string name = file.text.substr(at + 4, file.text.find_first_of("( \n", at + 4) - at - 4);
        chunk.definitions.push_back(static_cast<uint32_t>(added.chunked.definitions.size()));
        added.chunked.definitions.push_back({.name = name, .qualified = name, .kind = ChunkKind::kFunction});
      }
      if (!file.text.empty()) added.chunked.chunks.push_back(chunk);
      builder.AddFile(added, Sha256(file.text));
      live->file_deleted.push_back(file.deleted ? 1 : 0);
    }
    auto bytes = std::make_shared<std::string>(builder.Finish());
    live->reader = SegmentReader::Open(*bytes, bytes).value();
    return live;
  }

  std::unique_ptr<acl::Directory> directory_;
  TenantId tenant_;
};

uint64_t PlainCount(const RE2& regex, std::string_view text) {
  uint64_t count = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    re2::StringPiece line(text.data() + begin, end - begin), match;
    uint64_t here = 0, empty = 0;
    for (size_t at = 0; at <= line.size() && regex.Match(line, at, line.size(), RE2::UNANCHORED, &match, 1);) {
      at = static_cast<size_t>(match.data() - line.data()) + std::max<size_t>(match.size(), 1);
      ++(match.empty() ? empty : here);
    }
    count += std::max<uint64_t>(here, empty > 0 ? 1 : 0);
    begin = end + 1;
  }
  return count;
}

// By source, path: how many matches.
std::map<std::string, uint64_t> PlainSearch(const TestWorld& world, const RE2& regex, bool only_secondary_paths) {
  std::map<std::string, uint64_t> found;
  for (const TestFile& file : world.files) {
    if (file.deleted || (only_secondary_paths && !file.path.starts_with("tests/"))) continue;
    if (uint64_t count = PlainCount(regex, file.text); count > 0) found[file.path + "@" + file.source] += count;
  }
  return found;
}

void ExpectAsPlain(TestWorld& world, const ExactRequest& request, const RE2& plain) {
  auto expected = PlainSearch(world, plain, !request.filter.paths.empty());
  auto result = SearchExactSnapshot(world.snapshot, world.Operator(), request);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_TRUE(result->complete);
  ASSERT_EQ(result->files.size(), expected.size()) << request.pattern;
  ASSERT_EQ(result->files_with_matches, expected.size()) << request.pattern;
  uint64_t total = 0;
  std::vector<std::pair<std::string, uint64_t>> counts, expected_counts;
  for (const ExactFile& file : result->files) {
    counts.emplace_back(file.path, file.matches);
    total += file.matches;
  }
  for (const auto& [name, count] : expected) expected_counts.emplace_back(name.substr(0, name.find('@')), count);
  std::ranges::sort(counts);
  std::ranges::sort(expected_counts);
  ASSERT_EQ(counts, expected_counts) << request.pattern;
  ASSERT_EQ(result->matches, total);

  World visible(world.snapshot, world.Operator(), request.filter);
  ExactBudget budget(60'000, uint64_t{1} << 40);
  auto matcher = PatternMatcher::Compile(PatternOf(request)).value();
  auto files = MatchingFiles(visible, world.store, *matcher, budget);
  ASSERT_TRUE(files.ok());
  size_t count = 0;
  for (const auto& ordinals : *files) count += ordinals.size();
  ASSERT_EQ(count, expected.size()) << request.pattern;
}

TEST(ExactSearch, FindsWhatAPlainScanFindsForThousandsOfRandomPatterns) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    TestWorld world(seed);
    world.Fill(1 + seed % 4);
    for (int round = 0; round < 300; ++round) {
      ExactRequest request{.limit = 1'000'000, .count_only = true, .max_matches = 1'000'000'000, .max_milliseconds = 60'000};
      request.regex = round % 2 == 1;
      request.pattern = request.regex ? world.random.Regex(3, world.vocabulary)
                                      : world.vocabulary[world.random.Below(60)] + (round % 4 == 0 ? "" : world.random.Word(2));
      request.fold = round % 3 == 0 ? CaseMode::kSensitive : CaseMode::kInsensitive;
      if (round % 5 == 0) request.filter.paths = {"tests/**"};
      RE2::Options options;
      options.set_log_errors(false);
      options.set_literal(!request.regex);
      options.set_case_sensitive(request.fold == CaseMode::kSensitive);
      RE2 plain(request.pattern, options);
      if (!plain.ok()) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectAsPlain(world, request, plain)) << "seed " << seed << " " << request.pattern;
    }
  }
}

std::string Lines(const ExactFile& file) {
  std::string text;
  for (const ExactLine& line : file.lines) {
    text += std::to_string(line.number) + (line.matches.empty() ? "-" : ":") + line.text + "\n";
  }
  return text;
}

TEST(ExactSearch, ShowsLinesWithContextAcrossBlocks) {
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += "line number " + std::to_string(i) + (i % 500 == 0 ? " needle" : "") + "\n";
  TestWorld world(1);
  world.AddSource("repo", {{{.path = "a.py", .text = text}}});
  for (size_t context : {0u, 1u, 3u}) {
    auto result = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "needle", .context = context}).value();
    ASSERT_EQ(result.files.size(), 1u);
    std::string expected;
    for (int match = 500; match <= 3000; match += 500) {
      for (int i = match - static_cast<int>(context); i <= std::min(3000, match + static_cast<int>(context)); ++i) {
        expected += std::to_string(i) + (i == match ? ":" : "-") + "line number " + std::to_string(i) + (i == match ? " needle" : "") + "\n";
      }
    }
    EXPECT_EQ(Lines(result.files[0]), expected);
  }
}

TEST(ExactSearch, ShowsEachLineOnceAndContextAroundItThatMatchesToo) {
  TestWorld world(1);
  world.AddSource("repo", {{{.path = "a.py", .text = "one x x\r\ntwo\nthree x\nfour\nfive"}}});
  auto result = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "x", .context = 1}).value();
  EXPECT_EQ(Lines(result.files[0]), "1:one x x\n2-two\n3:three x\n4-four\n");
  EXPECT_EQ(result.files[0].lines[0].matches, (std::vector<ByteSpan>{{4, 5}, {6, 7}}));
  EXPECT_EQ(result.matches, 3u);
  auto end = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "e$", .regex = true, .context = 0}).value();
  EXPECT_EQ(Lines(end.files[0]), "5:five\n");
}

TEST(ExactSearch, ShowsAPartOfALongLineAroundItsMatch) {
  std::string line;
  for (int i = 0; i < 5000; ++i) line += "가";
  TestWorld world(1);
  world.AddSource("repo", {{{.path = "a.py", .text = line + "needle" + line + "needle\n"}}});
  auto result = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "needle"}).value();
  const ExactLine& shown = result.files[0].lines[0];
  EXPECT_TRUE(shown.cut);
  EXPECT_LE(shown.text.size(), 400u);
  EXPECT_TRUE(shown.text.starts_with("가"));
  ASSERT_EQ(shown.matches.size(), 1u);
  EXPECT_EQ(shown.text.substr(shown.matches[0].begin, shown.matches[0].size()), "needle");
  EXPECT_EQ(shown.column + shown.matches[0].begin, line.size());
  EXPECT_EQ(result.matches, 2u);
}

TEST(ExactSearch, OrdersSourceBeforeTestsDefinitionsFirstThenByMatchesAndPath) {
  TestWorld world(1);
  world.AddSource("repo", {{{.path = "tests/t.py", .text = "load load load load load\ndef load():\n"},
                            {.path = "b.py", .text = "load()\n"},
                            {.path = "many.py", .text = "load load load\n"},
                            {.path = "a.py", .text = "load()\n"}},
                           {{.path = "defines.py", .text = "def load():\n"}, {.path = "not.py", .text = "def loader(): load\n"}}});
  auto result = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "load", .count_only = true}).value();
  std::vector<std::string> paths;
  for (const ExactFile& file : result.files) paths.push_back(file.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"defines.py", "many.py", "not.py", "a.py", "b.py", "tests/t.py"}));
  EXPECT_TRUE(result.files[0].defines);
  EXPECT_FALSE(result.files[1].defines);
}

TEST(ExactSearch, SaysWhenItDidNotSearchEverything) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "abc\n";
  TestWorld world(1);
  world.AddSource("repo", {{{.path = "a.py", .text = text}, {.path = "b.py", .text = text}}});
  auto capped = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "abc", .limit = 3, .max_matches = 3500}).value();
  EXPECT_EQ(capped.matches, 3500u);
  EXPECT_FALSE(capped.complete);
  EXPECT_EQ(capped.incomplete, "counting ended at 3500 matches");
  ASSERT_EQ(capped.files.size(), 1u);
  EXPECT_EQ(capped.files[0].lines.size(), 3u);
  auto exact = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "abc", .max_matches = 6000}).value();
  EXPECT_EQ(exact.matches, 6000u);
  EXPECT_TRUE(exact.complete);
  auto bytes = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "a.c", .regex = true, .max_bytes = 10'000}).value();
  EXPECT_FALSE(bytes.complete);
  EXPECT_NE(bytes.incomplete.find("as much text"), std::string::npos);
  auto time = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "a.c", .regex = true, .max_milliseconds = 0}).value();
  EXPECT_FALSE(time.complete);
  EXPECT_NE(time.incomplete.find("time"), std::string::npos);
}

// Enough text for several threads: what they count must not depend on which is quicker.
TEST(ExactSearch, CountsTheFirstFilesUpToTheLimitHoweverManyThreadsCount) {
  std::vector<TestFile> files;
  for (int f = 0; f < 200; ++f) {
    TestFile file{.path = "f" + std::to_string(1000 + f) + ".py"};
    for (int i = 0; i < 5000; ++i) file.text += "some line of text " + std::to_string(i) + (i % 10 == 0 ? " needle\n" : "\n");
    files.push_back(file);
  }
  TestWorld world(1);
  world.AddSource("repo", {files});
  for (int round = 0; round < 5; ++round) {
    auto result = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "needle", .limit = 1000, .count_only = true, .max_matches = 7'777}).value();
    EXPECT_EQ(result.matches, 7'777u);
    EXPECT_FALSE(result.complete);
    ASSERT_EQ(result.files.size(), 16u);
    EXPECT_EQ(result.files[14].path, "f1014.py");
    EXPECT_EQ(result.files[15].path, "f1015.py");
    EXPECT_EQ(result.files[15].matches, 277u);
    auto all = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = "needle", .max_matches = 100'000}).value();
    EXPECT_EQ(all.matches, 100'000u);
    EXPECT_TRUE(all.complete);
  }
}

TEST(ExactSearch, EndsInTimeOnLinesMadeToTakeLong) {
  std::string line(2 << 20, 'a');
  TestWorld world(1);
  world.AddSource("repo", {{{.path = "a.py", .text = line}, {.path = "b.py", .text = "aab\n"}}});
  auto start = std::chrono::steady_clock::now();
  for (const char* pattern : {"(a?){300}(a|b){300}c", "(a+)+$x", "((a{1,10}){1,10}){1,5}b", "(.*)(.*)(.*)(.*)(.*)b", "[ab]*a[ab]{60}c"}) {
    auto result = SearchExactSnapshot(world.snapshot, world.Operator(), {.pattern = pattern, .regex = true});
    EXPECT_TRUE(!result.ok() || result->files.size() <= 2);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
}

TEST(ExactSearch, ShowsAStrangerNothingAndAReaderTheirOwn) {
  TestWorld world(1);
  world.AddSource("open", {{{.path = "a.py", .text = "needle\n"}}}, {"user:ann"});
  world.AddSource("secret", {{{.path = "b.py", .text = "needle needle\n"}}}, {"user:bob"});
  auto stranger = SearchExactSnapshot(world.snapshot, world.User("eve"), {.pattern = "needle"}).value();
  EXPECT_TRUE(stranger.files.empty());
  EXPECT_EQ(stranger.matches, 0u);
  EXPECT_EQ(stranger.files_with_matches, 0u);
  EXPECT_TRUE(stranger.complete);
  auto ann = SearchExactSnapshot(world.snapshot, world.User("ann"), {.pattern = "needle"}).value();
  EXPECT_EQ(ann.matches, 1u);
  ASSERT_EQ(ann.files.size(), 1u);
  EXPECT_EQ(ann.files[0].path, "a.py");
  // Not even through a limit.
  auto capped = SearchExactSnapshot(world.snapshot, world.User("ann"), {.pattern = "needle", .max_matches = 1}).value();
  EXPECT_TRUE(capped.complete);
}

}  // namespace
}  // namespace codelore::index
