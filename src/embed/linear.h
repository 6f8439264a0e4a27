// Linear and Int8Linear: y = x·Wᵀ + b, the one door to matrix multiplication with weights.
//
// The weights are packed for the kernels of this processor. Immutable, hence thread-safe.
#ifndef CODELORE_EMBED_LINEAR_H_
#define CODELORE_EMBED_LINEAR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "embed/kernels.h"
#include "embed/kernels_int8.h"

namespace codelore::embed {

struct FreeBytes {
  void operator()(void* p) const;
};
void* AllocateBytes(size_t size);  // aligned to 64; throws std::bad_alloc

// Uninitialised storage of plain values, aligned to 64 bytes, that grows and never shrinks.
template <class T>
class Buffer {
 public:
  // Room for `size` elements; what was there is lost if it has to grow.
  T* Reserve(size_t size) {
    if (size > size_) {
      data_.reset(static_cast<T*>(AllocateBytes(size * sizeof(T))));
      size_ = size;
    }
    return data_.get();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }

 private:
  std::unique_ptr<T[], FreeBytes> data_;
  size_t size_ = 0;
};
using FloatBuffer = Buffer<float>;

// rows of floats, `stride` apart.
struct Rows {
  float* data = nullptr;
  size_t stride = 0;

  float* row(size_t i) const { return data + i * stride; }
};

// The bytes that a matrix is packed into, aligned to 64: its own, or borrowed (packed_file.h).
class PackedBytes {
 public:
  PackedBytes() = default;
  explicit PackedBytes(std::string_view borrowed) : bytes_(borrowed) {}
  // Zeros.
  static PackedBytes Allocate(size_t size, char** begin);

  std::string_view view() const { return bytes_; }

 private:
  Buffer<char> own_;
  std::string_view bytes_;
};

class Linear {
 public:
  Linear() = default;
  // weights [outputs, inputs] row-major, bias [outputs].
  Linear(std::span<const float> weights, std::span<const float> bias);
  // As it was packed; the bytes outlive it.
  Linear(size_t inputs, size_t outputs, std::string_view packed);

  static size_t PackedSize(size_t inputs, size_t outputs);  // a multiple of 64
  std::string_view packed() const { return packed_.view(); }
  size_t outputs() const { return outputs_; }
  // x [rows, inputs] -> y [rows, outputs]; they do not overlap.
  void Apply(Rows x, size_t rows, Rows y) const;

 private:
  size_t inputs_ = 0, outputs_ = 0;
  PackedBytes packed_;  // panels [⌈outputs / panel⌉, inputs, panel], bias [outputs]
};

// Rows of bytes, `stride` apart, each with its scale. The bytes of a row go on, as zeros, to a
// multiple of 4.
struct ByteRows {
  uint8_t* data = nullptr;
  size_t stride = 0;
  ByteScale* scales = nullptr;

  uint8_t* row(size_t i) const { return data + i * stride; }
  ByteRows from(size_t i) const { return {row(i), stride, scales + i}; }
};

class Int8Linear {
 public:
  Int8Linear() = default;
  // As above, for at most kMaxInt8Depth inputs; each output's weights are rotated
  // (kernels_int8.h) and rounded to 8 bits, by steps that the kernels' sums have room for.
  Int8Linear(std::span<const float> weights, std::span<const float> bias);
  // As it was packed; the bytes outlive it.
  Int8Linear(size_t inputs, size_t outputs, std::string_view packed);

  static size_t PackedSize(size_t inputs, size_t outputs);  // a multiple of 64
  std::string_view packed() const { return packed_.view(); }
  size_t outputs() const { return columns_; }
  // x [rows, inputs] -> y [rows, outputs].
  void Apply(const ByteRows& x, size_t rows, Rows y) const;
  void ApplyGelu(const ByteRows& x, size_t rows, Rows y) const;
  // y in bfloat16, for kernels that have it.
  void ApplyBfloat16(const ByteRows& x, size_t rows, uint16_t* y, size_t y_stride) const;

 private:
  Int8Weights Weights() const;
  Int8Product ProductOf(const ByteRows& x, size_t rows, const Int8Weights& weights) const;

  size_t depth_ = 0, columns_ = 0;  // inputs rounded up to 4; outputs
  // panels (see Int8Weights); scale, sum and bias of the columns of all panels
  PackedBytes packed_;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_LINEAR_H_
