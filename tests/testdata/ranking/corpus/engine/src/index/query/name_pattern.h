// NamePattern: a name as a condition writes it: `*` stands for any characters, and small letters match capitals too
// as long as the pattern has none ("smart case"). Matching takes O(pattern * name) time. Immutable, thread-safe.
#ifndef CODELORE_INDEX_QUERY_NAME_PATTERN_H_
#define CODELORE_INDEX_QUERY_NAME_PATTERN_H_

#include <algorithm>
#include <string>
#include <string_view>

namespace codelore::index {

inline char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
inline std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerAscii(c);
  return lower;
}
inline bool HasCapital(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

class NamePattern {
 public:
  enum class Case { kSmart, kIgnored };
  explicit NamePattern(std::string_view pattern, Case letters = Case::kSmart)
      : pattern_(pattern), fold_(letters == Case::kIgnored || !HasCapital(pattern)) {
    if (fold_) pattern_ = LowerAscii(pattern_);
  }

  bool IsGlob() const { return pattern_.find('*') != std::string::npos; }
  const std::string& text() const { return pattern_; }

  bool Matches(std::string_view name) const {
    size_t p = 0, n = 0, star = std::string::npos, resume = 0;
    while (n < name.size()) {
      if (p < pattern_.size() && pattern_[p] == '*') {
        star = p++;
        resume = n;
      } else if (p < pattern_.size() && pattern_[p] == (fold_ ? LowerAscii(name[n]) : name[n])) {
        ++p;
        ++n;
      } else if (star != std::string::npos) {
        p = star + 1;
        n = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern_.size() && pattern_[p] == '*') ++p;
    return p == pattern_.size();
  }

  // Whether the pattern stands anywhere in `text`, taken literally.
  bool IsPartOf(std::string_view text) const {
    return std::search(text.begin(), text.end(), pattern_.begin(), pattern_.end(), [this](char a, char b) {
             return (fold_ ? LowerAscii(a) : a) == b;
           }) != text.end();
  }

 private:
  std::string pattern_;
  bool fold_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_NAME_PATTERN_H_
