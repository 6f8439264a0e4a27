#include "index/symbols/references.h"

#include <algorithm>
#include <random>

#include "index/blobs.h"
#include "index/symbols/symbol_fixture.h"

namespace codelore::index {
namespace {

struct Written {
  std::string text;
  bool deleted;
};

// A source with one segment of random files, every third of them deleted.
std::vector<Written> AddRandomSource(std::mt19937& random, acl::Directory& directory, TenantId tenant, std::vector<std::string> readers,
                                     Snapshot& snapshot) {
  const std::vector<std::string> words = {"order", "Order", "close", "세금"};
  auto source = directory
                    .AddSource({.tenant = tenant, .name = "s" + std::to_string(snapshot.partitions.size()), .location = "/", .readers = std::move(readers)})
                    .value();
  SegmentBuilder builder;
  std::vector<Written> written;
  auto live = std::make_shared<LiveSegment>();
  for (int i = 0; i < 30; ++i) {
    std::string text = "def f\n";
    for (uint64_t n = random() % 4; n > 0; --n) text += "  call x." + words[random() % words.size()] + "\n";
    builder.AddFile(ToyParser::Parse("f" + std::to_string(i) + ".py", text), Hash256());
    written.push_back({text, i % 3 == 0});
    live->file_deleted.push_back(i % 3 == 0);
  }
  auto bytes = std::make_shared<std::string>(builder.Finish());
  live->reader = SegmentReader::Open(*bytes, bytes).value();
  auto partition = std::make_shared<PartitionSnapshot>();
  partition->id = directory.PartitionsOf(source.id).value()[0];
  partition->tenant = tenant;
  partition->source = source.id;
  partition->segments.push_back(std::move(live));
  snapshot.partitions[partition->id] = partition;
  return written;
}

TEST(ReferencingFiles, CountsWhatAPlainScanOfTheVisibleFilesCounts) {
  testing::MemoryStore store;
  auto directory = acl::Directory::Open(store).value();
  TenantId tenant = directory->FindTenant(acl::kDefaultTenant).value();
  std::mt19937 random(9);
  Snapshot snapshot;
  std::vector<Written> open = AddRandomSource(random, *directory, tenant, {"everyone"}, snapshot);
  std::vector<Written> closed = AddRandomSource(random, *directory, tenant, {}, snapshot);
  Viewer stranger = directory->ViewerForUser(tenant, "ann", {}).value(), all = directory->OperatorViewer(tenant).value();
  for (const char* word : {"order", "Order", "close", "세금", "absent", "f"}) {
    auto count = [&](const std::vector<Written>& files) {
      return std::ranges::count_if(files, [&](const Written& w) { return !w.deleted && w.text.find("x." + std::string(word) + "\n") != std::string::npos; });
    };
    World seen(snapshot, stranger, {}), everything(snapshot, all, {});
    EXPECT_EQ(ReferencingFiles(seen, word), count(open)) << word;
    EXPECT_EQ(ReferencingFiles(everything, word), count(open) + count(closed)) << word;
  }
}

TEST(EnclosingLines, GivesTheSmallestAround) {
  EnclosingLines lines({{.name = "A", .line = 1, .start_line = 1, .end_line = 9},
                        {.name = "f", .line = 3, .start_line = 2, .end_line = 5},
                        {.name = "x", .line = 3, .start_line = 3, .end_line = 3}});
  EXPECT_EQ(lines.At(0), nullptr);
  EXPECT_EQ(lines.At(1)->name, "A");
  EXPECT_EQ(lines.At(2)->name, "f");
  EXPECT_EQ(lines.At(3)->name, "x");
  EXPECT_EQ(lines.At(9)->name, "A");
  EXPECT_EQ(lines.At(10), nullptr);
  EXPECT_EQ(EnclosingLines().At(1), nullptr);
}

TEST(EnclosingLines, AgreesWithAPlainScan) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<DefinedSymbol> symbols(random() % 12);
    for (DefinedSymbol& symbol : symbols) {
      symbol.start_line = 1 + static_cast<uint32_t>(random() % 20);
      symbol.end_line = symbol.start_line + static_cast<uint32_t>(random() % 15);
    }
    EnclosingLines lines(symbols);
    for (uint32_t line = 0; line < 40; ++line) {
      int best = -1;
      for (int i = 0; i < static_cast<int>(symbols.size()); ++i) {
        if (symbols[i].start_line > line || symbols[i].end_line < line) continue;
        if (best < 0 || symbols[i].end_line - symbols[i].start_line <= symbols[best].end_line - symbols[best].start_line) best = i;
      }
      const DefinedSymbol* found = lines.At(line);
      EXPECT_EQ(found == nullptr ? -1 : found - lines.definitions().data(), best);
    }
  }
}

}  // namespace
}  // namespace codelore::index
