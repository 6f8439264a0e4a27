// The byte encoding of all records Codelore stores: little-endian fixed integers, LEB128 varints, and
// length-prefixed strings. A ByteReader never reads past its input: after the first short or malformed read it
// stays failed, every later read gives zero or empty, and ok() says so once at the end.
#ifndef CODELORE_CODING_H_
#define CODELORE_CODING_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace codelore {

static_assert(std::endian::native == std::endian::little, "stored formats are little-endian");

class ByteWriter {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T>
  ByteWriter& Fixed(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  // Big-endian, so that keys sort by number.
  ByteWriter& Key32(uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out_ += static_cast<char>(value >> shift);
    return *this;
  }
  ByteWriter& Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
    return *this;
  }
  ByteWriter& String(std::string_view value) {
    Varint(value.size());
    return Raw(value);
  }
  ByteWriter& Raw(std::string_view value) {
    out_ += value;
    return *this;
  }
  size_t size() const { return out_.size(); }
  const std::string& view() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view input) : rest_(input) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  T Fixed() {
    T value{};
    std::string_view bytes = Raw(sizeof value);
    if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  uint32_t Key32() {
    uint32_t value = 0;
    for (char byte : Raw(4)) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::string_view next = Raw(1);
      if (!ok_) return 0;
      auto byte = static_cast<uint8_t>(next[0]);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  // The view borrows from the input.
  std::string_view String() {
    uint64_t size = Varint();
    return Raw(size);
  }
  std::string_view Raw(uint64_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  // A count of elements of at least `min_bytes` each that still fits the input; otherwise fails and gives 0.
  // Guards reserve() against sizes that damaged bytes claim.
  uint64_t Count(uint64_t min_bytes = 1) {
    uint64_t count = Varint();
    if (count > rest_.size() / min_bytes) ok_ = false;
    return ok_ ? count : 0;
  }
  bool ok() const { return ok_; }
  // Everything was read and nothing failed.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace codelore

#endif  // CODELORE_CODING_H_
