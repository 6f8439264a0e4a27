// Base64 (RFC 4648, 4), with padding.
#ifndef CODELORE_API_PROTOCOLS_BASE64_H_
#define CODELORE_API_PROTOCOLS_BASE64_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace codelore::api {

inline std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_BASE64_H_
