// The vectors of a segment's chunks under one encoder: a file of half-precision rows, searched in place through
// FAISS.
//
//   file := "CLVC" (4 bytes), version (4), dimension (4), rows (4), zeros to byte 64, rows * dimension halves
//
// Row i belongs to chunk i; rows may be fewer than the segment has chunks while its embedding is under way.
// Vectors have length 1, so the inner product is the cosine. Half precision moves a cosine by less than 1e-4.
#ifndef CODELORE_INDEX_VECTOR_VECTOR_INDEX_H_
#define CODELORE_INDEX_VECTOR_VECTOR_INDEX_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::index {

// A row as it is stored: 2 * dimension bytes.
std::string EncodeRow(std::span<const float> vector);

std::string BuildVectorFile(uint32_t dimension, std::span<const std::string> rows);

struct ScoredChunk {
  uint32_t ordinal = 0;
  float score = 0;
};

// Immutable and thread-safe.
class VectorIndex {
 public:
  // `bytes` must belong to `owner`. kCorruption when header and size do not fit.
  static Result<std::shared_ptr<const VectorIndex>> Open(std::string_view bytes, std::shared_ptr<const void> owner);
  ~VectorIndex();

  uint32_t dimension() const;
  uint32_t rows() const;
  size_t size_bytes() const;

  // The k allowed chunks with the highest cosine, best first; exact. `query` has `dimension` floats.
  std::vector<ScoredChunk> Search(std::span<const float> query, size_t k,
                                  const std::function<bool(uint32_t)>& allowed) const;
  // The cosines of the given chunks; 0 for those without a row.
  std::vector<float> Scores(std::span<const float> query, std::span<const uint32_t> ordinals) const;

 private:
  class Implementation;
  explicit VectorIndex(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_VECTOR_INDEX_H_
