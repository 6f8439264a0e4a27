// ExactIndex: the part of a segment that literal and regex search reads: the text of its files, and trigrams.
//
// Text is cut into blocks of whole lines, about 4 KiB each, of one file each, and compressed with LZ4. A match lies
// within a line, so within a block, and the trigram postings say which blocks are worth reading. Blobs are the truth;
// this copy is what a search can read at gigabytes per second.
//
//   kTrigrams: trigram_postings.h
//   kText    := number of blocks (8 bytes), row*, data; a block whose stored size equals its size is stored as it is
#ifndef CODELORE_INDEX_EXACT_EXACT_INDEX_H_
#define CODELORE_INDEX_EXACT_EXACT_INDEX_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "index/exact/trigram_postings.h"

namespace codelore::index {

struct TextBlockRow {
  uint64_t stored;  // where it begins in data
  uint32_t file;
  uint32_t begin;       // of the block in the file's text
  uint32_t first_line;  // its number, from 1
  uint32_t secondary;   // 1: the path is one of tests, examples, vendored files (rank/path_kind.h)
};

struct ExactSections {
  std::string trigrams, text;
};

class ExactIndexBuilder {
 public:
  // Files in order of their ordinals, from 0.
  void AddFile(std::string_view path, std::string_view text);
  ExactSections Finish();

 private:
  void AddBlock(std::string_view text);

  uint32_t file_count_ = 0;
  TrigramBuilder trigrams_;
  std::vector<TextBlockRow> rows_;
  std::string data_;
  std::string packed_;  // of the last block
};

// Borrows the bytes. Immutable and thread-safe.
class ExactIndex {
 public:
  // Checks the structure: afterwards every row may be followed. `file_sizes` by ordinal.
  static Result<ExactIndex> Open(std::string_view trigrams, std::string_view text, const std::vector<uint32_t>& file_sizes);

  uint32_t block_count() const { return static_cast<uint32_t>(rows_.size()); }
  const TextBlockRow& row(uint32_t block) const { return rows_[block]; }
  uint32_t SizeOf(uint32_t block) const { return sizes_[block]; }
  // The file's blocks: [first, last).
  std::pair<uint32_t, uint32_t> BlocksOf(uint32_t file) const { return {first_block_[file], first_block_[file + 1]}; }
  // The block's text, in `buffer` or the segment itself. kCorruption when it does not unpack.
  Result<std::string_view> Read(uint32_t block, std::string& buffer) const;
  const TrigramReader& trigrams() const { return trigrams_; }

 private:
  std::span<const TextBlockRow> rows_;
  std::string_view data_;
  std::vector<uint32_t> sizes_, first_block_;
  TrigramReader trigrams_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_EXACT_INDEX_H_
