// TensorSource: the named tensors of a model, whatever kind of file they came in.
//
// The readers (safetensors.h, torch_file.h) fill one each; those of several shards are merged.
// Every error names the file and the tensor. A TensorSource borrows the files' bytes. Immutable
// once filled, hence thread-safe.
#ifndef CODELORE_EMBED_TENSOR_SOURCE_H_
#define CODELORE_EMBED_TENSOR_SOURCE_H_

#include <cstdint>
#include <map>
#include <optional>
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

class TensorSource {
 public:
  static constexpr size_t kMaxDimensions = 8;

  // An empty set; `file` is where a tensor is missed that is in none of them.
  explicit TensorSource(std::string file = "") : file_(std::move(file)) {}

  // Fails if there is one of that name.
  Status Add(std::string name, Tensor tensor);
  // Takes all tensors of `other`, which keep their file. Fails if both have one of a name.
  Status Merge(const TensorSource& other);

  bool Has(std::string_view name) const { return tensors_.contains(name); }
  // The floating-point tensor `name` of just this shape; fails, naming file and tensor, if there is
  // none.
  Result<Tensor> Find(std::string_view name, std::span<const uint64_t> shape) const;
  // Its values as float32. Fails for a NaN or an infinity.
  Result<std::vector<float>> Floats(std::string_view name, std::span<const uint64_t> shape) const;

 private:
  struct Entry {
    std::string file;
    Tensor tensor;
  };
  std::string file_;
  std::map<std::string, Entry, std::less<>> tensors_;
};

// Values [first, first + out.size()) of a floating-point tensor as float32.
void ReadFloats(const Tensor& tensor, size_t first, std::span<float> out);

// The bytes of a tensor of `element` bytes each, or nothing if that is 2^63 or more.
std::optional<uint64_t> TensorBytes(std::span<const uint64_t> shape, uint64_t element);
// "[2, 3]", for messages.
std::string ShapeText(std::span<const uint64_t> shape);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_TENSOR_SOURCE_H_
