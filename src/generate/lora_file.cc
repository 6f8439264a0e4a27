#include "generate/lora_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <vector>

#include "generate/prompt.h"

namespace codelore::generate {
namespace {

constexpr std::string_view kA = ".lora_a", kB = ".lora_b";
constexpr uint64_t kMostRank = 4096;

Status Wrong(const GgufFile& file, const std::string& field, const std::string& what) {
  return InvalidArgument("adapter file " + file.path() + ": " + VisibleText(field) + ": " + what);
}

std::string ShapeText(const GgufTensor& tensor) {
  std::string text = "[";
  for (uint64_t size : tensor.shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

uint64_t Dimension(const GgufTensor& tensor, size_t i) { return i < tensor.shape.size() ? tensor.shape[i] : 1; }

Status CheckPairs(const GgufFile& file, const GgufFile& model) {
  auto expect = [&](std::string_view key, const std::string& value) -> Status {
    ASSIGN_OR_RETURN(std::string found, file.Text(key));
    return found == value ? OkStatus() : Wrong(file, std::string(key), "it is '" + VisibleText(found.substr(0, 40)) + "', expected '" + value + "'");
  };
  RETURN_IF_ERROR(expect("general.type", "adapter"));
  RETURN_IF_ERROR(expect("adapter.type", "lora"));
  ASSIGN_OR_RETURN(std::string architecture, model.Text("general.architecture"));
  RETURN_IF_ERROR(expect("general.architecture", architecture));
  ASSIGN_OR_RETURN(double alpha, file.Number("adapter.lora.alpha"));
  if (!std::isfinite(alpha) || std::abs(alpha) > 1e6) return Wrong(file, "adapter.lora.alpha", "it is no number to multiply by");
  if (file.Has("adapter.alora.invocation_tokens")) {
    return Wrong(file, "adapter.alora.invocation_tokens", "adapters that begin at a word are not understood; expected a plain LoRA");
  }
  return OkStatus();
}

// Both of a pair, with the matrix of the model that they are added to.
Status CheckShapes(const GgufFile& file, const GgufFile& model, const GgufTensor& a, const GgufTensor& b) {
  const std::string name = a.name.substr(0, a.name.size() - kA.size());
  const GgufTensor* base = model.Find(name);
  if (base == nullptr) return Wrong(file, a.name, "the model has no tensor '" + VisibleText(name) + "'; is it an adapter of another model?");
  const bool flipped = name.ends_with("token_embd.weight");  // looked up by row, not multiplied
  const bool fits = flipped ? Dimension(*base, 0) == Dimension(b, 1) && Dimension(*base, 1) == Dimension(a, 1) && Dimension(a, 0) == Dimension(b, 0)
                            : Dimension(*base, 0) == Dimension(a, 0) && Dimension(*base, 1) == Dimension(b, 1) && Dimension(a, 1) == Dimension(b, 0);
  bool same_rest = true;  // experts
  for (size_t i = 2; i < 4; ++i) same_rest = same_rest && Dimension(a, i) == Dimension(*base, i) && Dimension(b, i) == Dimension(*base, i);
  if (base->shape.size() < 2 || !fits || !same_rest) {
    return Wrong(file, a.name, "the shapes " + ShapeText(a) + " and " + ShapeText(b) + " do not make the model's " + ShapeText(*base));
  }
  const uint64_t rank = Dimension(b, 0);
  return rank <= kMostRank ? OkStatus() : Wrong(file, b.name, "a rank of " + std::to_string(rank) + "; at most " + std::to_string(kMostRank) + " make sense");
}

Status CheckTensor(const GgufFile& file, const GgufFile& model, const GgufTensor& tensor) {
  if (tensor.size_bytes() == 0 || (tensor.type == kGgufQ8 && tensor.shape[0] % 32 != 0)) {
    return Wrong(file, tensor.name, "numbers of type " + std::to_string(tensor.type) + " in shape " + ShapeText(tensor) + "; expected f32, f16, bf16 or q8_0");
  }
  if (tensor.size_bytes() > file.size_bytes() - tensor.offset) return Wrong(file, tensor.name, "its numbers are cut off");
  const bool a = tensor.name.ends_with(kA), b = tensor.name.ends_with(kB);
  if (!a && !b) return Wrong(file, tensor.name, "only .lora_a and .lora_b are applied; expected an adapter without other tensors");
  const GgufTensor* other = file.Find(tensor.name.substr(0, tensor.name.size() - 1) + (a ? "b" : "a"));
  if (other == nullptr) return Wrong(file, tensor.name, "its other half is missing");
  return a ? CheckShapes(file, model, tensor, *other) : OkStatus();
}

Status CheckPlaces(const GgufFile& file) {
  std::vector<const GgufTensor*> order;
  for (const GgufTensor& tensor : file.tensors()) order.push_back(&tensor);
  std::ranges::sort(order, {}, &GgufTensor::offset);
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->offset + order[i - 1]->size_bytes() > order[i]->offset) return Wrong(file, order[i]->name, "it lies within '" + VisibleText(order[i - 1]->name) + "'");
  }
  return OkStatus();
}

// Whether all numbers in the bytes are finite; of 8-bit blocks their scales are looked at.
bool AllFinite(uint32_t type, const std::vector<char>& bytes, size_t size) {
  const size_t step = type == kGgufF32 ? 4 : type == kGgufQ8 ? 34 : 2;
  const uint32_t exponent = type == kGgufF32 ? 0x7F800000 : type == kGgufBf16 ? 0x7F80 : 0x7C00;
  for (size_t at = 0; at + step <= size; at += step) {
    uint32_t bits = 0;
    std::memcpy(&bits, bytes.data() + at, type == kGgufF32 ? 4 : 2);
    if ((bits & exponent) == exponent) return false;
  }
  return true;
}

Status CheckNumbers(const GgufFile& file, const GgufTensor& tensor) {
  std::ifstream stream(file.path(), std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(tensor.offset));
  std::vector<char> block(34 * 4096);  // whole numbers and whole blocks of each type
  for (uint64_t left = tensor.size_bytes(); left > 0;) {
    const size_t size = std::min<uint64_t>(left, block.size());
    if (!stream.read(block.data(), static_cast<std::streamsize>(size))) return Wrong(file, tensor.name, "it cannot be read");
    if (!AllFinite(tensor.type, block, size)) return Wrong(file, tensor.name, "it holds what is no number, or infinite");
    left -= size;
  }
  return OkStatus();
}

}  // namespace

Status CheckLoraFile(const std::string& path, const GgufFile& model) {
  ASSIGN_OR_RETURN(GgufFile file, GgufFile::Read(path));
  RETURN_IF_ERROR(CheckPairs(file, model));
  if (file.tensors().empty()) return Wrong(file, "tensor count", "it is 0: the adapter changes nothing");
  if (file.tensors().size() > 4 * model.tensors().size()) return Wrong(file, "tensor count", "it is " + std::to_string(file.tensors().size()) + ", more than the model's matrices have halves");
  for (const GgufTensor& tensor : file.tensors()) RETURN_IF_ERROR(CheckTensor(file, model, tensor));
  RETURN_IF_ERROR(CheckPlaces(file));
  for (const GgufTensor& tensor : file.tensors()) RETURN_IF_ERROR(CheckNumbers(file, tensor));
  return OkStatus();
}

}  // namespace codelore::generate
