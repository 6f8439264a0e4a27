#include "index/store/table_check.h"

#include <xxhash.h>

#include <optional>
#include <string_view>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

constexpr uint64_t kFooterBytes = 53, kHandlesBytes = 41, kTrailerBytes = 5;
constexpr uint64_t kMagic = 0x88e241b785f4cff7;
constexpr uint8_t kXxh3 = 4;
// Properties are some kilobytes; more than that is a length with a wrong bit.
constexpr uint64_t kMaxBlockBytes = 16 << 20;
// The properties, the metaindex and the footer are mostly within these.
constexpr uint64_t kTailBytes = 8 << 10;
constexpr std::string_view kPropertiesKey = "rocksdb.properties";

struct Handle {
  uint64_t offset = 0, size = 0;
};

Handle ReadHandle(ByteReader& in) {
  uint64_t offset = in.Varint();
  return {offset, in.Varint()};
}

// RocksDB's XXH3: of all bytes but the last, mixed with that one.
uint32_t ChecksumOf(std::string_view bytes) {
  auto last = static_cast<uint8_t>(bytes.back());
  return static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size() - 1)) ^ last * 0x6b9083d9u;
}

// A file's end is read once, what lies before it when it is asked for.
class Tail {
 public:
  Tail(uint64_t file_size, const ReadAt& read) : file_size_(file_size), read_(read) {}

  Status Fill() {
    start_ = file_size_ > kTailBytes ? file_size_ - kTailBytes : 0;
    ASSIGN_OR_RETURN(bytes_, read_(start_, file_size_ - start_));
    return bytes_.size() == file_size_ - start_ ? OkStatus() : Corruption("the table is cut off");
  }

  std::string_view footer() const { return std::string_view(bytes_).substr(bytes_.size() - kFooterBytes); }

  Result<std::string> Block(Handle handle) const {
    if (handle.size == 0 || handle.size > kMaxBlockBytes || handle.offset > file_size_ || file_size_ - handle.offset < handle.size + kTrailerBytes) {
      return Corruption("a block lies outside of the table");
    }
    uint64_t whole = handle.size + kTrailerBytes;
    std::string block;
    if (handle.offset >= start_) {
      block = bytes_.substr(handle.offset - start_, whole);
    } else {
      ASSIGN_OR_RETURN(block, read_(handle.offset, whole));
    }
    if (block.size() != whole) return Corruption("the table is cut off");
    std::string_view summed = std::string_view(block).substr(0, handle.size + 1);
    if (ByteReader(std::string_view(block).substr(handle.size + 1)).Fixed<uint32_t>() != ChecksumOf(summed)) {
      return Corruption("the table's description does not match its checksum");
    }
    block.resize(handle.size);
    return block;
  }

 private:
  const uint64_t file_size_;
  const ReadAt& read_;
  uint64_t start_ = 0;
  std::string bytes_;
};

// None if the metaindex names no properties.
std::optional<Handle> PropertiesIn(std::string_view metaindex) {
  ByteReader in(metaindex);
  while (in.ok() && !in.done()) {
    uint64_t shared = in.Varint(), key_size = in.Varint(), value_size = in.Varint();
    std::string_view key = in.Raw(key_size), value = in.Raw(value_size);
    if (!in.ok() || shared != 0) break;
    if (key != kPropertiesKey) continue;
    ByteReader handle(value);
    Handle found = ReadHandle(handle);
    if (handle.ok()) return found;
  }
  return std::nullopt;
}

}  // namespace

Status CheckTable(uint64_t file_size, const ReadAt& read) {
  if (file_size < kFooterBytes) return Corruption("the table is cut off");
  Tail tail(file_size, read);
  RETURN_IF_ERROR(tail.Fill());
  ByteReader footer(tail.footer());
  auto checksum = footer.Fixed<uint8_t>();
  ByteReader handles(footer.Raw(kHandlesBytes - 1));
  (void)footer.Fixed<uint32_t>();
  if (footer.Fixed<uint64_t>() != kMagic) return Corruption("this is no table, or its last bytes are damaged");
  if (checksum != kXxh3) return OkStatus();
  Handle metaindex = ReadHandle(handles);
  if (!handles.ok()) return Corruption("the table's footer is damaged");
  ASSIGN_OR_RETURN(std::string index, tail.Block(metaindex));
  std::optional<Handle> properties = PropertiesIn(index);
  return properties ? tail.Block(*properties).status() : OkStatus();
}

}  // namespace codelore::index
