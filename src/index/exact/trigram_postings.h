// Trigram postings: for each three bytes that stand in a line, which text blocks (exact_index.h) have them. Case is
// folded, so one index serves searches that heed case and those that do not.
//
//   section := number of blocks N (4 bytes), number of groups (4), group*, data
//   group   := first trigram (4), where its entries begin in data (4); of 32 entries each, ascending
//   entry   := trigram less the one before it (varint), size of the list in bytes (varint), list
//   list    := gaps between block numbers, less one (varints); or, marked by a size of 0, a bitmap of N bits
#ifndef CODELORE_INDEX_EXACT_TRIGRAM_POSTINGS_H_
#define CODELORE_INDEX_EXACT_TRIGRAM_POSTINGS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::index {

// A set of text blocks, one bit each.
class BlockSet {
 public:
  explicit BlockSet(uint32_t size, bool full = false) : size_(size), words_((size + 63) / 64, full ? ~uint64_t{0} : 0) {
    if (full && size % 64 != 0) words_.back() >>= 64 - size % 64;
  }
  uint32_t size() const { return size_; }
  bool Has(uint32_t block) const { return words_[block / 64] >> block % 64 & 1; }
  void Add(uint32_t block) { words_[block / 64] |= uint64_t{1} << block % 64; }
  // False: nothing is left.
  bool Intersect(const BlockSet& other) {
    uint64_t left = 0;
    for (size_t i = 0; i < words_.size(); ++i) left |= words_[i] &= other.words_[i];
    return left != 0;
  }
  void Clear() { std::ranges::fill(words_, 0); }
  // Adds those of a bitmap of `size` bits.
  void AddBitmap(const char* bytes);
  size_t Count() const;
  void Unite(const BlockSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(static_cast<uint32_t>(i * 64 + static_cast<size_t>(__builtin_ctzll(word))));
      }
    }
  }

 private:
  uint32_t size_;
  std::vector<uint64_t> words_;
};

// ASCII lower case; other bytes as they are.
inline constexpr std::array<uint8_t, 256> kFoldedByte = [] {
  std::array<uint8_t, 256> table{};
  for (size_t i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i >= 'A' && i <= 'Z' ? i + ('a' - 'A') : i);
  return table;
}();

// Calls visit(trigram) for every three consecutive folded bytes of a line. The long s (U+017F) and the Kelvin sign
// (U+212A) count as "s" and "k": they are the characters that equal an ASCII letter when case is ignored.
template <typename Visit>
void ForEachTrigram(std::string_view text, Visit visit) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  uint32_t value = 0, have = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = kFoldedByte[bytes[i]];
    if (byte == '\n') {
      have = 0;
      continue;
    }
    if (byte >= 0x80) {
      if (byte == 0xC5 && text.substr(i).starts_with("\xC5\xBF")) {
        byte = 's';
        i += 1;
      } else if (byte == 0xE2 && text.substr(i).starts_with("\xE2\x84\xAA")) {
        byte = 'k';
        i += 2;
      }
    }
    value = (value << 8 | byte) & 0xFFFFFF;
    if (++have >= 3) visit(value);
  }
}

class TrigramBuilder {
 public:
  void AddBlock(std::string_view text);  // the next one
  std::string Finish();

 private:
  std::vector<uint64_t> seen_;      // one bit per trigram, all 0 between calls
  std::vector<uint32_t> trigrams_;  // of all blocks, one block after the other
  std::vector<size_t> ends_;        // of each block in trigrams_
};

// Borrows the bytes. Never reads outside of them, whatever they are. Immutable and thread-safe.
class TrigramReader {
 public:
  static Result<TrigramReader> Open(std::string_view section);

  // A list of blocks, not read yet. Empty: no block has the trigram.
  struct List {
    std::string_view bytes;
    bool bitmap = false;
  };

  uint32_t block_count() const { return block_count_; }
  List Find(uint32_t trigram) const;
  // Adds the blocks of the list.
  void Collect(const List& list, BlockSet& blocks) const;

 private:
  struct Group {
    uint32_t first = 0, begin = 0;
  };
  Group GroupAt(size_t index) const;

  uint32_t block_count_ = 0, group_count_ = 0;
  std::string_view groups_, data_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_EXACT_TRIGRAM_POSTINGS_H_
