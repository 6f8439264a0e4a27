#include "api/routing.h"

#include <algorithm>
#include <cctype>

namespace codelore::api {
namespace {

size_t WordsIn(std::string_view text) {
  size_t words = 0;
  bool inside = false;
  for (char c : text) {
    bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool HasAny(std::string_view text, std::initializer_list<std::string_view> phrases) {
  return std::ranges::any_of(phrases, [&](std::string_view phrase) { return text.find(phrase) != text.npos; });
}

// FNV-1a (Fowler, Noll, Vo): the same on every machine, in every release.
uint32_t Percentile(std::string_view asker, std::string_view question) {
  uint64_t hash = 0xcbf29ce484222325;
  auto add = [&](std::string_view text) {
    for (char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  };
  add(asker);
  add(std::string_view("\0", 1));
  add(question);
  hash ^= hash >> 32;  // its low bits alone are weak
  return static_cast<uint32_t>(hash % 100);
}

// Which conditions hold, by name; empty if one does not.
std::string Holds(const RouteRule& rule, std::span<const std::string> teams, size_t words, std::string_view kind) {
  std::string why;
  auto add = [&](const char* name) { why += (why.empty() ? "" : "+") + std::string(name); };
  if (!rule.teams.empty()) {
    if (std::ranges::find_first_of(teams, rule.teams) == teams.end()) return "";
    add("team");
  }
  if (!rule.kinds.empty()) {
    if (std::ranges::find(rule.kinds, kind) == rule.kinds.end()) return "";
    add("kind");
  }
  if (rule.min_words > 0 || rule.max_words > 0) {
    if (words < rule.min_words || (rule.max_words > 0 && words > rule.max_words)) return "";
    add("length");
  }
  return why;
}

}  // namespace

std::string_view QuestionKind(std::string_view question) {
  const std::string text = LowerCase(question);
  if (HasAny(text, {"difference between", "differ from", "compared to", " vs ", " vs. ", " versus ", "차이"})) return "difference";
  if (HasAny(text, {"how to", "how do", "how can", "how should", "steps to", "방법", "하려면", "어떻게"})) return "howto";
  if (text.starts_with("where") || HasAny(text, {" where ", "어디"})) return "where";
  if (text.starts_with("why") || HasAny(text, {" why ", "왜"})) return "why";
  auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':' || c == ' ' || c == '?' || c == '(' || c == ')'; };
  if (WordsIn(text) <= 2 && std::ranges::all_of(text, part)) return "symbol";
  return "other";
}

ChosenRoute ChooseRoute(std::span<const RouteRule> rules, std::span<const std::string> teams, std::string_view asker, std::string_view question) {
  const size_t words = WordsIn(question);
  const std::string_view kind = QuestionKind(question);
  size_t otherwise = rules.size();
  bool split = false;
  for (size_t i = 0; i < rules.size(); ++i) {
    std::string why = Holds(rules[i], teams, words, kind);
    if (!why.empty()) return {i, std::move(why), false};
    split = split || rules[i].share > 0;
    if (otherwise == rules.size() && !rules[i].conditional() && rules[i].share == 0) otherwise = i;
  }
  if (!split) return {otherwise, "default", false};
  uint32_t at = Percentile(asker, question), below = 0;
  for (size_t i = 0; i < rules.size(); ++i) {
    below += rules[i].share;
    if (at < below) return {i, "split", true};
  }
  return {otherwise, "split", true};
}

}  // namespace codelore::api
