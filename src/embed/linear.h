// Linear: y = x·Wᵀ + b, the one door to matrix multiplication with weights.
//
// The weights are packed at load for the kernels of this processor. Other precisions become other
// packings behind the same Apply. Immutable, hence thread-safe.
#ifndef CODELORE_EMBED_LINEAR_H_
#define CODELORE_EMBED_LINEAR_H_

#include <memory>
#include <span>
#include <vector>

#include "embed/kernels.h"

namespace codelore::embed {

// Uninitialised float storage, aligned to 64 bytes, that grows and never shrinks.
class FloatBuffer {
 public:
  // Room for `size` floats; what was there is lost if it has to grow.
  float* Reserve(size_t size);
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float[], Free> data_;
  size_t size_ = 0;
};

// rows of floats, `stride` apart.
struct Rows {
  float* data = nullptr;
  size_t stride = 0;

  float* row(size_t i) const { return data + i * stride; }
};

class Linear {
 public:
  Linear() = default;
  // weights [outputs, inputs] row-major, bias [outputs].
  Linear(std::span<const float> weights, std::vector<float> bias);

  size_t outputs() const { return bias_.size(); }
  // x [rows, inputs] -> y [rows, outputs]; they do not overlap.
  void Apply(Rows x, size_t rows, Rows y) const;

 private:
  size_t inputs_ = 0;
  FloatBuffer panels_;       // [⌈outputs / panel⌉, inputs, panel]
  std::vector<float> bias_;  // [outputs]
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_LINEAR_H_
