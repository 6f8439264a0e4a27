// Strong ids and hashes. Ids are small numbers handed out by the store, never reused.
#ifndef CODELORE_IDS_H_
#define CODELORE_IDS_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace codelore {

template <typename Tag>
struct Id {
  uint32_t value = 0;  // 0: none
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const Id&) const = default;
};

using TenantId = Id<struct TenantTag>;
using SourceId = Id<struct SourceTag>;        // a git repository, a document folder, a pushed collection
using LabelId = Id<struct LabelTag>;          // a set of principals who may read
using PartitionId = Id<struct PartitionTag>;  // all files of one source under one label

// Segments are numbered per store; the number names the segment's files.
struct SegmentId {
  uint64_t value = 0;
  auto operator<=>(const SegmentId&) const = default;
};

// SHA-256 of stored bytes (FIPS 180-4): names blobs, embedded texts and models.
struct Hash256 {
  std::array<uint8_t, 32> bytes{};
  auto operator<=>(const Hash256&) const = default;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string ToHex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (uint8_t byte : bytes) {
      hex += kDigits[byte >> 4];
      hex += kDigits[byte & 15];
    }
    return hex;
  }
};

}  // namespace codelore

template <typename Tag>
struct std::hash<codelore::Id<Tag>> {
  size_t operator()(codelore::Id<Tag> id) const noexcept { return std::hash<uint32_t>()(id.value); }
};

#endif  // CODELORE_IDS_H_
