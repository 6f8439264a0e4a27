// Every route against every kind of caller. The rows are checked against the routes the server really has: one that is
// added without a row here fails.
#include <map>
#include <set>

#include "api/identity/test_issuer.h"
#include "api/served_world.h"

namespace codelore::api {
namespace {

enum class Access {
  kPublic,         // anybody, in the same bytes
  kSigned,         // by another proof than a token
  kReader,         // who holds a token; others' sources are not in it
  kOneSource,      // 404 without a grant, as for a source that there is not
  kAuditor,        // 403 for readers
  kAdministrator,  // 403 for readers and auditors
  kPlatform,       // 403 for administrators of a tenant, too
  kNotConfigured,  // 404 for everybody with a token
  kBrowser,        // a page of the sign-in: the same for everybody
  kOwnPage,        // sends to the sign-in whom it does not know
};

struct Row {
  const char* route;
  Access access;
  Json body = nullptr;
  const char* source = "robots";  // what ":source" stands for
  int administrator = 200;  // the answer to the smallest role that may
};

const Json kOneFile = {{"source", "robots"}, {"path", "arm.cc"}};
const Json kUserSays = Json::array({Json{{"role", "user"}, {"content", "MoveArm"}}});

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"POST /v1/search", Access::kReader, {{"query", "MoveArm"}}},
      {"POST /v1/ask", Access::kReader, {{"question", "MoveArm"}}},
      {"POST /v1/sessions", Access::kReader, Json::object()},
      {"GET /v1/sessions", Access::kReader},
      {"GET /v1/sessions/:session", Access::kNotConfigured},  // one's own are tried in session_operations_test
      {"DELETE /v1/sessions/:session", Access::kNotConfigured},
      {"POST /v1/feedback", Access::kReader, {{"rating", "up"}, {"question", "MoveArm"}}},
      {"GET /v1/feedback", Access::kAdministrator},
      {"DELETE /v1/feedback/:feedback", Access::kAdministrator, nullptr, "robots", 404},
      {"POST /v1/symbols", Access::kReader, {{"name", "MoveArm"}}},
      {"POST /v1/references", Access::kReader, {{"name", "MoveArm"}}},
      {"POST /v1/outline", Access::kOneSource, kOneFile, "robots", 404},  // an administrator reads no more than a reader
      {"POST /v1/files", Access::kReader, Json::object()},
      {"POST /v1/read", Access::kOneSource, kOneFile, "robots", 404},
      {"POST /v1/similar", Access::kOneSource, {{"file", "robots:arm.cc"}}, "robots", 404},
      {"POST /v1/why", Access::kOneSource, kOneFile, "robots", 404},
      {"POST /v1/grep", Access::kReader, {{"pattern", "MoveArm"}}},
      {"POST /v1/rerank", Access::kNotConfigured, {{"query", "x"}, {"documents", {"y"}}}},
      {"GET /v1/status", Access::kReader},
      {"GET /v1/sources", Access::kReader},
      {"POST /v1/sources", Access::kAdministrator, {{"location", "ftp://example.org/x"}}, "robots", 400},
      {"PUT /v1/sources/:source", Access::kAdministrator, {{"location", "ftp://example.org/x"}}, "robots", 400},
      {"GET /v1/sources/:source", Access::kOneSource},
      {"GET /v1/sources/:source/freshness", Access::kOneSource},
      {"POST /v1/sources/:source/sync", Access::kAdministrator},
      {"POST /v1/sources/:source/reindex", Access::kAdministrator},
      {"POST /v1/sources/:source/pause", Access::kAdministrator},
      {"POST /v1/sources/:source/resume", Access::kAdministrator},
      {"POST /v1/sources/:source/grants", Access::kAdministrator, {{"principal", "user:somebody"}}},
      {"DELETE /v1/sources/:source/grants/:principal", Access::kAdministrator},
      {"GET /v1/sources/:source/grants", Access::kAuditor},
      {"GET /v1/sources/:source/rules", Access::kAuditor},
      {"POST /v1/sources/:source/rules/import", Access::kAdministrator, {{"text", ""}}, "scratch"},
      {"POST /v1/sources/:source/rules", Access::kAdministrator, {{"path", "nowhere/**"}, {"principals", {"user:somebody"}}}, "scratch"},
      {"POST /v1/sources/:source/rules/remove", Access::kAdministrator, {{"path", "elsewhere"}}, "robots", 404},
      {"POST /v1/sources/:source/masking", Access::kAdministrator, {{"policy", "mask"}}},
      {"GET /v1/sources/:source/findings", Access::kAdministrator},
      {"PUT /v1/sources/:source/documents/:path", Access::kAdministrator, {{"text", "x"}}, "robots", 400},  // no source of documents
      {"DELETE /v1/sources/:source/documents/:path", Access::kAdministrator, nullptr, "robots", 400},
      {"POST /v1/sources/:source/documents", Access::kAdministrator, {{"path", "a.md"}, {"text", "x"}}, "robots", 400},
      {"GET /v1/sources/:source/documents", Access::kAdministrator, nullptr, "robots", 400},  // no source of documents
      {"POST /v1/sources/:source/document", Access::kAdministrator, {{"path", "a.md"}, {"text", "x"}}, "robots", 400},
      {"GET /metrics", Access::kAuditor},
      {"GET /v1/users", Access::kAuditor},
      {"POST /v1/users", Access::kAdministrator, {{"user", "newcomer"}}},
      {"GET /v1/users/:user", Access::kAuditor, nullptr, "robots", 404},
      {"POST /v1/users/:user", Access::kAdministrator, {{"disabled", true}}, "robots", 404},
      {"DELETE /v1/users/:user", Access::kAdministrator, nullptr, "robots", 404},
      {"GET /v1/teams", Access::kAuditor},
      {"POST /v1/teams", Access::kAdministrator, {{"team", "fresh"}}},
      {"DELETE /v1/teams/:team", Access::kAdministrator, nullptr, "robots", 404},
      {"POST /v1/teams/:team/members", Access::kAdministrator, {{"principal", "user:somebody"}}, "robots", 404},
      {"DELETE /v1/teams/:team/members/:principal", Access::kAdministrator, nullptr, "robots", 404},
      {"POST /v1/backup", Access::kPlatform, Json::object(), "robots", 400},
      {"DELETE /v1/sources/:source", Access::kAdministrator, nullptr, "scratch"},
      {"POST /v1/audit", Access::kAuditor, Json::object()},
      {"POST /v1/tokens", Access::kAdministrator, {{"user", "somebody"}}},
      {"GET /v1/tokens", Access::kAuditor},
      {"POST /v1/tokens/:id/rotate", Access::kAdministrator, Json::object(), "robots", 404},
      {"DELETE /v1/tokens/:id", Access::kAdministrator, nullptr, "robots", 404},
      {"GET /v1/encoder", Access::kPlatform},
      {"POST /v1/encoder", Access::kPlatform, {{"model", "no/absolute/path"}}, "robots", 400},
      {"POST /v1/encoder/verify", Access::kPlatform, Json::object()},
      {"GET /v1/adapters", Access::kReader},
      {"POST /v1/adapters", Access::kPlatform, {{"name", "legal"}, {"file", "no/absolute/path"}}, "robots", 400},
      {"DELETE /v1/adapters/:adapter", Access::kPlatform, nullptr, "robots", 404},
      {"POST /v1/tenants", Access::kPlatform, {{"name", "new"}}},
      {"GET /v1/tenants", Access::kPlatform},
      {"POST /v1/chat/completions", Access::kReader, {{"model", "codelore"}, {"messages", kUserSays}}},
      {"POST /v1/completions", Access::kReader, {{"model", "codelore"}, {"prompt", "MoveArm"}}},
      {"POST /v1/embeddings", Access::kReader, {{"input", "x"}}},
      {"GET /v1/models", Access::kReader},
      {"GET /v1/models/:model", Access::kOneSource, nullptr, "robots", 404},
      {"GET /v1/models/:model/:part", Access::kOneSource, nullptr, "robots", 404},
      {"POST /api/chat", Access::kReader, {{"model", "codelore"}, {"messages", kUserSays}, {"stream", false}}},
      {"POST /api/generate", Access::kReader, {{"model", "codelore"}, {"prompt", "MoveArm"}, {"stream", false}}},
      {"POST /api/embed", Access::kReader, {{"input", "x"}}},
      {"POST /api/embeddings", Access::kReader, {{"prompt", "x"}}},
      {"GET /api/tags", Access::kReader},
      {"POST /api/show", Access::kOneSource, {{"model", "codelore:robots"}}, "robots", 404},
      {"GET /api/ps", Access::kReader},
      {"GET /api/version", Access::kReader},
      {"POST /mcp", Access::kReader, {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "resources/list"}}},
      {"POST /v1/webhooks/:forge/:source", Access::kSigned, {{"ref", "x"}}},
      {"GET /healthz", Access::kPublic},
      {"GET /readyz", Access::kPublic},
      {"GET /openapi.json", Access::kPublic},
      {"GET /signin", Access::kBrowser},
      {"POST /signin", Access::kBrowser, nullptr, "robots", 403},  // no form of ours
      {"GET /signin/:issuer", Access::kBrowser, nullptr, "robots", 404},  // none that signs in with a browser
      {"GET /signin/:issuer/callback", Access::kBrowser, nullptr, "robots", 404},
      {"POST /signout", Access::kBrowser, nullptr, "robots", 303},
      {"GET /me", Access::kOwnPage},
  };
  return rows;
}

WorldRequest RequestOf(const Row& row, std::string_view source) {
  std::string route = row.route;
  size_t space = route.find(' ');
  std::string target = route.substr(space + 1);
  const std::vector<std::pair<std::string, std::string>> names = {
      {":source", std::string(source)}, {":principal", "user:somebody"}, {":id", "4000000000"}, {":forge", "github"}, {":session", std::string(32, '0')}, {":feedback", std::string(32, '0')}, {":user", "nobody"}, {":team", "nothing"},
      {":model", "codelore:" + std::string(source)}, {":part", "extractive"}, {":adapter", "nothing"}, {":path", "a.md"}, {":issuer", "nobody"}};
  for (const auto& [name, value] : names) {
    if (size_t at = target.find(name); at != std::string::npos) target.replace(at, name.size(), value);
  }
  std::string body = row.body.is_null() ? "" : row.body.dump();
  if (source != row.source) {
    for (size_t at = 0; (at = body.find(row.source, at)) != std::string::npos;) body.replace(at, std::strlen(row.source), source);
  }
  return {route.substr(0, space), target, body, ""};
}

// Without what no two answers have in common.
std::string Comparable(const WorldReply& reply) {
  std::string text = std::to_string(reply.status) + reply.body;
  for (const char* key : {"\"request_id\":\"", "\"id\":\"chatcmpl", "\"id\":\"cmpl", "\"created\":", "\"created_at\":\"", "_duration\":"}) {
    for (size_t at = 0; (at = text.find(key, at)) != std::string::npos;) {
      at += std::strlen(key);
      text.erase(at, text.find_first_of("\",}", at) - at);
    }
  }
  return text;
}

class RouteRoles : public ::testing::Test {
 protected:
  RouteRoles() {
    FillRobots(robots_);
    robots_.Write("notes/plan.md", "# Plan\n\nThe walrus moves in May.\n");
    robots_.Commit();
    acl::Source robots = world_.service().FindOrAddSource(world_.Tenant(), robots_.path(), "robots").value().source;
    EXPECT_TRUE(world_.directory().SetRule(robots.id, "notes/**", {"user:ann", "user:pat"}).ok());
    world_.Index(robots_.path(), "robots", {"user:ann"});
    world_.service().FindOrAddSource(world_.Tenant(), robots_.path(), "scratch").value();
    world_.Serve();
    ann_ = world_.Token("ann");
    pat_ = world_.Token("pat");
    root_ = world_.Token("root", {}, true);
    auditor_ = TokenWith(Role::kAuditor);
    platform_ = TokenWith(Role::kPlatform);
    auto revoked = world_.directory().CreateToken({.tenant = world_.Tenant(), .user = "ann", .role = Role::kAdministrator}).value();
    EXPECT_TRUE(world_.directory().RevokeToken(world_.Tenant(), revoked.id).ok());
    int64_t soon = Now() + 20;
    auto expired = world_.directory().CreateToken({.tenant = world_.Tenant(), .user = "ann", .role = Role::kAdministrator, .expires_unix_ms = soon}).value();
    while (Now() <= soon) std::this_thread::yield();
    EXPECT_EQ(world_.Send({"GET", "/v1/sources", "", ""}, issuer_.Sign({{"sub", "ann"}})).status, 200);  // a good one
    unknown_ = {"", revoked.text, expired.text, "clr_nonsense", issuer_.Sign({{"sub", "ann"}, {"aud", "another"}}), issuer_.Sign({{"sub", "ann"}, {"exp", 5}})};
    strangers_ = {world_.Token("eve"), world_.Token("ann", {}, false, "acme")};
  }
  static int64_t Now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  std::string TokenWith(Role role) {
    return world_.directory().CreateToken({.tenant = world_.Tenant(), .user = "somebody-else", .role = role})->text;
  }

  void ExpectNobodyKnown(const Row& row) {
    std::set<std::string> answers;
    for (const std::string& token : unknown_) {
      WorldReply reply = world_.Send(RequestOf(row, row.source), token);
      int wanted = row.access == Access::kPublic ? 200 : row.access == Access::kBrowser ? row.administrator : row.access == Access::kOwnPage ? 303 : 401;
      EXPECT_EQ(reply.status, wanted) << row.route;
      answers.insert(Comparable(reply));
    }
    EXPECT_EQ(answers.size(), 1u) << row.route;
  }
  void ExpectStrangersSeeNothing(const Row& row) {
    for (const std::string& token : strangers_) {
      WorldReply reply = world_.Send(RequestOf(row, row.source), token);
      switch (row.access) {
        case Access::kPublic: EXPECT_EQ(reply.status, 200) << row.route; break;
        case Access::kSigned: EXPECT_EQ(reply.status, 401) << row.route; break;
        case Access::kBrowser: EXPECT_EQ(reply.status, row.administrator) << row.route; break;
        case Access::kReader:
        case Access::kOwnPage:
          EXPECT_EQ(reply.status, 200) << row.route;
          EXPECT_EQ(reply.body.find("robots"), std::string::npos) << row.route << reply.body;
          EXPECT_EQ(reply.body.find("arm.cc"), std::string::npos) << row.route << reply.body;
          break;
        case Access::kOneSource: {
          EXPECT_EQ(reply.status, 404) << row.route << reply.body;
          std::string nowhere = Comparable(world_.Send(RequestOf(row, "nowher"), token)), hidden = Comparable(reply);
          for (size_t at; (at = nowhere.find("nowher")) != std::string::npos;) nowhere.replace(at, 6, "robots");
          EXPECT_EQ(hidden, nowhere) << row.route;
          break;
        }
        case Access::kNotConfigured: EXPECT_EQ(reply.status, 404) << row.route; break;
        default: EXPECT_EQ(reply.status, 403) << row.route << reply.body;
      }
    }
  }

  // Reads notes/ of the source and nothing else.
  void ExpectThePathLimitedReaderSeesNoMore(const Row& row) {
    WorldReply reply = world_.Send(RequestOf(row, row.source), pat_);
    EXPECT_EQ(reply.body.find("MoveArm("), std::string::npos) << row.route << reply.body;
    if (row.access == Access::kReader) {
      EXPECT_EQ(reply.status, 200) << row.route;
      EXPECT_EQ(reply.body.find("arm.cc"), std::string::npos) << row.route << reply.body;
    } else if (row.access == Access::kOneSource) {
      bool hidden = row.body.dump().find("arm.cc") != std::string::npos;
      EXPECT_EQ(reply.status, hidden ? 404 : 200) << row.route << reply.body;
    } else {
      EXPECT_EQ(reply.status, world_.Send(RequestOf(row, row.source), strangers_[0]).status) << row.route;
    }
  }

  TestIssuer issuer_;
  ScratchRepository robots_;
  ServedWorld world_{{}, {}, {.oidc = {issuer_.Config()}}};
  std::string ann_, pat_, root_, auditor_, platform_;
  std::vector<std::string> unknown_, strangers_;
};

TEST_F(RouteRoles, EveryRouteHasARow) {
  std::set<std::string> rows, routes;
  for (const Row& row : Rows()) rows.insert(row.route);
  for (const std::string& route : world_.server().Routes()) routes.insert(route);
  EXPECT_EQ(rows, routes);
  EXPECT_EQ(rows.size(), Rows().size());
}

TEST_F(RouteRoles, EveryRouteAnswersEachRoleAsItsRowSays) {
  for (const Row& row : Rows()) {
    ExpectNobodyKnown(row);
    ExpectStrangersSeeNothing(row);
    ExpectThePathLimitedReaderSeesNoMore(row);
    if (row.access == Access::kBrowser) continue;
    bool read = row.access == Access::kReader || row.access == Access::kOneSource || row.access == Access::kPublic || row.access == Access::kOwnPage;
    WorldReply reader = world_.Send(RequestOf(row, row.source), ann_);
    bool absent = row.access == Access::kNotConfigured, signed_by_others = row.access == Access::kSigned;
    EXPECT_EQ(reader.status, read ? 200 : absent ? 404 : signed_by_others ? 401 : 403) << row.route << reader.body;
    // Each role above, the smaller ones first, so that what a request changes is changed by the last.
    for (auto [role, token] : {std::pair{Role::kAuditor, auditor_}, {Role::kAdministrator, root_}, {Role::kPlatform, platform_}}) {
      Role needs = row.access == Access::kAuditor ? Role::kAuditor : row.access == Access::kPlatform ? Role::kPlatform : Role::kAdministrator;
      bool managed = !read && !absent && !signed_by_others;
      if (managed && role > needs) break;  // it would change the same twice
      if (!managed && role == Role::kPlatform) break;
      WorldReply reply = world_.Send(RequestOf(row, row.source), token);
      int wanted = absent ? 404 : signed_by_others ? 401 : managed && role < needs ? 403 : row.administrator;
      EXPECT_EQ(reply.status, wanted) << row.route << " as " << RoleName(role) << reply.body;
    }
  }
}

// Least privilege: nobody makes or takes over a role above their own, whatever the request says.
TEST_F(RouteRoles, NobodyRisesAboveTheirOwnRole) {
  auto post = [&](const std::string& target, const Json& body, const std::string& token) { return world_.Send({"POST", target, body.dump(), ""}, token).status; };
  EXPECT_EQ(post("/v1/tokens", {{"user", "x"}, {"role", "platform"}}, root_), 403);
  EXPECT_EQ(post("/v1/users", {{"user", "x"}, {"role", "platform"}}, root_), 403);
  EXPECT_EQ(post("/v1/tokens", {{"user", "x"}, {"role", "operator"}}, platform_), 400);
  EXPECT_EQ(post("/v1/users", {{"user", "boss"}, {"role", "platform"}}, platform_), 200);
  auto boss = world_.directory().CreateToken({.tenant = world_.Tenant(), .user = "boss", .role = Role::kPlatform}).value();
  std::string id = std::to_string(boss.id.value);
  EXPECT_EQ(post("/v1/tokens/" + id + "/rotate", Json::object(), root_), 403);
  EXPECT_EQ(world_.Send({"DELETE", "/v1/tokens/" + id, "", ""}, root_).status, 403);
  EXPECT_EQ(post("/v1/users/boss", {{"disabled", true}}, root_), 403);
  EXPECT_EQ(world_.Send({"DELETE", "/v1/users/boss", "", ""}, root_).status, 403);
  EXPECT_EQ(post("/v1/users", {{"user", "somebody-else"}}, root_), 403);  // has a platform token, and no record that bounds it
  EXPECT_TRUE(world_.directory().Authenticate(boss.text).ok());
  // In another tenant a platform administrator makes administrators, and nobody who reads.
  world_.Tenant("acme");
  EXPECT_EQ(post("/v1/tokens", {{"user", "ann"}, {"tenant", "acme"}}, platform_), 403);
  EXPECT_EQ(post("/v1/tokens", {{"user", "root"}, {"tenant", "acme"}, {"role", "administrator"}}, platform_), 200);
  EXPECT_EQ(post("/v1/tokens", {{"user", "root"}, {"tenant", "acme"}, {"role", "administrator"}}, root_), 404);
  EXPECT_EQ(world_.Send({"POST", "/v1/search", R"({"query":"MoveArm"})", ""}, platform_).body.find("arm.cc"), std::string::npos);
}

TEST_F(RouteRoles, ATokenForOneProtocolIsNoneForTheOthers) {
  acl::NewToken wanted{.tenant = world_.Tenant(), .user = "ann", .scope = {.protocols = static_cast<uint8_t>(acl::Protocol::kMcp)}};
  std::string token = world_.directory().CreateToken(wanted)->text;
  for (const Row& row : Rows()) {
    if (row.access == Access::kPublic || row.access == Access::kSigned || row.access == Access::kBrowser) continue;
    bool mcp = std::string_view(row.route) == "POST /mcp";
    EXPECT_EQ(world_.Send(RequestOf(row, row.source), token).status, mcp ? 200 : row.access == Access::kOwnPage ? 303 : 401) << row.route;
  }
}

}  // namespace
}  // namespace codelore::api
