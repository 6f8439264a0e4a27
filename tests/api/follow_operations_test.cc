#include "api/follow_operations.h"

#include "api/follow_settings.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class FollowOperationsTest : public ::testing::Test {
 protected:
  void SetUp() override { FillBilling(billing_); }
  Json Add(const Json& more = Json::object()) {
    Json body = {{"location", billing_.path()}};
    body.update(more);
    return world_.Call(world_.Operator(), "source.add", body, kBilling);
  }
  FollowSettings Settings() {
    acl::Source source = world_.directory().FindSource(world_.Tenant(), "billing").value();
    return ReadFollowSettings(world_.service().store(), source.id).value();
  }

  const Params kBilling = {{"source", "billing"}};
  ScratchRepository billing_;
  World world_;
};

TEST_F(FollowOperationsTest, AddedSourceIsFollowedAndWaitsForAServer) {
  Json reply = Add();
  EXPECT_EQ(reply["added"], true);
  EXPECT_EQ(reply["accepted"], false);
  EXPECT_EQ(reply["following"]["poll_seconds"], kDefaultPollSeconds);
  EXPECT_EQ(world_.Call(world_.Operator(), "source.freshness", {}, kBilling)["state"], "waiting");
  reply = Add({{"poll", "1h"}});
  EXPECT_EQ(reply["added"], false);
  EXPECT_EQ(reply["following"]["poll_seconds"], 3600);
  EXPECT_EQ(Add()["following"]["poll_seconds"], 3600);  // what is not said stays
  EXPECT_FALSE(world_.TryCall(world_.Operator(), "source.add", {{"location", billing_.path()}, {"poll", "soon"}}, kBilling).ok());
}

TEST_F(FollowOperationsTest, SyncIndexesAndReindexReadsEveryFileAgain) {
  Add();
  Json first = world_.Call(world_.Operator(), "source.sync", {}, kBilling);
  EXPECT_EQ(first["files"]["indexed"], 3);
  EXPECT_EQ(world_.Call(world_.Operator(), "source.sync", {}, kBilling)["files"]["changed"], 0);
  Json again = world_.Call(world_.Operator(), "source.reindex", {}, kBilling);
  EXPECT_EQ(again["files"]["indexed"], 3);
  EXPECT_EQ(again["vectors"]["chunks_encoded"], 0);  // all in the cache
  EXPECT_EQ(world_.Call(world_.Operator(), "source.sync", {}, kBilling)["files"]["changed"], 0);
}

TEST_F(FollowOperationsTest, SecretsRotateAndAreNeverShown) {
  Add({{"webhook_secret", "first secret"}, {"token", "forge-token"}});
  Add({{"webhook_secret", "second secret"}});
  EXPECT_EQ(Settings().webhook_secrets, (std::vector<std::string>{"second secret", "first secret"}));
  Json reply = Add({{"webhook_secret", "third secret"}});
  EXPECT_EQ(Settings().webhook_secrets, (std::vector<std::string>{"third secret", "second secret"}));
  EXPECT_EQ(Settings().token, "forge-token");
  EXPECT_EQ(reply["following"]["webhook_secrets"], 2);
  EXPECT_EQ(reply["following"]["has_token"], true);
  for (const char* operation : {"source.show", "source.list", "status", "source.freshness", "source.pause"}) {
    std::string text = world_.Outcome(world_.Operator(), operation, Json::object(), kBilling);
    EXPECT_EQ(text.find("secret\""), std::string::npos) << text;
    EXPECT_EQ(text.find("forge-token"), std::string::npos) << text;
  }
  EXPECT_FALSE(world_.TryCall(world_.Operator(), "source.add", {{"location", billing_.path()}, {"webhook_secret", "short"}}, kBilling).ok());
}

TEST_F(FollowOperationsTest, PauseAndResume) {
  Add();
  EXPECT_EQ(world_.Call(world_.Operator(), "source.pause", {}, kBilling)["following"]["paused"], true);
  EXPECT_EQ(world_.Call(world_.Operator(), "source.freshness", {}, kBilling)["state"], "paused");
  EXPECT_EQ(world_.Call(world_.Operator(), "source.resume", {}, kBilling)["following"]["paused"], false);
  EXPECT_EQ(world_.Call(world_.Operator(), "source.show", {}, kBilling)["following"]["paused"], false);
}

TEST_F(FollowOperationsTest, StrangerLearnsNothing) {
  Add();
  world_.Call(world_.Operator(), "source.sync", {}, kBilling);
  Caller stranger = world_.User("mallory");
  for (const char* operation : {"source.show", "source.freshness"}) {
    std::string hidden = world_.Outcome(stranger, operation, Json::object(), kBilling);
    EXPECT_EQ(hidden, world_.Outcome(stranger, operation, Json::object(), {{"source", "nothing"}}));
    EXPECT_EQ(hidden.find("billing"), std::string::npos);
  }
  for (const char* operation : {"source.add", "source.sync", "source.reindex", "source.pause", "source.resume"}) {
    EXPECT_EQ(world_.TryCall(stranger, operation, Json::object(), kBilling).status().code(), StatusCode::kPermissionDenied);
  }
  ASSERT_TRUE(world_.directory().Grant(world_.directory().FindSource(world_.Tenant(), "billing")->id, "user:ann").ok());
  Json seen = world_.Call(world_.User("ann"), "source.freshness", {}, kBilling);
  EXPECT_EQ(seen["state"], "current");
  EXPECT_EQ(seen["pending"], false);
  EXPECT_EQ(seen["commit"], billing_.Git({"rev-parse", "HEAD"}));
  EXPECT_FALSE(world_.Call(world_.User("ann"), "source.show", {}, kBilling).contains("location"));
}

TEST_F(FollowOperationsTest, RemovedSourceLeavesNoSettingsBehind) {
  Add({{"webhook_secret", "first secret"}});
  SourceId id = world_.directory().FindSource(world_.Tenant(), "billing")->id;
  world_.Call(world_.Operator(), "source.remove", {}, kBilling);
  EXPECT_TRUE(ReadFollowSettings(world_.service().store(), id)->webhook_secrets.empty());
}

TEST_F(FollowOperationsTest, BranchIsPartOfTheSource) {
  billing_.Git({"branch", "old"});
  billing_.Write("new.md", "# New\n\nA walrus.\n");
  billing_.Commit();
  Add({{"branch", "old"}});
  EXPECT_EQ(world_.Call(world_.Operator(), "source.sync", {}, kBilling)["branch"], "old");
  EXPECT_FALSE(world_.TryCall(world_.Operator(), "source.add", {{"location", billing_.path()}, {"branch", "main"}}, kBilling).ok());
  EXPECT_FALSE(world_.TryCall(world_.Operator(), "source.add", {{"location", billing_.path()}, {"branch", "--upload-pack=x"}}, {{"source", "x"}}).ok());
}

}  // namespace
}  // namespace codelore::api
