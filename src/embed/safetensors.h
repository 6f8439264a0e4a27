// SafeTensors: the named tensors of one .safetensors file.
//
// Format (huggingface/safetensors): u64 little-endian size of the header; the header, a JSON object
// {name: {"dtype", "shape", "data_offsets": [begin, end)}, "__metadata__": {text: text}}, perhaps
// padded with spaces; the data. Parse believes nothing: it fails, naming the file and the tensor,
// unless the tensors lie within the data, tile it without hole, overlap or rest, and each has just
// the bytes of its shape. A SafeTensors borrows the bytes it was parsed from. Immutable, hence
// thread-safe.
#ifndef CODELORE_EMBED_SAFETENSORS_H_
#define CODELORE_EMBED_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::embed {

enum class DType {
  kF32,
  kF16,
  kBF16,
  kOther
};  // kOther: only skipped over (position ids and the like)

// Row-major values at `bytes`, which are not aligned to anything.
struct Tensor {
  DType dtype = DType::kOther;
  std::vector<uint64_t> shape;
  std::string_view bytes;
};

class SafeTensors {
 public:
  static constexpr uint64_t kMaxHeaderBytes = 16 << 20;

  // An empty set, to be assigned to.
  SafeTensors() = default;
  static Result<SafeTensors> Parse(std::string_view file, std::string_view bytes);

  bool Has(std::string_view name) const { return tensors_.contains(name); }
  // The floating-point tensor `name` of just this shape; fails, naming file and tensor, if there is
  // none.
  Result<Tensor> Find(std::string_view name, std::span<const uint64_t> shape) const;
  // Its values as float32. Fails for a NaN or an infinity.
  Result<std::vector<float>> Floats(std::string_view name, std::span<const uint64_t> shape) const;

 private:
  std::string file_;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

// Values [first, first + out.size()) of a floating-point tensor as float32.
void ReadFloats(const Tensor& tensor, size_t first, std::span<float> out);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_SAFETENSORS_H_
