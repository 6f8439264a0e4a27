#include "embed/attention.h"

#include <algorithm>
#include <cmath>

#include "embed/kernels_bfloat16.h"

namespace codelore::embed {

namespace {

constexpr size_t kBlockQueries = 56;  // queries whose scores are held together

// One head within one text, in float32: keys and values are packed, queries go by blocks.
struct FloatHead {
  Rows query, context;
  const float *keys, *values;  // packed
  Rows scores;
  size_t length, size;
  const Kernels& kernels;

  // softmax(Q·Kᵀ/√d)·V for a block of queries.
  void Block(size_t first, size_t rows) const {
    kernels.multiply({.a = query.row(first),
                      .a_stride = query.stride,
                      .panels = keys,
                      .c = scores.data,
                      .c_stride = scores.stride,
                      .rows = rows,
                      .depth = size,
                      .columns = length});
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    for (size_t i = 0; i < rows; ++i) kernels.softmax(scores.row(i), length, scale);
    kernels.multiply({.a = scores.data,
                      .a_stride = scores.stride,
                      .panels = values,
                      .c = context.row(first),
                      .c_stride = context.stride,
                      .rows = rows,
                      .depth = length,
                      .columns = size});
  }
};

void AttendHead(const AttentionShape& shape, Rows query, size_t length, Rows context,
                AttentionState* state) {
  const Kernels& kernels = BestKernels();
  const size_t size = shape.head_size;
  const float* key = query.data + shape.hidden();
  Pack({.data = key,
        .depth_stride = 1,
        .column_stride = query.stride,
        .depth = size,
        .columns = length},
       kernels.panel, state->keys.data());
  Pack({.data = key + shape.hidden(),
        .depth_stride = query.stride,
        .column_stride = 1,
        .depth = length,
        .columns = size},
       kernels.panel, state->values.data());
  const FloatHead head = {.query = query,
                          .context = context,
                          .keys = state->keys.data(),
                          .values = state->values.data(),
                          .scores = {state->scores.data(), length},
                          .length = length,
                          .size = size,
                          .kernels = kernels};
  for (size_t row = 0; row < length; row += kBlockQueries) {
    if (state->gate != nullptr) state->gate->GiveWay();
    head.Block(row, std::min(kBlockQueries, length - row));
  }
}

}  // namespace

void Attend(const AttentionShape& shape, Rows query_key_value, std::span<const uint32_t> lengths,
            Rows context, AttentionState* state) {
  const size_t longest = *std::ranges::max_element(lengths), panel = BestKernels().panel;
  state->keys.Reserve(PackedSize(shape.head_size, longest, panel));
  state->values.Reserve(PackedSize(longest, shape.head_size, panel));
  state->scores.Reserve(kBlockQueries * longest);
  size_t first = 0;
  for (uint32_t length : lengths) {
    for (size_t head = 0; head < shape.heads; ++head) {
      const size_t column = head * shape.head_size;
      AttendHead(shape, {query_key_value.row(first) + column, query_key_value.stride}, length,
                 {context.row(first) + column, context.stride}, state);
    }
    first += length;
  }
}

namespace {
void Pause(void* gate) { static_cast<EncodeGate*>(gate)->GiveWay(); }
}  // namespace

bool CanAttendBfloat16(const AttentionShape& shape) {
  return BestBfloat16Kernels() != nullptr && shape.head_size % kHeadPanel == 0;
}

void AttendBfloat16(const AttentionShape& shape, const uint16_t* query_key_value,
                    std::span<const uint32_t> lengths, Rows context, AttentionState* state) {
  const size_t longest = *std::ranges::max_element(lengths), stride = 3 * shape.hidden();
  state->keys_bf16.Reserve(PackedHeadSize(longest, shape.head_size));
  state->values_bf16.Reserve(PackedHeadSize(longest, shape.head_size));
  state->scores.Reserve(ScoresSize(longest));
  size_t first = 0;
  for (uint32_t length : lengths) {
    for (size_t head = 0; head < shape.heads; ++head) {
      if (state->gate != nullptr) state->gate->GiveWay();
      const size_t column = head * shape.head_size;
      const uint16_t* query = query_key_value + first * stride + column;
      BestBfloat16Kernels()->attend({.query = query,
                                     .key = query + shape.hidden(),
                                     .value = query + 2 * shape.hidden(),
                                     .stride = stride,
                                     .length = length,
                                     .size = shape.head_size,
                                     .context = context.row(first) + column,
                                     .context_stride = context.stride,
                                     .keys = state->keys_bf16.data(),
                                     .values = state->values_bf16.data(),
                                     .scores = state->scores.data(),
                                     .pause = state->gate != nullptr ? Pause : nullptr,
                                     .pause_with = state->gate});
    }
    first += length;
  }
}

}  // namespace codelore::embed
