// The vectors of a segment's chunks under one encoder: searched in place, exactly as far as half precision goes.
//
//   file := "CLVC" (4 bytes), version (4), dimension (4), rows (4), zeros to byte 64,
//           rows * dimension halves, zeros to a multiple of 64,
//           rows * padded int8 codes (int8_kernels.h), rows * 2-bit codes (coarse_scan.h),
//           a scale (4 bytes) for each row of int8 codes, then for each of 2-bit codes;
//           version 6: zeros to a multiple of 64, and the rows' lexical weights (token_weights.h)
//
// Version 5 is without lexical weights, 6 with them, as the encoder has them or not. Versions 3 and 4 had codes of 4 bits, 64 bytes
// for 128 values, where 2-bit codes are now; those are made of the halves when such a file is opened.
// Row i belongs to chunk i; rows may be fewer than the segment has chunks while its embedding is under way. Vectors
// have length 1, so the inner product is the cosine. A search scans the 2-bit codes of all allowed rows (the int8 codes
// where these are few), scores the best of them again from the int8 codes, and the best of these from the halves; half
// precision moves a cosine by less than 1e-4.
#ifndef CODELORE_INDEX_VECTOR_VECTOR_INDEX_H_
#define CODELORE_INDEX_VECTOR_VECTOR_INDEX_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "index/vector/token_weights.h"

namespace codelore::index {

// A row as it is cached: 2 * dimension bytes of half precision. Where the encoder has lexical weights, they follow
// (EncodeWeights).
std::string EncodeRow(std::span<const float> vector);

// All rows have lexical weights, or none.
std::string BuildVectorFile(uint32_t dimension, std::span<const std::string> rows);

struct ScoredChunk {
  uint32_t ordinal = 0;
  float score = 0;
};

struct RowRange {  // rows [begin, end)
  uint32_t begin = 0, end = 0;
};

struct Int8Row {
  std::span<const int8_t> codes;  // PaddedBytes(dimension) of them (int8_kernels.h); value[i] = codes[i] * scale
  float scale = 0;
};

// Sums over the rows a search looked at, for the mean and spread of their (approximate) cosines.
struct ScoreSums {
  uint64_t count = 0;
  double sum = 0, squares = 0;
};

// Immutable and thread-safe.
class VectorIndex {
 public:
  // `bytes` must be aligned to 64 and belong to `owner`. kCorruption when header and size do not fit.
  static Result<std::shared_ptr<const VectorIndex>> Open(std::string_view bytes, std::shared_ptr<const void> owner);
  ~VectorIndex();

  uint32_t dimension() const;
  uint32_t rows() const;
  size_t size_bytes() const;

  // The k rows with the highest cosine among `allowed` (ascending ranges, clipped to the rows there are), best
  // first; equal cosines in order of row. `query` has `dimension` floats. Adds to `sums` if it is given. May leave out rows below `floor`.
  std::vector<ScoredChunk> Search(std::span<const float> query, size_t k, std::span<const RowRange> allowed,
                                  ScoreSums* sums = nullptr, float floor = -1) const;
  // A row's vector as it is stored, borrowed: 2 * dimension bytes. `ordinal` is below rows().
  std::string_view RowBytes(uint32_t ordinal) const;
  // A row as whole numbers, borrowed; no codes if it is not there.
  Int8Row CodesOf(uint32_t ordinal) const;
  // Null where the encoder has none.
  const TokenWeights* token_weights() const;
  // Adds a row to `sum`, which has `dimension` floats; false, and nothing added, if the row is not there.
  bool AddRow(uint32_t ordinal, std::span<float> sum) const;
  // The cosines of the given rows; 0 for those that are not there.
  std::vector<float> Scores(std::span<const float> query, std::span<const uint32_t> ordinals) const;

 private:
  class Implementation;
  explicit VectorIndex(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_VECTOR_INDEX_H_
