#include "embed/unicode.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace codelore::embed {

namespace {

bool IsAssignedBy(char32_t c, uint8_t major_version) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] < major_version || (age[0] == major_version && age[1] == 0);
}

// Characters that are of another kind by Unicode 8.0 than by later versions.
struct KindChange {
  char32_t c;
  CharKind kind;
};
constexpr KindChange kChanges[] = {
    {0x166D, CharKind::kPunctuation},     // CANADIAN SYLLABICS CHI SIGN, later a symbol
    {0x1734, CharKind::kNonspacingMark},  // HANUNOO SIGN PAMUDPOD, later spacing
    {0x1885, CharKind::kOther},           // MONGOLIAN LETTER ALI GALI BALUDA, later a mark
    {0x1886, CharKind::kOther},           // MONGOLIAN LETTER ALI GALI THREE BALUDA, later a mark
    {0xA9BD, CharKind::kOther},           // JAVANESE CONSONANT SIGN KERET, later nonspacing
    {0x111C9, CharKind::kPunctuation},    // SHARADA SANDHI MARK, later a mark
};

CharKind KindOfCategory(int8_t category) {
  switch (category) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
      return CharKind::kControl;
    case U_NON_SPACING_MARK:
      return CharKind::kNonspacingMark;
    case U_DASH_PUNCTUATION:
    case U_START_PUNCTUATION:
    case U_END_PUNCTUATION:
    case U_CONNECTOR_PUNCTUATION:
    case U_OTHER_PUNCTUATION:
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
      return CharKind::kPunctuation;
    default:
      return CharKind::kOther;
  }
}

CharKind KindOfAscii(char32_t c) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return CharKind::kSpace;
  if (c < ' ' || c == 0x7F) return CharKind::kControl;
  const char32_t lower = c | 0x20;
  const bool word = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
  return word ? CharKind::kOther : CharKind::kPunctuation;
}

}  // namespace

CharKind KindOf(char32_t c) {
  if (c < 0x80) return KindOfAscii(c);
  if (c == 0xFFFD) return CharKind::kControl;
  for (const KindChange& change : kChanges) {
    if (change.c == c) return change.kind;
  }
  const int8_t category = u_charType(static_cast<UChar32>(c));
  if (category == U_UNASSIGNED || !IsAssignedBy(c, 8)) return CharKind::kOther;
  const CharKind kind = KindOfCategory(category);
  return kind == CharKind::kOther && u_isUWhiteSpace(static_cast<UChar32>(c)) ? CharKind::kSpace
                                                                              : kind;
}

bool IsIdeograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) ||  // a slip of the reference for 2B820, kept
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

Decomposition Decompose(char32_t c) {
  Decomposition result = {{c}, 1};
  if (c < 0xC0 || !IsAssignedBy(c, 9)) return result;
  UErrorCode error = U_ZERO_ERROR;
  static const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(error);
  icu::UnicodeString text;
  if (nfd == nullptr || !nfd->getDecomposition(static_cast<UChar32>(c), text)) return result;
  result.size = 0;
  for (int32_t i = 0; i < text.length() && result.size < result.chars.size();) {
    const UChar32 part = text.char32At(i);
    result.chars[result.size++] = static_cast<char32_t>(part);
    i += U16_LENGTH(part);
  }
  return result;
}

uint8_t CombiningClass(char32_t c) {
  return c < 0x300 || !IsAssignedBy(c, 9) ? 0 : u_getCombiningClass(static_cast<UChar32>(c));
}

char32_t LowerCase(char32_t c) { return static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))); }

}  // namespace codelore::embed
