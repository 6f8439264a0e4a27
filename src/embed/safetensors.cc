#include "embed/safetensors.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "codelore/coding.h"
#include "embed/json_document.h"

namespace codelore::embed {

namespace {

constexpr std::string_view kMetadata = "__metadata__";
constexpr size_t kMaxDimensions = 8;

struct DTypeInfo {
  std::string_view name;
  DType dtype;
  uint64_t bytes;
};
constexpr DTypeInfo kDTypes[] = {
    {"F32", DType::kF32, 4},    {"F16", DType::kF16, 2},   {"BF16", DType::kBF16, 2},
    {"F64", DType::kOther, 8},  {"I64", DType::kOther, 8}, {"U64", DType::kOther, 8},
    {"I32", DType::kOther, 4},  {"U32", DType::kOther, 4}, {"I16", DType::kOther, 2},
    {"U16", DType::kOther, 2},  {"I8", DType::kOther, 1},  {"U8", DType::kOther, 1},
    {"BOOL", DType::kOther, 1},
};

// A tensor of the header; its bytes are [begin, end) of the data.
struct Entry {
  std::string name;
  Tensor tensor;
  uint64_t begin = 0, end = 0;
};

// The bytes of a tensor, or nothing if that is more than 2^63.
std::optional<uint64_t> SizeOf(std::span<const uint64_t> shape, uint64_t element) {
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

Result<std::vector<uint64_t>> ReadShape(const JsonValue& value) {
  ASSIGN_OR_RETURN(std::vector<JsonValue> extents, value.Elements());
  if (extents.size() > kMaxDimensions) return value.Mismatch("at most 8 dimensions");
  std::vector<uint64_t> shape;
  for (const JsonValue& extent : extents) {
    ASSIGN_OR_RETURN(uint64_t n, extent.Uint(0, INT64_MAX));
    shape.push_back(n);
  }
  return shape;
}

Result<Entry> ReadEntry(const std::string& name, const JsonValue& value, uint64_t data_bytes) {
  Entry entry;
  entry.name = name;
  ASSIGN_OR_RETURN(JsonValue dtype, value.At("dtype"));
  ASSIGN_OR_RETURN(std::string dtype_name, dtype.Text());
  const auto* info = std::find_if(std::begin(kDTypes), std::end(kDTypes),
                                  [&](const DTypeInfo& d) { return d.name == dtype_name; });
  if (info == std::end(kDTypes)) return dtype.Mismatch("a known element type");
  entry.tensor.dtype = info->dtype;
  ASSIGN_OR_RETURN(JsonValue shape, value.At("shape"));
  ASSIGN_OR_RETURN(entry.tensor.shape, ReadShape(shape));
  ASSIGN_OR_RETURN(JsonValue offsets, value.At("data_offsets"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> ends, offsets.Elements());
  if (ends.size() != 2) return offsets.Mismatch("two offsets");
  ASSIGN_OR_RETURN(entry.begin, ends[0].Uint(0, data_bytes));
  ASSIGN_OR_RETURN(entry.end, ends[1].Uint(entry.begin, data_bytes));
  if (SizeOf(entry.tensor.shape, info->bytes) != entry.end - entry.begin) {
    return offsets.Mismatch("the bytes of the shape " + ShapeText(entry.tensor.shape));
  }
  return entry;
}

Result<std::vector<Entry>> ReadHeader(std::string_view file, std::string_view header,
                                      uint64_t data_bytes) {
  ASSIGN_OR_RETURN(JsonValue root, JsonValue::ParseObject(std::string(file) + ": header", header));
  ASSIGN_OR_RETURN(auto members, root.Members());
  std::vector<Entry> entries;
  for (const auto& [name, value] : members) {
    if (name == kMetadata) continue;
    ASSIGN_OR_RETURN(Entry entry, ReadEntry(name, value, data_bytes));
    entries.push_back(std::move(entry));
  }
  return entries;
}

// The entries, by offset, lie end to end over all of the data.
Status CheckTiling(std::string_view file, std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      return Corruption(std::string(file) + ": header: " + entry.name +
                        ": data_offsets: expected to start at " + std::to_string(end) +
                        ", where the tensor before ends, found " + std::to_string(entry.begin));
    }
    end = entry.end;
  }
  if (end == data_bytes) return OkStatus();
  return Corruption(std::string(file) + ": expected " + std::to_string(end) +
                    " bytes of data, found " + std::to_string(data_bytes));
}

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

Result<SafeTensors> SafeTensors::Parse(std::string_view file, std::string_view bytes) {
  ByteReader reader(bytes);
  const auto header_bytes = reader.Fixed<uint64_t>();
  const uint64_t most =
      bytes.size() < 8 ? 0 : std::min<uint64_t>(bytes.size() - 8, kMaxHeaderBytes);
  if (!reader.ok() || header_bytes > most) {
    return Corruption(std::string(file) + ": header size: expected at most " +
                      std::to_string(most) + " bytes, found " + std::to_string(header_bytes));
  }
  const std::string_view header = bytes.substr(8, header_bytes),
                         data = bytes.substr(8 + header_bytes);
  ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadHeader(file, header, data.size()));
  RETURN_IF_ERROR(CheckTiling(file, entries, data.size()));
  SafeTensors result;
  result.file_ = file;
  for (Entry& entry : entries) {
    entry.tensor.bytes = data.substr(entry.begin, entry.end - entry.begin);
    result.tensors_.emplace(std::move(entry.name), std::move(entry.tensor));
  }
  return result;
}

Result<Tensor> SafeTensors::Find(std::string_view name, std::span<const uint64_t> shape) const {
  const auto found = tensors_.find(name);
  const std::string where = file_ + ": " + std::string(name);
  if (found == tensors_.end()) return Corruption(where + ": expected this tensor, found none");
  const Tensor& tensor = found->second;
  if (!std::ranges::equal(tensor.shape, shape)) {
    return Corruption(where + ": expected the shape " + ShapeText(shape) + ", found " +
                      ShapeText(tensor.shape));
  }
  if (tensor.dtype == DType::kOther) {
    return Corruption(where + ": expected the element type F32, F16 or BF16, found another");
  }
  return tensor;
}

Result<std::vector<float>> SafeTensors::Floats(std::string_view name,
                                               std::span<const uint64_t> shape) const {
  ASSIGN_OR_RETURN(Tensor tensor, Find(name, shape));
  std::vector<float> values(tensor.bytes.size() / (tensor.dtype == DType::kF32 ? 4 : 2));
  ReadFloats(tensor, 0, values);
  // x·0 is 0 for every finite x and NaN for the others, which the sum keeps.
  float sum = 0;
  for (float value : values) sum += value * 0.0f;
  if (sum != 0.0f)
    return Corruption(file_ + ": " + std::string(name) + ": expected finite values, found others");
  return values;
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
