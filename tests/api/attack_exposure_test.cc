// ATTACKS.md, sections C, E and I, over HTTP: what a list, an order, an error, a status page, a key or a name gives away.
#include <fstream>

#include "api/served_world.h"

namespace codelore::api {
namespace {

class AttackExposure : public ::testing::Test {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
  }
  // A world with what ann may read, and maybe with what she may not.
  std::unique_ptr<ServedWorld> Serve(bool with_foreign) {
    auto world = std::make_unique<ServedWorld>();
    if (with_foreign) world->Index(robots_.path(), "robots", {"team:hardware"});
    world->Index(billing_.path(), "billing", {"user:ann"});
    if (with_foreign) world->Index(robots_.path(), "arms", {"everyone"}, "acme");
    world->Serve();
    return world;
  }
  static WorldReply Post(ServedWorld& world, const std::string& token, const std::string& target, const Json& body) {
    return world.Send({"POST", target, body.dump(), ""}, token);
  }
  // Without the commit, which is the time for a folder.
  static std::string Told(const WorldReply& reply) { return std::to_string(reply.status) + " " + reply.body; }

  ScratchRepository billing_, robots_;
  std::string all_;
};

TEST_F(AttackExposure, Attack044_NothingIsSuggestedOfForeignNames) {
  auto world = Serve(true);
  const std::string ann = world->Token("ann");
  for (const char* near : {"MoveAr", "emergenc", "arm.c", "safety"}) {
    EXPECT_TRUE(Json::parse(Post(*world, ann, "/v1/symbols", {{"name", near}}).body).value("nearest", Json::array()).empty()) << near;
    EXPECT_EQ(Json::parse(Post(*world, ann, "/v1/files", {{"query", near}}).body)["files"], Json::array()) << near;
    EXPECT_EQ(Post(*world, ann, "/v1/search", {{"query", near}}).body.find("robots"), std::string::npos) << near;
  }
}

TEST_F(AttackExposure, Attack046_ForeignVectorsChangeNoScoreAndNoOrder) {
  auto alone = Serve(false), beside = Serve(true);
  const std::string here = alone->Token("ann"), there = beside->Token("ann");
  for (const char* question : {"rounds the total of an invoice", "emergency stop of the arm", "refund within three days"}) {
    for (const char* mode : {"vector", "hybrid"}) {
      const Json body = {{"query", question}, {"mode", mode}, {"limit", 20}};
      EXPECT_EQ(Told(Post(*alone, here, "/v1/search", body)), Told(Post(*beside, there, "/v1/search", body))) << question;
    }
  }
}

TEST_F(AttackExposure, Attack086_ScoresAreNotForReaders) {
  auto world = Serve(false);
  const std::string ann = world->Token("ann");
  EXPECT_EQ(Post(*world, ann, "/v1/search", {{"query", "invoice"}, {"explain", true}}).status, 403);
  Json hit = Json::parse(Post(*world, ann, "/v1/search", {{"query", "invoice"}}).body)["hits"][0];
  EXPECT_FALSE(hit.contains("score"));
  EXPECT_FALSE(hit.contains("why"));
}

TEST_F(AttackExposure, Attack061_HiddenAndMissingSourcesAreOneAnswer) {
  auto world = Serve(true);
  const std::string ann = world->Token("ann");
  auto replaced = [](std::string text, const std::string& name) {
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos;) text.replace(at, name.size(), "X");
    size_t id = text.find("\"request_id\":\"");
    return id == std::string::npos ? text : text.erase(id + 14, 32);
  };
  const std::pair<const char*, Json> kReads[] = {{"/v1/search", {{"query", "x"}}}, {"/v1/grep", {{"pattern", "x"}}}, {"/v1/symbols", {{"name", "x"}}},
                                                 {"/v1/files", {{"query", "x"}}}, {"/v1/ask", {{"question", "x"}}}};
  for (const auto& [target, body] : kReads) {
    auto told = [&](const std::string& name) {
      Json asked = body;
      asked["sources"] = {name};
      return replaced(Told(Post(*world, ann, target, asked)), name);
    };
    EXPECT_EQ(told("robots"), told("nowhere")) << target;
    EXPECT_TRUE(told("robots").starts_with("404")) << told("robots");
  }
  for (const char* rest : {"", "/freshness", "/why?path=arm.cc"}) {
    auto told = [&](const std::string& name) { return replaced(Told(world->Send({"GET", "/v1/sources/" + name + rest, "", ""}, ann)), name); };
    EXPECT_EQ(told("robots"), told("nowhere")) << rest;
  }
}

TEST_F(AttackExposure, Attack062_PagesOfTheOperatorAreNotTheReaders) {
  auto world = Serve(true);
  const std::string ann = world->Token("ann");
  for (const char* target : {"/v1/users", "/v1/teams", "/v1/tokens", "/v1/feedback", "/v1/sources/robots/grants", "/v1/sources/robots/findings", "/v1/encoders", "/metrics"}) {
    WorldReply reply = world->Send({"GET", target, "", ""}, ann);
    EXPECT_TRUE(reply.status == 403 || reply.status == 404) << target << " " << reply.status;
    EXPECT_EQ(reply.body.find("robots"), std::string::npos) << target;
  }
  EXPECT_EQ(Post(*world, ann, "/v1/audit", Json::object()).status, 403);
  for (const char* target : {"/health", "/openapi.json", "/v1/openapi.json", "/v1/models", "/v1/status"}) {
    std::string body = world->Send({"GET", target, "", ""}, ann).body;
    EXPECT_EQ(body.find("robots"), std::string::npos) << target;
    EXPECT_EQ(body.find("acme"), std::string::npos) << target;
  }
}

TEST_F(AttackExposure, Attack091_WhatWasTakenOutIsGone) {
  ServedWorld world;
  billing_.Write("notes/launch.md", "# Launch\n\nThe walrus project starts on the ninth of May.\n");
  billing_.Commit();
  acl::Source source = world.Index(billing_.path(), "billing", {"user:ann"});
  world.Serve();
  const std::string ann = world.Token("ann");
  auto found = [&] {
    std::string& all = all_;
    all.clear();
    for (const char* mode : {"lexical", "hybrid"}) all += Post(world, ann, "/v1/search", {{"query", "walrus project"}, {"mode", mode}}).body;
    all += Post(world, ann, "/v1/grep", {{"pattern", "ninth of May"}}).body + Post(world, ann, "/v1/files", {{"query", "launch"}}).body;
    all += Post(world, ann, "/v1/ask", {{"question", "when does the walrus project start?"}}).body;
    return all.find("of May.") != std::string::npos || all.find("notes/launch.md") != std::string::npos ||
           Post(world, ann, "/v1/read", {{"source", "billing"}, {"path", "notes/launch.md"}}).status == 200;
  };
  EXPECT_TRUE(found());
  std::filesystem::remove(std::filesystem::path(billing_.path()) / "notes/launch.md");
  billing_.Commit();
  ASSERT_TRUE(world.service().IndexSource(source, {}, [](const ingest::IndexProgress&) {}).ok());
  EXPECT_FALSE(found()) << all_;
}

TEST_F(AttackExposure, Attack142_AKeyInAnAddressIsNoKeyAndIsNotWrittenDown) {
  auto world = Serve(false);
  const std::string ann = world->Token("ann");
  for (const char* name : {"token", "key", "api_key", "access_token"}) {
    WorldReply reply = world->Send({"GET", "/v1/sources?" + std::string(name) + "=" + ann, "", ""}, "");
    EXPECT_EQ(reply.status, 401) << name;
    EXPECT_EQ(reply.body.find(ann), std::string::npos);
    EXPECT_EQ(reply.head.find("Referer"), std::string::npos);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world->folder())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find(ann), std::string::npos) << entry.path();
  }
}

// There is no page but those of signing in; all else is JSON, which no browser takes for a page.
TEST_F(AttackExposure, Attack149_NamesAreNoPage) {
  ServedWorld world;
  billing_.Write("<script>alert(1)</script>.md", "# <img src=x onerror=alert(1)>\n\nA walrus </script> swims.\n");
  billing_.Commit();
  world.Index(billing_.path(), "billing", {"user:ann"});
  world.Serve();
  WorldReply found = Post(world, world.Token("ann"), "/v1/search", {{"query", "walrus"}, {"mode", "lexical"}});
  EXPECT_NE(found.body.find("script"), std::string::npos);
  EXPECT_NE(found.head.find("Content-Type: application/json"), std::string::npos) << found.head;
  EXPECT_NE(found.head.find("X-Content-Type-Options: nosniff"), std::string::npos) << found.head;
  WorldReply page = world.Send({"GET", "/signin?next=/%3Cscript%3Ealert(1)%3C/script%3E", "", ""}, "");
  EXPECT_EQ(page.body.find("<script"), std::string::npos) << page.body;
  EXPECT_NE(page.head.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_NE(page.head.find("default-src 'none'"), std::string::npos);
}

}  // namespace
}  // namespace codelore::api
