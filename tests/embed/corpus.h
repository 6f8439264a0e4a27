// The corpus that the tokenizer is compared on: lines made from their number alone.
// make_reference.py has the same recipe, and the committed hashes say whether both made the same
// lines (tests/testdata/embed).
#ifndef CODELORE_TESTS_EMBED_CORPUS_H_
#define CODELORE_TESTS_EMBED_CORPUS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::embed {

// splitmix64 (Steele, Lea, Flood 2014).
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  uint64_t Below(uint64_t n) { return Next() % n; }
  // From -1 to 1.
  float Float() { return static_cast<float>(static_cast<double>(Next() >> 11) * 0x1p-52 - 1); }

 private:
  uint64_t state_;
};

// FNV-1a, 64 bits.
class Fnv {
 public:
  void Add(std::string_view bytes) {
    for (char byte : bytes) value_ = (value_ ^ static_cast<uint8_t>(byte)) * 0x100000001B3u;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xCBF29CE484222325u;
};

class Corpus {
 public:
  static constexpr uint64_t kLines = 20000;  // Line(0) ...: code, English, Korean, ... broken UTF-8
  static constexpr uint64_t kSweepLines =
      0x110000 / 64;  // SweepLine(0) ...: every code point there is

  // Words are taken from the model's vocabulary.
  explicit Corpus(std::string_view vocabulary);
  std::string Line(uint64_t number) const;
  static std::string SweepLine(uint64_t number);

 private:
  struct Range {
    uint64_t first, last;
  };
  std::string Word(Rng& rng) const { return words_[rng.Below(words_.size())]; }
  static std::string Char(uint64_t c);
  static std::string CharOf(Rng& rng, std::span<const Range> ranges);
  std::string Mixed(Rng& rng, std::span<const Range> ranges, uint64_t word_in) const;
  std::string Code(Rng& rng) const;
  std::string English(Rng& rng) const;
  static std::string Bytes(Rng& rng);
  std::string LongWords(Rng& rng) const;

  std::vector<std::string> words_;
};

inline Corpus::Corpus(std::string_view vocabulary) {
  while (!vocabulary.empty()) {
    std::string_view word = vocabulary.substr(0, vocabulary.find('\n'));
    vocabulary.remove_prefix(word.size() + 1);
    if (word.size() > 2 && word.starts_with("##")) word.remove_prefix(2);
    words_.emplace_back(word);
  }
}

inline std::string Upper(std::string word, size_t most) {
  for (size_t i = 0; i < word.size() && i < most; ++i) {
    if (word[i] >= 'a' && word[i] <= 'z') word[i] = static_cast<char>(word[i] - 32);
  }
  return word;
}

inline std::string Corpus::Char(uint64_t c) {
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
  if (c < 0x10000)
    return {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
            static_cast<char>(0x80 | (c & 63))};
  return {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
          static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
}

inline std::string Corpus::CharOf(Rng& rng, std::span<const Range> ranges) {
  const Range range = ranges[rng.Below(ranges.size())];
  const uint64_t c = range.first + rng.Below(range.last - range.first + 1);
  return c >= 0xD800 && c < 0xE000 ? "?" : Char(c);
}

// Characters of the ranges; one item in `word_in` is a word instead, one in five a space.
inline std::string Corpus::Mixed(Rng& rng, std::span<const Range> ranges, uint64_t word_in) const {
  std::string line;
  for (uint64_t n = 1 + rng.Below(40); n > 0; --n) {
    if (rng.Below(word_in) == 0) {
      line += Word(rng);
    } else if (rng.Below(5) == 0) {
      line += ' ';
    } else {
      line += CharOf(rng, ranges);
    }
  }
  return line;
}

inline std::string Corpus::Code(Rng& rng) const {
  static constexpr std::string_view kOperators[] = {
      "(",  ")",   "{",  "}",  "[",   "]",   " = ", " == ", "->", "::",   ";",  ", ",
      ".",  "&&",  "||", "<<", "// ", "/* ", " */", "# ",   "!",  "?",    ":",  "+=",
      "%d", "\\n", "$",  "@",  "`",   "~",   "^",   "<T>",  "0x", "1e-5", "__", "..."};
  std::string line(4 * rng.Below(4), ' ');
  for (uint64_t n = 1 + rng.Below(14); n > 0; --n) {
    switch (rng.Below(6)) {
      case 0:
        line += Word(rng);
        line += "_" + Word(rng);
        break;
      case 1:
        line += Word(rng);
        line += Upper(Word(rng), 1);
        line += Upper(Word(rng), 1);
        break;
      case 2:
        line += Upper(Word(rng), 1000);
        break;
      case 3:
        line += kOperators[rng.Below(std::size(kOperators))];
        break;
      case 4:
        line += std::to_string(rng.Below(1000000000));
        break;
      case 5:
        line += "\"" + Word(rng) + "\"";
        break;
    }
    if (rng.Below(2) == 0) line += ' ';
  }
  return line;
}

inline std::string Corpus::English(Rng& rng) const {
  static constexpr std::string_view kBetween[] = {
      " ", " ", " ", ", ", ". ", " - ", "'", "\t", "\r\n", "\xE2\x80\x99", "\xE2\x80\x94"};
  std::string line;
  for (uint64_t n = 1 + rng.Below(20); n > 0; --n) {
    const uint64_t upper = rng.Below(4);
    line += Upper(Word(rng), upper == 0 ? 1 : upper == 1 ? 1000 : 0);
    line += kBetween[rng.Below(std::size(kBetween))];
  }
  return line;
}

inline std::string Corpus::Bytes(Rng& rng) {
  static constexpr uint8_t kTelling[] = {0xC0, 0xC1, 0xC3, 0xE0, 0xE2, 0xED, 0xEF, 0xF0,
                                         0xF4, 0xF5, 0xFF, 0x80, 0x9F, 0xA0, 0xBF, 'a'};
  std::string line;
  for (uint64_t n = rng.Below(60); n > 0; --n) {
    line += static_cast<char>(rng.Below(2) == 0 ? rng.Below(256)
                                                : kTelling[rng.Below(std::size(kTelling))]);
  }
  return line;
}

// Around the longest word that is not unknown, and names of special tokens.
inline std::string Corpus::LongWords(Rng& rng) const {
  static constexpr std::string_view kNames[] = {"[CLS]", "[SEP]", "[PAD]", "[UNK]",   "[MASK]",
                                                "[cls]", "[MAS",  "K]",    "[[SEP]]", "[SEP"};
  static constexpr std::string_view kLetters[] = {
      "a", "Z", "7", "\xC3\xA9", "\xEA\xB0\x81", "\xE3\x81\x8C", "e\xCC\x81", "\xD0\xB6"};
  std::string line;
  for (uint64_t n = 1 + rng.Below(4); n > 0; --n) {
    const std::string_view letter = kLetters[rng.Below(std::size(kLetters))];
    for (uint64_t length = 30 + rng.Below(75); length > 0; --length) line += letter;
    line += rng.Below(3) == 0 ? "" : kNames[rng.Below(std::size(kNames))];
    line += rng.Below(2) == 0 ? " " : Word(rng);
  }
  return line;
}

inline std::string Corpus::Line(uint64_t number) const {
  static constexpr Range kKorean[] = {{0xAC00, 0xD7A3}, {0xAC00, 0xD7A3}, {0xAC00, 0xD7A3},
                                      {0x1100, 0x11FF}, {0x3131, 0x318E}, {0x4E00, 0x9FFF},
                                      {'!', '/'}};
  static constexpr Range kJapanese[] = {{0x3041, 0x3096}, {0x30A1, 0x30FA}, {0x4E00, 0x9FFF},
                                        {0xFF01, 0xFF9F}, {0x3000, 0x303F}, {0x3099, 0x309E}};
  static constexpr Range kEmoji[] = {{0x1F300, 0x1FAFF}, {0x2600, 0x27BF},   {0x1F1E6, 0x1F1FF},
                                     {0x1F3FB, 0x1F3FF}, {0x200D, 0x200D},   {0xFE0F, 0xFE0F},
                                     {0x20E3, 0x20E3},   {0xE0020, 0xE007F}, {'#', '9'}};
  static constexpr Range kControl[] = {{0, 0x20},        {0x7F, 0xA0},     {0x2000, 0x206F},
                                       {0xFEFF, 0xFEFF}, {0xAD, 0xAD},     {0xFFF0, 0xFFFF},
                                       {0xE000, 0xF8FF}, {0x180B, 0x180F}, {0x1680, 0x1680}};
  static constexpr Range kAny[] = {{0, 0x10FFFF}, {0, 0xFFFF}, {0, 0x7FF}};
  static constexpr Range kMarks[] = {
      {'A', 'z'},       {0xC0, 0x24F},  {0x1E00, 0x1FFF},   {0x300, 0x36F},
      {0x300, 0x36F},   {0x483, 0x489}, {0x591, 0x5BD},     {0x64B, 0x65F},
      {0x8D4, 0x8E1},   {0x93C, 0x94D}, {0x302A, 0x302F},   {0x1D165, 0x1D172},
      {0x1DC0, 0x1DFF}, {0x34F, 0x34F}, {0x11930, 0x11938}, {0x1133E, 0x1134D}};
  Rng rng(number);
  switch (number % 10) {
    case 0:
      return Code(rng);
    case 1:
      return English(rng);
    case 2:
      return Mixed(rng, kKorean, 10);
    case 3:
      return Mixed(rng, kJapanese, 10);
    case 4:
      return Mixed(rng, kEmoji, 3);
    case 5:
      return Mixed(rng, kControl, 3);
    case 6:
      return Mixed(rng, kAny, 10);
    case 7:
      return Bytes(rng);
    case 8:
      return Mixed(rng, kMarks, 20);
    default:
      return LongWords(rng);
  }
}

inline std::string Corpus::SweepLine(uint64_t number) {
  std::string line;
  for (uint64_t c = 64 * number; c < 64 * number + 64; ++c) {
    if (c < 0xD800 || c >= 0xE000) line += "a" + Char(c) + "b ";
  }
  return line;
}

}  // namespace codelore::embed

#endif  // CODELORE_TESTS_EMBED_CORPUS_H_
