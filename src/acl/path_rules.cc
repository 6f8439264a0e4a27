#include "acl/path_rules.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "codelore/utf8.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxPatternBytes = 1024;

size_t FixedPrefix(std::string_view pattern) { return std::min(pattern.find_first_of("*?[\\"), pattern.size()); }

auto Rank(const PathRule& rule) {
  size_t prefix = rule.order == 0 ? FixedPrefix(rule.pattern) : 0, length = rule.order == 0 ? rule.pattern.size() : 0;
  return std::tuple(rule.order == 0, rule.order, prefix, length, std::string_view(rule.pattern));
}

}  // namespace

PathRules::PathRules(std::span<const PathRule> rules) {
  std::vector<const PathRule*> sorted;
  for (const PathRule& rule : rules) sorted.push_back(&rule);
  std::ranges::sort(sorted, [](const PathRule* a, const PathRule* b) { return Rank(*a) > Rank(*b); });
  for (const PathRule* rule : sorted) {
    Compiled compiled{PathPattern(rule->pattern), std::nullopt, rule->label};
    if (!rule->exact && !rule->pattern.ends_with('/')) compiled.below.emplace(rule->pattern + "/");
    rules_.push_back(std::move(compiled));
  }
}

std::optional<LabelId> PathRules::LabelOf(std::string_view path) const {
  for (const Compiled& rule : rules_) {
    if (rule.itself.Matches(path) || (rule.below && rule.below->Matches(path))) return rule.label;
  }
  return std::nullopt;
}

Status ValidateRulePattern(std::string_view pattern) {
  bool control = std::ranges::any_of(pattern, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
  if (pattern.empty() || pattern.size() > kMaxPatternBytes || control || !IsValidUtf8(pattern)) {
    return InvalidArgument("the path of a rule is 1 to 1024 bytes of plain text, such as infra/secrets/**");
  }
  bool upwards = pattern == ".." || pattern.starts_with("../") || pattern.starts_with("./") || pattern.find("/../") != pattern.npos;
  if (upwards) return InvalidArgument("the path of a rule starts at the source's root and has no './' or '../' in it");
  return OkStatus();
}

}  // namespace codelore::acl
