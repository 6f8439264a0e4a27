#include "embed/rotary.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace codelore::embed {

namespace {

float Get(float x) { return x; }
float Get(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }
void Put(float value, float* x) { *x = value; }
void Put(float value, uint16_t* x) {  // to the nearest, ties to even
  const auto bits = std::bit_cast<uint32_t>(value);
  *x = static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// What NomicBERT calls dynamic NTK scaling.
float BaseFor(const Rotary& rotary, size_t head_size, size_t length) {
  if (rotary.scaling == 0 || length <= rotary.trained_positions) return rotary.base;
  const double size = static_cast<double>(head_size), scaling = rotary.scaling;
  const double stretch =
      scaling * static_cast<double>(length) / static_cast<double>(rotary.trained_positions) -
      (scaling - 1);
  return static_cast<float>(rotary.base * std::pow(stretch, size / (size - 2)));
}

}  // namespace

void RotaryTable::Fill(float base, size_t head_size, size_t length) {
  if (base == base_ && length <= length_) return;
  const size_t half = head_size / 2;
  // By doubling, so that texts of rising length do not fill it again and again.
  length_ = base == base_ ? std::max(length, 2 * length_) : length;
  base_ = base;
  float* values = values_.Reserve(length_ * head_size);
  for (size_t i = 0; i < half; ++i) {
    const float frequency =
        1.0f / std::pow(base, 2.0f * static_cast<float>(i) / static_cast<float>(head_size));
    for (size_t position = 0; position < length_; ++position) {
      const float angle = static_cast<float>(position) * frequency;
      values[position * head_size + i] = std::cos(angle);
      values[position * head_size + half + i] = std::sin(angle);
    }
  }
}

template <class T>
void RotaryTable::Turn(const Rotary& rotary, const AttentionShape& shape,
                       std::span<const uint32_t> lengths, T* data, size_t stride) {
  const size_t size = shape.head_size, half = size / 2;
  for (uint32_t length : lengths) {
    Fill(BaseFor(rotary, size, length), size, length);
    for (size_t position = 0; position < length; ++position, data += stride) {
      const float* cosines = values_.data() + position * size;
      const float* sines = cosines + half;
      // Queries and keys lie side by side: twice as many heads.
      for (T* head = data; head < data + 2 * shape.hidden(); head += size) {
        for (size_t i = 0; i < half; ++i) {
          const float a = Get(head[i]), b = Get(head[i + half]);
          Put(a * cosines[i] - b * sines[i], head + i);
          Put(b * cosines[i] + a * sines[i], head + i + half);
        }
      }
    }
  }
}

void RotaryTable::Apply(const Rotary& rotary, const AttentionShape& shape,
                        std::span<const uint32_t> lengths, Rows query_key_value) {
  Turn(rotary, shape, lengths, query_key_value.data, query_key_value.stride);
}

void RotaryTable::ApplyBfloat16(const Rotary& rotary, const AttentionShape& shape,
                                std::span<const uint32_t> lengths, uint16_t* query_key_value) {
  Turn(rotary, shape, lengths, query_key_value, 3 * shape.hidden());
}

}  // namespace codelore::embed
