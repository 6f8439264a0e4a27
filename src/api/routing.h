// Routing: which of several models a question goes to, by who asks and what the question looks like.
#ifndef CODELORE_API_ROUTING_H_
#define CODELORE_API_ROUTING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::api {

// When a generator is used though nobody named it. All conditions that are given must hold.
struct RouteRule {
  std::vector<std::string> teams;  // the asker is in one of them
  std::vector<std::string> kinds;  // of QuestionKind
  uint32_t min_words = 0, max_words = 0;  // of the question; 0: any number
  uint32_t share = 0;  // percent of the questions that no condition claims; without conditions
  bool conditional() const { return !teams.empty() || !kinds.empty() || min_words > 0 || max_words > 0; }
};

inline constexpr std::string_view kQuestionKinds[] = {"symbol", "howto", "difference", "where", "why", "other"};

// By its words, English or Korean: a bare name or two ("symbol"), "how to", "difference between", "where", "why", or "other".
std::string_view QuestionKind(std::string_view question);

struct ChosenRoute {
  size_t rule = 0;     // index into the rules
  std::string why;     // "team", "kind", "length", joined by "+"; "split"; "default"
  bool split = false;  // the question is part of an A/B split
};

// Several back ends by their rules, in order. The first whose conditions hold; else by shares: the same asker and question always
// the same; else the first without conditions and share. rules.size() as `rule`: none of them.
ChosenRoute ChooseRoute(std::span<const RouteRule> rules, std::span<const std::string> teams, std::string_view asker, std::string_view question);

}  // namespace codelore::api

#endif  // CODELORE_API_ROUTING_H_
