// A term's postings: ascending document ordinals, one impact each, in blocks of 128.
//
//   list       := header* data; a list of fewer than 128 documents has no headers
//   header     := last document (4 bytes), end of the block's data (4 bytes, from the start of data), largest
//                 impact (1 byte); one per block
//   full block := bit width (1 byte), 128 gaps bit-packed at that width in 4 interleaved lanes of 32 (Lemire,
//                 Boytsov, "Decoding billions of integers per second", 2015), 128 impacts
//   last block := fewer than 128: gaps as varints, then impacts
// Gaps are differences minus 1; the first document of a list is its gap from -1.
#ifndef CODELORE_INDEX_LEXICAL_POSTINGS_H_
#define CODELORE_INDEX_LEXICAL_POSTINGS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "codelore/status.h"
#include "index/lexical/bm25f.h"

namespace codelore::index {

inline constexpr uint32_t kBlockSize = 128;
inline constexpr uint32_t kNoDocument = 0xFFFFFFFFu;

struct Posting {
  uint32_t document = 0;
  Impact impact = 0;
};

// Appends the list to `out`. `postings` ascend and are not empty.
void EncodePostings(std::span<const Posting> postings, std::string& out);

// Reads a list block by block. Borrows the bytes. Does not check them: ValidatePostings does, once, when a
// segment is opened for the first time.
class PostingsReader {
 public:
  PostingsReader() = default;
  PostingsReader(std::string_view list, uint32_t document_count);

  uint32_t document_count() const { return document_count_; }
  uint32_t block_count() const { return (document_count_ + kBlockSize - 1) / kBlockSize; }
  // Of a list without headers both are only bounds: the largest there can be.
  uint32_t LastDocument(uint32_t block) const { return headers_.empty() ? kNoDocument : Header(block, 0); }
  Impact LargestImpact(uint32_t block) const {
    return headers_.empty() ? Impact{255} : static_cast<Impact>(headers_[block * kHeaderBytes + 8]);
  }
  // The first block at or after `from` whose last document is >= target; block_count() if there is none.
  uint32_t FindBlock(uint32_t target, uint32_t from) const;
  // How many postings a block holds, and their impacts, borrowed from the bytes.
  uint32_t CountIn(uint32_t block) const { return std::min(kBlockSize, document_count_ - block * kBlockSize); }
  const Impact* Impacts(uint32_t block) const;
  // Starts fetching what is read first from memory: the beginning, and a short list's impacts.
  void Prefetch() const {
    __builtin_prefetch(headers_.data());
    __builtin_prefetch(data_.data());
    if (headers_.empty()) __builtin_prefetch(data_.data() + data_.size() - 1);
  }
  // Decodes a block's documents; returns how many there are.
  uint32_t DecodeDocuments(uint32_t block, std::array<uint32_t, kBlockSize>& documents) const;
  // Decodes a block; returns how many postings it holds.
  uint32_t Decode(uint32_t block, std::array<uint32_t, kBlockSize>& documents,
                  std::array<Impact, kBlockSize>& impacts) const;

 private:
  static constexpr size_t kHeaderBytes = 9;
  uint32_t Header(uint32_t block, size_t field) const {
    uint32_t value;
    std::memcpy(&value, headers_.data() + block * kHeaderBytes + field, sizeof value);
    return value;
  }

  std::string_view headers_, data_;  // headers_ is empty for a short list
  uint32_t document_count_ = 0;
};

// Whether `list` decodes to `document_count` ascending documents below `document_limit` within its bytes.
Status ValidatePostings(std::string_view list, uint32_t document_count, uint32_t document_limit);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_POSTINGS_H_
