// TextPairScorer: how well does a passage answer a query? The contract between the rerankers in embed (or a
// remote one) and everyone who reorders hits.
#ifndef CODELORE_TEXT_PAIR_SCORER_H_
#define CODELORE_TEXT_PAIR_SCORER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/ids.h"
#include "codelore/status.h"

namespace codelore {

struct ScorerInfo {
  std::string name;         // "bge-reranker-v2-m3"
  Hash256 fingerprint;      // weights, vocabulary, precision: scores of two fingerprints are never compared
  uint32_t max_tokens = 0;  // of query and passage together; the passage is cut there
};

// Thread-safe. A failed call gives no scores at all.
class TextPairScorer {
 public:
  virtual ~TextPairScorer() = default;
  virtual const ScorerInfo& info() const = 0;
  // One score per passage, in order: the higher the better, any finite number (a logit: 0 is even odds). A
  // passage's score does not depend on the others. Any bytes are accepted; broken UTF-8 is replaced by U+FFFD.
  virtual Result<std::vector<float>> Score(std::string_view query,
                                           std::span<const std::string_view> passages) const = 0;
};

}  // namespace codelore

#endif  // CODELORE_TEXT_PAIR_SCORER_H_
