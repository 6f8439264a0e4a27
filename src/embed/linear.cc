#include "embed/linear.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>
#include <utility>

namespace codelore::embed {

void FreeBytes::operator()(void* p) const { std::free(p); }

void* AllocateBytes(size_t size) {
  void* p = std::aligned_alloc(64, (size + 63) / 64 * 64);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

Linear::Linear(std::span<const float> weights, std::vector<float> bias)
    : inputs_(weights.size() / bias.size()), bias_(std::move(bias)) {
  const size_t panel = BestKernels().panel;
  panels_.Reserve(PackedSize(inputs_, outputs(), panel));
  Pack({.data = weights.data(),
        .depth_stride = 1,
        .column_stride = inputs_,
        .depth = inputs_,
        .columns = outputs()},
       panel, panels_.data());
}

void Linear::Apply(Rows x, size_t rows, Rows y) const {
  BestKernels().multiply({.a = x.data,
                          .a_stride = x.stride,
                          .panels = panels_.data(),
                          .bias = bias_.data(),
                          .c = y.data,
                          .c_stride = y.stride,
                          .rows = rows,
                          .depth = inputs_,
                          .columns = outputs()});
}

// ---- int8 ---------------------------------------------------------------------------------------

Int8Linear::Int8Linear(std::span<const float> weights, std::vector<float> bias)
    : columns_(bias.size()), bias_(std::move(bias)) {
  const size_t inputs = weights.size() / columns_, panel = BestInt8Kernels().panel;
  depth_ = (inputs + kInt8Group - 1) / kInt8Group * kInt8Group;
  const size_t padded = (columns_ + panel - 1) / panel * panel;
  bias_.resize(padded);
  scale_.resize(padded);
  sum_.resize(padded);
  int8_t* panels = panels_.Reserve(padded * depth_);
  std::fill_n(panels, padded * depth_, int8_t{0});
  for (size_t column = 0; column < columns_; ++column) {
    const std::span<const float> from = weights.subspan(column * inputs, inputs);
    float most = 0;
    for (float w : from) most = std::max(most, std::abs(w));
    scale_[column] = most / 127;
    int8_t* to = panels + column / panel * panel * depth_ + column % panel * kInt8Group;
    int sum = 0;
    for (size_t k = 0; k < inputs && most > 0; ++k) {
      const int w = static_cast<int>(std::lround(from[k] / most * 127));
      to[k / kInt8Group * kInt8Group * panel + k % kInt8Group] = static_cast<int8_t>(w);
      sum += w;
    }
    sum_[column] = scale_[column] * static_cast<float>(sum);
  }
}

Int8Weights Int8Linear::Weights() const {
  return {.panels = panels_.data(),
          .scale = scale_.data(),
          .sum = sum_.data(),
          .bias = bias_.data(),
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
