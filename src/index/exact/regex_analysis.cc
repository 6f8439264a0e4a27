#include "index/exact/regex_analysis.h"

#include <optional>
#include <utility>
#include <vector>

#include "codelore/utf8.h"
#include "index/exact/match_strings.h"

namespace codelore::index {
namespace {

constexpr int kMaxDepth = 200;
constexpr uint32_t kMaxClass = 10;  // characters of a class that are told apart

uint32_t Decode(std::string_view sequence) {
  auto lead = static_cast<uint8_t>(sequence[0]);
  uint32_t code = sequence.size() == 1 ? lead : lead & (0xFFu >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) code = code << 6 | (static_cast<uint8_t>(sequence[i]) & 0x3F);
  return code;
}

std::string Encode(uint32_t code) {
  auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0)};
}

// Scripts without case: Kana, Han, Hangul syllables.
bool HasNoCase(uint32_t code) {
  return (code >= 0x3040 && code <= 0x30FF) || (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0xAC00 && code <= 0xD7A3);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Recursive descent over RE2's syntax. After the first thing it does not follow, `lost_` stays set.
class RegexReader {
 public:
  RegexReader(std::string_view pattern, bool ignore_case) : all_(pattern), rest_(pattern), ignore_case_(ignore_case) {
    analysis_.folds = ignore_case;
  }

  RegexAnalysis Read() {
    MatchStrings strings = Alternatives(0);
    if (!rest_.empty()) lost_ = true;
    if (!lost_) {
      analysis_.required = strings.Required();
      analysis_.condition = strings.Condition();
    }
    return std::move(analysis_);
  }

 private:
  size_t at() const { return all_.size() - rest_.size(); }
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  MatchStrings Lost() {
    lost_ = true;
    rest_ = {};
    return MatchStrings::Anything();
  }
  void Refuse(const std::string& what, size_t where) {
    if (analysis_.refused.empty()) analysis_.refused = what + " at byte " + std::to_string(where + 1);
  }

  MatchStrings Alternatives(int depth) {
    if (depth > kMaxDepth) return Lost();
    MatchStrings result = Sequence(depth);
    while (Take("|")) result = MatchStrings::Alternation(std::move(result), Sequence(depth));
    return result;
  }

  MatchStrings Sequence(int depth) {
    MatchStrings result = MatchStrings::Exactly({""});
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      MatchStrings next = Repetition(Element(depth));
      result = MatchStrings::Concatenation(std::move(result), std::move(next));
    }
    return result;
  }

  MatchStrings Repetition(MatchStrings element) {
    while (!rest_.empty()) {
      int min = 0, max = -1;
      if (Take("?")) {
        max = 1;
      } else if (Take("+")) {
        min = 1;
      } else if (!Take("*") && !TakeCounts(min, max)) {
        break;
      }
      Take("?");
      element = MatchStrings::Repeated(element, min, max);
    }
    return element;
  }

  // "{2}", "{2,}", "{2,5}"; anything else is no repetition but text.
  bool TakeCounts(int& min, int& max) {
    std::string_view text = rest_;
    auto number = [&](int& value) {
      size_t digits = 0;
      for (value = 0; digits < text.size() && digits < 5 && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
        value = value * 10 + (text[digits] - '0');
      }
      text.remove_prefix(digits);
      return digits > 0;
    };
    if (!text.starts_with('{')) return false;
    text.remove_prefix(1);
    if (!number(min)) return false;
    max = min;
    if (text.starts_with(',')) {
      text.remove_prefix(1);
      if (!number(max)) max = -1;
    }
    if (!text.starts_with('}')) return false;
    rest_ = text.substr(1);
    return true;
  }

  MatchStrings Element(int depth) {
    switch (rest_[0]) {
      case '(': return Group(depth);
      case '[': return Class();
      case '\\': return Escape();
      case '.':
        rest_.remove_prefix(1);
        return MatchStrings::AnyCharacter();
      case '^':
      case '$':
        rest_.remove_prefix(1);
        return MatchStrings::Exactly({""});
      default: return Literal(TakeCharacter());
    }
  }

  uint32_t TakeCharacter() {
    size_t length = Utf8SequenceLength(rest_);
    if (length == 0) {
      Lost();
      return 0;
    }
    uint32_t code = Decode(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return code;
  }

  std::string Folded(uint32_t code) {
    // The long s and the Kelvin sign are in the index as letters: a part of one, as written, is not there.
    if (!ignore_case_ && (code == 0x17F || code == 0x212A)) return "";
    return ignore_case_ ? FoldedCharacter(Encode(code)) : Encode(code);
  }

  MatchStrings Literal(uint32_t code) {
    if (code == '\n') Refuse("a line break", at() - 1);
    if (code >= 'A' && code <= 'Z') analysis_.has_capital = true;
    std::string folded = Folded(code);
    return folded.empty() ? MatchStrings::AnyCharacter() : MatchStrings::Exactly({folded});
  }

  // With '(' next. Flags hold to the end of the group they stand in.
  MatchStrings Group(int depth) {
    bool outer = ignore_case_;
    Take("(");
    if (Take("?P<") || Take("?<")) {
      size_t end = rest_.find('>');
      if (end == std::string_view::npos) return Lost();
      rest_.remove_prefix(end + 1);
    } else if (Take("?")) {
      std::optional<char> end = TakeFlags();
      if (!end) return Lost();
      if (*end == ')') return Nothing();
    }
    MatchStrings result = Alternatives(depth + 1);
    if (!Take(")")) return Lost();
    ignore_case_ = outer;
    return result;
  }

  // Of what leaves no trace in the expression: a repetition behind it would be one of what stands before it.
  MatchStrings Nothing() {
    bool repeated = !rest_.empty() && std::string_view("*+?{").find(rest_[0]) != std::string_view::npos;
    return repeated ? Lost() : MatchStrings::Exactly({""});
  }

  // Behind "(?": letters up to ':' or ')', which it gives back.
  std::optional<char> TakeFlags() {
    bool on = true;
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      char c = rest_[0];
      if (c == ':' || c == ')') {
        rest_.remove_prefix(1);
        return c;
      }
      if (c == '-') on = false;
      if (c == 'i') ignore_case_ = on;
      if (c == 'i' && on) analysis_.folds = true;
      if (c == 'm' && !on) Refuse("the flag -m", at());
      if (std::string_view("-imsU").find(c) == std::string_view::npos) return std::nullopt;
    }
    return std::nullopt;
  }

  // With '\\' next, outside of a class.
  MatchStrings Escape() {
    if (rest_.size() < 2) return Lost();
    char c = rest_[1];
    switch (c) {
      case 'A': case 'z': case 'C':
        Refuse(std::string("\\") + c, at());
        [[fallthrough]];
      case 'b': case 'B':
        rest_.remove_prefix(2);
        return c == 'C' ? MatchStrings::AnyCharacter() : MatchStrings::Exactly({""});
      case 'd': case 'D': case 's': case 'S': case 'w': case 'W':
        rest_.remove_prefix(2);
        return MatchStrings::AnyCharacter();
      case 'p': case 'P':
        return TakeProperty() ? MatchStrings::AnyCharacter() : Lost();
      case 'Q': return Quoted();
      default: break;
    }
    std::optional<uint32_t> code = TakeEscaped();
    return code ? Literal(*code) : Lost();
  }

  // "\Qtext\E", or to the end.
  MatchStrings Quoted() {
    rest_.remove_prefix(2);
    std::vector<uint32_t> codes;
    while (!rest_.empty() && !Take("\\E")) codes.push_back(TakeCharacter());
    if (codes.empty()) return Nothing();
    MatchStrings result = MatchStrings::Exactly({""});
    for (size_t i = 0; i < codes.size(); ++i) {
      MatchStrings next = Literal(codes[i]);
      if (i + 1 == codes.size()) next = Repetition(std::move(next));  // binds to the last character
      result = MatchStrings::Concatenation(std::move(result), std::move(next));
    }
    return result;
  }

  bool TakeProperty() {
    rest_.remove_prefix(2);
    if (!Take("{")) {
      if (!rest_.empty()) TakeCharacter();
      return true;
    }
    size_t end = rest_.find('}');
    if (end == std::string_view::npos) return false;
    rest_.remove_prefix(end + 1);
    return true;
  }

  // An escape that stands for one character; none for those it does not know.
  std::optional<uint32_t> TakeEscaped() {
    rest_.remove_prefix(1);
    if (rest_.empty()) return std::nullopt;
    static constexpr std::string_view kLetters = "afnrtv", kCodes = "\a\f\n\r\t\v";
    char c = rest_[0];
    if (size_t at = kLetters.find(c); at != std::string_view::npos) {
      rest_.remove_prefix(1);
      return static_cast<uint32_t>(kCodes[at]);
    }
    if (c == 'x') return TakeHex();
    if (c >= '0' && c <= '7') return TakeOctal();
    bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter) return std::nullopt;
    return TakeCharacter();
  }

  std::optional<uint32_t> TakeHex() {
    rest_.remove_prefix(1);
    bool braces = Take("{");
    uint32_t code = 0;
    size_t digits = 0;
    for (; !rest_.empty() && HexDigit(rest_[0]) >= 0 && (braces || digits < 2); ++digits) {
      code = code * 16 + static_cast<uint32_t>(HexDigit(rest_[0]));
      rest_.remove_prefix(1);
      if (code > 0x10FFFF) return std::nullopt;
    }
    if (digits == 0 || (braces && !Take("}"))) return std::nullopt;
    return code;
  }

  uint32_t TakeOctal() {
    uint32_t code = 0;
    for (int digits = 0; digits < 3 && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '7'; ++digits) {
      code = code * 8 + static_cast<uint32_t>(rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return code;
  }

  // With '[' next.
  MatchStrings Class() {
    rest_.remove_prefix(1);
    bool any = Take("^");
    std::vector<std::string> strings;
    for (bool first = true; first || !rest_.starts_with(']'); first = false) {
      if (rest_.empty()) return Lost();
      if (TakeNamedClass()) {
        any = true;
        continue;
      }
      std::optional<uint32_t> low = ClassCharacter(), high = low;
      if (low && rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        high = ClassCharacter();
      }
      if (!low || !high) return Lost();
      if (*high - *low >= kMaxClass) any = true;
      if ((*low >= 'A' && *low <= 'Z') || (*high >= 'A' && *high <= 'Z')) analysis_.has_capital = true;
      for (uint32_t code = *low; !any && code <= *high; ++code) strings.push_back(Folded(code));
    }
    rest_.remove_prefix(1);
    for (const std::string& text : strings) any |= text.empty();
    return any || strings.size() > kMaxClass ? MatchStrings::AnyCharacter() : MatchStrings::Exactly(std::move(strings));
  }

  // "[:alpha:]", "\d", "\pL" within a class.
  bool TakeNamedClass() {
    if (rest_.starts_with("[:")) {
      size_t end = rest_.find(":]");
      if (end != std::string_view::npos) {
        rest_.remove_prefix(end + 2);
        return true;
      }
    }
    if (rest_.size() < 2 || rest_[0] != '\\') return false;
    if (rest_[1] == 'p' || rest_[1] == 'P') return TakeProperty();
    if (std::string_view("dDsSwW").find(rest_[1]) == std::string_view::npos) return false;
    rest_.remove_prefix(2);
    return true;
  }

  std::optional<uint32_t> ClassCharacter() {
    if (rest_.empty()) return std::nullopt;
    return rest_[0] == '\\' ? TakeEscaped() : std::optional<uint32_t>(TakeCharacter());
  }

  std::string_view all_, rest_;
  bool ignore_case_;
  bool lost_ = false;
  RegexAnalysis analysis_;
};

}  // namespace

std::string FoldedCharacter(std::string_view utf8) {
  uint32_t code = Decode(utf8);
  if (code < 0x80) return {static_cast<char>(kFoldedByte[code])};
  if (code == 0x17F) return "s";
  if (code == 0x212A) return "k";
  return HasNoCase(code) ? std::string(utf8) : "";
}

RegexAnalysis AnalyzeRegex(std::string_view pattern, bool ignore_case) { return RegexReader(pattern, ignore_case).Read(); }

}  // namespace codelore::index
