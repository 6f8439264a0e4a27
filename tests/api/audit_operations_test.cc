// What a server puts on record, and who may read it.
#include "api/served_world.h"

namespace codelore::api {
namespace {

class AuditOperations : public ::testing::Test {
 protected:
  AuditOperations() {
    world_.Tenant("acme");
    world_.service().FindOrAddSource(world_.Tenant(), folder_.path(), "app").value();
    root_ = world_.Token("root", {}, true);
    ann_ = world_.Token("ann");
    other_root_ = world_.Token("olga", {}, true, "acme");
    world_.Serve();
  }
  WorldReply Post(const std::string& target, const std::string& token, const Json& body) { return world_.Send({"POST", target, body.dump(), ""}, token); }
  std::string Lines() {
    std::string all;
    for (const std::string& line : AuditLog::ListIn(world_.folder() + "/audit", {}).value()) all += line + "\n";
    return all;
  }
  Json Last() { return Json::parse(AuditLog::ListIn(world_.folder() + "/audit", {}).value().back()); }

  TempFolder folder_;
  ServedWorld world_;
  std::string root_, ann_, other_root_;
};

TEST_F(AuditOperations, ChangesAreOnRecordWhenTheyAreAcknowledged) {
  WorldReply reply = Post("/v1/sources/app/grants", root_, {{"principal", "team:web"}});
  ASSERT_EQ(reply.status, 200);
  Json last = Last();
  EXPECT_EQ(last["what"], "grant");
  EXPECT_EQ(last["who"], "user:root");
  EXPECT_EQ(last["result"], "ok");
  EXPECT_EQ(last["about"], (Json{{"source", "app"}, {"principal", "team:web"}}));
  EXPECT_EQ(last["from"], "127.0.0.1");
  EXPECT_NE(reply.head.find(last["request"].get<std::string>()), std::string::npos);
  EXPECT_EQ(world_.Send({"DELETE", "/v1/sources/app/grants/team%3Aweb", "", ""}, root_).status, 200);
  EXPECT_EQ(Last()["what"], "revoke");
  EXPECT_EQ(world_.Send({"DELETE", "/v1/sources/app/grants/team%3Aweb", "", ""}, root_).status, 404);
  EXPECT_EQ(Last()["result"], "not found: no such grant");
  Post("/v1/tokens", root_, {{"user", "bea"}, {"teams", {"web"}}});
  EXPECT_EQ(Last()["about"], (Json{{"user", "bea"}, {"teams", "[\"web\"]"}}));
  EXPECT_EQ(AuditLog::Verify(world_.folder() + "/audit")->altered, "");
}

TEST_F(AuditOperations, SecretsThatAreChangedAreOnRecordAndNotWhatTheyAre) {
  Json body = {{"kind", "documents"}};
  EXPECT_EQ(world_.Send({"PUT", "/v1/sources/wiki", body.dump(), ""}, root_).status, 200);
  EXPECT_FALSE(Last()["about"].contains("webhook_secret"));
  body = {{"location", "/nowhere"}, {"webhook_secret", "hush hush hush"}, {"token", "t0ken"}, {"mirror", {{"forge", "gitea"}, {"token", "t1ken"}}}};
  world_.Send({"PUT", "/v1/sources/other", body.dump(), ""}, root_);
  EXPECT_EQ(Last()["what"], "source.add");
  EXPECT_EQ(Last()["about"]["webhook_secret"], "given");
  EXPECT_EQ(Last()["about"]["token"], "given");
  EXPECT_NE(Last()["about"]["mirror"].get<std::string>().find("gitea"), std::string::npos);
  EXPECT_EQ(Lines().find("hush"), std::string::npos);
  EXPECT_EQ(Lines().find("t0ken"), std::string::npos);
  EXPECT_EQ(Lines().find("t1ken"), std::string::npos);
}

TEST_F(AuditOperations, SignInsRefusalsAndDenialsAreOnRecord) {
  for (int i = 0; i < 3; ++i) Post("/v1/search", ann_, {{"query", "zeppelin invoice"}});
  Post("/v1/sources/app/grants", ann_, {{"principal", "user:ann"}});
  EXPECT_EQ(Last()["result"], "denied");
  EXPECT_EQ(Last()["who"], "user:ann");
  Post("/v1/search", "clr_nonsense", {{"query", "x"}});
  EXPECT_EQ(Last()["what"], "sign-in");
  EXPECT_EQ(Last()["result"], "refused");
  std::string lines = Lines();
  size_t sign_ins = 0;
  for (size_t at = 0; (at = lines.find("\"who\":\"user:ann\",\"what\":\"sign-in\"", at)) != std::string::npos; ++at) ++sign_ins;
  EXPECT_EQ(sign_ins, 1u);
  for (const std::string& secret : {std::string("zeppelin"), std::string("nonsense"), ann_, root_}) EXPECT_EQ(lines.find(secret), std::string::npos);
}

TEST_F(AuditOperations, AdministratorsReadTheirOwnTenantsRecordsOnly) {
  Post("/v1/sources/app/grants", root_, {{"principal", "team:web"}});
  Post("/v1/tokens", other_root_, {{"user", "oscar"}});
  world_.Send({"GET", "/v1/sources", "", ""}, root_);
  std::string own = Post("/v1/audit", root_, Json::object()).body, other = Post("/v1/audit", other_root_, Json::object()).body;
  EXPECT_NE(own.find("team:web"), std::string::npos);
  EXPECT_NE(own.find("source.list"), std::string::npos);
  EXPECT_EQ(own.find("olga"), std::string::npos);
  EXPECT_EQ(own.find("oscar"), std::string::npos);
  EXPECT_NE(other.find("oscar"), std::string::npos);
  EXPECT_EQ(other.find("root"), std::string::npos);
  EXPECT_EQ(Post("/v1/audit", ann_, Json::object()).status, 403);
  Json page = Json::parse(Post("/v1/audit", root_, {{"limit", 1}, {"skip", 1}}).body);
  EXPECT_EQ(page["records"].size(), 1u);
  EXPECT_EQ(page["next_skip"], 2);
  EXPECT_TRUE(Json::parse(Post("/v1/audit", root_, {{"since_unix_ms", 32'503'680'000'000}}).body)["records"].empty());
}

}  // namespace
}  // namespace codelore::api
