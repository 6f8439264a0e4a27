#include "embed/charsmap.h"

#include <cstring>

#include "codelore/coding.h"

namespace codelore::embed {

namespace {

constexpr size_t kMaxReplacement = 64;  // bytes; Unicode's own have at most 33
constexpr size_t kMaxKey = 256;         // bytes; a trie that leads back into itself ends here, too

size_t OffsetOf(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }
uint32_t LabelOf(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
bool HasLeaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }

}  // namespace

Result<CharsMap> CharsMap::Parse(std::string_view bytes) {
  CharsMap map;
  if (bytes.empty()) return map;
  ByteReader reader(bytes);
  const auto size = reader.Fixed<uint32_t>();
  const std::string_view trie = reader.Raw(size);
  if (!reader.ok() || size % 4 != 0 || size == 0 || bytes.back() != '\0') {
    return Corruption("expected a trie and its replacements in " + std::to_string(bytes.size()) +
                      " bytes, found a trie of " + std::to_string(size));
  }
  map.units_.resize(size / 4);
  std::memcpy(map.units_.data(), trie.data(), size);
  map.replacements_ = bytes.substr(4 + size);
  for (size_t at = 0, end; at < map.replacements_.size(); at = end + 1) {
    end = map.replacements_.find('\0', at);
    if (end - at > kMaxReplacement) {
      return Corruption("expected replacements of at most 64 bytes, found one of " +
                        std::to_string(end - at));
    }
  }
  return map;
}

CharsMap::Match CharsMap::Find(std::string_view text, bool shortest) const {
  Match match;
  if (units_.empty()) return match;
  text = text.substr(0, kMaxKey);
  size_t node = OffsetOf(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || LabelOf(units_[node]) != byte) break;
    const bool leaf = HasLeaf(units_[node]);
    node ^= OffsetOf(units_[node]);
    if (!leaf || node >= units_.size()) continue;
    const size_t at = units_[node] & ~(1u << 31);
    if (at >= replacements_.size()) continue;
    match = {i + 1, replacements_.data() + at};
    if (shortest) break;
  }
  return match;
}

}  // namespace codelore::embed
