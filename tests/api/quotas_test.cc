#include "api/quotas.h"

#include "api/served_world.h"

namespace codelore::api {
namespace {

class QuotasTest : public ::testing::Test {
 protected:
  Quotas::Clock::time_point now_{};
  Quotas Make(QuotaLimits limits) { return Quotas(limits, [this] { return now_; }); }
};

TEST_F(QuotasTest, LetsAMinutesWorthThroughAndThenAnEvenTrickle) {
  Quotas quotas = Make({.user_requests_per_minute = 60});
  for (int i = 0; i < 60; ++i) EXPECT_EQ(quotas.TakeRequest({1}, "ann"), 0u);
  EXPECT_EQ(quotas.TakeRequest({1}, "ann"), 1u);
  EXPECT_EQ(quotas.TakeRequest({1}, "bob"), 0u);
  now_ += 10s;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(quotas.TakeRequest({1}, "ann"), 0u);
  EXPECT_NE(quotas.TakeRequest({1}, "ann"), 0u);
}

TEST_F(QuotasTest, OneTenantsFloodLeavesTheOthersTheirs) {
  Quotas quotas = Make({.user_requests_per_minute = 1000, .tenant_requests_per_minute = 100});
  int passed = 0;
  for (int i = 0; i < 1000; ++i) passed += quotas.TakeRequest({1}, "user" + std::to_string(i % 50)) == 0;
  EXPECT_EQ(passed, 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(quotas.TakeRequest({2}, "user0"), 0u);
}

TEST_F(QuotasTest, HasNoLimitsUnlessGiven) {
  Quotas quotas = Make({});
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(quotas.TakeRequest({1}, "ann"), 0u);
  EXPECT_NE(quotas.TakeStream({1}, "ann"), nullptr);
}

TEST_F(QuotasTest, GivesAStreamsPlaceBack) {
  Quotas quotas = Make({.user_streams = 2, .tenant_streams = 3});
  auto first = quotas.TakeStream({1}, "ann"), second = quotas.TakeStream({1}, "ann");
  EXPECT_TRUE(first && second);
  EXPECT_EQ(quotas.TakeStream({1}, "ann"), nullptr);
  auto third = quotas.TakeStream({1}, "bob");
  EXPECT_TRUE(third);
  EXPECT_EQ(quotas.TakeStream({1}, "cid"), nullptr);
  EXPECT_NE(quotas.TakeStream({2}, "ann"), nullptr);
  first.reset();
  EXPECT_NE(quotas.TakeStream({1}, "ann"), nullptr);
}

TEST_F(QuotasTest, TokensArePaidForAfterwardsByWaiting) {
  Quotas quotas = Make({.user_tokens_per_day = 1000, .tenant_tokens_per_day = 3000});
  EXPECT_EQ(quotas.TokensWait({1}, "ann"), 0u);
  quotas.SpendTokens({1}, "ann", 1500);  // an answer is not cut in the middle
  EXPECT_NEAR(quotas.TokensWait({1}, "ann"), 501 * 86.4, 1);
  EXPECT_EQ(quotas.TokensWait({1}, "bob"), 0u);
  EXPECT_EQ(quotas.TokensWait({2}, "ann"), 0u);
  now_ += 12h;
  EXPECT_GT(quotas.TokensWait({1}, "ann"), 0u);
  now_ += 1min;
  now_ += 2min;
  EXPECT_EQ(quotas.TokensWait({1}, "ann"), 0u);
  for (const char* user : {"bob", "cid", "dan", "eve"}) quotas.SpendTokens({1}, user, 900);
  EXPECT_NE(quotas.TokensWait({1}, "fay"), 0u);  // the tenant's are used up
}

TEST_F(QuotasTest, MeterSpendsWhatTheModelSaysOrAQuarterOfTheBytes) {
  Quotas quotas = Make({.user_tokens_per_day = 100});
  TokenMeter(quotas, {1}, "ann").Count(std::string(396, 'x'));
  EXPECT_EQ(quotas.TokensWait({1}, "ann"), 0u);
  TokenMeter(quotas, {1}, "ann").Count("xxxx");
  EXPECT_NE(quotas.TokensWait({1}, "ann"), 0u);
  {
    TokenMeter meter(quotas, {1}, "bob");
    meter.Count(std::string(4000, 'x'));
    meter.Settle(0);  // it only quoted
  }
  EXPECT_EQ(quotas.TokensWait({1}, "bob"), 0u);
}

TEST_F(QuotasTest, BytesToIndexAreTakenWholeOrNotAtAll) {
  Quotas quotas = Make({.tenant_index_bytes_per_day = 86'400});
  EXPECT_EQ(quotas.TakeIndexBytes({1}, 86'000), 0u);
  EXPECT_EQ(quotas.TakeIndexBytes({1}, 500), 100u);
  EXPECT_EQ(quotas.TakeIndexBytes({1}, 400), 0u);
  EXPECT_EQ(quotas.TakeIndexBytes({2}, 86'400), 0u);
  quotas.SpendIndexBytes({1}, 1000);
  EXPECT_EQ(quotas.IndexBytesWait({1}), 1001u);
  now_ += 1001s;
  EXPECT_EQ(quotas.IndexBytesWait({1}), 0u);
}

TEST_F(QuotasTest, WhoOwesIsNotForgottenHoweverManyComeAfter) {
  Quotas quotas = Make({.user_requests_per_minute = 1, .user_tokens_per_day = 10});
  quotas.SpendTokens({1}, "ann", 1000);
  for (int round = 0; round < 2; ++round) {
    now_ += 2min;
    for (int i = 0; i < 10'002; ++i) (void)quotas.TakeRequest({1}, "user" + std::to_string(round * 20'000 + i));
  }
  EXPECT_NE(quotas.TokensWait({1}, "ann"), 0u);
}

TEST(QuotasOverHttp, UsedUpTokensEndAnswersInEveryProtocolAndNothingElse) {
  ServedWorld world({}, {.user_tokens_per_day = 100});
  world.Serve();
  std::string ann = world.Token("ann");
  world.service().quotas().SpendTokens(world.Tenant(), "user:ann", 200);
  const std::string chat = R"({"model":"codelore","messages":[{"role":"user","content":"why?"}]})";
  for (const WorldRequest& request : {WorldRequest{"POST", "/v1/ask", R"({"question":"why?"})", ""}, WorldRequest{"POST", "/v1/ask", R"({"question":"why?","stream":true})", ""},
                                      WorldRequest{"POST", "/v1/chat/completions", chat, ""}, WorldRequest{"POST", "/api/chat", chat, ""}}) {
    WorldReply reply = world.Send(request, ann);
    EXPECT_EQ(reply.status, 429) << request.target << reply.body;
    size_t at = reply.head.find("Retry-After: ");
    ASSERT_NE(at, std::string::npos) << request.target;
    EXPECT_GT(std::atoi(reply.head.c_str() + at + 13), 86'000) << request.target;
  }
  EXPECT_EQ(world.Send({"POST", "/v1/search", R"({"query":"why"})", ""}, ann).status, 200);
  WorldReply tool = world.Send({"POST", "/mcp", R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":"why?"}}})", "Accept: application/json, text/event-stream\r\n"}, ann);
  EXPECT_NE(tool.body.find("used up"), std::string::npos) << tool.body;
  EXPECT_EQ(world.Send({"POST", "/v1/ask", R"({"question":"why?"})", ""}, world.Token("bob")).status, 200);
}

TEST(QuotasOverHttp, Answer429WithRetryAfterInEveryProtocol) {
  ServedWorld world({}, {.user_requests_per_minute = 5});
  world.Serve();
  std::string ann = world.Token("ann"), other = world.Token("ann", {}, false, "acme");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.Send({"GET", "/v1/sources", "", ""}, ann).status, 200);
  for (const char* target : {"/v1/sources", "/v1/models", "/api/tags"}) {
    WorldReply reply = world.Send({"GET", target, "", ""}, ann);
    EXPECT_EQ(reply.status, 429) << target;
    EXPECT_NE(reply.head.find("Retry-After: 1"), std::string::npos) << reply.head;
  }
  EXPECT_EQ(world.Send({"GET", "/v1/sources", "", ""}, other).status, 200);
}

}  // namespace
}  // namespace codelore::api
