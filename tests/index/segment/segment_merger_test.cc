// Merged segments, compared with segments built from the files that are left.
#include "index/segment/segment_merger.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "index/blobs.h"

namespace codelore::index {
namespace {

NewFile MakeFile(std::mt19937& random, const std::string& path) {
  static const char* kWords[] = {"alpha", "beta", "gamma", "delta", "parse_header", "Session", "close"};
  NewFile file{path, "", {}};
  file.chunked.language = "python";
  for (uint32_t chunk = 0; chunk < 1 + random() % 3; ++chunk) {
    auto begin = static_cast<uint32_t>(file.text.size());
    std::string name = kWords[random() % 7];
    file.text += "def " + name + "():\n    " + kWords[random() % 7] + "(" + kWords[random() % 7] + ")\n";
    auto end = static_cast<uint32_t>(file.text.size());
    Chunk made{.bytes = {begin, end}, .start_line = 2 * chunk + 1, .end_line = 2 * chunk + 2, .kind = ChunkKind::kFunction, .symbol = name};
    made.definitions = {chunk};
    made.prose = {{begin + 4, begin + 6}};
    file.chunked.chunks.push_back(made);
    file.chunked.definitions.push_back({.name = name, .qualified = "Scope." + name, .kind = ChunkKind::kClass, .extent = {begin, end}, .name_begin = begin + 4});
    for (ReferenceKind kind : {ReferenceKind::kCall, ReferenceKind::kInherit}) {
      file.chunked.references.push_back({.name = kWords[random() % 7], .qualifier = random() % 2 ? "self" : "", .kind = kind, .begin = end - 4});
    }
  }
  return file;
}

// Everything the symbol table says, as text.
std::string SymbolsOf(const SegmentReader& reader) {
  std::string out;
  const SymbolTable& table = reader.symbols();
  for (uint32_t file = 0; file < reader.file_count(); ++file) {
    for (const DefinedSymbol& s : table.DefinitionsIn(file)) {
      out += std::to_string(file) + " " + s.Qualified() + " " + std::to_string(s.line) + " " + std::to_string(s.start_line) + " " +
             std::to_string(s.end_line) + " " + std::string(ChunkKindName(s.kind));
      for (uint32_t base : s.bases) out += " " + std::string(table.Name(base));
      out += "\n";
    }
  }
  for (uint32_t name = 0; name < table.name_count(); ++name) {
    out += std::string(table.Name(name)) + ":";
    for (const auto& place : table.DefinitionsOf(name)) out += " " + std::to_string(place.file) + "/" + std::to_string(place.ordinal);
    table.VisitReferences(name, [&](const UsedSymbol& used) {
      out += " " + std::to_string(used.file) + "@" + std::to_string(used.line) + std::string(ReferenceKindName(used.kind)) + std::string(used.qualifier);
      return true;
    });
    out += "\n";
  }
  return out;
}

TEST(SegmentMergerTest, MergedSegmentIsTheOneThatWouldHaveBeenBuilt) {
  std::mt19937 random(11);
  for (int round = 0; round < 30; ++round) {
    std::map<Hash256, std::string> texts;
    std::vector<std::string> bytes;
    std::vector<std::vector<uint8_t>> deleted;
    SegmentBuilder fresh;
    int files = 0;
    for (uint32_t s = 0; s < 2 + random() % 5; ++s) {
      SegmentBuilder builder;
      std::vector<uint8_t>& gone = deleted.emplace_back();
      for (uint32_t f = 0; f < 1 + random() % 60; ++f) {
        NewFile file = MakeFile(random, "d/f" + std::to_string(files++) + ".py");
        Hash256 blob = Sha256(file.text);
        texts[blob] = file.text;
        builder.AddFile(file, blob);
        gone.push_back(files > 1 && random() % 3 == 0);
        if (gone.back() == 0) fresh.AddFile(file, blob);
      }
      bytes.push_back(builder.Finish());
    }
    std::vector<std::shared_ptr<const SegmentReader>> readers;
    std::vector<MergeInput> inputs;
    for (size_t i = 0; i < bytes.size(); ++i) {
      readers.push_back(SegmentReader::Open(bytes[i], nullptr).value());
      inputs.push_back({readers.back().get(), deleted[i]});
    }
    auto places = PlacesInMerged(inputs);
    std::string merged = MergeSegments(inputs, places, [&](const FileRow& row) -> Result<std::string> { return texts.at(row.blob); }, {}).value();
    std::string wanted = fresh.Finish();
    auto a = SegmentReader::Open(merged, nullptr).value(), b = SegmentReader::Open(wanted, nullptr).value();
    EXPECT_EQ(a->file_count(), b->file_count());
    EXPECT_TRUE(a->lexical().Validate(a->chunk_count()).ok());
    EXPECT_EQ(SymbolsOf(*a), SymbolsOf(*b));
    // The numbers of scopes depend on the order in which they were met, all else is the same byte for byte.
    EXPECT_EQ(merged.size(), wanted.size());
    for (uint32_t f = 0; f < a->file_count(); ++f) {
      EXPECT_EQ(a->StringsOf(a->file(f)).path, b->StringsOf(b->file(f)).path);
      EXPECT_EQ(a->file(f).blob, b->file(f).blob);
    }
    for (uint32_t c = 0; c < a->chunk_count(); ++c) {
      EXPECT_EQ(a->StringsOf(a->chunk(c)).symbol, b->StringsOf(b->chunk(c)).symbol);
      EXPECT_EQ(a->chunk(c).file, b->chunk(c).file);
    }
    ASSERT_EQ(a->lexical().term_count(), b->lexical().term_count());
    for (uint32_t t = 0; t < a->lexical().term_count(); ++t) {
      ASSERT_EQ(a->lexical().Term(t), b->lexical().Term(t));
      TermPostings x = a->lexical().Postings(t), y = b->lexical().Postings(t);
      ASSERT_EQ(x.postings.document_count(), y.postings.document_count());
      EXPECT_EQ(x.largest_impact, y.largest_impact);
      std::vector<uint32_t> p, q;
      for (uint32_t i = 0; i < x.postings.document_count(); ++i) {
        x.positions.Read(i, p);
        y.positions.Read(i, q);
        ASSERT_EQ(p, q);
      }
    }
  }
}

TEST(SegmentMergerTest, StopsWhenAsked) {
  std::mt19937 random(1);
  SegmentBuilder builder;
  builder.AddFile(MakeFile(random, "a.py"), {});
  std::string bytes = builder.Finish();
  auto reader = SegmentReader::Open(bytes, nullptr).value();
  std::vector<MergeInput> inputs = {{reader.get(), {}}};
  std::stop_source stop;
  stop.request_stop();
  auto merged = MergeSegments(inputs, PlacesInMerged(inputs), [](const FileRow&) -> Result<std::string> { return std::string(); }, stop.get_token());
  EXPECT_EQ(merged.status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace codelore::index
