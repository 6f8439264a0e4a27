// Exact search over a data folder: the time of each pattern, in this process, and the sizes of what was read.
//
//   exact_bench DATA sizes                     bytes of each section, of all segments
//   exact_bench DATA files SOURCE              the paths that are indexed, for building a corpus for rivals
//   exact_bench DATA search ROUNDS < PATTERNS  JSON lines; a pattern per line, "L text" or "R regex"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "index/embedded_index.h"
#include "index/segment/segment.h"
#include "index/store/file.h"
#include "index/store/rocks_store.h"

namespace {

using namespace codelore;
using Clock = std::chrono::steady_clock;

int PrintSizes(const std::string& folder) {
  static constexpr const char* kNames[] = {"files", "chunks", "strings", "terms", "postings", "positions", "references", "trigrams", "text"};
  std::vector<uint64_t> sizes(index::kSectionCount);
  uint64_t text = 0, total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/segments")) {
    if (entry.path().extension() != ".seg") continue;
    auto file = index::MappedFile::Open(entry.path()).value();
    auto reader = index::SegmentReader::Open(file->bytes(), file).value();
    for (uint32_t i = 0; i < reader->file_count(); ++i) text += reader->file(i).size_bytes;
    std::string_view bytes = file->bytes();
    ByteReader directory(bytes.substr(bytes.size() - 16 - 16 * sizes.size()));
    for (uint64_t& size : sizes) {
      (void)directory.Fixed<uint64_t>();
      size += directory.Fixed<uint64_t>();
    }
    total += bytes.size();
  }
  std::printf("text %.1f MB, segments %.1f MB\n", static_cast<double>(text) / 1e6, static_cast<double>(total) / 1e6);
  for (size_t i = 0; i < sizes.size() && i < std::size(kNames); ++i) {
    std::printf("  %-10s %8.1f MB  %.3f of the text\n", kNames[i], static_cast<double>(sizes[i]) / 1e6,
                static_cast<double>(sizes[i]) / static_cast<double>(text));
  }
  return 0;
}

int PrintFiles(const acl::Directory& directory, const Index& index, TenantId tenant, const std::string& name) {
  acl::Source source = directory.FindSource(tenant, name).value();
  return index.ScanLedger(source.id, [](const FileRecord& record) {
    if (record.state == FileState::kIndexed) std::printf("%s\n", record.path.c_str());
    return true;
  }).ok() ? 0 : 1;
}

int Search(const Index& index, const Viewer& viewer, int rounds) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line.size() < 3) continue;
    ExactRequest request{.pattern = line.substr(2), .regex = line[0] == 'R', .fold = CaseMode::kSensitive, .limit = 50};
    std::vector<double> times;
    uint64_t matches = 0, files = 0;
    bool complete = true;
    for (int i = 0; i < rounds; ++i) {
      auto start = Clock::now();
      auto result = index.SearchExact(viewer, request);
      times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      if (!result.ok()) {
        std::fprintf(stderr, "%s: %s\n", line.c_str(), result.status().ToString().c_str());
        return 1;
      }
      matches = result->matches;
      files = result->files_with_matches;
      complete = result->complete;
    }
    std::ranges::sort(times);
    std::printf("{\"ms\": %.3f, \"matches\": %llu, \"files\": %llu, \"complete\": %s}\n", times[times.size() / 2],
                static_cast<unsigned long long>(matches), static_cast<unsigned long long>(files), complete ? "true" : "false");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::string folder = argv[1], what = argv[2];
  if (what == "sizes") return PrintSizes(folder);
  auto store = index::OpenRocksStore(folder + "/store").value();
  auto directory = acl::Directory::Open(*store).value();
  auto index = index::OpenEmbeddedIndex(folder + "/segments", *store).value();
  TenantId tenant = directory->FindTenant(acl::kDefaultTenant).value();
  if (what == "files" && argc > 3) return PrintFiles(*directory, *index, tenant, argv[3]);
  Viewer viewer = directory->OperatorViewer(tenant).value();
  return what == "search" && argc > 3 ? Search(*index, viewer, std::atoi(argv[3])) : 2;
}
