#include "chunker/c_macros.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace codelore::chunker {
namespace {

struct Token {
  enum Kind : uint8_t { kName, kPunctuation, kLiteral, kDirective } kind;
  uint32_t begin;
  uint32_t end;
  bool first_on_line;
  bool last_on_line = false;
};

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads C tokens, roughly: comments are skipped, and a directive with its continued lines is one
// token.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> Run() {
    while (position_ < text_.size()) Step();
    if (!tokens_.empty()) tokens_.back().last_on_line = true;
    return std::move(tokens_);
  }

 private:
  void Step() {
    char c = text_[position_];
    if (c == '\n') {
      if (!tokens_.empty()) tokens_.back().last_on_line = true;
      line_is_empty_ = true;
      ++position_;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
      ++position_;
    } else if (text_.compare(position_, 2, "//") == 0) {
      position_ = EndOfLine(position_);
    } else if (text_.compare(position_, 2, "/*") == 0) {
      size_t end = text_.find("*/", position_ + 2);
      position_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else if (c == '#' && line_is_empty_) {
      Add(Token::kDirective, EndOfDirective(position_));
    } else if (c == '"' || c == '\'') {
      Add(Token::kLiteral, EndOfLiteral(position_));
    } else if (IsNameStart(c) || IsDigit(c)) {
      size_t end = position_ + 1;
      while (end < text_.size() && (IsNameStart(text_[end]) || IsDigit(text_[end]))) ++end;
      Add(IsDigit(c) ? Token::kLiteral : Token::kName, end);
    } else {
      Add(Token::kPunctuation, position_ + 1);
    }
  }

  void Add(Token::Kind kind, size_t end) {
    tokens_.push_back(
        {kind, static_cast<uint32_t>(position_), static_cast<uint32_t>(end), line_is_empty_});
    line_is_empty_ = false;
    position_ = end;
  }
  size_t EndOfLine(size_t from) const { return std::min(text_.find('\n', from), text_.size()); }
  size_t EndOfDirective(size_t from) const {
    size_t end = EndOfLine(from);
    while (end < text_.size() && end > from && text_[end - 1 - (text_[end - 1] == '\r')] == '\\')
      end = EndOfLine(end + 1);
    return end;
  }
  size_t EndOfLiteral(size_t from) const {
    size_t at = from + 1;
    while (at < text_.size() && text_[at] != text_[from] && text_[at] != '\n')
      at += text_[at] == '\\' ? 2 : 1;
    return std::min(at < text_.size() && text_[at] == text_[from] ? at + 1 : at, text_.size());
  }

  std::string_view text_;
  size_t position_ = 0;
  bool line_is_empty_ = true;
  std::vector<Token> tokens_;
};

// Decides, token by token, what to blank. Blanked tokens count as absent for those that follow.
class MacroBlanker {
 public:
  explicit MacroBlanker(std::string_view text) : text_(text), tokens_(Lexer(text).Run()) {}

  std::string Run() {
    BlankConditions();
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (IsMacroName(i)) TryMacro(i);
      if (!Text(i).starts_with(' ')) before_ = i;
    }
    return std::move(text_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  // A conditional group (#if ... #else ... #endif) that is still open.
  struct Group {
    size_t first;             // its #if
    size_t first_branch_end;  // the directive that ends its first branch
    int depth;                // of brackets at its start
    int depth_after_first = 0;
    int lowest;  // depth of brackets reached in the branch so far
    bool balanced = true;
  };

  std::string_view Text(size_t i) const {
    return i < tokens_.size()
               ? std::string_view(text_).substr(tokens_[i].begin, tokens_[i].end - tokens_[i].begin)
               : std::string_view();
  }
  bool IsName(size_t i) const {
    return i < tokens_.size() && tokens_[i].kind == Token::kName && text_[tokens_[i].begin] != ' ';
  }
  bool Is(size_t i, std::string_view text) const { return Text(i) == text; }
  bool IsOneOf(size_t i, std::initializer_list<std::string_view> set) const {
    return std::find(set.begin(), set.end(), Text(i)) != set.end();
  }

  // In capitals, of at least three characters.
  bool IsMacroName(size_t i) const {
    std::string_view name = Text(i);
    return IsName(i) && name.size() >= 3 && std::all_of(name.begin(), name.end(), [](char c) {
             return (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_';
           });
  }

  void Blank(size_t first, size_t last) {
    for (size_t at = tokens_[first].begin; at < tokens_[last].end; ++at) {
      if (text_[at] != '\n') text_[at] = ' ';
    }
  }

  // Removes the condition lines themselves; of a group whose branches open or close brackets of the
  // code around it, only the first branch stays, and of one without #else, none.
  void BlankConditions() {
    std::vector<Group> open;
    std::vector<std::pair<size_t, size_t>> blanks;
    int depth = 0;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (IsOneOf(i, {"{", "("})) ++depth;
      if (IsOneOf(i, {"}", ")"})) --depth;
      if (!open.empty()) open.back().lowest = std::min(open.back().lowest, depth);
      if (tokens_[i].kind != Token::kDirective) continue;
      std::string_view name = DirectiveName(i);
      if (name.starts_with("if")) {
        blanks.emplace_back(i, i);
        open.push_back({i, kNone, depth, 0, depth});
      } else if ((name.starts_with("el") || name == "endif") && !open.empty()) {
        blanks.emplace_back(i, i);
        EndBranch(i, &open.back(), &depth);
        if (name == "endif") EndGroup(i, &open, &depth, &blanks);
      }
    }
    std::sort(blanks.begin(), blanks.end(), [](auto a, auto b) {
      return a.first != b.first ? a.first < b.first : a.second > b.second;
    });
    size_t done = 0;  // ranges are nested or apart: an outer one covers those inside
    for (auto [first, last] : blanks) {
      if (last >= done) Blank(first, last);
      done = std::max(done, last + 1);
    }
  }

  static void EndBranch(size_t directive, Group* group, int* depth) {
    if (*depth != group->depth || group->lowest < group->depth) group->balanced = false;
    if (group->first_branch_end == kNone) {
      group->first_branch_end = directive;
      group->depth_after_first = *depth;
    }
    *depth = group->lowest = group->depth;
  }

  void EndGroup(size_t endif, std::vector<Group>* open, int* depth,
                std::vector<std::pair<size_t, size_t>>* blanks) {
    Group group = open->back();
    open->pop_back();
    if (group.balanced) return;
    bool has_else = group.first_branch_end != endif;
    blanks->emplace_back(has_else ? group.first_branch_end : group.first, endif);
    if (has_else) *depth = group.depth_after_first;
    if (!open->empty()) open->back().lowest = std::min(open->back().lowest, *depth);
  }

  std::string_view DirectiveName(size_t i) const {
    std::string_view text = Text(i).substr(1);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0,
                       std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), text.size()));
  }

  // The last token of the argument list that follows token i; i without one. A list of more than
  // 200 tokens is taken for none.
  size_t EndOfArguments(size_t i) const {
    if (!Is(i + 1, "(")) return i;
    int depth = 0;
    for (size_t at = i + 1; at < std::min(tokens_.size(), i + 200); ++at) {
      if (Is(at, "(")) ++depth;
      if (Is(at, ")") && --depth == 0) return at;
    }
    return i;
  }

  void TryMacro(size_t i) {
    size_t last = EndOfArguments(i);
    size_t next = last + 1;
    bool before_is_directive = before_ == kNone || tokens_[before_].kind == Token::kDirective;
    bool begins_declaration =
        before_is_directive || IsSpecifier(before_) || IsOneOf(before_, {";", "{", "}", ":", ">"});
    if (IsOneOf(before_, {"class", "struct", "union", "enum"}) && IsName(next)) {
      Blank(i, last);  // class API Shape
    } else if (begins_declaration && (IsTypedName(next) || Is(next, "~"))) {
      Blank(i, last);  // API int f(
    } else if (last == i && IsName(next) && Is(next + 1, "(") && IsTypeEnd(before_)) {
      Blank(i, i);  // int WINAPI f(
    } else if (last > i && Is(before_, ",") && Is(next, ">")) {
      Blank(before_, last);  // template <typename T, ENABLE_IF(condition)>
    } else if (StandsAlone(i, last) &&
               (before_is_directive || IsOneOf(before_, {";", "{", "}", ")", ":"}))) {
      Blank(i, last);
    }
  }

  // `TYPE NAME`, `TYPE*`, `TYPE<`, `TYPE::`: a declaration that needs no macro in front of it.
  bool IsTypedName(size_t i) const {
    if (IsOneOf(i, {"const", "volatile"})) ++i;
    return IsName(i) &&
           (IsName(i + 1) || IsOneOf(i + 1, {"*", "&", "<"}) || (Is(i + 1, ":") && Is(i + 2, ":")));
  }

  bool IsSpecifier(size_t i) const {
    return IsOneOf(i, {"static", "inline", "extern", "const", "constexpr", "virtual", "explicit",
                       "friend", "typedef", "template"});
  }

  bool IsTypeEnd(size_t i) const {
    bool is_keyword = IsSpecifier(i) || IsOneOf(i, {"return", "else", "case", "goto", "throw",
                                                    "new", "delete", "do"});
    return (IsName(i) && !is_keyword) || IsOneOf(i, {"*", "&"});
  }

  // `BEGIN_NAMESPACE` or `PRAGMA(push)` on a line of its own, but neither the last enumerator of a
  // list nor a macro that is the head of a function.
  bool StandsAlone(size_t first, size_t last) const {
    if (!tokens_[first].first_on_line || !tokens_[last].last_on_line) return false;
    if (Text(first).find('_') == std::string_view::npos) return false;
    bool in_enum =
        Is(before_, "{") && before_ >= 2 && (Is(before_ - 1, "enum") || Is(before_ - 2, "enum"));
    return !in_enum && !IsOneOf(last + 1, {"{", "=", ",", "(", ":", ";"});
  }

  std::string text_;
  std::vector<Token> tokens_;
  size_t before_ = kNone;  // the last token that is not blank
};

}  // namespace

std::string BlankMacros(std::string_view text) { return MacroBlanker(text).Run(); }

}  // namespace codelore::chunker
