#include "mask/personal_data.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace codelore::mask {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWord(char c) { return IsDigit(c) || IsLetter(c) || c == '_'; }

int Number(std::string_view digits) {
  int value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return value;
}

// ---- runs of digit groups -----------------------------------------------------------------------------------

struct Glyph {
  char digit = 0;       // 0: none
  char separator = 0;   // '-', ' ', '.', ')'; 0: none
  size_t length = 0;
};

// The digit or separator at `at`, in any width.
Glyph GlyphAt(std::string_view text, size_t at) {
  char c = text[at];
  if (IsDigit(c)) return {c, 0, 1};
  if (c == '-' || c == ' ' || c == '.' || c == ')') return {0, c, 1};
  auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : 0; };
  if (byte(0) == 0xC2 && byte(1) == 0xA0) return {0, ' ', 2};
  if (byte(0) == 0xE2 && byte(1) == 0x80 && byte(2) >= 0x90 && byte(2) <= 0x95) return {0, '-', 3};  // hyphens and dashes
  if (byte(0) == 0xE2 && byte(1) == 0x88 && byte(2) == 0x92) return {0, '-', 3};                      // minus
  if (byte(0) == 0xE3 && byte(1) == 0x80 && byte(2) == 0x80) return {0, ' ', 3};                      // ideographic blank
  if (byte(0) == 0xEF && byte(1) == 0xBC && byte(2) == 0x8D) return {0, '-', 3};                      // full-width hyphen
  if (byte(0) == 0xEF && byte(1) == 0xBC && byte(2) >= 0x90 && byte(2) <= 0x99) return {static_cast<char>('0' + byte(2) - 0x90), 0, 3};
  return {};
}

struct Group {
  std::string digits;
  size_t begin = 0, end = 0;  // bytes of the text
  char after = 0;             // the separator behind it, within the run
};

constexpr size_t kMaxGroups = 4096;  // of a run: a longer one goes on as another

// Groups of digits with one separator between two of them (")" and a blank count as one).
std::vector<Group> RunAt(std::string_view text, size_t at) {
  std::vector<Group> groups;
  while (at < text.size() && groups.size() < kMaxGroups) {
    Group group{.digits = {}, .begin = at, .end = at};
    for (Glyph glyph; at < text.size() && (glyph = GlyphAt(text, at)).digit != 0; at += glyph.length) {
      if (group.digits.size() < 32) group.digits += glyph.digit;  // more belong to none of ours
    }
    if (at == group.begin) break;
    group.end = at;
    groups.push_back(std::move(group));
    if (at >= text.size()) break;
    Glyph separator = GlyphAt(text, at);
    if (separator.separator == 0) break;
    size_t next = at + separator.length;
    if (separator.separator == ')' && next < text.size() && GlyphAt(text, next).separator == ' ') next += GlyphAt(text, next).length;
    if (next >= text.size() || GlyphAt(text, next).digit == 0) break;
    groups.back().after = separator.separator;
    at = next;
  }
  return groups;
}

// ---- context ------------------------------------------------------------------------------------------------

// Whether one of the words stands shortly before `at`, on its line or the one above.
bool Near(std::string_view text, size_t at, std::initializer_list<std::string_view> words) {
  constexpr size_t kReach = 96;
  std::string before(text.substr(at > kReach ? at - kReach : 0, std::min(at, kReach)));
  for (char& c : before) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (size_t line = before.rfind('\n'); line != before.npos && line > 0) {
    size_t above = before.rfind('\n', line - 1);
    if (above != before.npos) before.erase(0, above);
  }
  return std::ranges::any_of(words, [&](std::string_view word) { return before.find(word) != before.npos; });
}

bool IsDate(int month, int day) { return month >= 1 && month <= 12 && day >= 1 && day <= (month == 2 ? 29 : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31); }

// ---- what a window of groups may be --------------------------------------------------------------------------

// Groups [first, last] of a run.
struct Window {
  std::string_view text;
  const std::vector<Group>& run;
  size_t first, last;

  size_t begin() const { return run[first].begin; }
  size_t end() const { return run[last].end; }
  size_t groups() const { return last - first + 1; }
  std::string Digits() const {
    std::string all;
    for (size_t i = first; i <= last; ++i) all += run[i].digits;
    return all;
  }
  bool Sizes(std::initializer_list<size_t> sizes) const {
    if (groups() != sizes.size()) return false;
    size_t i = first;
    for (size_t size : sizes) {
      if (run[i++].digits.size() != size) return false;
    }
    return true;
  }
  bool Has(char separator) const {
    for (size_t i = first; i < last; ++i) {
      if (run[i].after == separator) return true;
    }
    return false;
  }
  // Between the same separators throughout, none of them ".": versions, addresses and decimals are no identifiers.
  bool Even() const {
    for (size_t i = first; i < last; ++i) {
      if (run[i].after == '.' || run[i].after == ')' || run[i].after != run[first].after) return false;
    }
    return true;
  }
  // Not a part of something longer: a word, a decimal, a version, another group joined by more than a blank.
  bool Free() const {
    if (first > 0 && run[first - 1].after != ' ') return false;
    if (last + 1 < run.size() && run[last].after != ' ') return false;
    size_t b = begin(), e = end();
    if (first == 0 && b > 0) {
      char c = text[b - 1];
      if (IsWord(c) || ((c == '.' || c == '-') && b > 1 && IsWord(text[b - 2]))) return false;
    }
    if (e < text.size() && IsWord(text[e])) return false;
    return true;
  }
};

std::string_view ResidentNumber(const Window& window) {
  bool apart = window.Sizes({6, 7}) && window.Even();
  if (!apart && !window.Sizes({13})) return {};
  std::string digits = window.Digits();
  if (!IsDate(Number(digits.substr(2, 2)), Number(digits.substr(4, 2)))) return {};
  bool checks = ResidentNumberChecks(digits);
  bool named = Near(window.text, window.begin(), {"주민", "외국인", "등록번호", "rrn", "frn", "resident", "jumin", "ssn", "foreigner", "national id"});
  if (!apart && !checks && !named) return {};
  return digits[6] >= '5' && digits[6] <= '8' ? "korean-foreigner-number" : "korean-resident-number";
}

std::string_view BusinessNumber(const Window& window) {
  bool apart = window.Sizes({3, 2, 5}) && window.Even();
  if (!apart && !window.Sizes({10})) return {};
  bool named = Near(window.text, window.begin(), {"사업자", "business", "brn", "biz_no", "bizno", "corp_no"});
  bool checks = BusinessNumberChecks(window.Digits());
  if (!checks || (!apart && !named)) return {};
  return "korean-business-number";
}

std::string_view DriverLicence(const Window& window) {
  bool apart = window.Sizes({2, 2, 6, 2}) && window.Even();
  if (!apart && !window.Sizes({12})) return {};
  std::string digits = window.Digits();
  int region = Number(digits.substr(0, 2));
  if (region < 11 || region > 28) return {};
  bool named = Near(window.text, window.begin(), {"면허", "driver", "licence", "license"});
  return apart || named ? "korean-driver-licence" : std::string_view();
}

bool IsKoreanArea(std::string_view area) {
  constexpr std::string_view kAreas[] = {"02", "031", "032", "033", "041", "042", "043", "044", "051", "052", "053", "054", "055", "061", "062", "063", "064", "070", "050"};
  return std::ranges::find(kAreas, area) != std::end(kAreas);
}

std::string_view Telephone(const Window& window) {
  std::string digits = window.Digits();
  const Group& head = window.run[window.first];
  bool parenthesis = window.begin() > 0 && window.text[window.begin() - 1] == '(';
  // +82 10-1234-5678
  bool plus = window.begin() > 0 && window.text[window.begin() - 1] == '+';
  if (plus && digits.starts_with("82") && digits.size() >= 10 && digits.size() <= 13) return "telephone-number";
  if (plus && digits.size() >= 10 && digits.size() <= 15 && window.groups() > 1) return "telephone-number";
  if (digits.size() < 9 || digits.size() > 11 || digits[0] != '0') return {};
  bool binary = std::ranges::all_of(digits, [](char c) { return c == '0' || c == '1'; });
  if (binary) return {};
  bool mobile = digits.starts_with("010") ? digits.size() == 11
                : digits.starts_with("011") || digits.starts_with("016") || digits.starts_with("017") || digits.starts_with("018") || digits.starts_with("019");
  if (mobile && digits.size() >= 10) {
    if (window.Sizes({3, 4, 4}) || window.Sizes({3, 3, 4})) return "telephone-number";
    if (window.groups() == 1) return digits.starts_with("010") && digits[3] >= '2' ? "telephone-number" : std::string_view();
    return {};
  }
  if (!IsKoreanArea(head.digits)) return {};
  bool grouped = window.groups() == 3 && window.run[window.last].digits.size() == 4 && window.run[window.first + 1].digits.size() >= 3 && window.run[window.first + 1].digits.size() <= 4;
  if (!grouped || (window.Has('.') && window.Has(' '))) return {};
  bool named = parenthesis || window.Has('-') || window.Has(')') || Near(window.text, window.begin(), {"전화", "tel", "phone", "fax", "팩스", "연락처", "call"});
  return named ? "telephone-number" : std::string_view();
}

std::string_view PaymentCard(const Window& window) {
  bool sixteen = (window.Sizes({4, 4, 4, 4}) && window.Even()) || window.Sizes({16});
  bool fifteen = (window.Sizes({4, 6, 5}) && window.Even()) || window.Sizes({15});
  if (!sixteen && !fifteen) return {};
  std::string digits = window.Digits();
  int four = Number(digits.substr(0, 4)), two = four / 100;
  bool issuer = sixteen ? digits[0] == '4' || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) || four == 6011 || two == 65 || two == 62 ||
                              (four >= 3528 && four <= 3589) || digits[0] == '9'
                        : two == 34 || two == 37;
  bool same = std::ranges::all_of(digits, [&](char c) { return c == digits[0]; });
  bool apart = window.groups() > 1;
  bool named = Near(window.text, window.begin(), {"card", "카드", "visa", "master", "amex", "pan", "credit"});
  return issuer && !same && LuhnChecks(digits) && (apart || named || digits[0] != '9') ? "payment-card" : std::string_view();
}

std::string_view RuleOf(const Window& window) {
  for (auto* rule : {ResidentNumber, BusinessNumber, DriverLicence, Telephone, PaymentCard}) {
    if (std::string_view name = rule(window); !name.empty()) return name;
  }
  return {};
}

void FindNumbers(std::string_view text, std::vector<Span>* spans) {
  constexpr size_t kWidest = 4;
  for (size_t at = 0; at < text.size();) {
    bool may = IsDigit(text[at]) || text[at] == '\xEF';
    if (!may || GlyphAt(text, at).digit == 0) {
      ++at;
      continue;
    }
    std::vector<Group> run = RunAt(text, at);
    for (size_t first = 0; first < run.size(); ++first) {
      for (size_t last = std::min(run.size(), first + kWidest) - 1; last + 1 > first; --last) {
        Window window{text, run, first, last};
        if (!window.Free()) continue;
        std::string_view rule = RuleOf(window);
        if (rule.empty()) continue;
        spans->push_back({window.begin(), window.end(), rule});
        first = last;
        break;
      }
    }
    at = run.back().end;
  }
}

// M12345678 (with a word beside it) and M123A4567.
void FindPassports(std::string_view text, std::vector<Span>* spans) {
  for (size_t at = text.find_first_of("MSRODGmsrodg"); at != text.npos; at = text.find_first_of("MSRODGmsrodg", at + 1)) {
    if (at + 9 > text.size() || (at > 0 && IsWord(text[at - 1])) || (at + 9 < text.size() && IsWord(text[at + 9]))) continue;
    std::string_view number = text.substr(at + 1, 8);
    auto digits = [](std::string_view part) { return std::ranges::all_of(part, IsDigit); };
    bool newer = digits(number.substr(0, 3)) && number[3] >= 'A' && number[3] <= 'Z' && digits(number.substr(4)) && text[at] <= 'Z';
    bool named = Near(text, at, {"여권", "passport"});
    if (newer || (digits(number) && named)) spans->push_back({at, at + 9, "korean-passport-number"});
  }
}

bool IsMailByte(char c) { return IsWord(c) || c == '.' || c == '+' || c == '-' || c == '%'; }

// Addresses that belong to nobody (RFC 2606) or to a machine.
bool IsNobodys(std::string_view local, std::string_view domain) {
  for (std::string_view reserved : {"example.com", "example.org", "example.net", ".example", ".test", ".invalid", ".localhost", "localhost", ".local", "example.co.kr"}) {
    if (domain.ends_with(reserved)) return true;
  }
  // this@label.name is Kotlin's
  if (local == "this" || local == "return" || local == "super") return true;
  if (std::ranges::any_of(domain, [](char c) { return c >= 'A' && c <= 'Z'; }) && std::ranges::any_of(domain, [](char c) { return c >= 'a' && c <= 'z'; })) return true;
  for (std::string_view machine : {"noreply", "no-reply", "git", "hg", "svn"}) {
    if (local == machine || (local.ends_with(machine) && machine.size() > 4)) return true;
  }
  return domain == "users.noreply.github.com";
}

void FindMail(std::string_view text, std::vector<Span>* spans) {
  constexpr size_t kMaxPart = 128;
  for (size_t at = text.find('@'); at != text.npos; at = text.find('@', at + 1)) {
    size_t begin = at, end = at + 1;
    while (begin > 0 && at - begin < kMaxPart && IsMailByte(text[begin - 1])) --begin;
    while (begin < at && (text[begin] == '.' || text[begin] == '-')) ++begin;
    while (end < text.size() && end - at < kMaxPart && (IsLetter(text[end]) || IsDigit(text[end]) || text[end] == '.' || text[end] == '-')) ++end;
    while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
    std::string_view local = text.substr(begin, at - begin), domain = text.substr(at + 1, end - at - 1);
    size_t dot = domain.rfind('.');
    if (local.empty() || dot == domain.npos || dot == 0 || domain.size() - dot < 3) continue;
    std::string_view top = domain.substr(dot + 1);
    if (!std::ranges::all_of(top, IsLetter) || IsNobodys(local, domain)) continue;
    // user:password@host is an address of another kind; pkg@1.2 and decorators have no such domain
    if (begin > 0 && (text[begin - 1] == ':' || text[begin - 1] == '/') && text.substr(begin > 80 ? begin - 80 : 0, begin > 80 ? 80 : begin).find("://") != text.npos) continue;
    // file names of scaled images: icon@2x.png
    if (top == "png" || top == "jpg" || top == "svg" || top == "js" || top == "css" || top == "so" || top == "service") continue;
    spans->push_back({begin, end, "e-mail-address"});
    at = end - 1;
  }
}

}  // namespace

bool ResidentNumberChecks(std::string_view digits) {
  constexpr int kWeights[] = {2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5};
  int sum = 0;
  for (size_t i = 0; i < 12; ++i) sum += kWeights[i] * (digits[i] - '0');
  int check = (11 - sum % 11) % 10;
  if (check == digits[12] - '0') return true;
  bool foreigner = digits[6] >= '5' && digits[6] <= '8';
  return foreigner && (13 - sum % 11) % 10 == digits[12] - '0';
}

bool BusinessNumberChecks(std::string_view digits) {
  constexpr int kWeights[] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
  int sum = 0;
  for (size_t i = 0; i < 9; ++i) sum += kWeights[i] * (digits[i] - '0');
  sum += 5 * (digits[8] - '0') / 10;
  return (10 - sum % 10) % 10 == digits[9] - '0';
}

bool LuhnChecks(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

void FindPersonalData(std::string_view text, std::vector<Span>* spans) {
  FindNumbers(text, spans);
  FindPassports(text, spans);
  FindMail(text, spans);
}

}  // namespace codelore::mask
