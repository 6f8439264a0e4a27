// TokenChooser: which token comes next, by a model's logits. At temperature 0 the likeliest one, else by chance among
// the 64 likeliest: temperature first, then the smallest set whose probabilities reach top_p (Holtzman et al., 2020).
// The same seed and logits give the same choices.
//
// Not thread-safe.
#ifndef CODELORE_GENERATE_TOKEN_CHOOSER_H_
#define CODELORE_GENERATE_TOKEN_CHOOSER_H_

#include <cstdint>
#include <optional>
#include <random>
#include <span>

#include "codelore/generator.h"

namespace codelore::generate {

class TokenChooser {
 public:
  // What is not set: temperature 0, top_p 1, a seed by chance.
  explicit TokenChooser(const Sampling& sampling);

  // None if a logit is no number: the model is broken.
  std::optional<int32_t> Choose(std::span<const float> logits);

 private:
  double Chance();  // in [0, 1)

  double temperature_;
  double top_p_;
  std::mt19937_64 random_;
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_TOKEN_CHOOSER_H_
