#include "index/analysis/analyzer.h"

#include <libstemmer.h>
#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "codelore/utf8.h"

namespace codelore::index {
namespace {

constexpr size_t kMaxTermBytes = 96;    // longer words are hashes, keys and data; cut there
constexpr size_t kStemMemoSize = 1 << 16;

enum AsciiClass : uint8_t { kOther, kLower, kUpper, kDigit, kUnderscore };

constexpr std::array<AsciiClass, 256> MakeClasses() {
  std::array<AsciiClass, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = kLower;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = kUpper;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = kDigit;
  classes['_'] = kUnderscore;
  return classes;
}
constexpr std::array<AsciiClass, 256> kClasses = MakeClasses();

AsciiClass ClassOf(char c) { return kClasses[static_cast<uint8_t>(c)]; }
bool IsAscii(char c) { return static_cast<uint8_t>(c) < 0x80; }

void LowerAscii(std::string_view word, std::string& lower) {
  lower.assign(word);
  for (char& c : lower) {
    if (ClassOf(c) == kUpper) c = static_cast<char>(c + ('a' - 'A'));
  }
}

enum class Script { kNone, kHangul, kIdeographic, kUnspaced, kLetter };

Script ScriptOf(UChar32 c) {
  if (c < 0x80) return ClassOf(static_cast<char>(c)) == kOther ? Script::kNone : Script::kLetter;
  if (c >= 0xAC00 && c <= 0xD7A3) return Script::kHangul;
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(c, &error)) {
    case USCRIPT_HAN: case USCRIPT_HIRAGANA: case USCRIPT_KATAKANA: case USCRIPT_BOPOMOFO:
      return u_isalnum(c) ? Script::kIdeographic : Script::kNone;
    case USCRIPT_HANGUL: return Script::kHangul;
    case USCRIPT_THAI: case USCRIPT_LAO: case USCRIPT_KHMER: case USCRIPT_MYANMAR:
      return Script::kUnspaced;
    default: break;
  }
  if (c == 0x30FC) return Script::kIdeographic;  // the long-vowel mark, script "common"
  bool letter = u_isalnum(c) || u_getCombiningClass(c) != 0 || u_charType(c) == U_NON_SPACING_MARK;
  return letter ? Script::kLetter : Script::kNone;
}

}  // namespace

void SplitIdentifier(std::string_view word, std::vector<std::string_view>& parts) {
  size_t begin = 0;
  auto cut = [&](size_t end) {
    if (end > begin) parts.push_back(word.substr(begin, end - begin));
  };
  for (size_t i = 0; i < word.size(); ++i) {
    AsciiClass now = ClassOf(word[i]);
    if (now == kUnderscore) {
      cut(i);
      begin = i + 1;
      continue;
    }
    if (i == begin) continue;
    AsciiClass before = ClassOf(word[i - 1]);
    bool boundary = (now == kDigit) != (before == kDigit) || (now == kUpper && before == kLower);
    if (boundary) {
      cut(i);
      begin = i;
    } else if (now == kLower && before == kUpper && i - 1 > begin) {  // the S of HTTPServer
      cut(i - 1);
      begin = i - 1;
    }
  }
  cut(word.size());
}

class Analyzer::Implementation {
 public:
  Implementation() : stemmer_(sb_stemmer_new("english", "UTF_8")) {
    UErrorCode error = U_ZERO_ERROR;
    normalizer_ = icu::Normalizer2::getNFKCInstance(error);
    breaker_.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), error));
  }
  ~Implementation() { sb_stemmer_delete(stemmer_); }

  uint32_t Analyze(std::string_view text, const Sink& sink, uint32_t position) {
    sink_ = &sink;
    position_ = position;
    for (size_t i = 0; i < text.size();) {
      if (IsAscii(text[i]) && ClassOf(text[i]) == kOther) {
        ++i;
        continue;
      }
      size_t end = i;
      while (end < text.size() && ClassOf(text[end]) != kOther) ++end;
      if (end < text.size() && !IsAscii(text[end])) {
        end = EndOfForeignRegion(text, i);
        ForeignRegion(text.substr(i, end - i));
      } else if (size_t number_end = EndOfDottedNumber(text, i, end); number_end > end) {
        DottedNumber(text.substr(i, number_end - i));
        end = number_end;
      } else {
        AsciiWord(text.substr(i, end - i), text.substr(i, end - i));
      }
      i = end;
    }
    return position_;
  }

 private:
  void Emit(std::string_view term, std::string_view raw, TokenForm form, TermNote note = {}) {
    (*sink_)({Utf8Prefix(term, kMaxTermBytes), raw, position_, form, note});
  }

  // `raw` are the bytes in the text that `word` came from (the same, unless normalised).
  void AsciiWord(std::string_view word, std::string_view raw) {
    if (word.size() > WordMemo::kLongestWord) {
      return ForEachTerm(word, [&](std::string_view term, TokenForm form) { EmitWordTerm(term, raw, form); });
    }
    char* record = memo_.Find(word);
    if (record == nullptr) {
      memo_.Begin(word);
      ForEachTerm(word, [&](std::string_view term, TokenForm form) { memo_.AddTerm(term, static_cast<uint8_t>(form)); });
      record = memo_.Find(word);
    }
    WordMemo::ForEach(record, [&](std::string_view term, uint8_t form, TermNote note) {
      EmitWordTerm(term, raw, static_cast<TokenForm>(form), note);
    });
  }

  template <typename Visit>
  void ForEachTerm(std::string_view word, const Visit& visit) {
    parts_.clear();
    SplitIdentifier(word, parts_);  // none if there are only underscores
    if (parts_.size() > 1) {
      LowerAscii(word, lower_);
      visit(lower_, TokenForm::kCompound);
    }
    for (std::string_view part : parts_) {
      LowerAscii(part, lower_part_);
      visit(Stem(lower_part_), parts_.size() > 1 ? TokenForm::kPart : TokenForm::kWord);
    }
  }

  void EmitWordTerm(std::string_view term, std::string_view raw, TokenForm form, TermNote note = {}) {
    Emit(term, raw, form, note);
    position_ += form != TokenForm::kCompound;  // it stands where its first part does
  }

  void EmitPart(std::string_view part, std::string_view raw, TokenForm form) {
    LowerAscii(part, lower_part_);
    EmitWordTerm(Stem(lower_part_), raw, form);
  }

  // `word` is lower-case ASCII: letters only, or digits only.
  std::string_view Stem(const std::string& word) {
    if (word.size() <= 2 || word.size() > 32 || ClassOf(word[0]) == kDigit) return word;
    if (auto at = stems_.find(word); at != stems_.end()) return at->second;
    if (stems_.size() >= kStemMemoSize) stems_.clear();
    const sb_symbol* stem =
        sb_stemmer_stem(stemmer_, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
    auto length = static_cast<size_t>(sb_stemmer_length(stemmer_));
    return stems_.emplace(word, std::string(reinterpret_cast<const char*>(stem), length)).first->second;
  }

  static size_t EndOfDottedNumber(std::string_view text, size_t begin, size_t end) {
    auto all_digits = [&](size_t from, size_t to) {
      for (size_t i = from; i < to; ++i) {
        if (ClassOf(text[i]) != kDigit) return false;
      }
      return to > from;
    };
    if (!all_digits(begin, end)) return end;
    while (end + 1 < text.size() && text[end] == '.' && ClassOf(text[end + 1]) == kDigit) {
      size_t next = end + 1;
      while (next < text.size() && ClassOf(text[next]) != kOther) ++next;
      if (!all_digits(end + 1, next)) break;
      end = next;
    }
    return end;
  }

  void DottedNumber(std::string_view number) {
    Emit(number, number, TokenForm::kCompound);
    for (size_t i = 0; i < number.size();) {
      size_t end = std::min(number.find('.', i), number.size());
      EmitPart(number.substr(i, end - i), number, TokenForm::kPart);
      i = end + 1;
    }
  }

  // From the start of a word that runs into a non-ASCII character, to the next ASCII separator.
  static size_t EndOfForeignRegion(std::string_view text, size_t begin) {
    size_t end = begin;
    while (end < text.size() && !(IsAscii(text[end]) && ClassOf(text[end]) == kOther)) ++end;
    return end;
  }

  void ForeignRegion(std::string_view region) {
    UErrorCode error = U_ZERO_ERROR;
    auto size = static_cast<int32_t>(region.size());
    icu::UnicodeString text = normalizer_->normalize(icu::UnicodeString::fromUTF8({region.data(), size}), error);
    if (U_FAILURE(error)) return;
    for (int32_t i = 0; i < text.length();) {
      Script script = ScriptOf(text.char32At(i));
      int32_t end = i;
      while (end < text.length() && ScriptOf(text.char32At(end)) == script) end = text.moveIndex32(end, 1);
      ForeignRun(text.tempSubStringBetween(i, end), script, region);
      i = end;
    }
  }

  void ForeignRun(const icu::UnicodeString& run, Script script, std::string_view raw) {
    switch (script) {
      case Script::kNone: return;
      case Script::kHangul:
      case Script::kIdeographic: return Bigrams(run, raw);
      case Script::kUnspaced: return UnspacedWords(run, raw);
      case Script::kLetter: break;
    }
    std::string word;
    run.toUTF8String(word);
    if (std::all_of(word.begin(), word.end(), IsAscii)) return AsciiWord(word, raw);
    EmitFolded(run, raw, TokenForm::kWord);
    ++position_;
  }

  void EmitFolded(const icu::UnicodeString& text, std::string_view raw, TokenForm form) {
    std::string term;
    icu::UnicodeString(text).foldCase().toUTF8String(term);
    Emit(term, raw, form);
  }

  void Bigrams(const icu::UnicodeString& run, std::string_view raw) {
    int32_t second = run.moveIndex32(0, 1);
    if (second >= run.length()) {
      EmitFolded(run, raw, TokenForm::kBigram);
      ++position_;
      return;
    }
    for (int32_t first = 0; second < run.length(); ++position_) {
      int32_t end = run.moveIndex32(second, 1);
      EmitFolded(run.tempSubStringBetween(first, end), raw, TokenForm::kBigram);
      first = second;
      second = end;
    }
  }

  void UnspacedWords(const icu::UnicodeString& run, std::string_view raw) {
    breaker_->setText(run);
    for (int32_t begin = breaker_->first(), end = breaker_->next(); end != icu::BreakIterator::DONE;
         begin = end, end = breaker_->next()) {
      EmitFolded(run.tempSubStringBetween(begin, end), raw, TokenForm::kWord);
      ++position_;
    }
  }

  sb_stemmer* stemmer_;
  const icu::Normalizer2* normalizer_ = nullptr;  // owned by ICU
  std::unique_ptr<icu::BreakIterator> breaker_;
  std::unordered_map<std::string, std::string> stems_;
  WordMemo memo_;
  std::vector<std::string_view> parts_;
  std::string lower_, lower_part_;
  const Sink* sink_ = nullptr;
  uint32_t position_ = 0;
};

Analyzer::Analyzer() : implementation_(std::make_unique<Implementation>()) {}
Analyzer::~Analyzer() = default;

uint32_t Analyzer::Analyze(std::string_view text, const Sink& sink, uint32_t position) {
  return implementation_->Analyze(text, sink, position);
}

std::vector<std::string> Analyzer::Terms(std::string_view text) {
  std::vector<std::string> terms;
  Analyze(text, [&](const Token& token) { terms.emplace_back(token.term); });
  return terms;
}

}  // namespace codelore::index
