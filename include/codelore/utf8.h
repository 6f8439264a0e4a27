// The little UTF-8 that every layer needs. Anything about what characters mean is ICU's business.
#ifndef CODELORE_UTF8_H_
#define CODELORE_UTF8_H_

#include <cstdint>
#include <string_view>

namespace codelore {

inline bool IsUtf8Continuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

// The longest prefix of valid UTF-8 `text` of at most `max_bytes` that ends between two characters.
inline std::string_view Utf8Prefix(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && IsUtf8Continuation(text[max_bytes])) --max_bytes;
  return text.substr(0, max_bytes);
}

// The longest suffix likewise.
inline std::string_view Utf8Suffix(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t begin = text.size() - max_bytes;
  while (begin < text.size() && IsUtf8Continuation(text[begin])) ++begin;
  return text.substr(begin);
}

// Length in bytes of the well-formed UTF-8 sequence (Unicode 15, table 3-7) at the start of `text`; 0 if
// there is none.
inline size_t Utf8SequenceLength(std::string_view text) {
  if (text.empty()) return 0;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xC2 && lead <= 0xDF ? 2 : (lead & 0xF0) == 0xE0 ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsUtf8Continuation(text[i])) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF0 && byte(1) < 0x90) ||
      (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

inline bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace codelore

#endif  // CODELORE_UTF8_H_
