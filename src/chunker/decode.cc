#include "chunker/decode.h"

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "chunker/charset_score.h"
#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr size_t kMaxScoredBytes = 1 << 18;  // enough to tell encodings apart
constexpr double kPlausible = 0.25;          // CharsetScore of text
constexpr int32_t kMinConfidence = 40;       // of ICU's detector, in percent

struct ConverterDeleter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
struct DetectorDeleter {
  void operator()(UCharsetDetector* detector) const { ucsdet_close(detector); }
};
using ConverterPtr = std::unique_ptr<UConverter, ConverterDeleter>;

ConverterPtr OpenConverter(const char* name) {
  UErrorCode error = U_ZERO_ERROR;
  ConverterPtr converter(ucnv_open(name, &error));
  return U_SUCCESS(error) ? std::move(converter) : nullptr;
}

// Calls visit(unit, offset of the byte it comes from) for each UTF-16 code unit; invalid input
// gives U+FFFD.
template <typename Visit>
void Convert(UConverter* converter, std::string_view bytes, Visit visit) {
  constexpr size_t kBlock = 4'096;
  UChar units[kBlock];
  int32_t offsets[kBlock];
  const char* source = bytes.data();
  const char* end = bytes.data() + bytes.size();
  for (bool done = false; !done;) {
    UErrorCode error = U_ZERO_ERROR;
    UChar* target = units;
    auto base = source - bytes.data();
    ucnv_toUnicode(converter, &target, units + kBlock, &source, end, offsets, /*flush=*/true,
                   &error);
    done = error != U_BUFFER_OVERFLOW_ERROR;
    for (UChar* unit = units; unit < target; ++unit)
      visit(*unit, static_cast<size_t>(base + std::max(offsets[unit - units], 0)));
  }
}

// Decodes by ICU; NUL counts as what no text holds.
DecodedText DecodeWith(const char* icu_name, std::string_view charset, std::string_view bytes) {
  DecodedText result;
  result.charset = charset;
  ConverterPtr converter = OpenConverter(icu_name);
  if (converter == nullptr) {
    result.is_binary = true;
    return result;
  }
  result.text.reserve(bytes.size() * 3 / 2);
  char16_t high = 0;
  Convert(converter.get(), bytes, [&](char16_t unit, size_t) {
    if (U16_IS_LEAD(unit)) {
      high = unit;
      return;
    }
    uint32_t code = U16_IS_TRAIL(unit) && high != 0
                        ? static_cast<uint32_t>(U16_GET_SUPPLEMENTARY(high, unit))
                        : unit;
    high = 0;
    if (code == 0 || code == 0xFFFD || U_IS_SURROGATE(code)) {
      result.text += kReplacement;
      ++result.replaced;
      return;
    }
    char encoded[4];
    int32_t length = 0;
    U8_APPEND_UNSAFE(encoded, length, code);
    result.text.append(encoded, static_cast<size_t>(length));
  });
  if (result.text.starts_with("\xEF\xBB\xBF")) result.text.erase(0, 3);
  return result;
}

// ---- what the bytes look like
// -----------------------------------------------------------------------------

struct ByteCensus {
  uint64_t nuls = 0;
  uint64_t controls = 0;     // below space, other than white space, backspace and escape
  uint64_t sequences = 0;    // well-formed UTF-8 of more than one byte
  uint64_t invalid = 0;      // bytes that belong to no well-formed sequence
  uint64_t odd_letters = 0;  // sequences for U+0180 to U+024F, which hardly any language writes
};

ByteCensus Count(std::string_view bytes) {
  ByteCensus census;
  for (size_t i = 0; i < bytes.size();) {
    auto byte = static_cast<uint8_t>(bytes[i]);
    if (byte < 0x80) {
      if (byte == 0)
        ++census.nuls;
      else if (byte < 0x20 && (byte < 0x08 || byte > 0x0D) && byte != 0x1B)
        ++census.controls;
      ++i;
      continue;
    }
    size_t length = Utf8SequenceLength(bytes.substr(i, 4));
    if (length == 0) {
      ++census.invalid;
      ++i;
      continue;
    }
    ++census.sequences;
    if (byte >= 0xC6 && byte <= 0xC9) ++census.odd_letters;
    i += length;
  }
  return census;
}

bool HasBinarySignature(std::string_view bytes) {
  using namespace std::string_view_literals;
  for (std::string_view magic :
       {"\x89PNG"sv, "GIF87a"sv, "GIF89a"sv, "%PDF-"sv, "PK\x03\x04"sv, "\x1F\x8B\x08"sv,
        "\x7F"
        "ELF"sv,
        "\xFF\xD8\xFF"sv, "BZh9"sv,
        "\xFD"
        "7zXZ"sv,
        "\x28\xB5\x2F\xFD"sv, "Rar!\x1A"sv, "7z\xBC\xAF"sv, "\xCA\xFE\xBA\xBE"sv, "OggS"sv,
        "RIFF"sv, "wOFF"sv, "wOF2"sv}) {
    if (bytes.starts_with(magic))
      return magic != "RIFF" || bytes.substr(0, 64).find('\0') != std::string_view::npos;
  }
  return false;
}

// Whether UTF-16 units are what text consists of. Without a mark there must be ASCII among them
// (spaces, line ends).
bool IsPlausibleUtf16(std::string_view bytes, bool big_endian, bool has_mark) {
  if (!has_mark && bytes.size() % 2 != 0) return false;
  size_t units = std::min(bytes.size(), kMaxScoredBytes) / 2;
  if (units == 0) return false;
  size_t ascii = 0, good = 0;
  for (size_t i = 0; i < units; ++i) {
    auto low = static_cast<uint8_t>(bytes[2 * i + (big_endian ? 1 : 0)]);
    auto high = static_cast<uint8_t>(bytes[2 * i + (big_endian ? 0 : 1)]);
    uint32_t unit = high * 256u + low;
    bool is_ascii = (unit >= 0x20 && unit < 0x7F) || unit == '\n' || unit == '\r' || unit == '\t';
    bool is_common = (unit >= 0xA0 && unit < 0x0600) || (unit >= 0x2000 && unit < 0x2700) ||
                     (unit >= 0x3000 && unit < 0x3200) || (unit >= 0x4E00 && unit < 0xA000) ||
                     (unit >= 0xAC00 && unit < 0xD7A4) || (unit >= 0xD800 && unit < 0xE000) ||
                     (unit >= 0xFF00 && unit < 0xFFEF);
    ascii += is_ascii;
    good += is_ascii || is_common;
  }
  return good * 100 >= units * 97 && (has_mark || ascii * 20 >= units);
}

// ---- the decoders
// -----------------------------------------------------------------------------------------

DecodedText DecodeUtf8(std::string_view bytes, const ByteCensus& census) {
  DecodedText result;
  result.charset = "utf-8";
  if (census.invalid == 0 && census.nuls == 0) {
    result.text = bytes;
    return result;
  }
  bool after_invalid = false;
  for (size_t i = 0; i < bytes.size();) {
    size_t length = bytes[i] == '\0' ? 0 : Utf8SequenceLength(bytes.substr(i, 4));
    if (length > 0) {
      result.text += bytes.substr(i, length);
      after_invalid = false;
    } else if (!after_invalid || !IsUtf8Continuation(bytes[i])) {
      result.text += kReplacement;
      ++result.replaced;
      after_invalid = true;
    }
    i += std::max<size_t>(length, 1);
  }
  return result;
}

struct Candidate {
  const char* icu_name;
  std::string_view charset;
  Script script;
};
constexpr Candidate kCandidates[] = {
    {"windows-949", "cp949", Script::kKorean},
    {"ibm-943_P15A-2003", "shift_jis", Script::kJapanese},
    {"EUC-JP", "euc-jp", Script::kJapanese},
    {"GB18030", "gb18030", Script::kSimplifiedChinese},
    {"Big5", "big5", Script::kTraditionalChinese},
    {"windows-1251", "windows-1251", Script::kCyrillic},
    {"KOI8-R", "koi8-r", Script::kCyrillic},
    {"windows-1252", "windows-1252", Script::kLatin},
};

double Score(const Candidate& candidate, std::string_view bytes) {
  ConverterPtr converter = OpenConverter(candidate.icu_name);
  if (converter == nullptr) return -3;
  CharsetScore score(candidate.script);
  char16_t unit = 0;
  size_t begin = 0;
  auto add_until = [&](size_t end) {
    if (end > begin)
      score.Add(unit, bytes.substr(begin, end - begin), begin > 0 ? bytes[begin - 1] : '\0',
                end < bytes.size() ? bytes[end] : '\0');
  };
  Convert(converter.get(), bytes, [&](char16_t next, size_t offset) {
    add_until(offset);
    unit = next;
    begin = offset;
  });
  add_until(bytes.size());
  return score.Mean();
}

// The lines that hold bytes above ASCII: what tells encodings apart.
std::string LinesToScore(std::string_view bytes) {
  std::string lines;
  while (!bytes.empty() && lines.size() < kMaxScoredBytes) {
    size_t end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
    std::string_view line = bytes.substr(0, end);
    if (std::any_of(line.begin(), line.end(), [](char c) { return (c & 0x80) != 0; }))
      lines += line.substr(0, kMaxScoredBytes);
    bytes.remove_prefix(end);
  }
  return lines;
}

// Its detector also finds mainframe encodings in what is none of them.
constexpr std::string_view kUsualCharsets[] = {"ISO-8859", "windows-", "KOI8",     "Big5",
                                               "GB18030",  "EUC-",     "Shift_JIS"};

// What ICU's detector says, if it is sure enough; empty otherwise.
std::string DetectByIcu(std::string_view bytes) {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<UCharsetDetector, DetectorDeleter> detector(ucsdet_open(&error));
  if (U_FAILURE(error)) return "";
  ucsdet_setText(detector.get(), bytes.data(),
                 static_cast<int32_t>(std::min(bytes.size(), kMaxScoredBytes)), &error);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &error);
  if (U_FAILURE(error) || match == nullptr || ucsdet_getConfidence(match, &error) < kMinConfidence)
    return "";
  const char* name = ucsdet_getName(match, &error);
  std::string_view found = U_SUCCESS(error) && name != nullptr ? name : "";
  bool is_usual = std::any_of(std::begin(kUsualCharsets), std::end(kUsualCharsets),
                              [&](std::string_view prefix) { return found.starts_with(prefix); });
  return is_usual ? std::string(found) : "";
}

DecodedText DecodeLegacy(std::string_view bytes) {
  std::string sample = LinesToScore(bytes);
  const Candidate* best = nullptr;
  double best_score = -4;
  for (const Candidate& candidate : kCandidates) {
    double score = Score(candidate, sample);
    if (score > best_score) {
      best_score = score;
      best = &candidate;
    }
  }
  if (best_score < kPlausible) {
    if (std::string name = DetectByIcu(sample); !name.empty())
      return DecodeWith(name.c_str(), name, bytes);
    best = &kCandidates[std::size(kCandidates) - 1];  // Latin-1 gives something for any byte
  }
  return DecodeWith(best->icu_name, best->charset, bytes);
}

// By a byte order mark, or the escape sequences of the seven-bit encodings; an empty charset if
// there is neither.
DecodedText DecodeMarked(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xFE\0\0"sv)) return DecodeWith("UTF-32LE", "utf-32le", bytes);
  if (bytes.starts_with("\0\0\xFE\xFF"sv)) return DecodeWith("UTF-32BE", "utf-32be", bytes);
  if (bytes.starts_with("\xFF\xFE"sv) && IsPlausibleUtf16(bytes.substr(2), false, true))
    return DecodeWith("UTF-16LE", "utf-16le", bytes);
  if (bytes.starts_with("\xFE\xFF"sv) && IsPlausibleUtf16(bytes.substr(2), true, true))
    return DecodeWith("UTF-16BE", "utf-16be", bytes);
  if (bytes.find("\x1B$)C"sv) != std::string_view::npos)
    return DecodeWith("ISO-2022-KR", "iso-2022-kr", bytes);
  if (bytes.find("\x1B$B"sv) != std::string_view::npos ||
      bytes.find("\x1B$@"sv) != std::string_view::npos)
    return DecodeWith("ISO-2022-JP", "iso-2022-jp", bytes);
  return {};
}

}  // namespace

DecodedText DecodeToUtf8(std::string_view bytes) {
  DecodedText binary;
  binary.is_binary = true;
  if (HasBinarySignature(bytes)) return binary;
  if (DecodedText marked = DecodeMarked(bytes);
      !marked.charset.empty() && marked.replaced * 20 <= bytes.size())
    return marked;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);

  ByteCensus census = Count(bytes);
  bool is_utf8 = census.invalid == 0 || census.sequences > 4 * census.invalid;
  if (census.nuls > 0) {
    if (IsPlausibleUtf16(bytes, false, false)) return DecodeWith("UTF-16LE", "utf-16le", bytes);
    if (IsPlausibleUtf16(bytes, true, false)) return DecodeWith("UTF-16BE", "utf-16be", bytes);
    // A stray NUL makes no binary file of a text.
    if (!is_utf8 || census.nuls * 1'000 > bytes.size()) return binary;
  }
  if (census.controls * 20 > bytes.size()) return binary;
  // A few Korean words may happen to be well-formed UTF-8, for letters that nobody writes.
  bool looks_odd =
      census.invalid == 0 && census.sequences > 0 && census.odd_letters == census.sequences;
  if (looks_odd && Score(kCandidates[0], LinesToScore(bytes)) > kPlausible)
    return DecodeWith("windows-949", "cp949", bytes);
  return is_utf8 ? DecodeUtf8(bytes, census) : DecodeLegacy(bytes);
}

}  // namespace codelore::chunker
