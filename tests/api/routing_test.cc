#include "api/routing.h"

#include <gtest/gtest.h>

#include <map>

namespace codelore::api {
namespace {

TEST(Routing, TellsKindsOfQuestions) {
  const std::pair<const char*, const char*> cases[] = {
      {"Session.close", "symbol"}, {"round_total()", "symbol"}, {"how do I rotate a token?", "howto"}, {"배포 방법을 알려 주세요", "howto"},
      {"what is the difference between a grant and a rule?", "difference"}, {"where is the header parsed?", "where"},
      {"why is it slow?", "why"}, {"who pays the bills of the company?", "other"}};
  for (auto [question, kind] : cases) EXPECT_EQ(QuestionKind(question), kind) << question;
}

TEST(Routing, TakesTheFirstRuleThatHolds) {
  const std::vector<RouteRule> rules = {{}, {.teams = {"hardware", "lab"}}, {.kinds = {"howto"}, .min_words = 5}, {.max_words = 2}};
  auto route = [&](std::vector<std::string> teams, const char* question) { return ChooseRoute(rules, teams, "user:ann", question); };
  EXPECT_EQ(route({}, "who pays the bills?").rule, 0u);
  EXPECT_EQ(route({}, "who pays the bills?").why, "default");
  EXPECT_EQ(route({"sales", "lab"}, "who pays the bills?").rule, 1u);
  EXPECT_EQ(route({"lab"}, "who pays?").why, "team");
  EXPECT_EQ(route({}, "how do I rotate a token?").rule, 2u);
  EXPECT_EQ(route({}, "how do I rotate a token?").why, "kind+length");
  EXPECT_EQ(route({}, "how do I?").rule, 0u);
  EXPECT_EQ(route({}, "Session.close").rule, 3u);
  EXPECT_EQ(ChooseRoute({}, {}, "user:ann", "x").rule, 0u);  // no model at all
  EXPECT_EQ(ChooseRoute(std::vector<RouteRule>{{.teams = {"lab"}}}, {}, "user:ann", "x").rule, 1u);  // none fits
}

TEST(Routing, SplitsByShares) {
  const std::vector<RouteRule> rules = {{}, {.share = 30}, {.teams = {"lab"}}};
  std::map<size_t, int> counts;
  for (int i = 0; i < 10'000; ++i) {
    auto route = ChooseRoute(rules, {}, "user:" + std::to_string(i % 97), "question " + std::to_string(i));
    EXPECT_TRUE(route.split);
    EXPECT_EQ(route.why, "split");
    ++counts[route.rule];
  }
  EXPECT_NEAR(counts[1], 3000, 200);
  EXPECT_NEAR(counts[0], 7000, 200);
  EXPECT_EQ(ChooseRoute(rules, {}, "user:ann", "x").rule, ChooseRoute(rules, {}, "user:ann", "x").rule);
}

}  // namespace
}  // namespace codelore::api
