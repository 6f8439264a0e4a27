// CharsMap: SentencePiece's precompiled character map: byte strings and what replaces them.
//
// Format (sentencepiece/normalizer.cc): u32 little-endian size of the trie; the trie, a double
// array of darts-clone, u32 units; the replacements, each ended by NUL. A unit: label in bits 0-7,
// "has a leaf" bit 8, the offset to its children in bits 10-30, times 256 if bit 9 is set; of a
// leaf: bits 0-30 the value, bit 31 set. Walks stay within the array whatever its units say.
// Immutable, hence thread-safe.
#ifndef CODELORE_EMBED_CHARSMAP_H_
#define CODELORE_EMBED_CHARSMAP_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::embed {

class CharsMap {
 public:
  struct Match {
    size_t length = 0;  // of the prefix that is replaced; 0: none is
    std::string_view replacement;
  };

  // An empty map, which replaces nothing.
  CharsMap() = default;
  // An empty `bytes` is an empty map.
  static Result<CharsMap> Parse(std::string_view bytes);

  // The shortest, the longest prefix of `text` that is in the map.
  Match Shortest(std::string_view text) const { return Find(text, true); }
  Match Longest(std::string_view text) const { return Find(text, false); }

 private:
  Match Find(std::string_view text, bool shortest) const;

  std::vector<uint32_t> units_;
  std::string replacements_;  // ends with NUL
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_CHARSMAP_H_
