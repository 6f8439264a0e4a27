// A small data folder with everything in it, filled and asked in processes of its own: RocksDB's threads do not survive a fork.
#ifndef CODELORE_TESTS_INDEX_SMALL_WORLD_H_
#define CODELORE_TESTS_INDEX_SMALL_WORLD_H_

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "index/embedded_index.h"
#include "index/store/rocks_store.h"
#include "support/fake_encoder.h"

namespace codelore::index {

struct SmallWorld {
  static constexpr int kFiles = 40, kLines = 12;
  static constexpr std::array<const char*, 4> kQueries = {"alpha", "word7 beta", "return value", "file31"};

  std::unique_ptr<KeyValueStore> store;
  std::unique_ptr<acl::Directory> directory;
  std::unique_ptr<Index> index;
  TenantId tenant;
  SourceId source;  // none before Fill
  testing::FakeEncoder encoder = testing::FakeEncoder();

  // Hits by query, as texts.
  using Answers = std::map<std::string, std::vector<std::string>>;

  static Result<std::unique_ptr<SmallWorld>> Open(const std::string& folder) {
    auto world = std::make_unique<SmallWorld>();
    ASSIGN_OR_RETURN(world->store, OpenRocksStore(folder + "/store"));
    ASSIGN_OR_RETURN(world->directory, acl::Directory::Open(*world->store));
    ASSIGN_OR_RETURN(world->index, OpenEmbeddedIndex(folder + "/segments", *world->store));
    ASSIGN_OR_RETURN(world->tenant, world->directory->FindTenant(acl::kDefaultTenant));
    ASSIGN_OR_RETURN(auto sources, world->directory->ListSources(world->tenant));
    if (!sources.empty()) world->source = sources[0].id;
    return world;
  }

  // Two thirds of the files lie in tables of the store then, the rest in its log; all have vectors.
  static Status Fill(const std::string& folder, int version = 0) {
    {
      ASSIGN_OR_RETURN(auto world, Open(folder));
      RETURN_IF_ERROR(world->Add());
      RETURN_IF_ERROR(world->Commit("c1", 0, kFiles * 2 / 3, version));
      RETURN_IF_ERROR(world->Embed());
    }
    ASSIGN_OR_RETURN(auto world, Open(folder));
    RETURN_IF_ERROR(world->Commit("c2", kFiles * 2 / 3, kFiles, version));
    return world->Embed();
  }

  Status Add() {
    ASSIGN_OR_RETURN(acl::Source added, directory->AddSource({.tenant = tenant, .name = "repo", .location = "/nowhere"}));
    source = added.id;
    return OkStatus();
  }

  static NewFile MakeFile(int number, int version) {
    NewFile file{"d" + std::to_string(number % 5) + "/file" + std::to_string(number) + ".py", "", {}};
    file.chunked.language = "python";
    std::mt19937 random(static_cast<uint32_t>(1000 * version + number));
    for (uint32_t line = 1; line <= kLines; ++line) {
      auto begin = static_cast<uint32_t>(file.text.size());
      file.text += "alpha word" + std::to_string(random() % 50) + " beta" + std::to_string(random() % 500) + " return value" + std::to_string(random()) + "\n";
      Chunk chunk;
      chunk.bytes = {begin, static_cast<uint32_t>(file.text.size())};
      chunk.start_line = chunk.end_line = line;
      file.chunked.chunks.push_back(chunk);
    }
    return file;
  }

  // Files [first, end) in this version; the one behind them goes.
  Status Commit(const std::string& revision, int first, int end, int version) {
    ASSIGN_OR_RETURN(PartitionId partition, directory->PartitionFor(source, ""));
    IndexCommit commit{.tenant = tenant, .source = source, .revision = revision, .partitions = {{partition, {}, {}}}, .ledger = {},
                       .ledger_gone = {}, .state = {.branch = "main", .revision = revision}};
    for (int i = first; i < end; ++i) {
      NewFile file = MakeFile(i, version);
      commit.ledger.push_back({.path = file.path, .language = "python", .version = "v" + std::to_string(version), .partition = partition,
                               .size_bytes = file.text.size(), .chunks = kLines});
      commit.partitions[0].add.push_back(std::move(file));
    }
    if (version > 0) {
      commit.ledger_gone.push_back(MakeFile(end, 0).path);
      commit.partitions[0].remove.push_back(MakeFile(end, 0).path);
    }
    return index->Commit(commit);
  }

  Status Embed() {
    ASSIGN_OR_RETURN(auto partitions, directory->PartitionsOf(source));
    return index->Embed(tenant, partitions, encoder, 1, {}, [](const EmbedProgress&) {});
  }

  Result<Answers> Ask() {
    Answers answers;
    ASSIGN_OR_RETURN(Viewer viewer, directory->OperatorViewer(tenant));
    for (const char* query : kQueries) {
      std::vector<std::string_view> texts = {query};
      ASSIGN_OR_RETURN(auto encoded, encoder.Encode(texts, {}));
      for (SearchMode mode : {SearchMode::kLexical, SearchMode::kVector}) {
        SearchRequest request;
        request.text = query;
        request.mode = mode;
        request.limit = 1000;
        request.per_file = 0;
        ASSIGN_OR_RETURN(SearchResult result, index->Search(viewer, request, encoded[0].dense, encoder.info().fingerprint));
        auto& hits = answers[std::string(mode == SearchMode::kLexical ? "words " : "meaning ") + query];
        for (const Hit& hit : result.hits) {
          hits.push_back(hit.path + ":" + std::to_string(hit.start_line) + " " + hit.revision + " " + std::to_string(hit.score) + " " + hit.text);
        }
        std::ranges::sort(hits);  // of one score, the order depends on the segments
      }
    }
    ASSIGN_OR_RETURN(ExactResult exact, index->SearchExact(viewer, {.pattern = "beta1[0-9]*", .regex = true, .filter = {}, .limit = 10'000}));
    for (const ExactFile& file : exact.files) {
      for (const ExactLine& line : file.lines) answers["exact"].push_back(file.path + ":" + std::to_string(line.number) + " " + line.text);
    }
    std::ranges::sort(answers["exact"]);
    return answers;
  }
};

// How `body` ended, as waitpid tells.
template <typename Body>
int InChild(Body body) {
  pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

inline void CopyFolder(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

}  // namespace codelore::index

#endif  // CODELORE_TESTS_INDEX_SMALL_WORLD_H_
