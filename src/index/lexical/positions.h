// Where a term stands in its documents: for each posting, in order, the positions that Analyzer counts.
//
//   list  := ends* data; a list of fewer than 128 documents has no ends
//   ends  := end of the block's data (4 bytes, from the start of data); one per block of 128 postings
//   data  := for each posting: the first position times two, plus one if there are more (varint); then how many more,
//            and their gaps (varints)
#ifndef CODELORE_INDEX_LEXICAL_POSITIONS_H_
#define CODELORE_INDEX_LEXICAL_POSITIONS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "index/lexical/postings.h"

namespace codelore::index {

class PositionsBuilder {
 public:
  // Positions of the next posting, ascending; at least one, all below 2^31.
  void Add(std::span<const uint32_t> positions);
  // The same in two steps: appends a posting's bytes to `out`; takes them, and returns where they end.
  static void Encode(std::span<const uint32_t> positions, std::string& out);
  const char* AddEncoded(const char* at, const char* end);
  // Appends the list to `out` and starts anew.
  void Finish(std::string& out);

 private:
  void EndPosting() {
    if (++count_ % kBlockSize == 0) ends_.push_back(static_cast<uint32_t>(data_.size()));
  }

  std::string data_;
  std::vector<uint32_t> ends_;  // of full blocks
  uint32_t count_ = 0;
};

// Borrows the bytes. Never reads outside of them, whatever they are.
class PositionsReader {
 public:
  PositionsReader() = default;
  PositionsReader(std::string_view list, uint32_t document_count);

  // Positions of posting `index` (from 0), ascending, into `positions`.
  void Read(uint32_t index, std::vector<uint32_t>& positions) const;

 private:
  std::string_view ends_, data_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_POSITIONS_H_
