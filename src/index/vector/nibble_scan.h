// The first look at many rows: codes of four bits a value, half of what the int8 codes take to read. A row's estimate
// is off by less than .01 of a cosine as a rule, so a few hundred of the best are scored again.
#ifndef CODELORE_INDEX_VECTOR_NIBBLE_SCAN_H_
#define CODELORE_INDEX_VECTOR_NIBBLE_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "index/vector/best_rows.h"
#include "index/vector/int8_kernels.h"

namespace codelore::index {

// Bytes of a row: DotNibbles takes 128 values at a time.
inline size_t NibbleBytes(size_t dimension) { return (dimension + 127) / 128 * 64; }

// Appends a row's codes to `codes`: value i is about (code - 7.5) * 2 * scale. Returns the scale, the one that makes
// the product of the row with itself exact.
float EncodeNibbles(std::span<const float> vector, std::string& codes);

// Borrowed rows.
struct NibbleRows {
  const uint8_t* codes = nullptr;
  const float* scales = nullptr;
  size_t stride = 0;
};

// Offers every allowed row's estimate to `best`. `allowed` ascends and stays within the rows there are.
void ScanNibbles(const NibbleRows& rows, const Int8Vector& query, std::span<const RowRange> allowed, BestRows& best, ScoreSums* sums);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_NIBBLE_SCAN_H_
