// Random texts, literals and regular expressions over a small alphabet, so that much of it matches.
#ifndef CODELORE_TESTS_INDEX_EXACT_RANDOM_PATTERNS_H_
#define CODELORE_TESTS_INDEX_EXACT_RANDOM_PATTERNS_H_

#include <array>
#include <random>
#include <string>
#include <vector>

namespace codelore::index {

class RandomPatterns {
 public:
  explicit RandomPatterns(uint32_t seed) : random_(seed) {}

  size_t Below(size_t n) { return random_() % n; }
  std::mt19937& random() { return random_; }

  std::string Character() {
    static const std::vector<std::string> kCharacters = {"a", "a", "b", "b", "c", "d", "e", "k", "s", "A", "B", "K", "S", "_", "1", "(", ".",
                                                         " ", "é", "É", "ſ", "K", "가", "나", "한", "글", "σ", "ς", "Σ"};
    return kCharacters[Below(Below(3) == 0 ? kCharacters.size() : 9)];
  }

  std::string Word(size_t most) {
    std::string word;
    for (size_t n = 1 + Below(most); n > 0; --n) word += Character();
    return word;
  }

  // Lines of words out of `vocabulary`, some long, some empty; at times without a line break at the end.
  std::string Text(const std::vector<std::string>& vocabulary, size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
      size_t kind = Below(400);
      text += kind < 40 ? "\n" : kind < 50 ? "\r\n" : Below(3) == 0 ? Word(6) : vocabulary[Below(vocabulary.size())];
      if (kind == 399 && bytes > 20'000) {
        for (int i = 0; i < 2000; ++i) text += Word(6);  // a line longer than a block
      }
    }
    if (Below(2) == 0) text += '\n';
    return text;
  }

  std::vector<std::string> Vocabulary(size_t words) {
    std::vector<std::string> vocabulary;
    for (size_t i = 0; i < words; ++i) vocabulary.push_back(Word(9));
    return vocabulary;
  }

  std::string Regex(int depth, const std::vector<std::string>& vocabulary) {
    switch (Below(depth > 0 ? 14 : 6)) {
      case 0: return Quoted(Character());
      case 1: return Quoted(Word(4));
      case 2: return Quoted(vocabulary[Below(vocabulary.size())]);
      case 3: return Atom();
      case 4: return Class();
      case 5: return Quoted(Word(8));
      case 6: case 7: case 8: return Regex(depth - 1, vocabulary) + Regex(depth - 1, vocabulary);
      case 9: return "(" + Regex(depth - 1, vocabulary) + "|" + Regex(depth - 1, vocabulary) + ")";
      case 10: return "(?:" + Regex(depth - 1, vocabulary) + ")" + Count();
      case 11: return "(?i:" + Regex(depth - 1, vocabulary) + ")";
      case 12: return Regex(depth - 1, vocabulary) + "|" + Regex(depth - 1, vocabulary);
      default: return "(" + Regex(depth - 1, vocabulary) + ")" + Count();
    }
  }

 private:
  static std::string Quoted(const std::string& text) {
    std::string quoted;
    for (char c : text) {
      if (c == '(' || c == '.') quoted += '\\';
      quoted += c;
    }
    return quoted;
  }
  std::string Atom() {
    static const std::vector<std::string> kAtoms = {".", "\\w", "\\s", "\\d", "\\b", "\\B", "^", "$", "\\W", "\\pL", "\\p{Hangul}", "\\x61", "\\x{AC00}",
                                                    "[[:alpha:]]", "\\Qab\\E", "\\Qa.\\E", "(?i)", "(?-i)", "(?s)", "a?", "\\x6B", "[^a]", "[^가]", "\\S", "a{2}", "\\141", "{", "{,1"};
    return kAtoms[Below(kAtoms.size())];
  }
  std::string Class() {
    std::string members = Below(6) == 0 ? "^" : "";
    for (size_t n = 1 + Below(3); n > 0; --n) members += Below(4) == 0 ? "a-c" : Below(8) == 0 ? "\\d" : Character();
    return "[" + members + "]";
  }
  std::string Count() {
    static const std::vector<std::string> kCounts = {"*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,1}", "{3,}", "{2,5}", "{0}", "{1}"};
    return kCounts[Below(kCounts.size())];
  }

  std::mt19937 random_;
};

}  // namespace codelore::index

#endif  // CODELORE_TESTS_INDEX_EXACT_RANDOM_PATTERNS_H_
