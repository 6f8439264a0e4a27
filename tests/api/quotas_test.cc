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
