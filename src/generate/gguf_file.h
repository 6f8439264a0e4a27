// GgufFile: what a GGUF file says it holds: its pairs and its tensors' names, shapes and places, without their numbers. Format:
// docs/gguf.md of ggml, versions 2 and 3, little-endian.
//
// The file is input from a stranger: no count, length or offset in it is believed. kInvalidArgument names file and field.
#ifndef CODELORE_GENERATE_GGUF_FILE_H_
#define CODELORE_GENERATE_GGUF_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codelore/status.h"

namespace codelore::generate {

// Of ggml's types of numbers.
inline constexpr uint32_t kGgufF32 = 0, kGgufF16 = 1, kGgufQ8 = 8, kGgufBf16 = 30;

struct GgufTensor {
  std::string name;
  std::vector<uint64_t> shape;  // the fastest dimension first; one to four
  uint32_t type = 0;            // ggml's
  uint64_t offset = 0;          // in the file
  uint64_t elements() const;
  uint64_t size_bytes() const;  // of the four types above; 0 of another
};

class GgufFile {
 public:
  static Result<GgufFile> Read(const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* Find(std::string_view tensor) const;
  bool Has(std::string_view key) const { return values_.contains(key); }
  // kInvalidArgument when it is not there, or of another kind.
  Result<std::string> Text(std::string_view key) const;
  Result<double> Number(std::string_view key) const;

 private:
  struct Other {};  // an array, or a truth value
  using Value = std::variant<Other, std::string, double>;
  class Reader;

  std::string path_;
  uint64_t size_bytes_ = 0;
  std::map<std::string, Value, std::less<>> values_;
  std::vector<GgufTensor> tensors_;
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_GGUF_FILE_H_
