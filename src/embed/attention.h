// Attention (Vaswani et al. 2017, arXiv:1706.03762) within each of several texts packed end to end.
//
// Pure functions on memory the caller owns; a text's result does not depend on its neighbours.
#ifndef CODELORE_EMBED_ATTENTION_H_
#define CODELORE_EMBED_ATTENTION_H_

#include <cstdint>
#include <span>

#include "embed/encode_gate.h"
#include "embed/linear.h"

namespace codelore::embed {

struct AttentionShape {
  size_t heads = 0, head_size = 0;
  size_t hidden() const { return heads * head_size; }
};

// Scratch memory, reused from call to call; one thread at a time.
struct AttentionState {
  EncodeGate* gate = nullptr;               // asked between heads, and within those of long texts
  FloatBuffer keys, values;                 // of one head, packed
  FloatBuffer scores;                       // of a block of queries
  Buffer<uint16_t> keys_bf16, values_bf16;  // the same as keys and values
};

// query_key_value [tokens, 3·hidden]: all queries, all keys, all values. `lengths` are the texts'
// numbers of tokens, each at least 1. Writes context [tokens, hidden].
void Attend(const AttentionShape& shape, Rows query_key_value, std::span<const uint32_t> lengths,
            Rows context, AttentionState* state);

// The same from bfloat16, where CanAttendBfloat16.
bool CanAttendBfloat16(const AttentionShape& shape);
void AttendBfloat16(const AttentionShape& shape, const uint16_t* query_key_value,
                    std::span<const uint32_t> lengths, Rows context, AttentionState* state);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_ATTENTION_H_
