// PathPattern: a path glob, as in .gitignore and .gitattributes.
//
// `?` and `*` stay inside one path component, `**` crosses them, `[a-z]` and `[!a-z]` are classes, `\` takes
// the next character as it is. A pattern without an inner `/` matches in any folder ("*.py", "build/"); any
// other matches from the root ("src/**/*.py", "/README"); a trailing `/` means everything below. Matching is
// by bytes and case-sensitive, in O(pattern * path) time for any input. Immutable and thread-safe.
#ifndef CODELORE_GLOB_H_
#define CODELORE_GLOB_H_

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace codelore {

class PathPattern {
 public:
  explicit PathPattern(std::string_view pattern) : text_(pattern) {
    bool below = pattern.ends_with('/') && pattern.size() > 1;
    bool anchored = pattern.substr(0, pattern.size() - (below ? 1 : 0)).find('/') != std::string_view::npos;
    if (pattern.starts_with('/')) pattern.remove_prefix(1);
    if (!anchored) steps_.push_back({Step::kFolders, {}});
    Compile(pattern);
    if (below) steps_.push_back({Step::kAnything, {}});
  }

  const std::string& text() const { return text_; }

  // `path` has no leading slash. Simulates the pattern as an automaton whose state i means "steps before i
  // have matched".
  bool Matches(std::string_view path) const {
    std::vector<uint8_t> now(steps_.size() + 1), next(steps_.size() + 1);
    Enter(now, 0);
    for (char c : path) {
      std::fill(next.begin(), next.end(), 0);
      for (size_t i = 0; i < steps_.size(); ++i) {
        if (now[i]) Advance(next, i, c);
      }
      std::swap(now, next);
    }
    return now.back();
  }

 private:
  struct Step {
    enum Kind : uint8_t { kOne, kStar, kAnything, kFolders } kind;
    std::bitset<256> accepts;  // of kOne
  };

  // Activates state i, and those reachable from it without reading a character.
  void Enter(std::vector<uint8_t>& states, size_t i) const {
    for (;; ++i) {
      states[i] = 1;
      if (i == steps_.size() || steps_[i].kind == Step::kOne) return;
    }
  }

  void Advance(std::vector<uint8_t>& next, size_t i, char c) const {
    switch (steps_[i].kind) {
      case Step::kOne:
        if (steps_[i].accepts[static_cast<uint8_t>(c)]) Enter(next, i + 1);
        break;
      case Step::kStar:
        if (c != '/') Enter(next, i);
        break;
      case Step::kAnything:
        Enter(next, i);
        break;
      case Step::kFolders:  // "**/": any number of whole folders; left only right behind a slash
        next[i] = 1;
        if (c == '/') Enter(next, i + 1);
        break;
    }
  }

  void Compile(std::string_view rest) {
    while (!rest.empty()) {
      if (rest.starts_with("**/")) {
        steps_.push_back({Step::kFolders, {}});
        rest.remove_prefix(3);
      } else if (rest.starts_with("**")) {
        steps_.push_back({Step::kAnything, {}});
        rest.remove_prefix(2);
      } else if (rest.starts_with('*')) {
        steps_.push_back({Step::kStar, {}});
        rest.remove_prefix(1);
      } else {
        steps_.push_back({Step::kOne, TakeCharacters(rest)});
      }
    }
  }

  // The characters that the first element of `rest` accepts; removes it from rest.
  static std::bitset<256> TakeCharacters(std::string_view& rest) {
    std::bitset<256> set;
    if (size_t close = rest[0] == '[' ? rest.find(']', 2) : std::string_view::npos; close != std::string_view::npos) {
      std::string_view members = rest.substr(1, close - 1);
      rest.remove_prefix(close + 1);
      bool negated = members[0] == '!' || members[0] == '^';
      if (negated) members.remove_prefix(1);
      for (size_t i = 0; i < members.size(); ++i) {
        auto low = static_cast<uint8_t>(members[i]);
        bool range = i + 2 < members.size() && members[i + 1] == '-';
        auto high = range ? static_cast<uint8_t>(members[i += 2]) : low;
        for (int c = low; c <= high; ++c) set.set(static_cast<size_t>(c));
      }
      if (negated) set.flip();
      set.reset('/');
      return set;
    }
    if (rest[0] == '?') {
      set.set();
      set.reset('/');
    } else {
      if (rest[0] == '\\' && rest.size() > 1) rest.remove_prefix(1);
      set.set(static_cast<uint8_t>(rest[0]));
    }
    rest.remove_prefix(1);
    return set;
  }

  std::string text_;
  std::vector<Step> steps_;
};

}  // namespace codelore

#endif  // CODELORE_GLOB_H_
