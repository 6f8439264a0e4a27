#include "index/segment/segment_merger.h"

#include <utility>

namespace codelore::index {
namespace {

// Rows and strings: offsets move with the strings they point into.
struct Rows {
  std::vector<FileRow> files;
  std::vector<ChunkRow> chunks;
  std::string strings;
};

void AddFile(const SegmentReader& reader, uint32_t file, Rows& rows) {
  FileRow row = reader.file(file);
  uint64_t before = row.strings, now = rows.strings.size();
  auto number = static_cast<uint32_t>(rows.files.size());
  rows.strings += reader.StoredStringsOf(file);
  for (uint32_t chunk = row.first_chunk; chunk < row.first_chunk + row.chunk_count; ++chunk) {
    rows.chunks.push_back(reader.chunk(chunk));
    rows.chunks.back().strings += now - before;
    rows.chunks.back().file = number;
  }
  row.strings = now;
  row.first_chunk = static_cast<uint32_t>(rows.chunks.size()) - row.chunk_count;
  rows.files.push_back(row);
}

}  // namespace

std::vector<MergedPlaces> PlacesInMerged(std::span<const MergeInput> inputs) {
  std::vector<MergedPlaces> places;
  uint32_t files = 0, chunks = 0;
  for (const MergeInput& input : inputs) {
    MergedPlaces& place = places.emplace_back();
    place.files.resize(input.reader->file_count(), MergedPlaces::kGone);
    place.chunks.resize(input.reader->chunk_count(), MergedPlaces::kGone);
    for (uint32_t file = 0; file < input.reader->file_count(); ++file) {
      if (!input.file_deleted.empty() && input.file_deleted[file] != 0) continue;
      place.files[file] = files++;
      const FileRow& row = input.reader->file(file);
      for (uint32_t i = 0; i < row.chunk_count; ++i) place.chunks[row.first_chunk + i] = chunks++;
    }
  }
  return places;
}

Result<std::string> MergeSegments(std::span<const MergeInput> inputs, std::span<const MergedPlaces> places,
                                  const std::function<Result<std::string>(const FileRow&)>& text_of, const std::stop_token& stop) {
  Rows rows;
  SymbolTableBuilder symbols;
  ExactIndexBuilder exact;
  std::vector<LexicalSource> lexical;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const SegmentReader& reader = *inputs[i].reader;
    for (uint32_t file = 0; file < reader.file_count(); ++file) {
      if (places[i].files[file] == MergedPlaces::kGone) continue;
      if (stop.stop_requested()) return Unavailable("interrupted");
      AddFile(reader, file, rows);
      ASSIGN_OR_RETURN(std::string text, text_of(reader.file(file)));
      exact.AddFile(reader.StringsOf(reader.file(file)).path, text);
    }
    symbols.AddTable(reader.symbols(), places[i].files);
    lexical.push_back({&reader.lexical(), places[i].chunks});
  }
  LexicalSections merged = LexicalBuilder::Merge(lexical);
  std::string symbol_bytes = symbols.Finish();
  ExactSections exact_bytes = exact.Finish();
  return AssembleSegment({BytesOfRows<FileRow>(rows.files), BytesOfRows<ChunkRow>(rows.chunks), rows.strings, merged.terms,
                          merged.postings, merged.positions, symbol_bytes, exact_bytes.trigrams, exact_bytes.text});
}

}  // namespace codelore::index
