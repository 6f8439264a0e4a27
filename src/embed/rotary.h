// Rotary position embedding (Su et al. 2021, arXiv:2104.09864): element pairs (i, i + half) of each
// head of queries and keys are turned by the angle position·base^(-2i/size).
#ifndef CODELORE_EMBED_ROTARY_H_
#define CODELORE_EMBED_ROTARY_H_

#include <cstdint>
#include <span>

#include "embed/attention.h"
#include "embed/linear.h"
#include "embed/model_config.h"

namespace codelore::embed {

// Cosines and sines of all angles, kept from pass to pass; one thread at a time.
class RotaryTable {
 public:
  // Turns the queries and keys of query_key_value [tokens, 3·hidden] (float or bfloat16), of texts
  // laid end to end. A text longer than trained has its base stretched, where the model says so, by
  // its own length.
  void Apply(const Rotary& rotary, const AttentionShape& shape, std::span<const uint32_t> lengths,
             Rows query_key_value);
  void ApplyBfloat16(const Rotary& rotary, const AttentionShape& shape,
                     std::span<const uint32_t> lengths, uint16_t* query_key_value);

 private:
  template <class T>
  void Turn(const Rotary& rotary, const AttentionShape& shape, std::span<const uint32_t> lengths,
            T* data, size_t stride);
  void Fill(float base, size_t head_size, size_t length);

  FloatBuffer values_;  // [length, 2, head_size / 2]: cosines, sines
  float base_ = 0;
  size_t length_ = 0;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_ROTARY_H_
