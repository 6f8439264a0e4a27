#include "index/query/query_tokens.h"

#include <algorithm>
#include <array>
#include <optional>

#include "codelore/utf8.h"

namespace codelore::index {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMaxPatternBytes = 1000;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Field {
  std::string_view name;
  QueryKind kind;
};
constexpr Field kFields[] = {{"sym", QueryKind::kSymbol},     {"symbol", QueryKind::kSymbol}, {"repo", QueryKind::kSource},
                             {"source", QueryKind::kSource},  {"path", QueryKind::kPath},     {"lang", QueryKind::kLanguage},
                             {"language", QueryKind::kLanguage}, {"branch", QueryKind::kBranch}};

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !IsUtf8Continuation(c); }));
}

// An expression that somebody meant as one: it does not start or end like a comment or a list of folders.
bool LooksLikeRegex(std::string_view body, bool starts_query) {
  if (body.empty() || IsSpace(body.front()) || IsSpace(body.back()) || body.front() == '*') return false;
  bool meta = body.find_first_of("\\[](){}|^$*+?.") != kNone;
  return meta || (starts_query && std::ranges::none_of(body, IsSpace));
}

class TokenReader {
 public:
  TokenReader(std::string_view text, const TokenRules& rules) : text_(text), rules_(rules) {}

  Result<TokenList> Read() {
    while (at_ < text_.size()) {
      if (IsSpace(text_[at_])) {
        ++at_;
        continue;
      }
      RETURN_IF_ERROR(ReadToken());
    }
    return std::move(list_);
  }

 private:
  Status ReadToken() {
    char c = text_[at_];
    if (c == '(') return Open();
    if (c == ')') return Close();
    if (c == '-' && IsNegation()) {
      Add(TokenKind::kNot, at_++);
      // What follows is read as if it stood alone.
      return text_[at_] == '(' ? Open() : ReadAtom();
    }
    return ReadAtom();
  }

  Status ReadAtom() {
    char c = text_[at_];
    if (c == '"' && rules_.quotes) {
      if (auto phrase = ReadQuoted(at_)) return AddPhrase(*phrase);
      if (rules_.strict) return QuoteError();
    }
    if (c == '/') {
      auto end = EndOfRegex();
      if (end && (rules_.strict || LooksLikeRegex(text_.substr(at_ + 1, *end - at_ - 1), at_ == 0))) return AddRegex(*end);
      if (rules_.strict) return Error(at_, "no closing / for the / (quote a path to search for it; write \\/ within an expression)");
    }
    size_t colon = 0;
    if (const Field* field = FieldAt(at_, colon)) return AddField(*field, colon);
    return AddWord();
  }

  // ---- groups ----------------------------------------------------------------------------------------------

  Status Open() {
    if (rules_.strict || rules_.groups) Add(TokenKind::kOpen, at_);
    ++open_;
    ++at_;
    return OkStatus();
  }

  Status Close() {
    if (open_ == 0 && rules_.groups) return Error(at_, "no ( for the )");
    if (open_ > 0) {
      --open_;
      if (rules_.groups) Add(TokenKind::kClose, at_);
    }
    ++at_;
    return OkStatus();
  }

  // ---- negation --------------------------------------------------------------------------------------------

  bool IsNegation() const {
    std::string_view rest = text_.substr(at_ + 1);
    if (rest.empty() || IsSpace(rest[0]) || rest[0] == '-') return false;
    if (rules_.strict) return rest[0] != ')';
    if (rest[0] == '(') return rules_.groups;
    if (rest[0] == '"') return rules_.quotes && ReadQuoted(at_ + 1).has_value();
    size_t colon = 0;
    if (FieldAt(at_ + 1, colon) != nullptr) return true;
    std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n\v\f)"));
    if (rest[0] == '/') return word.size() > 2 && word.ends_with('/') && LooksLikeRegex(word.substr(1, word.size() - 2), true);
    if (static_cast<uint8_t>(word[0]) >= 0x80) return true;
    // "-m", "-2", "-std=c++20" are options and numbers.
    return (IsLetter(word[0]) || word[0] == '_') && Characters(word) >= 3 && word.find('=') == kNone;
  }

  // ---- phrases ---------------------------------------------------------------------------------------------

  struct Text {
    std::string value;
    size_t end = 0;  // behind the closing character
  };

  // The quoted text that begins at `begin`, if it is closed at the end of a word.
  std::optional<Text> ReadQuoted(size_t begin) const {
    Text text;
    for (size_t i = begin + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\' && i + 1 < text_.size() && (text_[i + 1] == '"' || text_[i + 1] == '\\')) {
        text.value += text_[++i];
      } else if (text_[i] != '"') {
        text.value += text_[i];
      } else {
        text.end = i + 1;
        bool blank = std::ranges::all_of(text.value, IsSpace);
        if (!rules_.strict && !blank) blank = IsSpace(text.value.front()) || IsSpace(text.value.back());
        return !blank && EndsWord(text.end) ? std::optional(text) : std::nullopt;
      }
    }
    return std::nullopt;
  }

  // Whether a word may end here. In prose, a comma or full stop may follow a quotation.
  bool EndsWord(size_t at) const {
    if (!rules_.strict && at < text_.size() && std::string_view(",.;:!?").find(text_[at]) != kNone) ++at;
    return at >= text_.size() || IsSpace(text_[at]) || (text_[at] == ')' && open_ > 0);
  }

  Status QuoteError() const {
    size_t close = at_ + 1;
    while (close < text_.size() && text_[close] != '"') close += text_[close] == '\\' ? 2 : 1;
    if (close >= text_.size()) return Error(at_, "no closing \" for the \"");
    bool blank = std::ranges::all_of(text_.substr(at_ + 1, close - at_ - 1), IsSpace);
    return blank ? Error(at_, "nothing between the quotes") : Error(close + 1, "a space is missing after the closing \"");
  }

  Status AddPhrase(Text& phrase) {
    size_t begin = at_;
    at_ = phrase.end;
    if (!rules_.strict && at_ < text_.size() && !IsSpace(text_[at_]) && text_[at_] != ')') ++at_;  // the comma behind it
    AddAtom(QueryKind::kPhrase, std::move(phrase.value), begin);
    return OkStatus();
  }

  // ---- expressions -----------------------------------------------------------------------------------------

  // Where the closing slash stands, if a word ends behind it.
  std::optional<size_t> EndOfRegex() const {
    size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != '/') i += text_[i] == '\\' ? 2 : 1;
    bool closed = i < text_.size() && i > at_ + 1 && EndsWord(i + 1);
    return closed ? std::optional(i) : std::nullopt;
  }

  Status AddRegex(size_t end) {
    std::string pattern;
    for (size_t i = at_ + 1; i < end; ++i) {
      if (text_[i] == '\\' && i + 1 < end && text_[i + 1] != '/') pattern += text_[i++];
      if (text_[i] == '\\' && i + 1 < end && text_[i + 1] == '/') ++i;
      pattern += text_[i];
    }
    if (pattern.size() > kMaxPatternBytes) return Error(at_, "the expression is longer than 1000 bytes");
    size_t begin = at_;
    at_ = end + 1;
    if (!rules_.strict && at_ < text_.size() && !IsSpace(text_[at_]) && text_[at_] != ')') ++at_;
    AddAtom(QueryKind::kRegex, std::move(pattern), begin);
    return OkStatus();
  }

  // ---- fields ----------------------------------------------------------------------------------------------

  // The field that begins at `begin`, with the offset of its colon; null if there is none.
  const Field* FieldAt(size_t begin, size_t& colon) const {
    colon = begin;
    while (colon < text_.size() && text_[colon] >= 'a' && text_[colon] <= 'z') ++colon;
    if (colon == begin || colon >= text_.size() || text_[colon] != ':') return nullptr;
    auto field = std::ranges::find(kFields, text_.substr(begin, colon - begin), &Field::name);
    std::string_view value = text_.substr(colon + 1);
    bool nothing = value.empty() || IsSpace(value[0]);
    if (field == std::end(kFields) || value.starts_with(':') || value.starts_with("//")) return nullptr;
    return nothing && !rules_.strict ? nullptr : field;
  }

  Status AddField(const Field& field, size_t colon) {
    size_t begin = at_;
    at_ = colon + 1;
    std::string value;
    if (at_ < text_.size() && text_[at_] == '"') {
      auto quoted = ReadQuoted(at_);
      if (!quoted && rules_.strict) return QuoteError();
      if (quoted) {
        at_ = quoted->end;
        if (!rules_.strict && at_ < text_.size() && !IsSpace(text_[at_]) && text_[at_] != ')') ++at_;
        AddAtom(field.kind, std::move(quoted->value), begin);
        return OkStatus();
      }
      list_.stray_quote = true;
    }
    std::string_view word = WordAt(at_);
    at_ += word.size();
    std::string_view ends = field.kind == QueryKind::kLanguage ? ",;.!?" : ",;";
    while (!rules_.strict && !word.empty() && ends.find(word.back()) != kNone) word.remove_suffix(1);
    if (word.empty() && rules_.strict) return Error(begin, std::string(field.name) + ": needs a value right behind the colon");
    if (word.empty()) {
      AddAtom(QueryKind::kWord, std::string(text_.substr(begin, at_ - begin)), begin);
    } else {
      AddAtom(field.kind, std::string(word), begin);
    }
    return OkStatus();
  }

  // ---- words -----------------------------------------------------------------------------------------------

  // From `begin` to the next space, or to a ")" that closes a group rather than a "(" of the word's own.
  std::string_view WordAt(size_t begin) const {
    size_t end = begin, own = 0;
    for (; end < text_.size() && !IsSpace(text_[end]); ++end) {
      if (rules_.strict && text_[end] == '\\' && end + 1 < text_.size() && !IsSpace(text_[end + 1])) {
        ++end;
      } else if (text_[end] == '(') {
        ++own;
      } else if (text_[end] == ')') {
        if (own == 0 && open_ > 0) break;
        if (own == 0 && rules_.strict) break;
        if (own > 0) --own;
      }
    }
    return text_.substr(begin, end - begin);
  }

  Status AddWord() {
    std::string_view word = WordAt(at_);
    size_t begin = at_;
    at_ += word.size();
    if (word == "OR" && rules_.groups) {
      Add(TokenKind::kOr, begin);
      return OkStatus();
    }
    if (!rules_.strict) {
      NoteStrayQuotes(word, begin);
      AddAtom(QueryKind::kWord, std::string(word), begin);
      return OkStatus();
    }
    return AddStrictWord(word, begin);
  }

  void NoteStrayQuotes(std::string_view word, size_t begin) {
    size_t quote = word.find('"');
    if (quote == kNone) return;
    list_.stray_quote = true;
    if (quote == 0 && text_.find('"', begin + 1) == kNone) list_.open_quote = begin;
  }

  Status AddStrictWord(std::string_view word, size_t begin) {
    std::string text;
    for (size_t i = 0; i < word.size(); ++i) {
      if (word[i] == '"') return Error(begin + i, "a quote within a word: put a space before it, or write \\\"");
      if (word[i] == '\\' && i + 1 < word.size()) ++i;
      text += word[i];
    }
    size_t colon = 0;
    while (colon < word.size() && word[colon] >= 'a' && word[colon] <= 'z') ++colon;
    std::string_view value = word.substr(std::min(colon + 1, word.size()));
    if (colon > 0 && colon < word.size() && word[colon] == ':' && !value.starts_with(':') && !value.starts_with("//")) {
      return Error(begin, "there is no field '" + std::string(word.substr(0, colon + 1)) +
                              "' (sym, repo, path, lang, branch; quote it to search for it)");
    }
    AddAtom(QueryKind::kWord, std::move(text), begin);
    return OkStatus();
  }

  Status Error(size_t offset, std::string_view message) const { return QueryError(text_, offset, message); }

  void Add(TokenKind kind, size_t offset) { list_.tokens.push_back({.kind = kind, .atom = {}, .offset = offset}); }
  void AddAtom(QueryKind kind, std::string text, size_t offset) {
    list_.tokens.push_back({.kind = TokenKind::kAtom, .atom = {kind, std::move(text), {}, offset}, .offset = offset});
  }

  const std::string_view text_;
  const TokenRules rules_;
  size_t at_ = 0;
  size_t open_ = 0;  // "(" without its ")" so far
  TokenList list_;
};

// Of a character on a terminal: Hangul, Han, Kana and full-width forms take two columns.
size_t ColumnsOf(std::string_view character) {
  if (character.size() < 3) return 1;
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(character[i]) & 0x3F); };
  if (character.size() == 4) return 2;
  uint32_t code = (static_cast<uint32_t>(static_cast<uint8_t>(character[0]) & 0x0F) << 12) | byte(1) << 6 | byte(2);
  bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) || (code >= 0xAC00 && code <= 0xD7A3) ||
              (code >= 0xF900 && code <= 0xFAFF) || (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60);
  return wide ? 2 : 1;
}

}  // namespace

Result<TokenList> ReadTokens(std::string_view text, const TokenRules& rules) { return TokenReader(text, rules).Read(); }

Status QueryError(std::string_view text, size_t offset, std::string_view message) {
  constexpr size_t kBefore = 50, kAfter = 30;  // bytes shown around the place
  offset = std::min(offset, text.size());
  while (offset > 0 && offset < text.size() && IsUtf8Continuation(text[offset])) --offset;
  size_t begin = offset > kBefore ? offset - kBefore : 0;
  while (begin < offset && IsUtf8Continuation(text[begin])) ++begin;
  std::string_view shown = Utf8Prefix(text.substr(begin), offset - begin + kAfter);
  std::string line = begin > 0 ? "…" : "", caret(begin > 0 ? 1 : 0, ' ');
  for (size_t i = 0; i < shown.size();) {
    size_t length = std::max<size_t>(1, Utf8SequenceLength(shown.substr(i)));
    bool control = static_cast<uint8_t>(shown[i]) < 0x20;
    line += control ? std::string_view(" ") : shown.substr(i, length);
    if (begin + i < offset) caret.append(ColumnsOf(shown.substr(i, length)), ' ');
    i += length;
  }
  return InvalidArgument("query: " + std::string(message) + " at " + std::to_string(Characters(text.substr(0, offset)) + 1) + "\n  " +
                         line + "\n  " + caret + "^");
}

}  // namespace codelore::index
