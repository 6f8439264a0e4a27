#include "embed/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>

#include "codelore/utf8.h"

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

bool IsWordCharacter(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  return u_hasBinaryProperty(point, UCHAR_ALPHABETIC) ||
         u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL) ||
         (U_GET_GC_MASK(point) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

bool IsWhiteSpace(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }

// ---- grapheme clusters --------------------------------------------------------------------------

namespace {

UGraphemeClusterBreak BreakOf(char32_t c) {
  return static_cast<UGraphemeClusterBreak>(
      u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK));
}
bool IsPictograph(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC);
}

// What the rules must remember of the cluster so far.
struct Cluster {
  UGraphemeClusterBreak last;
  bool pictograph;  // it is a pictograph with its extensions, perhaps joined to others
  size_t flags;     // regional indicators at its end
};

bool Continues(const Cluster& cluster, char32_t c, UGraphemeClusterBreak next) {
  const auto last = cluster.last;
  const auto is_control = [](auto b) {
    return b == U_GCB_CONTROL || b == U_GCB_CR || b == U_GCB_LF;
  };
  if (last == U_GCB_CR && next == U_GCB_LF) return true;   // GB3
  if (is_control(last) || is_control(next)) return false;  // GB4, GB5
  if (last == U_GCB_L &&
      (next == U_GCB_L || next == U_GCB_V || next == U_GCB_LV || next == U_GCB_LVT))
    return true;
  if ((last == U_GCB_LV || last == U_GCB_V) && (next == U_GCB_V || next == U_GCB_T)) return true;
  if ((last == U_GCB_LVT || last == U_GCB_T) && next == U_GCB_T) return true;  // GB6 to GB8
  if (next == U_GCB_EXTEND || next == U_GCB_ZWJ || next == U_GCB_SPACING_MARK)
    return true;                                                                      // GB9, GB9a
  if (last == U_GCB_PREPEND) return true;                                             // GB9b
  if (last == U_GCB_ZWJ && cluster.pictograph && IsPictograph(c)) return true;        // GB11
  return last == U_GCB_REGIONAL_INDICATOR && next == last && cluster.flags % 2 == 1;  // GB12
}

}  // namespace

size_t GraphemeLength(std::string_view text) {
  size_t at = Utf8SequenceLength(text);
  if (at == 0 || at == text.size()) return text.size();
  char32_t c = GetUtf8(text.substr(0, at));
  if (c >= ' ' && c < 0x7F && static_cast<uint8_t>(text[at]) < 0x80) return 1;
  Cluster cluster = {BreakOf(c), IsPictograph(c), BreakOf(c) == U_GCB_REGIONAL_INDICATOR ? 1u : 0u};
  while (at < text.size()) {
    const size_t length = Utf8SequenceLength(text.substr(at));
    c = GetUtf8(text.substr(at, length));
    const UGraphemeClusterBreak next = BreakOf(c);
    if (length == 0 || !Continues(cluster, c, next)) break;
    cluster.pictograph =
        (cluster.pictograph && (next == U_GCB_EXTEND || next == U_GCB_ZWJ)) || IsPictograph(c);
    cluster.flags = next == U_GCB_REGIONAL_INDICATOR ? cluster.flags + 1 : 0;
    cluster.last = next;
    at += length;
  }
  return at;
}

// ---- whole texts --------------------------------------------------------------------------------

std::string Nfkc(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  static const icu::UnicodeSet known(u"[:age=9.0:]", error);
  static const icu::Normalizer2* all = icu::Normalizer2::getNFKCInstance(error);
  std::string result;
  if (all == nullptr) return std::string(text);
  const icu::FilteredNormalizer2 nfkc(*all, known);
  icu::StringByteSink<std::string> sink(&result);
  nfkc.normalizeUTF8(0, {text.data(), static_cast<int32_t>(text.size())}, sink, nullptr, error);
  return U_SUCCESS(error) ? result : std::string(text);
}

namespace {

// How many bytes at the start, which are no character, could still become one: they are replaced together (Unicode 15, 3.9,
// "maximal subpart").
size_t BrokenLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t whole = (lead & 0xF0) == 0xE0 ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 1;
  if (whole == 1 || text.size() < 2) return 1;
  const uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80, most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 1;
  return whole == 4 && text.size() > 2 && IsUtf8Continuation(text[2]) ? 3 : 2;
}

}  // namespace

std::string ReplaceBrokenUtf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    if (length > 0) {
      result += text.substr(0, length);
    } else {
      result += "\xEF\xBF\xBD";
      length = BrokenLength(text);
    }
    text.remove_prefix(length);
  }
  return result;
}

size_t PutUtf8(char32_t c, char* out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  const size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; --i, c >>= 6) out[i] = static_cast<char>(0x80 | (c & 0x3F));
  out[0] = static_cast<char>((0xF00 >> length & 0xFF) | c);
  return length;
}

char32_t GetUtf8(std::string_view s) {
  const auto lead = static_cast<uint8_t>(s[0]);
  if (s.size() == 1) return lead;
  char32_t c = lead & (0x7Fu >> s.size());
  for (char byte : s.substr(1)) c = c << 6 | (static_cast<uint8_t>(byte) & 0x3F);
  return c;
}

}  // namespace codelore::embed
