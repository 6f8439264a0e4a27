// LEB128 varints of 32-bit values, as the lexical formats use them.
#ifndef CODELORE_INDEX_LEXICAL_VARINT_H_
#define CODELORE_INDEX_LEXICAL_VARINT_H_

#include <cstdint>
#include <string>

namespace codelore::index {

inline void AppendVarint(uint32_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// At most 5 bytes, at `out`; returns their end.
inline char* WriteVarint(uint32_t value, char* out) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

// At most 5 bytes; false when it does not end before `end`.
inline bool ReadVarint(const char*& at, const char* end, uint32_t& value) {
  value = 0;
  for (uint32_t shift = 0; shift < 35 && at < end; shift += 7) {
    auto byte = static_cast<uint8_t>(*at++);
    value |= static_cast<uint32_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace codelore::index

#endif  // CODELORE_INDEX_LEXICAL_VARINT_H_
