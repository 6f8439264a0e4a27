#include "embed/linear.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace codelore::embed {

void FreeBytes::operator()(void* p) const { std::free(p); }

void* AllocateBytes(size_t size) {
  void* p = std::aligned_alloc(64, (size + 63) / 64 * 64);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

PackedBytes PackedBytes::Allocate(size_t size, char** begin) {
  PackedBytes packed;
  *begin = packed.own_.Reserve(size);
  std::fill_n(*begin, size, '\0');
  packed.bytes_ = {*begin, size};
  return packed;
}

namespace {

constexpr size_t RoundUp(size_t size, size_t to) { return (size + to - 1) / to * to; }

const float* FloatsAt(std::string_view packed, size_t at) {
  return reinterpret_cast<const float*>(packed.data() + at);
}

}  // namespace

size_t Linear::PackedSize(size_t inputs, size_t outputs) {
  return RoundUp((embed::PackedSize(inputs, outputs, BestKernels().panel) + outputs) * sizeof(float), 64);
}

Linear::Linear(size_t inputs, size_t outputs, std::string_view packed)
    : inputs_(inputs), outputs_(outputs), packed_(packed) {}

Linear::Linear(std::span<const float> weights, std::span<const float> bias)
    : inputs_(weights.size() / bias.size()), outputs_(bias.size()) {
  const size_t panel = BestKernels().panel;
  char* bytes = nullptr;
  packed_ = PackedBytes::Allocate(PackedSize(inputs_, outputs_), &bytes);
  auto* const floats = reinterpret_cast<float*>(bytes);
  Pack({.data = weights.data(),
        .depth_stride = 1,
        .column_stride = inputs_,
        .depth = inputs_,
        .columns = outputs_},
       panel, floats);
  std::ranges::copy(bias, floats + embed::PackedSize(inputs_, outputs_, panel));
}

void Linear::Apply(Rows x, size_t rows, Rows y) const {
  const Kernels& kernels = BestKernels();
  const float* panels = FloatsAt(packed(), 0);
  kernels.multiply({.a = x.data,
                    .a_stride = x.stride,
                    .panels = panels,
                    .bias = panels + embed::PackedSize(inputs_, outputs_, kernels.panel),
                    .c = y.data,
                    .c_stride = y.stride,
                    .rows = rows,
                    .depth = inputs_,
                    .columns = outputs_});
}

// ---- int8 ---------------------------------------------------------------------------------------

namespace {

// The rows' whole blocks times a Hadamard matrix / kInt8Rotation: as x is rotated (kernels_int8.h),
// and undoing that.
void Rotate(std::span<float> row) {
  for (size_t begin = 0; begin + kInt8Rotation <= row.size(); begin += kInt8Rotation) {
    float* const x = row.data() + begin;
    for (size_t step = 1; step < kInt8Rotation; step *= 2) {
      for (size_t i = 0; i < kInt8Rotation; ++i) {
        if ((i & step) != 0) continue;
        const float sum = x[i] + x[i + step];
        x[i + step] = x[i] - x[i + step];
        x[i] = sum;
      }
    }
    for (size_t i = 0; i < kInt8Rotation; ++i) x[i] /= kInt8Rotation;
  }
}

// The most that weights of one sign add up to among those whose products are added in 16 bits.
float HeaviestSum(std::span<const float> row, size_t together) {
  const size_t step = together * kInt8Group;
  float heaviest = 0;
  for (size_t begin = 0; begin < row.size(); begin += step) {
    float sums[2][2] = {};  // by place in the group, by sign
    for (size_t k = begin; k < std::min(row.size(), begin + step); ++k) {
      float& sum = sums[k % kInt8Group / 2][row[k] > 0 ? 1 : 0];
      heaviest = std::max(heaviest, sum += std::abs(row[k]));
    }
  }
  return heaviest;
}

// What is rounded to 127: a column's largest weight, or more where sums in 16 bits have no room else.
float Largest(std::span<const float> row, const Int8Kernels& kernels) {
  float most = 0;
  for (float w : row) most = std::max(most, std::abs(w));
  if (kernels.together == 1) return most;
  // Rounding adds a half to each of 2 · together weights at most.
  const auto room = static_cast<float>(32767 / kernels.levels - static_cast<int>(kernels.together));
  return std::max(most, HeaviestSum(row, kernels.together) / room * 127);
}

}  // namespace

size_t Int8Linear::PackedSize(size_t inputs, size_t outputs) {
  const size_t columns = RoundUp(outputs, BestInt8Kernels().panel);
  return RoundUp(columns * (RoundUp(inputs, kInt8Group) + 3 * sizeof(float)), 64);
}

Int8Linear::Int8Linear(size_t inputs, size_t outputs, std::string_view packed)
    : depth_(RoundUp(inputs, kInt8Group)), columns_(outputs), packed_(packed) {}

Int8Linear::Int8Linear(std::span<const float> weights, std::span<const float> bias)
    : columns_(bias.size()) {
  const size_t inputs = weights.size() / columns_, panel = BestInt8Kernels().panel;
  const size_t columns = RoundUp(columns_, panel);
  depth_ = RoundUp(inputs, kInt8Group);
  char* bytes = nullptr;
  packed_ = PackedBytes::Allocate(PackedSize(inputs, columns_), &bytes);
  auto* const panels = reinterpret_cast<int8_t*>(bytes);
  auto* const scales = reinterpret_cast<float*>(bytes + columns * depth_);
  float* const sums = scales + columns;
  std::ranges::copy(bias, sums + columns);
  std::vector<float> row(inputs);
  for (size_t column = 0; column < columns_; ++column) {
    std::ranges::copy(weights.subspan(column * inputs, inputs), row.begin());
    Rotate(row);
    const float most = Largest(row, BestInt8Kernels());
    scales[column] = most / 127;
    int8_t* to = panels + column / panel * panel * depth_ + column % panel * kInt8Group;
    int sum = 0;
    for (size_t k = 0; k < inputs && most > 0; ++k) {
      const int w = static_cast<int>(std::lround(row[k] / most * 127));
      to[k / kInt8Group * kInt8Group * panel + k % kInt8Group] = static_cast<int8_t>(w);
      sum += w;
    }
    sums[column] = scales[column] * static_cast<float>(sum);
  }
}

Int8Weights Int8Linear::Weights() const {
  const size_t columns = RoundUp(columns_, BestInt8Kernels().panel);
  const float* scales = FloatsAt(packed(), columns * depth_);
  return {.panels = reinterpret_cast<const int8_t*>(packed().data()),
          .scale = scales,
          .sum = scales + columns,
          .bias = scales + 2 * columns,
          .depth = depth_,
          .columns = columns_};
}

Int8Product Int8Linear::ProductOf(const ByteRows& x, size_t rows,
                                  const Int8Weights& weights) const {
  return {
      .a = x.data, .a_stride = x.stride, .a_scales = x.scales, .weights = &weights, .rows = rows};
}

void Int8Linear::Apply(const ByteRows& x, size_t rows, Rows y) const {
  const Int8Weights weights = Weights();
  Int8Product product = ProductOf(x, rows, weights);
  product.c = y.data;
  product.c_stride = y.stride;
  BestInt8Kernels().multiply(product);
}

void Int8Linear::ApplyGelu(const ByteRows& x, size_t rows, Rows y) const {
  const Int8Weights weights = Weights();
  Int8Product product = ProductOf(x, rows, weights);
  product.c = y.data;
  product.c_stride = y.stride;
  BestInt8Kernels().multiply_gelu(product);
}

void Int8Linear::ApplyBfloat16(const ByteRows& x, size_t rows, uint16_t* y, size_t y_stride) const {
  const Int8Weights weights = Weights();
  Int8Product product = ProductOf(x, rows, weights);
  product.c16 = y;
  product.c_stride = y_stride;
  BestInt8Kernels().multiply_bfloat16(product);
}

}  // namespace codelore::embed
