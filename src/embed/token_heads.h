// BGE-M3's heads over token vectors (Chen et al. 2024, arXiv:2402.03216), as FlagEmbedding computes
// them. Immutable after loading, hence thread-safe.
#ifndef CODELORE_EMBED_TOKEN_HEADS_H_
#define CODELORE_EMBED_TOKEN_HEADS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "codelore/status.h"
#include "embed/linear.h"
#include "embed/model_folder.h"
#include "embed/tokenizer.h"

namespace codelore::embed {

// sparse_linear.pt: a token's weight is relu(w·x + b), a token id's the greatest of its tokens'.
class LexicalHead {
 public:
  // Nothing if the folder has no such file.
  static Result<std::optional<LexicalHead>> Load(const ModelFolder& folder, size_t hidden);

  // (id, weight > 0) by rising id, without special tokens; vectors [ids.size(), hidden].
  std::vector<std::pair<uint32_t, float>> Weigh(std::span<const uint32_t> ids, Rows vectors,
                                                const SpecialIds& special) const;

 private:
  std::vector<float> weight_;  // [hidden]
  float bias_ = 0;
};

// colbert_linear.pt: every token but the first has a vector W·x + b, normalised by who asks.
class TokenVectorHead {
 public:
  static Result<std::optional<TokenVectorHead>> Load(const ModelFolder& folder, size_t hidden);

  // vectors [tokens, hidden] -> [tokens - 1, hidden].
  std::vector<float> Project(Rows vectors, size_t tokens) const;

 private:
  size_t hidden_ = 0;
  Linear linear_;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_TOKEN_HEADS_H_
