// BM25 top 10 and the build of the lexical index, as the product does them, for bench/rivals/lexical.py.
//
//   lexical_bench build CORPUS FOLDER [SEGMENTS]  one chunk per line; segments of 16 MB of text as the product's, or
//                                                 that many
//   lexical_bench serve FOLDER QUERIES            prints "ready"; for each line read, runs all queries once and prints
//                                                 their times in microseconds on one line
//   lexical_bench check FOLDER QUERIES            compares every query's result with scoring every chunk
//   lexical_bench partitions FOLDER MANY QUERIES  the same chunks in one partition (FOLDER) and in a partition for each
//                                                 segment (MANY), in turn; processor time
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "acl/directory.h"
#include "index/rank/lexical_search.h"
#include "index/store/file.h"
#include "support/memory_store.h"

namespace codelore::index {
namespace {

constexpr size_t kSegmentText = 16 << 20;  // what one commit of an indexing run holds
constexpr size_t kChunksPerFile = 20;
constexpr int kRounds = 5;

using Clock = std::chrono::steady_clock;
double Microseconds(Clock::time_point since) { return std::chrono::duration<double, std::micro>(Clock::now() - since).count(); }

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

[[noreturn]] void Die(const Status& status) {
  std::fprintf(stderr, "lexical_bench: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

// ---- build ----

class Build {
 public:
  Build(std::string folder, size_t segment_text) : folder_(std::move(folder)), segment_text_(segment_text) {
    if (Status status = MakeFolder(folder_); !status.ok()) Die(status);
  }

  void Add(std::string_view line) {
    Chunk chunk;
    chunk.bytes = {static_cast<uint32_t>(file_.text.size()), static_cast<uint32_t>(file_.text.size() + line.size())};
    file_.text += line;
    file_.chunked.chunks.push_back(std::move(chunk));
    if (file_.chunked.chunks.size() == kChunksPerFile) EndFile();
    if (text_ >= segment_text_) EndSegment();
  }

  void Finish() {
    EndFile();
    EndSegment();
  }
  size_t bytes() const { return bytes_; }
  size_t segments() const { return segments_; }

 private:
  void EndFile() {
    if (file_.chunked.chunks.empty()) return;
    text_ += file_.text.size();
    builder_->AddFile(file_, Hash256());
    file_ = {};
  }
  void EndSegment() {
    EndFile();
    if (text_ == 0) return;
    std::string bytes = builder_->Finish();
    char name[16];
    std::snprintf(name, sizeof name, "/%06zu", segments_++);
    if (Status status = ReplaceFile(folder_ + name, bytes, true); !status.ok()) Die(status);
    bytes_ += bytes.size();
    builder_ = std::make_unique<SegmentBuilder>();
    text_ = 0;
  }

  const std::string folder_;
  const size_t segment_text_;
  std::unique_ptr<SegmentBuilder> builder_ = std::make_unique<SegmentBuilder>();
  NewFile file_;
  size_t text_ = 0, bytes_ = 0, segments_ = 0;
};

int RunBuild(const char* corpus, const char* folder, size_t segments) {
  std::ifstream in(corpus, std::ios::binary);
  in.seekg(0, std::ios::end);
  auto size = static_cast<size_t>(in.tellg());
  in.seekg(0);
  auto start = Clock::now();
  Build build(folder, segments > 0 ? size / segments : kSegmentText);
  for (std::string line; std::getline(in, line);) build.Add(line);
  build.Finish();
  std::printf("build_wall %.3f build_cpu %.2f bytes %zu segments %zu\n", Microseconds(start) / 1e6, CpuSeconds(),
              build.bytes(), build.segments());
  return 0;
}

// ---- search ----

std::shared_ptr<const LiveSegment> OpenSegment(const std::string& path) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) Die(file.status());
  auto reader = SegmentReader::Open(file.value()->bytes(), file.value());
  if (!reader.ok()) Die(reader.status());
  auto live = std::make_shared<LiveSegment>();
  live->reader = reader.value();
  live->live_chunks = live->reader->chunk_count();
  return live;
}

// The segments of a folder in one partition, or in one each, and an operator who sees them all.
class Collection {
 public:
  Collection(const std::string& folder, bool partition_each) {
    directory_ = acl::Directory::Open(store_).value();
    tenant_ = directory_->FindTenant(acl::kDefaultTenant).value();
    std::vector<std::string> names = ListFolder(folder).value();
    std::ranges::sort(names);
    std::shared_ptr<PartitionSnapshot> partition;
    for (const std::string& name : names) {
      if (!partition || partition_each) partition = AddPartition("source" + name);
      partition->segments.push_back(OpenSegment(folder + "/" + name));
    }
  }

  Viewer Operator() const { return directory_->OperatorViewer(tenant_).value(); }
  const Snapshot& snapshot() const { return snapshot_; }

 private:
  std::shared_ptr<PartitionSnapshot> AddPartition(const std::string& name) {
    auto source = directory_->AddSource({.tenant = tenant_, .name = name, .location = "/"}).value();
    auto partition = std::make_shared<PartitionSnapshot>();
    partition->id = directory_->PartitionsOf(source.id).value()[0];
    partition->tenant = tenant_;
    partition->source = source.id;
    snapshot_.partitions[partition->id] = partition;
    return partition;
  }

  testing::MemoryStore store_;
  std::unique_ptr<acl::Directory> directory_;
  TenantId tenant_;
  Snapshot snapshot_;
};

std::vector<QueryTerms> ReadQueries(const char* path) {
  std::vector<QueryTerms> queries;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    QueryTerms& query = queries.emplace_back();
    std::istringstream words(line);
    for (std::string word; words >> word;) query.terms.push_back(word);
    query.weights.assign(query.terms.size(), 1);
  }
  return queries;
}

double WallMicroseconds() {
  return std::chrono::duration<double, std::micro>(Clock::now().time_since_epoch()).count();
}
// Of this thread: whatever else runs does not count.
double ProcessorMicroseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

std::vector<double> RunOnce(const Collection& collection, const std::vector<QueryTerms>& queries, double (*now)()) {
  std::vector<double> times;
  Viewer viewer = collection.Operator();
  for (const QueryTerms& query : queries) {
    double start = now();
    World world(collection.snapshot(), viewer, {});
    std::vector<ChunkRef> best = LexicalSearch(world, query).Best(10);
    times.push_back(now() - start);
    if (best.size() > 10) std::abort();
  }
  return times;
}

int RunServe(const char* folder, const char* queries_path) {
  Collection collection(folder, false);
  std::vector<QueryTerms> queries = ReadQueries(queries_path);
  std::puts("ready");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    for (double time : RunOnce(collection, queries, WallMicroseconds)) std::printf("%.1f ", time);
    std::puts("");
    std::fflush(stdout);
  }
  return 0;
}

int RunCheck(const char* folder, const char* queries_path) {
  Collection collection(folder, false);
  Viewer viewer = collection.Operator();
  size_t wrong = 0, all = 0;
  for (const QueryTerms& query : ReadQueries(queries_path)) {
    World world(collection.snapshot(), viewer, {});
    LexicalSearch search(world, query);
    std::vector<ChunkRef> best = search.Best(10), expected = search.BestExhaustively(10);
    auto same = [](const ChunkRef& a, const ChunkRef& b) { return a.segment == b.segment && a.ordinal == b.ordinal && a.score == b.score; };
    wrong += !std::ranges::equal(best, expected, same);
    ++all;
  }
  std::printf("%zu of %zu queries differ from scoring every chunk\n", wrong, all);
  return wrong == 0 ? 0 : 1;
}

double Percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

// By query, the median of the rounds.
std::vector<double> Medians(const std::vector<std::vector<double>>& rounds) {
  std::vector<double> medians;
  for (size_t q = 0; q < rounds[0].size(); ++q) {
    std::vector<double> times;
    for (const auto& round : rounds) times.push_back(round[q]);
    medians.push_back(Percentile(times, .5));
  }
  return medians;
}

int RunPartitions(const char* one_folder, const char* many_folder, const char* queries_path) {
  Collection one(one_folder, false), many(many_folder, true);
  std::vector<QueryTerms> queries = ReadQueries(queries_path);
  std::vector<std::vector<double>> one_rounds, many_rounds;
  for (int round = 0; round <= kRounds; ++round) {
    auto of_one = RunOnce(one, queries, ProcessorMicroseconds), of_many = RunOnce(many, queries, ProcessorMicroseconds);
    if (round == 0) continue;  // warms the pages
    one_rounds.push_back(of_one);
    many_rounds.push_back(of_many);
  }
  auto of_one = Medians(one_rounds), of_many = Medians(many_rounds);
  for (double share : {.5, .9, .99}) {
    double a = Percentile(of_one, share), b = Percentile(of_many, share);
    std::printf("p%.0f: one partition %.0f us, %zu partitions %.0f us, ratio %.2f\n", share * 100, a,
                many.snapshot().partitions.size(), b, b / a);
  }
  return 0;
}

}  // namespace
}  // namespace codelore::index

int main(int count, char** arguments) {
  using namespace codelore::index;
  std::string_view mode = count > 3 ? arguments[1] : "";
  if (mode == "build") return RunBuild(arguments[2], arguments[3], count > 4 ? std::stoul(arguments[4]) : 0);
  if (mode == "serve") return RunServe(arguments[2], arguments[3]);
  if (mode == "check") return RunCheck(arguments[2], arguments[3]);
  if (mode == "partitions" && count > 4) return RunPartitions(arguments[2], arguments[3], arguments[4]);
  std::fprintf(stderr, "usage: lexical_bench build CORPUS FOLDER [SEGMENTS] | serve FOLDER QUERIES | check FOLDER QUERIES |\n"
                       "       partitions FOLDER MANY QUERIES\n");
  return 2;
}
