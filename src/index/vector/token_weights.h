// The lexical weights of a segment's chunks under one encoder (BGE-M3's sparse vectors), as postings by token id: the last
// part of a vector file whose encoder has them.
//
//   part := "CLTW" (4 bytes), version (4), rows (4), tokens (4), postings (4),
//           ids (4 each, ascending), first postings (4 each, and the end of the last), rows of the postings (4 each, ascending
//           within a token), weights of the postings (2 each)
//   row  := as it is cached, behind its vector: count, then for each token by rising id the distance to the one before and its
//           weight (2); numbers without a size are varints
//
// A weight is a float of 5 bits of exponent (from 2^-16) and 11 of mantissa, without a sign: it keeps 2^-12 of its value, and
// what was rounded once stays as it is, however often segments are merged.
#ifndef CODELORE_INDEX_VECTOR_TOKEN_WEIGHTS_H_
#define CODELORE_INDEX_VECTOR_TOKEN_WEIGHTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/status.h"

namespace codelore::index {

using TokenWeight = std::pair<uint32_t, float>;  // token id, weight > 0

// A row. Weights below 2^-16 are left out; ids ascend.
std::string EncodeWeights(std::span<const TokenWeight> weights);
// False for bytes that are no row.
bool DecodeWeights(std::string_view row, std::vector<TokenWeight>& weights);

// Rows that are malformed count as empty.
std::string BuildTokenWeights(std::span<const std::string_view> rows);

// Borrows its bytes. Immutable and thread-safe.
class TokenWeights {
 public:
  // kCorruption when header, size and order do not fit, or when it is of another number of rows.
  static Result<TokenWeights> Open(std::string_view bytes, uint32_t rows);

  // Adds to each row's place in `products` the inner product with `query` (ascending ids).
  void AddProducts(std::span<const TokenWeight> query, std::span<float> products) const;
  // All rows, as EncodeWeights made them.
  std::vector<std::string> Rows() const;

 private:
  std::pair<uint32_t, uint32_t> PostingsOf(size_t token) const;
  uint32_t Number(std::string_view array, size_t i) const;
  float WeightAt(size_t posting) const;

  uint32_t rows_ = 0;
  std::string_view ids_, first_, posting_rows_, posting_weights_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_TOKEN_WEIGHTS_H_
