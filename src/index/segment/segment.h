// Segment: an immutable file that holds some files of one partition, ready to be searched. Chunks are numbered
// from 0 within it ("ordinal"); those of one file are consecutive.
//
//   file      := section*, each padded to 8 bytes; then a directory and a footer
//   directory := one (offset, size) pair of 8-byte integers per section, in the order of Section
//   footer    := directory offset (8 bytes), format version (4), "CLSG" (4)
//
// What a file is called, its checksum and which of its files have been deleted since stand in the manifest.
#ifndef CODELORE_INDEX_SEGMENT_SEGMENT_H_
#define CODELORE_INDEX_SEGMENT_SEGMENT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"
#include "codelore/ids.h"
#include "codelore/index.h"
#include "index/exact/exact_index.h"
#include "index/lexical/term_dictionary.h"
#include "index/segment/symbol_table.h"
#include "index/store/file.h"

namespace codelore::index {

inline constexpr uint32_t kSegmentVersion = 5;

enum class Section : uint8_t { kFiles, kChunks, kStrings, kTerms, kPostings, kPositions, kReferences, kTrigrams, kText };
inline constexpr size_t kSectionCount = 9;

// Fixed-size rows of the sections kFiles and kChunks; offsets point into kStrings.
struct FileRow {
  uint64_t strings;  // path, language
  uint32_t first_chunk;
  uint32_t chunk_count;
  uint32_t size_bytes;
  uint32_t reserved;
  Hash256 blob;
};
struct ChunkRow {
  uint64_t strings;  // symbol, scope, signature, search_text, definitions
  uint32_t file;
  uint32_t kind;
  uint32_t begin, end;
  uint32_t start_line, end_line;
};

struct DefinedName {
  std::string_view name;
  ChunkKind kind;
};

// The strings of a row, borrowed from the segment.
struct FileStrings {
  std::string_view path, language;
};
struct ChunkStrings {
  std::string_view symbol, scope, signature, search_text;
  std::vector<DefinedName> definitions;
};

template <typename Row>
std::string_view BytesOfRows(std::span<const Row> rows) {
  return {reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row)};
}
// A segment's bytes from its sections, in the order of Section.
std::string AssembleSegment(const std::array<std::string_view, kSectionCount>& sections);

class SegmentBuilder {
 public:
  void AddFile(const NewFile& file, const Hash256& blob);
  uint32_t chunk_count() const { return static_cast<uint32_t>(chunks_.size()); }
  uint32_t file_count() const { return static_cast<uint32_t>(files_.size()); }
  // The bytes of the segment's file.
  std::string Finish();

 private:
  void AddChunk(const NewFile& file, const Chunk& chunk);

  std::vector<FileRow> files_;
  std::vector<ChunkRow> chunks_;
  std::string strings_;
  LexicalBuilder lexical_;
  SymbolTableBuilder symbols_;
  ExactIndexBuilder exact_;
};

// Immutable and thread-safe. Keeps the bytes alive.
class SegmentReader {
 public:
  // Checks the structure: afterwards every row and every offset may be followed. `bytes` must outlive the reader
  // or belong to `owner`.
  static Result<std::shared_ptr<const SegmentReader>> Open(std::string_view bytes, std::shared_ptr<const void> owner);

  uint32_t file_count() const { return static_cast<uint32_t>(files_.size()); }
  uint32_t chunk_count() const { return static_cast<uint32_t>(chunks_.size()); }
  const FileRow& file(uint32_t ordinal) const { return files_[ordinal]; }
  const ChunkRow& chunk(uint32_t ordinal) const { return chunks_[ordinal]; }
  FileStrings StringsOf(const FileRow& row) const;
  ChunkStrings StringsOf(const ChunkRow& row) const;
  // All strings of the file and its chunks, in their stored form.
  std::string_view StoredStringsOf(uint32_t file) const;
  const LexicalReader& lexical() const { return lexical_; }
  const SymbolTable& symbols() const { return symbols_; }
  const ExactIndex& exact() const { return exact_; }
  size_t size_bytes() const { return bytes_.size(); }

 private:
  Status CheckRows() const;

  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
  std::span<const FileRow> files_;
  std::span<const ChunkRow> chunks_;
  std::string_view strings_;
  LexicalReader lexical_;
  SymbolTable symbols_;
  ExactIndex exact_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SEGMENT_SEGMENT_H_
