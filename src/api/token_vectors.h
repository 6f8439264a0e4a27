// Late interaction: the best hits of a search, scored again by the vectors of all their tokens (MaxSim; BGE-M3's third head).
//
// Token vectors are not stored: in int8 they would take a kilobyte per token, 50 times what all else of a chunk takes. They
// are computed for the hits of one answer, at most kMostRescored of them, each cut at kMaxTextBytes.
#ifndef CODELORE_API_TOKEN_VECTORS_H_
#define CODELORE_API_TOKEN_VECTORS_H_

#include <span>
#include <string>
#include <vector>

#include "api/service.h"
#include "codelore/encoder.h"

namespace codelore::api {

inline constexpr size_t kMostRescored = 50;

// The mean, over the question's vectors, of the greatest product with one of the text's. [vectors, dimension] each, of
// length 1; 0 when one has none.
double MaxSim(std::span<const float> question, std::span<const float> text, size_t dimension);

// Puts the first `count` hits into a new order: to each score comes what MaxSim says beside the others (`why` has both). The
// hits behind them stay where they are. For an encoder with a token head.
Status ScoreByTokenVectors(const TextEncoder& encoder, const std::string& question, size_t count, std::vector<NamedHit>& hits);

}  // namespace codelore::api

#endif  // CODELORE_API_TOKEN_VECTORS_H_
