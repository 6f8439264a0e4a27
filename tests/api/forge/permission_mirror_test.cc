// A source whose readers a forge on this machine decides on: through the operations, and through a running server.
#include "api/forge/permission_mirror.h"

#include <openssl/hmac.h>

#include "api/follow_settings.h"
#include "api/forge/scripted_forge.h"
#include "api/server.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

TEST(PrincipalsFoundTest, NamesAreTheSameUnlessTheyAreMapped) {
  MirrorSettings settings;
  for (const char* each : {"octocat=ann", "bot=", "team:core=team:backend", "user:kim=team:ops"}) ASSERT_TRUE(ParseMapping(each, settings.names).ok()) << each;
  ForgeAccess access{.shown = true, .is_public = true, .users = {"octocat", "bot", "bob", "bob", "kim", "\x01", ""}, .teams = {"core", "ops", "bot"}};
  EXPECT_EQ(PrincipalsFound(settings, access), (std::vector<std::string>{"team:backend", "team:ops", "user:ann", "user:bob"}));
  settings.public_is_tenant = true;
  EXPECT_EQ(PrincipalsFound(settings, access)[0], "everyone");
  access.is_public = false;
  EXPECT_NE(PrincipalsFound(settings, access)[0], "everyone");
  for (const char* wrong : {"", "ann", "=ann", "team:=x", "a=user:", "a=everyone\n"}) EXPECT_FALSE(ParseMapping(wrong, settings.names).ok()) << wrong;
  // "everyone" is a user's name there, and never the whole tenant here.
  MirrorSettings plain;
  EXPECT_EQ(PrincipalsFound(plain, {.shown = true, .is_public = false, .users = {"everyone"}, .teams = {}}), (std::vector<std::string>{"user:everyone"}));
}

TEST(MirrorSettingsTest, RepositoryIsReadOffALocation) {
  EXPECT_EQ(RepositoryOf("https://git.example.com/team/app.git"), "team/app");
  EXPECT_EQ(RepositoryOf("https://git.example.com/a/b/c/"), "a/b/c");
  EXPECT_EQ(RepositoryOf("git@git.example.com:team/app.git"), "team/app");
  EXPECT_EQ(RepositoryOf("/srv/git/app.git"), "");
}

class MirrorOperationsTest : public ::testing::Test {
 protected:
  void SetUp() override { FillBilling(billing_); }
  Json Mirror(const Json& more = Json::object()) {
    Json mirror = {{"forge", "gitea"}, {"url", forge_.url()}, {"repository", "team/app"}, {"token", "t0ken"}};
    mirror.update(more);
    return {{"location", billing_.path()}, {"mirror", mirror}};
  }
  Json Add(const Json& more = Json::object()) { return world_.Call(world_.Operator(), "source.add", Mirror(more), kBilling); }
  Status Refusal(const Json& more) { return world_.TryCall(world_.Operator(), "source.add", Mirror(more), kBilling).status(); }
  std::vector<std::string> Readers() {
    return world_.directory().PrincipalsOf(world_.directory().FindSource(world_.Tenant(), "billing")->id).value();
  }
  Status Look() { return world_.service().permission_mirror().Look(world_.directory().FindSource(world_.Tenant(), "billing")->id, {}); }

  const Params kBilling = {{"source", "billing"}};
  ScratchRepository billing_;
  ScriptedForge forge_;
  World world_{{"127.0.0.1"}};
};

TEST_F(MirrorOperationsTest, ForgeIsAskedAtOnceAndSaysWhoReads) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann"}, .teams = {{"core", {"kim"}}}, .owned_by_user = false}; });
  Json reply = Add({{"map", {"kim=lee", "team:core=team:backend"}}});
  EXPECT_EQ(reply["mirror"]["error"], "");
  EXPECT_EQ(Readers(), (std::vector<std::string>{"team:backend", "user:ann", "user:lee"}));
  Json shown = world_.Call(world_.Operator(), "source.show", {}, kBilling);
  EXPECT_EQ(shown["mirror"]["forge"], "gitea");
  EXPECT_NE(shown["mirror"]["last_verified"], "");
  EXPECT_EQ(shown.dump().find("t0ken"), std::string::npos);
  auto grants = world_.directory().GrantsOf(world_.directory().FindSource(world_.Tenant(), "billing")->id).value();
  ASSERT_EQ(grants.size(), 3u);
  for (const acl::GrantRecord& grant : grants) {
    EXPECT_EQ(grant.origin, "gitea");
    EXPECT_GT(grant.verified_unix_ms, 0);
    EXPECT_LE(grant.valid_until_unix_ms - grant.verified_unix_ms, 3'600'000);
  }
}

TEST_F(MirrorOperationsTest, WhatIsTakenBackThereIsTakenBackHereAndGrantsByHandStay) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann", "bob"}}; });
  Add();
  world_.Call(world_.Operator(), "grant", {{"principal", "user:eve"}}, kBilling);
  forge_.Set([](ForgeState& state) { state = {.readers = {"bob"}}; });
  EXPECT_TRUE(Look().ok());
  EXPECT_EQ(Readers(), (std::vector<std::string>{"user:bob", "user:eve", "user:team"}));
}

TEST_F(MirrorOperationsTest, TroubleLeavesGrantsAndAHiddenRepositoryTakesThemBack) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann"}, .owned_by_user = true}; });
  Add();
  for (int trouble : {301, 401, 429, 500}) {
    forge_.Set([&](ForgeState& state) { state.refuses = trouble; });
    EXPECT_FALSE(Look().ok());
    EXPECT_EQ(Readers(), (std::vector<std::string>{"user:ann", "user:team"})) << trouble;
  }
  for (int hidden : {403, 404}) {
    forge_.Set([&](ForgeState& state) { state.refuses = hidden; });
    EXPECT_EQ(Look().code(), StatusCode::kNotFound);
    EXPECT_EQ(Readers(), std::vector<std::string>()) << hidden;
    forge_.Set([&](ForgeState& state) { state.refuses = 0; });
    EXPECT_TRUE(Look().ok());
    EXPECT_EQ(Readers().size(), 2u);
  }
}

TEST_F(MirrorOperationsTest, GrantsThatAreNotVerifiedLapseByThemselves) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann"}}; });
  acl::Source source = world_.service().FindOrAddSource(world_.Tenant(), billing_.path(), "billing").value().source;
  MirrorSettings settings{.url = forge_.url(), .repository = "team/app", .token = "t", .interval_seconds = 0, .limit_seconds = 1, .names = {}};
  ASSERT_TRUE(world_.service().permission_mirror().Configure(source.id, settings).ok());
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(Readers().size(), 2u);
  forge_.Set([](ForgeState& state) { state.refuses = 500; });
  EXPECT_FALSE(Look().ok());
  auto until = std::chrono::steady_clock::now() + 5s;
  while (!Readers().empty() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(Readers().empty());
}

TEST_F(MirrorOperationsTest, OtherSettingsAndNoneTakeBackWhatWasFoundBefore) {
  forge_.Set([](ForgeState& state) { state = {.visibility = "public", .readers = {"ann"}, .owned_by_user = true}; });
  EXPECT_EQ(Add()["mirror"]["readers"], Json({"user:ann", "user:team"}));  // public is nobody, unless the operator says so
  EXPECT_EQ(Add({{"public_is", "tenant"}})["mirror"]["readers"], Json({"everyone", "user:ann", "user:team"}));
  EXPECT_EQ(Add({{"public_is", "nobody"}})["mirror"]["readers"], Json({"user:ann", "user:team"}));
  Json reply = Add({{"repository", "other/app"}});  // which is not there
  EXPECT_NE(reply["mirror"]["error"], "");
  EXPECT_EQ(reply["mirror"]["readers"], Json::array());
  EXPECT_EQ(Add()["mirror"]["readers"].size(), 2u);
  forge_.Set([](ForgeState& state) { state.refuses = 500; });
  EXPECT_EQ(Add()["mirror"]["readers"].size(), 2u);  // the same settings once more
  EXPECT_EQ(Add({{"map", {"ann=bob"}}})["mirror"]["readers"], Json::array());  // what was found meant something else
  forge_.Set([](ForgeState& state) { state.refuses = 0; });
  EXPECT_TRUE(Look().ok());
  EXPECT_EQ(Readers().size(), 2u);
  world_.Call(world_.Operator(), "source.add", {{"location", billing_.path()}, {"mirror", {{"forge", "off"}}}}, kBilling);
  EXPECT_TRUE(Readers().empty());
  EXPECT_TRUE(Look().ok());
  EXPECT_TRUE(Readers().empty());
}

TEST_F(MirrorOperationsTest, TokenGoesNowhereButToTheServerItWasGivenFor) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann"}}; });
  Add();
  EXPECT_FALSE(Refusal({{"url", "http://127.0.0.1:9/elsewhere"}, {"token", nullptr}}).ok());
  ScriptedForge other;
  forge_.Set([](ForgeState& state) { state.refuses = 302; });
  EXPECT_FALSE(Look().ok());
  EXPECT_EQ(other.asked, 0);
}

TEST_F(MirrorOperationsTest, WhatCannotWorkIsRefusedInWordsThatHelp) {
  for (const char* url : {"", "ftp://x", "http://", "http://a@b", "http://a b", "http://a/?q"}) EXPECT_FALSE(Refusal({{"url", url}}).ok()) << url;
  for (const char* name : {"", "app", "team/", "../app", "team/app/x", "team/a b", "team/a?x", "team/%2e"}) EXPECT_FALSE(Refusal({{"repository", name}}).ok()) << name;
  EXPECT_FALSE(Refusal({{"forge", "bitbucket"}}).ok());
  EXPECT_FALSE(Refusal({{"token", ""}}).ok());
  EXPECT_FALSE(Refusal({{"interval", "never"}}).ok());
  EXPECT_FALSE(Refusal({{"interval", "1h"}, {"limit", "1h"}}).ok());
  EXPECT_FALSE(Refusal({{"map", {"nothing"}}}).ok());
  EXPECT_EQ(world_.directory().ListSources(world_.Tenant())->size(), 0u);  // none was added on the way
  EXPECT_EQ(forge_.asked, 0);
}

TEST_F(MirrorOperationsTest, OnlyNetworksThatTheOperatorNamedAreAsked) {
  World stranger;  // no --allow-network
  Json reply = stranger.Call(stranger.Operator(), "source.add", Mirror(), kBilling);
  EXPECT_NE(reply["mirror"]["error"].get<std::string>().find("--allow-network"), std::string::npos);
  EXPECT_EQ(forge_.asked, 0);
  // A public address is allowed to git, but a token must not go there in the clear.
  EXPECT_NE(Add({{"url", "http://1.1.1.1"}})["mirror"]["error"].get<std::string>().find("https://"), std::string::npos);
}

TEST_F(MirrorOperationsTest, ChangesOfFoundGrantsAreOnRecordAndTokensAreNot) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann"}}; });
  Add({{"token", "s3cret-t0ken"}});
  forge_.Set([](ForgeState& state) { state = {.readers = {"bob"}}; });
  EXPECT_TRUE(Look().ok());
  EXPECT_TRUE(Look().ok());  // no change, no record
  std::string all;
  int found = 0;
  for (const std::string& line : world_.service().audit().List({}).value()) {
    all += line + "\n";
    found += line.find("\"grant.") != std::string::npos;
  }
  EXPECT_EQ(found, 3);
  EXPECT_NE(all.find("grant.gone"), std::string::npos);
  EXPECT_NE(all.find("user:bob"), std::string::npos);
  EXPECT_EQ(all.find("s3cret"), std::string::npos);
}

// ---- a running server --------------------------------------------------------------------------------------

constexpr char kSecret[] = "a shared secret";

std::string Signature(const std::string& body) {
  unsigned char mac[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret, sizeof kSecret - 1, reinterpret_cast<const unsigned char*>(body.data()), body.size(), mac, &size);
  std::string text;
  for (unsigned char byte : mac) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    text += two;
  }
  return text;
}

class MirrorServedTest : public ::testing::TestWithParam<Forge> {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    {
      World world({"127.0.0.1"}, data_.path());
      acl::Source source = world.Index(billing_.path(), "billing");
      ASSERT_TRUE(WriteFollowSettings(world.service().store(), source.id, {.token = {}, .webhook_secrets = {kSecret}}).ok());
      ann_ = world.directory().CreateToken({.tenant = world.Tenant(), .user = "ann"})->text;
      world.Call(world.Operator(), "source.add", {{"location", billing_.path()}, {"mirror", {{"forge", ForgeName(GetParam())}, {"url", forge_.url()}, {"repository", "team/app"}, {"token", "t"}}}},
                 {{"source", "billing"}});
    }
    server_ = Server::Start({.service = {.data_folder = data_.path(), .threads = 1, .precision = embed::Precision::kFloat32, .allowed_networks = {"127.0.0.1"}}, .http = {.threads = 8}}).value();
  }
  bool AnnReads() {
    RawClient client(server_->port());
    client.Send("GET /v1/sources/billing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + ann_ + "\r\n\r\n");
    return StatusIn(client.ReadToEnd()) == 200;
  }
  bool Becomes(bool readable) {
    auto until = std::chrono::steady_clock::now() + 10s;
    while (AnnReads() != readable && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
    return AnnReads() == readable;
  }
  std::string Deliver(const std::string& event, bool sign = true) {
    std::string body = "{\"action\":\"" + event + "\"}", signature = sign ? Signature(body) : std::string(64, '0');
    std::string head;
    switch (GetParam()) {
      case Forge::kGitHub: head = "X-GitHub-Event: " + event + "\r\nX-Hub-Signature-256: sha256=" + signature + "\r\n"; break;
      case Forge::kGitLab: head = "X-Gitlab-Event: " + event + "\r\nX-Gitlab-Token: " + (sign ? kSecret : "wrong") + "\r\n"; break;
      default: head = "X-Gitea-Event: " + event + "\r\nX-Gitea-Signature: " + signature + "\r\nX-Forgejo-Event: " + event + "\r\nX-Forgejo-Signature: " + signature + "\r\n";
    }
    RawClient client(server_->port());
    client.Send(PostRequest("/v1/webhooks/" + std::string(ForgeName(GetParam())) + "/billing", body, "Connection: close\r\n" + head));
    return client.ReadToEnd();
  }
  std::string Event() const { return GetParam() == Forge::kGitHub ? "member" : GetParam() == Forge::kGitLab ? "Member Hook" : "repository"; }

  TempFolder data_;
  ScratchRepository billing_;
  ScriptedForge forge_;
  std::string ann_;
  std::unique_ptr<Server> server_;
};

TEST_P(MirrorServedTest, DeliveryMakesAGrantAndTakesItBackAtOnce) {
  EXPECT_FALSE(AnnReads());
  for (int round = 0; round < 3; ++round) {  // also deliveries that are the same, byte for byte
    forge_.Set([](ForgeState& state) { state.readers = {"ann"}; });
    EXPECT_NE(Deliver(Event()).find("\"accepted\":true"), std::string::npos);
    EXPECT_TRUE(Becomes(true));
    forge_.Set([](ForgeState& state) { state.readers = {}; });
    EXPECT_EQ(StatusIn(Deliver(Event())), 202);
    EXPECT_TRUE(Becomes(false));
  }
}

TEST_P(MirrorServedTest, UnsignedDeliveryMakesNobodyAsk) {
  forge_.Set([](ForgeState& state) { state.readers = {"ann"}; });
  Deliver(Event());
  ASSERT_TRUE(Becomes(true));  // so the look that a start makes is over
  int before = forge_.asked;
  EXPECT_EQ(StatusIn(Deliver(Event(), /*sign=*/false)), 401);
  EXPECT_NE(Deliver("issues").find("\"accepted\":false"), std::string::npos);
  EXPECT_EQ(forge_.asked, before);
}

TEST_P(MirrorServedTest, FloodOfDeliveriesIsAFewQuestions) {
  for (int i = 0; i < 200; ++i) EXPECT_EQ(StatusIn(Deliver(Event())), 202);
  forge_.Set([](ForgeState& state) { state.readers = {"ann"}; });
  Deliver(Event());
  EXPECT_TRUE(Becomes(true));  // the last one counts, whatever came before
  EXPECT_LT(forge_.asked, 200);
}

INSTANTIATE_TEST_SUITE_P(All, MirrorServedTest, ::testing::Values(Forge::kGitHub, Forge::kGitLab, Forge::kGitea, Forge::kForgejo),
                         [](const auto& forge) { return std::string(ForgeName(forge.param)); });

}  // namespace
}  // namespace codelore::api
