// What the service keeps between questions must never be seen: a change of rights or contents acts at the next question.
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class ServiceCache : public ::testing::Test {
 protected:
  ServiceCache() {
    FillBilling(billing_);
    FillRobots(robots_);
    billing_id_ = world_.Index(billing_.path(), "billing", {"user:ann"}).id;
    robots_id_ = world_.Index(robots_.path(), "robots", {"user:ann"}).id;
  }
  std::string Search(const Caller& caller) { return world_.Outcome(caller, "search", {{"query", "round the total of an invoice"}, {"limit", 20}}); }
  std::string Ask(const Caller& caller) { return world_.Outcome(caller, "ask", {{"question", "emergency stop of the motors"}}); }

  ScratchRepository billing_, robots_;
  World world_;
  SourceId billing_id_, robots_id_;
};

TEST_F(ServiceCache, AnswersTheSameFromTheCache) {
  std::string first = Search(world_.User("ann"));
  auto before = world_.service().cache_hits();
  EXPECT_EQ(Search(world_.User("ann")), first);
  EXPECT_EQ(world_.service().cache_hits().results, before.results + 1);
  std::string longer = world_.Outcome(world_.User("ann"), "search", {{"query", "round the total of an invoice"}, {"limit", 1}});
  EXPECT_NE(longer, first);  // another request is another key
  EXPECT_GT(world_.service().cache_hits().vectors, before.vectors);
}

// Attack 047: a privileged user's answer is nobody else's.
TEST_F(ServiceCache, Attack047OneUsersResultIsNotAnothers) {
  EXPECT_NE(Search(world_.User("ann")).find("robots"), std::string::npos);
  EXPECT_EQ(Search(world_.User("eve")).find("invoice.py"), std::string::npos);
  EXPECT_NE(Ask(world_.User("ann")).find("power of all motors"), std::string::npos);
  EXPECT_EQ(Ask(world_.User("eve")).find("motors within"), std::string::npos);
}

TEST_F(ServiceCache, AGrantOrARevocationActsAtTheNextQuestion) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_NE(Search(world_.User("ann")).find("robots"), std::string::npos);
    EXPECT_NE(Ask(world_.User("ann")).find("power of all motors"), std::string::npos);
    ASSERT_TRUE(world_.directory().Revoke(robots_id_, "user:ann").ok());
    EXPECT_EQ(Search(world_.User("ann")).find("robots"), std::string::npos);
    EXPECT_EQ(Ask(world_.User("ann")).find("power of all motors"), std::string::npos);
    ASSERT_TRUE(world_.directory().Grant(robots_id_, "user:ann").ok());
  }
}

TEST_F(ServiceCache, NewContentsActAtTheNextQuestion) {
  Search(world_.User("ann"));
  billing_.Write("src/cents.py", "def round_total_to_cents(amount):\n    \"\"\"Rounds the total of an invoice.\"\"\"\n");
  billing_.Commit();
  world_.Index(billing_.path(), "billing");
  EXPECT_NE(Search(world_.User("ann")).find("cents.py"), std::string::npos);
  ASSERT_TRUE(world_.service().RemoveSource(world_.Tenant(), "robots").ok());
  EXPECT_EQ(Search(world_.User("ann")).find("robots"), std::string::npos);
}

TEST(LruCache, KeepsWhatFitsAndWasUsedLast) {
  LruCache<int> cache(4000);
  for (int i = 0; i < 10; ++i) {
    cache.Keep(std::to_string(i), std::make_shared<const int>(i), 500);
    EXPECT_NE(cache.Find("0"), nullptr);  // used each time
  }
  EXPECT_EQ(cache.Find("1"), nullptr);
  EXPECT_EQ(*cache.Find("9"), 9);
  cache.Keep("huge", std::make_shared<const int>(1), 3000);
  EXPECT_EQ(cache.Find("huge"), nullptr);
  LruCache<int> off(0);
  off.Keep("a", std::make_shared<const int>(1), 1);
  EXPECT_EQ(off.Find("a"), nullptr);
  EXPECT_FALSE(off.enabled());
}

}  // namespace
}  // namespace codelore::api
