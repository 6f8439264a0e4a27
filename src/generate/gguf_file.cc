#include "generate/gguf_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <utility>

#include "generate/prompt.h"

namespace codelore::generate {
namespace {

constexpr uint32_t kText = 8, kArray = 9;
constexpr uint64_t kMostEntries = 1 << 20;         // tensors or pairs
constexpr uint64_t kMostNameBytes = 64 * 1024;     // of a key or a tensor's name
constexpr uint64_t kMostTextBytes = 16 << 20;      // of a value that is kept
constexpr uint64_t kMostElements = uint64_t{1} << 40;  // of a tensor

// Bytes of a value; 0 for those without a fixed size.
uint64_t SizeOf(uint32_t type) {
  constexpr uint8_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

double NumberOf(uint32_t type, const char* bytes) {
  auto as = [&](auto number) {
    std::memcpy(&number, bytes, sizeof number);
    return static_cast<double>(number);
  };
  switch (type) {
    case 0: return as(uint8_t{});
    case 1: return as(int8_t{});
    case 2: return as(uint16_t{});
    case 3: return as(int16_t{});
    case 4: return as(uint32_t{});
    case 5: return as(int32_t{});
    case 6: return as(float{});
    case 10: return as(uint64_t{});
    case 11: return as(int64_t{});
    default: return as(double{});
  }
}

std::string Shown(std::string_view name) { return "'" + VisibleText(name.substr(0, 80)) + "'"; }

}  // namespace

uint64_t GgufTensor::elements() const {
  uint64_t count = 1;
  for (uint64_t size : shape) count *= size;  // bounded when it was read
  return count;
}

uint64_t GgufTensor::size_bytes() const {
  switch (type) {
    case kGgufF32: return 4 * elements();
    case kGgufF16:
    case kGgufBf16: return 2 * elements();
    case kGgufQ8: return elements() / 32 * 34;
    default: return 0;
  }
}

class GgufFile::Reader {
 public:
  explicit Reader(GgufFile& file) : file_(file), stream_(file.path_, std::ios::binary | std::ios::ate) {
    if (stream_) file_.size_bytes_ = static_cast<uint64_t>(stream_.tellg());
    stream_.seekg(0);
  }

  Status ReadAll() {
    char magic[4];
    uint32_t version = 0;
    uint64_t tensors = 0, pairs = 0;
    if (!stream_ || !Take(magic, 4)) return Wrong("it cannot be read");
    if (std::memcmp(magic, "GGUF", 4) != 0) return Wrong("it is no GGUF file");
    if (!Take(&version, 4) || version < 2 || version > 3) return Wrong("version: " + std::to_string(version) + " is not known; expected 2 or 3");
    if (!Take(&tensors, 8) || tensors > kMostEntries) return Wrong("tensor count: " + std::to_string(tensors) + " is more than a file holds");
    if (!Take(&pairs, 8) || pairs > kMostEntries) return Wrong("pair count: " + std::to_string(pairs) + " is more than a file holds");
    for (uint64_t i = 0; i < pairs; ++i) RETURN_IF_ERROR(ReadPair(i));
    for (uint64_t i = 0; i < tensors; ++i) RETURN_IF_ERROR(ReadTensor(i));
    return PlaceTensors();
  }

 private:
  Status Wrong(const std::string& what) const { return InvalidArgument("model file " + file_.path_ + ": " + what); }
  uint64_t Left() const { return file_.size_bytes_ - at_; }

  bool Take(void* to, uint64_t bytes) {
    if (bytes > Left()) return false;
    at_ += bytes;
    return static_cast<bool>(stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes)));
  }
  bool Skip(uint64_t bytes) {
    if (bytes > Left()) return false;
    at_ += bytes;
    return static_cast<bool>(stream_.seekg(static_cast<std::streamoff>(at_)));
  }
  bool TakeText(uint64_t most, std::string* text) {
    uint64_t size = 0;
    if (!Take(&size, 8) || size > most || size > Left()) return false;
    text->resize(size);
    return Take(text->data(), size);
  }

  Status ReadPair(uint64_t number) {
    std::string key;
    if (!TakeText(kMostNameBytes, &key)) return Wrong("the key of pair " + std::to_string(number) + " is cut off, or its length is no length");
    uint32_t type = 0;
    const Status cut = Wrong(Shown(key) + ": its value is cut off, or its size is none");
    if (!Take(&type, 4)) return cut;
    Value value = Other{};
    if (type == kText) {
      std::string text;
      if (!TakeText(kMostTextBytes, &text)) return cut;
      value = std::move(text);
    } else if (type == kArray) {
      if (!SkipArray()) return cut;
    } else {
      char bytes[8];
      if (SizeOf(type) == 0) return Wrong(Shown(key) + ": type " + std::to_string(type) + " is not known");
      if (!Take(bytes, SizeOf(type))) return cut;
      constexpr uint32_t kTruth = 7;
      if (type != kTruth) value = NumberOf(type, bytes);
    }
    if (!file_.values_.emplace(std::move(key), std::move(value)).second) return Wrong("a key is given twice, as pair " + std::to_string(number));
    return OkStatus();
  }

  bool SkipArray() {
    uint32_t type = 0;
    uint64_t count = 0;
    if (!Take(&type, 4) || !Take(&count, 8) || count > Left()) return false;  // each has a byte at least
    if (type != kText) return SizeOf(type) > 0 && Skip(count * SizeOf(type));
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t size = 0;
      if (!Take(&size, 8) || !Skip(size)) return false;
    }
    return true;
  }

  Status ReadTensor(uint64_t number) {
    GgufTensor tensor;
    uint32_t dimensions = 0;
    if (!TakeText(kMostNameBytes, &tensor.name)) return Wrong("the name of tensor " + std::to_string(number) + " is cut off, or its length is no length");
    const std::string name = "tensor " + Shown(tensor.name);
    if (!Take(&dimensions, 4) || dimensions < 1 || dimensions > 4) return Wrong(name + ": " + std::to_string(dimensions) + " dimensions; expected 1 to 4");
    uint64_t elements = 1;
    for (uint32_t i = 0; i < dimensions; ++i) {
      uint64_t size = 0;
      if (!Take(&size, 8) || size == 0 || size > kMostElements / elements) return Wrong(name + ": its shape is none, or too large");
      elements *= size;
      tensor.shape.push_back(size);
    }
    if (!Take(&tensor.type, 4) || !Take(&tensor.offset, 8)) return Wrong(name + ": its type or place is cut off");
    if (!names_.insert(tensor.name).second) return Wrong(name + ": it is there twice");
    file_.tensors_.push_back(std::move(tensor));
    return OkStatus();
  }

  // Places count from the first multiple of the alignment behind the header.
  Status PlaceTensors() {
    uint64_t alignment = 32;
    if (file_.Has("general.alignment")) {
      ASSIGN_OR_RETURN(double given, file_.Number("general.alignment"));
      if (!(given >= 1 && given <= 65536) || !std::has_single_bit(static_cast<uint64_t>(given))) return Wrong("'general.alignment': expected a power of two up to 65536");
      alignment = static_cast<uint64_t>(given);
    }
    const uint64_t begin = (at_ + alignment - 1) / alignment * alignment;
    for (GgufTensor& tensor : file_.tensors_) {
      const bool inside = begin <= file_.size_bytes_ && tensor.offset <= file_.size_bytes_ - begin && tensor.offset % alignment == 0;
      if (!inside) return Wrong("tensor " + Shown(tensor.name) + ": its place " + std::to_string(tensor.offset) + " is outside of the file, or not aligned");
      tensor.offset += begin;
    }
    return OkStatus();
  }

  GgufFile& file_;
  std::ifstream stream_;
  uint64_t at_ = 0;
  std::set<std::string> names_;
};

Result<GgufFile> GgufFile::Read(const std::string& path) {
  GgufFile file;
  file.path_ = path;
  RETURN_IF_ERROR(Reader(file).ReadAll());
  return file;
}

const GgufTensor* GgufFile::Find(std::string_view tensor) const {
  auto at = std::ranges::find(tensors_, tensor, &GgufTensor::name);
  return at == tensors_.end() ? nullptr : &*at;
}

Result<std::string> GgufFile::Text(std::string_view key) const {
  auto at = values_.find(key);
  if (at == values_.end()) return InvalidArgument("model file " + path_ + ": '" + std::string(key) + "' is missing");
  if (const auto* text = std::get_if<std::string>(&at->second)) return *text;
  return InvalidArgument("model file " + path_ + ": '" + std::string(key) + "' is no text");
}

Result<double> GgufFile::Number(std::string_view key) const {
  auto at = values_.find(key);
  if (at == values_.end()) return InvalidArgument("model file " + path_ + ": '" + std::string(key) + "' is missing");
  if (const auto* number = std::get_if<double>(&at->second)) return *number;
  return InvalidArgument("model file " + path_ + ": '" + std::string(key) + "' is no number");
}

}  // namespace codelore::generate
