#include "embed/tensor_source.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace codelore::embed {

namespace {

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 0) {  // zero and the subnormals: fraction · 2^-24
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

}  // namespace

std::optional<uint64_t> TensorBytes(std::span<const uint64_t> shape, uint64_t element) {
  uint64_t size = element;
  for (uint64_t extent : shape) {
    if (__builtin_mul_overflow(size, extent, &size) || size >> 63 != 0) return std::nullopt;
  }
  return size;
}

std::string ShapeText(std::span<const uint64_t> shape) {
  std::string text = "[";
  for (uint64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

Status TensorSource::Add(std::string name, Tensor tensor) {
  if (Has(name))
    return Corruption(file_ + ": " + name + ": expected this tensor once, found it twice");
  tensors_.emplace(std::move(name), Entry{file_, std::move(tensor)});
  return OkStatus();
}

Status TensorSource::Merge(const TensorSource& other) {
  for (const auto& [name, entry] : other.tensors_) {
    if (const auto [at, added] = tensors_.emplace(name, entry); !added) {
      return Corruption(entry.file + ": " + name +
                        ": expected this tensor once, found it also in " + at->second.file);
    }
  }
  return OkStatus();
}

Result<Tensor> TensorSource::Find(std::string_view name, std::span<const uint64_t> shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    return Corruption(file_ + ": " + std::string(name) + ": expected this tensor, found none");
  }
  const auto& [file, tensor] = found->second;
  const std::string where = file + ": " + std::string(name);
  if (!std::ranges::equal(tensor.shape, shape)) {
    return Corruption(where + ": expected the shape " + ShapeText(shape) + ", found " +
                      ShapeText(tensor.shape));
  }
  if (tensor.dtype == DType::kOther) {
    return Corruption(where + ": expected the element type F32, F16 or BF16, found another");
  }
  return tensor;
}

Result<std::vector<float>> TensorSource::Floats(std::string_view name,
                                                std::span<const uint64_t> shape) const {
  ASSIGN_OR_RETURN(Tensor tensor, Find(name, shape));
  std::vector<float> values(tensor.bytes.size() / (tensor.dtype == DType::kF32 ? 4 : 2));
  ReadFloats(tensor, 0, values);
  // x·0 is 0 for every finite x and NaN for the others, which the sum keeps.
  float sum = 0;
  for (float value : values) sum += value * 0.0f;
  if (sum == 0.0f) return values;
  return Corruption(tensors_.find(name)->second.file + ": " + std::string(name) +
                    ": expected finite values, found others");
}

void ReadFloats(const Tensor& tensor, size_t first, std::span<float> out) {
  if (tensor.dtype == DType::kF32) {
    if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data() + 4 * first, 4 * out.size());
    return;
  }
  const char* from = tensor.bytes.data() + 2 * first;
  for (float& value : out) {
    uint16_t half;
    std::memcpy(&half, from, 2);
    from += 2;
    value = tensor.dtype == DType::kF16 ? HalfToFloat(half)
                                        : std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
  }
}

}  // namespace codelore::embed
