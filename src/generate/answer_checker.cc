#include "generate/answer_checker.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "codelore/utf8.h"
#include "generate/excerpt.h"
#include "generate/markdown.h"
#include "generate/prompt.h"

namespace codelore::generate {
namespace {

constexpr size_t kMaxUnitBytes = 4096;  // a sentence that never ends is shown in parts
constexpr std::string_view kUnconfirmed = " (not confirmed by the passages)";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<uint8_t>(c) >= 0x80; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// The bytes of a code span that starts at `at`, fences included; 0 if it does not close.
size_t CodeSpanLength(std::string_view text, size_t at) {
  size_t fence = std::min(text.find_first_not_of('`', at), text.size()) - at;
  for (size_t i = at + fence; (i = text.find('`', i)) != text.npos;) {
    size_t run = std::min(text.find_first_not_of('`', i), text.size()) - i;
    if (run == fence) return i + run - at;
    i += run;
  }
  return 0;
}

// The bytes of a URL or "www." address at `at`, else 0.
size_t UrlLength(std::string_view text, size_t at) {
  if (at > 0 && IsWord(text[at - 1])) return 0;
  std::string_view rest = text.substr(at);
  size_t scheme = 0;
  while (scheme < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[scheme])) || rest[scheme] == '+' || rest[scheme] == '-')) ++scheme;
  bool url = scheme > 1 && rest.substr(scheme).starts_with("://");
  bool acting = false;  // schemes that act without slashes
  for (std::string_view name : {"mailto", "javascript", "data", "vbscript", "tel", "xmpp"}) {
    acting = acting || (LowerCase(rest.substr(0, scheme)) == name && rest.substr(scheme).starts_with(":") && rest.size() > scheme + 1 && !IsSpace(rest[scheme + 1]));
  }
  if (!url && !acting && LowerCase(rest.substr(0, 4)) != "www.") return 0;
  size_t end = 0;
  while (end < rest.size() && !IsSpace(rest[end]) && std::string_view("`<>()[]\"'").find(rest[end]) == std::string_view::npos) ++end;
  while (end > 1 && std::string_view(".,;:!?}").find(rest[end - 1]) != std::string_view::npos) --end;
  return end;
}

// "a@b.c" becomes a mail link in some renderers: the bytes of an address at `at`, else 0.
size_t MailLength(std::string_view text, size_t at) {
  if (at > 0 && IsWord(text[at - 1])) return 0;
  auto part = [](char c) { return IsWord(c) || c == '.' || c == '-' || c == '+'; };
  size_t end = at;
  while (end < text.size() && part(text[end])) ++end;
  if (end == at || end >= text.size() || text[end] != '@') return 0;
  size_t host = ++end;
  while (end < text.size() && part(text[end])) ++end;
  return text.substr(host, end - host).find('.') == std::string_view::npos ? 0 : end - at;
}

}  // namespace

std::string InertMarkdown(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    char c = text[i];
    if (c == '`') {
      size_t length = CodeSpanLength(text, i);
      if (length == 0) {
        out += "\\`";
        ++i;
      } else {
        out += text.substr(i, length);
        i += length;
      }
      continue;
    }
    size_t address = 0;
    if (std::isalnum(static_cast<unsigned char>(c))) address = std::max(UrlLength(text, i), MailLength(text, i));
    if (address > 0) {
      out += CodeSpan(text.substr(i, address));
      i += address;
      continue;
    }
    char before = i > 0 ? text[i - 1] : ' ';
    if (c == '<') out += "&lt;";
    else if (before == ']' && (c == '(' || c == ':' || c == '[')) (out += c == '[' ? ' ' : '\\') += c;
    else if (before == '!' && c == '[') out += "\\[";
    else out += c;
    ++i;
  }
  return out;
}

std::vector<std::string> ClaimsIn(std::string_view sentence) {
  std::vector<std::string> claims;
  for (size_t i = 0; i < sentence.size();) {
    if (sentence[i] == '[') {  // a mark
      size_t close = sentence.find(']', i);
      if (close != sentence.npos && sentence.substr(i + 1, close - i - 1).find_first_not_of("0123456789, ") == sentence.npos) {
        i = close + 1;
        continue;
      }
    }
    if (!IsWord(sentence[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    bool digit = false, capital_inside = false, underscore = false, lower = false, latin = true;
    for (; end < sentence.size() && IsWord(sentence[end]); ++end) {
      char c = sentence[end];
      digit = digit || IsDigit(c);
      capital_inside = capital_inside || (IsUpper(c) && lower);
      lower = lower || IsLower(c);
      underscore = underscore || c == '_';
      latin = latin && static_cast<uint8_t>(c) < 0x80;
    }
    std::string_view word = sentence.substr(i, end - i);
    bool in_code = i > 0 && sentence[i - 1] == '`';
    bool call = end + 1 < sentence.size() && sentence[end] == '(' && sentence[end + 1] == ')';
    if (latin && (digit || capital_inside || underscore || call || (in_code && word.size() > 1))) claims.push_back(LowerCase(word));
    i = end;
  }
  std::ranges::sort(claims);
  auto repeated = std::ranges::unique(claims);
  claims.erase(repeated.begin(), repeated.end());
  return claims;
}

AnswerChecker::AnswerChecker(std::span<const Passage> passages, std::span<const uint32_t> used, std::string_view question,
                             Unsupported policy, Emit emit)
    : passages_(passages), question_(LowerCase(question)), policy_(policy), emit_(std::move(emit)) {
  for (uint32_t i : used) {
    const Passage& p = passages[i];
    sources_.push_back({i, LowerCase(p.text + "\n" + p.path + "\n" + p.symbol + "\n" + p.scope + "\n" + p.signature)});
  }
}

// Behind the first complete line or sentence of what is pending; 0 if there is none yet.
size_t AnswerChecker::UnitEnd() const {
  size_t newline = pending_.find('\n');
  size_t limit = newline == pending_.npos ? pending_.size() : newline + 1;
  std::string_view begin = std::string_view(pending_).substr(std::min(pending_.find_first_not_of(' '), pending_.size()));
  size_t run = begin.starts_with('`') || begin.starts_with('~') ? std::min(begin.find_first_not_of(begin[0]), begin.size()) : 0;
  bool may_be_fence = run >= 3 || run == begin.size();
  if (fence_.empty() && !thinking_ && !may_be_fence) {
    for (size_t i = 0; i < limit;) {
      if (pending_[i] == '`') {
        size_t span = CodeSpanLength(pending_, i);
        if (span == 0) break;  // it may still close
        i += span;
        continue;
      }
      ++i;
      if (i >= limit) break;
      char before = pending_[i - 1];
      bool ends = (before == '.' || before == '!' || before == '?') && pending_[i] == ' ' && i + 2 < pending_.size();
      bool mark_follows = ends && pending_[i + 1] == '[' && IsDigit(pending_[i + 2]);
      if (ends && !mark_follows) return i + 1;
    }
  }
  if (newline != pending_.npos) return newline + 1;
  return pending_.size() >= kMaxUnitBytes ? Utf8Prefix(pending_, kMaxUnitBytes - 1).size() : 0;
}

void AnswerChecker::AddEvidence(std::string_view text) { evidence_ += LowerCase(text) + "\n"; }

void AnswerChecker::Feed(std::string_view text) {
  pending_ += text;
  for (size_t end; (end = UnitEnd()) > 0;) {
    std::string unit = pending_.substr(0, end);
    pending_.erase(0, end);
    OnUnit(unit);
  }
}

void AnswerChecker::Finish() {
  if (!pending_.empty()) OnUnit(std::exchange(pending_, {}));
  if (!fence_.empty()) emit_({"\n" + fence_ + "\n", {}});
  fence_.clear();
}

void AnswerChecker::OnUnit(std::string_view unit) {
  std::string visible = VisibleText(unit);
  size_t indent = std::min(visible.find_first_not_of(' '), visible.size());
  std::string_view text = std::string_view(visible).substr(indent);
  // A model's thoughts come first, between marks of their own, and are not part of the answer.
  if (!begun_ && text.starts_with("<think>")) thinking_ = true;
  if (thinking_) {
    size_t end = visible.find("</think>");
    if (end == visible.npos) return;
    thinking_ = false;
    begun_ = true;
    return OnUnit(visible.substr(end + 8));
  }
  begun_ = begun_ || !text.empty();
  if (!fence_.empty()) {
    bool closes = text.starts_with(fence_) && text.find_first_not_of(std::string{fence_[0]} + " \r\n") == text.npos;
    emit_({visible, {}});
    if (closes) fence_.clear();
    return;
  }
  for (char mark : {'`', '~'}) {
    size_t run = std::min(text.find_first_not_of(mark), text.size());
    bool opens = run >= 3 && indent < 4 && text.find('`', run) == text.npos;
    if (!opens) continue;
    fence_ = std::string(run, mark);
    std::string_view language = text.substr(run);
    while (!language.empty() && IsSpace(language.back())) language.remove_suffix(1);
    bool plain = std::ranges::all_of(language, [](char c) { return IsWord(c) || c == '+' || c == '-' || c == '#'; });
    emit_({fence_ + (plain ? std::string(language) : "") + "\n", {}});
    return;
  }
  OnProse(visible);
}

void AnswerChecker::OnProse(std::string_view unit) {
  std::vector<std::string> claims = ClaimsIn(unit);
  std::erase_if(claims, [&](const std::string& claim) { return question_.find(claim) != question_.npos; });
  std::string text(unit);
  std::vector<const Source*> cited = TakeMarks(&text);
  std::vector<const Source*> all;
  for (const Source& source : sources_) all.push_back(&source);
  bool supported = Supported(claims, cited.empty() ? all : cited);
  if (!supported && policy_ == Unsupported::kDrop) return;
  AnswerPiece piece{.text = InertMarkdown(text), .supports = {}};
  if (!supported) {
    size_t end = piece.text.find_last_not_of(" \r\n") + 1;
    piece.text.insert(end, kUnconfirmed);
  } else if (!cited.empty() || !claims.empty()) {
    piece.supports = SupportsOf(claims, cited.empty() ? all : cited);
    cited_ = cited_ || !piece.supports.empty();
  }
  emit_(piece);
}

const AnswerChecker::Source* AnswerChecker::SourceOf(uint32_t number) const {
  for (const Source& source : sources_) {
    if (source.passage + 1 == number) return &source;
  }
  return nullptr;
}

// Reads "[1]", "[1, 3]"; takes out numbers that stand for nothing.
std::vector<const AnswerChecker::Source*> AnswerChecker::TakeMarks(std::string* unit) const {
  std::vector<const Source*> cited;
  std::string out;
  for (size_t i = 0; i < unit->size();) {
    if ((*unit)[i] == '`') {
      if (size_t length = CodeSpanLength(*unit, i)) {
        out.append(*unit, i, length);
        i += length;
        continue;
      }
    }
    size_t close = (*unit)[i] == '[' ? unit->find(']', i) : unit->npos;
    std::string_view inside = close == unit->npos ? "" : std::string_view(*unit).substr(i + 1, close - i - 1);
    if (inside.empty() || inside.size() > 64 || inside.find_first_not_of("0123456789, ") != inside.npos || !IsDigit(inside[0])) {
      out += (*unit)[i++];
      continue;
    }
    for (size_t at = 0; at < inside.size();) {
      uint32_t number = 0;
      size_t digits = 0;
      for (; at < inside.size() && IsDigit(inside[at]); ++at, ++digits) number = number < 100'000 ? number * 10 + static_cast<uint32_t>(inside[at] - '0') : number;
      while (at < inside.size() && !IsDigit(inside[at])) ++at;
      const Source* source = digits > 0 ? SourceOf(number) : nullptr;
      if (source == nullptr) continue;
      out += "[" + std::to_string(number) + "]";
      if (std::ranges::find(cited, source) == cited.end()) cited.push_back(source);
    }
    i = close + 1;
  }
  *unit = std::move(out);
  return cited;
}

bool AnswerChecker::Supported(const std::vector<std::string>& claims, const std::vector<const Source*>& sources) const {
  return std::ranges::all_of(claims, [&](const std::string& claim) {
    if (evidence_.find(claim) != evidence_.npos) return true;
    return std::ranges::any_of(sources, [&](const Source* source) { return source->haystack.find(claim) != std::string::npos; });
  });
}

// Of each passage that holds one of the claims (any, where there are none) the lines from the first to the last of them.
std::vector<Support> AnswerChecker::SupportsOf(const std::vector<std::string>& claims, const std::vector<const Source*>& sources) const {
  std::vector<Support> supports;
  for (const Source* source : sources) {
    const Passage& passage = passages_[source->passage];
    std::vector<std::string_view> lines = SplitLines(passage.text);
    size_t first = lines.size(), last = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      std::string line = LowerCase(lines[i]);
      bool holds = std::ranges::any_of(claims, [&](const std::string& claim) { return line.find(claim) != line.npos; });
      if (!holds) continue;
      first = std::min(first, i);
      last = i;
    }
    if (first == lines.size()) {
      if (!claims.empty() && sources.size() > 1) continue;
      first = 0;
      last = lines.empty() ? 0 : lines.size() - 1;
    }
    supports.push_back({source->passage, passage.start_line + static_cast<uint32_t>(first), passage.start_line + static_cast<uint32_t>(last)});
  }
  return supports;
}

}  // namespace codelore::generate
