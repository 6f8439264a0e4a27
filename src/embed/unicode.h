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
#include <string>
#include <string_view>

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

// Letters, digits, marks and connectors: \w of UTS 18.
bool IsWordCharacter(char32_t c);

// Unicode's White_Space.
bool IsWhiteSpace(char32_t c);

// The bytes of the extended grapheme cluster (UAX 29) that well-formed `text` starts with.
// Conjuncts of Indic scripts (rule GB9c) are cut: who asks here treats all clusters of six bytes
// and more alike.
size_t GraphemeLength(std::string_view text);

// Normalization form KC of well-formed text; what Unicode 9.0 did not assign stays as it is.
std::string Nfkc(std::string_view text);

// `text` with U+FFFD for each maximal part that is no UTF-8 (Unicode 15, 3.9: U+FFFD substitution).
std::string ReplaceBrokenUtf8(std::string_view text);

// `c` in UTF-8 at `out`; returns its length.
size_t PutUtf8(char32_t c, char* out);
// The character of the well-formed sequence `s`.
char32_t GetUtf8(std::string_view s);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_UNICODE_H_
