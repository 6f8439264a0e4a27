// The first look at many rows: codes of two bits a value, a quarter of what the int8 codes take to read, for a scan is as fast as
// memory. An estimate is off by .36 / sqrt(dimension) of a cosine (standard deviation; .019 for 384), so rows that may still be
// among the best are scored again, as RaBitQ does (Gao and Long 2024, arXiv:2405.12497).
#ifndef CODELORE_INDEX_VECTOR_COARSE_SCAN_H_
#define CODELORE_INDEX_VECTOR_COARSE_SCAN_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "index/vector/int8_kernels.h"
#include "index/vector/vector_index.h"

namespace codelore::index {

// Bytes of a row: DotCoarse takes 128 values at a time.
inline size_t CoarseBytes(size_t dimension) { return (dimension + 127) / 128 * 32; }

// Appends a row's codes to `codes`: value i is about (code - 1.5) * 2 * scale. Returns the scale, the one that makes
// the product of the row with itself exact.
float EncodeCoarse(std::span<const float> vector, std::string& codes);

// Borrowed rows.
struct CoarseRows {
  const uint8_t* codes = nullptr;
  const float* scales = nullptr;
  size_t dimension = 0;
};

// Two estimates of ten thousand are too low by more than that.
inline float CoarseError(size_t dimension) { return 1.25f / std::sqrt(static_cast<float>(dimension)); }

struct EstimatedRow {
  uint32_t row = 0;
  float estimate = 0;  // rounded down to 1/256

  bool operator==(const EstimatedRow&) const = default;
};

// The allowed rows whose estimates are at most `gap` below the k-th best estimate, in order of row; of those below `floor` some may
// be left out. `allowed` ascends and stays within the rows there are. Adds all estimates to `sums`, if given, less what their errors
// add to the squares.
std::vector<EstimatedRow> ScanCoarse(const CoarseRows& rows, const Int8Vector& query, std::span<const RowRange> allowed, size_t k, float gap, float floor,
                                     ScoreSums* sums);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_COARSE_SCAN_H_
