#include "mask/views.h"

#include <algorithm>
#include <array>

namespace codelore::mask {
namespace {

bool IsQuote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsTokenByte(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '/' || c == '+' || c == '.'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The value of `count` hexadecimal digits at `at`; -1 if they are none.
int HexAt(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    int digit = HexDigit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

struct Escape {
  int byte = -1;
  size_t length = 0;
};

// An escape for a printable ASCII character at `at`.
Escape EscapeAt(std::string_view text, size_t at) {
  Escape escape;
  if (text[at] == '%') escape = {HexAt(text, at + 1, 2), 3};
  if (text[at] == '\\' && at + 1 < text.size()) {
    if (text[at + 1] == 'x') escape = {HexAt(text, at + 2, 2), 4};
    if (text[at + 1] == 'u') escape = {HexAt(text, at + 2, 4), 6};
  }
  if (text[at] == '&' && text.substr(at, 2) == "&#") {
    size_t end = at + 2;
    int value = 0;
    while (end < text.size() && end < at + 5 && text[end] >= '0' && text[end] <= '9') value = value * 10 + (text[end++] - '0');
    if (end > at + 2 && end < text.size() && text[end] == ';') escape = {value, end + 1 - at};
  }
  return escape.byte >= 0x20 && escape.byte < 0x7F ? escape : Escape{};
}

// The end of what separates two halves of a value at `at` (its first separating byte); `at` if there are none: quotes
// with "+", "." or nothing between them, a line break with or without a backslash and indentation.
size_t SeamEnd(std::string_view text, size_t at) {
  constexpr size_t kMaxSeam = 160;
  const size_t limit = std::min(text.size(), at + kMaxSeam);
  size_t i = at;
  bool quoted = IsQuote(text[i]);
  if (quoted) ++i;
  bool broken = false;
  for (; i < limit && (IsBlank(text[i]) || text[i] == '\\' || (quoted && (text[i] == '+' || text[i] == '.' || text[i] == '&' || text[i] == '(' || text[i] == ')'))); ++i) {
    broken = broken || text[i] == '\n';
  }
  if (i >= limit) return at;
  if (!quoted) return broken && IsTokenByte(text[i]) ? i : at;
  return IsQuote(text[i]) && i + 1 < text.size() && IsTokenByte(text[i + 1]) ? i + 1 : at;
}

}  // namespace

std::pair<size_t, size_t> View::Original(size_t begin, size_t end) const {
  auto place = [&](size_t at) {
    auto piece = std::prev(std::upper_bound(pieces_.begin(), pieces_.end(), at, [](size_t a, const Piece& p) { return a < p.at; }));
    return std::pair(piece->original + (at - piece->at) * piece->stride, piece->stride);
  };
  auto [last, stride] = place(end - 1);
  return {place(begin).first, last + stride};
}

void View::Append(std::string_view bytes, size_t original) {
  if (bytes.empty()) return;
  bool continues = !pieces_.empty() && pieces_.back().stride == 1 && next_ == original;
  if (!continues) pieces_.push_back({text_.size(), original, 1});
  text_ += bytes;
  next_ = original + bytes.size();
}

void View::AppendDecoded(char byte, size_t original, size_t length) {
  pieces_.push_back({text_.size(), original, length});
  text_ += byte;
  next_ = original + length;
}

std::optional<View> JoinedView(std::string_view text) {
  View view;
  size_t copied = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (!(c == '\n' || c == '\r' || c == '\\' || IsQuote(c)) || !IsTokenByte(text[i - 1])) continue;
    size_t end = SeamEnd(text, i);
    if (end == i) continue;
    view.Append(text.substr(copied, i - copied), copied);
    copied = end;
    i = end;
  }
  if (copied == 0) return std::nullopt;
  view.Append(text.substr(copied), copied);
  return view;
}

std::optional<View> UnescapedView(std::string_view text) {
  View view;
  size_t copied = 0;
  bool any = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' && text[i] != '\\' && text[i] != '&') continue;
    Escape escape = EscapeAt(text, i);
    if (escape.length == 0) continue;
    view.Append(text.substr(copied, i - copied), copied);
    view.AppendDecoded(static_cast<char>(escape.byte), i, escape.length);
    copied = i + escape.length;
    i = copied - 1;
    any = true;
  }
  if (!any) return std::nullopt;
  view.Append(text.substr(copied), copied);
  return view;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

}  // namespace codelore::mask
