// What the reference tokenizer knows of a character.
//
// The published BERT models were trained behind Hugging Face `tokenizers`, which sees categories as
// of Unicode 8.0 and canonical decompositions as of Unicode 9.0; token ids follow it exactly, so
// these functions answer for those versions whatever ICU is linked. Pure functions on any code
// point; thread-safe.
#ifndef CODELORE_EMBED_UNICODE_H_
#define CODELORE_EMBED_UNICODE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace codelore::embed {

enum class CharKind {
  kControl,         // Cc, Cf, Co, NUL and U+FFFD; but \t, \n, \r are spaces
  kSpace,           // White_Space
  kNonspacingMark,  // Mn
  kPunctuation,     // P*, and all of ASCII that is neither letter nor digit nor space nor control
  kOther,           // letters, digits, symbols, spacing marks, and what Unicode 8.0 did not assign
};

CharKind KindOf(char32_t c);

// The blocks of ideographs that become words of their own, as the reference lists them.
bool IsIdeograph(char32_t c);

// The full canonical decomposition of one character; itself if it has none. None is longer than 4.
struct Decomposition {
  std::array<char32_t, 4> chars;
  size_t size;
};
Decomposition Decompose(char32_t c);

// Canonical combining class; 0 for what Unicode 9.0 did not assign.
uint8_t CombiningClass(char32_t c);

char32_t LowerCase(char32_t c);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_UNICODE_H_
