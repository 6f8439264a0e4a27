#include "embed/linear.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace codelore::embed {

void FloatBuffer::Free::operator()(float* p) const { std::free(p); }

float* FloatBuffer::Reserve(size_t size) {
  if (size > size_) {
    const size_t bytes = (size * sizeof(float) + 63) / 64 * 64;
    data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
    size_ = size;
  }
  return data_.get();
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

}  // namespace codelore::embed
