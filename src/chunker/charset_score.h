// How likely text is that was decoded from a guessed encoding.
//
// Wrong guesses give characters that nobody writes: Korean read as Chinese gives rare ideographs,
// Latin read as Korean gives syllables outside of KS X 1001. Each character above ASCII counts
// between -3 and 1, by whether it is among the most frequent of its language; the score is the
// mean. Above about 0.3 is plausible, even for a few characters.
#ifndef CODELORE_CHUNKER_CHARSET_SCORE_H_
#define CODELORE_CHUNKER_CHARSET_SCORE_H_

#include <cstdint>
#include <string_view>

namespace codelore::chunker {

enum class Script : uint8_t {
  kKorean,
  kJapanese,
  kSimplifiedChinese,
  kTraditionalChinese,
  kCyrillic,
  kLatin
};

class CharsetScore {
 public:
  explicit CharsetScore(Script script) : script_(script) {}

  // One decoded character, the bytes it was decoded from, and the bytes around those (0 at an end).
  void Add(char16_t character, std::string_view bytes, char before, char after);
  // The mean; 0 if there was nothing above ASCII.
  double Mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  double Weight(char16_t character, std::string_view bytes, char before, char after) const;

  Script script_;
  double sum_ = 0;
  uint64_t count_ = 0;
};

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_CHARSET_SCORE_H_
