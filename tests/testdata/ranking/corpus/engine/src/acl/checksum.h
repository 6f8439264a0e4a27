// CRC-32 (ISO 3309, as in zlib): tells damaged from whole in records and token texts. It protects against
// accidents, not against forgery.
#ifndef CODELORE_ACL_CHECKSUM_H_
#define CODELORE_ACL_CHECKSUM_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace codelore::acl {

inline constexpr std::array<uint32_t, 256> kCrc32Table = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    table[i] = crc;
  }
  return table;
}();

// `crc`: the checksum of what came before.
inline uint32_t Crc32(std::string_view bytes, uint32_t crc = 0) {
  crc = ~crc;
  for (char byte : bytes) crc = crc >> 8 ^ kCrc32Table[(crc ^ static_cast<uint8_t>(byte)) & 0xFF];
  return ~crc;
}

}  // namespace codelore::acl

#endif  // CODELORE_ACL_CHECKSUM_H_
