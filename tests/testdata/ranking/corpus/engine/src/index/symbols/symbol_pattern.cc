#include "index/symbols/symbol_pattern.h"

#include <algorithm>

namespace codelore::index {
namespace {

constexpr size_t kMaxBytes = 500;

bool IsGlob(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

char Fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// "operator->", "operator bool": one name, whatever stands in it.
bool IsOperator(std::string_view text) {
  constexpr std::string_view kKey = "operator";
  if (!text.starts_with(kKey) || text.size() == kKey.size()) return false;
  char next = text[kKey.size()];
  return !(Fold(next) >= 'a' && Fold(next) <= 'z') && !(next >= '0' && next <= '9') && next != '_';
}

// The parts between ".", "::", ":", "#", "->" and "\".
std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (parts.back().empty() && IsOperator(text.substr(i))) {
      parts.back() = text.substr(i);
      break;
    }
    bool arrow = text.substr(i).starts_with("->");
    bool separator = arrow || text[i] == '.' || text[i] == ':' || text[i] == '#' || text[i] == '\\';
    if (!separator) {
      parts.back() += text[i];
    } else if (!parts.back().empty()) {
      parts.emplace_back();
    }
    if (arrow) ++i;
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

}  // namespace

bool GlobFits(std::string_view pattern, std::string_view text, bool case_counts) {
  auto same = [&](char a, char b) { return a == b || (!case_counts && Fold(a) == Fold(b)); };
  size_t p = 0, star = std::string_view::npos, resume = 0;
  for (size_t t = 0; t < text.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || same(pattern[p], text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<SymbolPattern> SymbolPattern::Parse(std::string_view text, bool prefix) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.ends_with("()")) text.remove_suffix(2);
  if (text.empty()) return InvalidArgument("the name is empty");
  if (text.size() > kMaxBytes) return InvalidArgument("the name has more than " + std::to_string(kMaxBytes) + " bytes");
  SymbolPattern pattern;
  pattern.owner_ = Split(text);
  if (pattern.owner_.empty()) return InvalidArgument("there is no name in '" + std::string(text) + "'");
  pattern.text_ = text;
  pattern.name_ = std::move(pattern.owner_.back());
  pattern.owner_.pop_back();
  pattern.prefix_ = prefix;
  pattern.case_counts_ = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
  return pattern;
}

bool SymbolPattern::Equal(std::string_view a, std::string_view b) const {
  return case_counts_ ? a == b : CompareFolded(a, b) == 0;
}

bool SymbolPattern::Fits(std::string_view pattern, std::string_view text) const {
  return IsGlob(pattern) ? GlobFits(pattern, text, case_counts_) : Equal(pattern, text);
}

void SymbolPattern::VisitMatches(const SymbolTable& table, std::string_view pattern, bool prefix, bool whole,
                                 const std::function<void(uint32_t name, bool whole)>& visit) const {
  bool glob = IsGlob(pattern);
  std::string_view literal = pattern.substr(0, pattern.find_first_of("*?"));
  SymbolTable::Range range = glob || prefix ? table.NamesWithPrefix(literal) : table.NamesEqualTo(pattern);
  for (uint32_t name = range.begin; name < range.end; ++name) {
    std::string_view text = table.Name(name);
    bool fits = glob ? GlobFits(std::string(pattern) + (prefix ? "*" : ""), text, case_counts_)
                     : Equal(text.substr(0, pattern.size()), pattern);
    if (fits) visit(name, whole);
  }
}

void SymbolPattern::VisitNames(const SymbolTable& table, const std::function<void(uint32_t name, bool whole)>& visit) const {
  VisitMatches(table, name_, prefix_, false, visit);
  // A name may hold dots itself: "tool.poetry" of a TOML file, "Suite.Case" of a test.
  if (!owner_.empty()) VisitMatches(table, text_, prefix_, true, visit);
}

bool SymbolPattern::OwnerFits(std::string_view scope, std::string_view path) const {
  size_t part = owner_.size();
  while (part > 0 && !scope.empty()) {
    size_t dot = scope.rfind('.');
    if (!Fits(owner_[part - 1], dot == std::string_view::npos ? scope : scope.substr(dot + 1))) return false;
    scope = dot == std::string_view::npos ? std::string_view() : scope.substr(0, dot);
    --part;
  }
  while (part > 0 && !path.empty()) {
    size_t slash = path.rfind('/');
    std::string_view component = slash == std::string_view::npos ? path : path.substr(slash + 1);
    std::string_view stem = component.substr(0, component.find('.'));
    if (Fits(owner_[part - 1], stem)) --part;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  return part == 0;
}

}  // namespace codelore::index
