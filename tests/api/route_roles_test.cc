// Every route against every kind of caller. The rows are checked against the routes the server really has: one that is
// added without a row here fails.
#include <map>
#include <set>

#include "api/served_world.h"

namespace codelore::api {
namespace {

enum class Access {
  kPublic,         // anybody, in the same bytes
  kSigned,         // by another proof than a token
  kReader,         // who holds a token; others' sources are not in it
  kOneSource,      // 404 without a grant, as for a source that there is not
  kAdministrator,  // 403 for readers
  kOperator,       // 403 for everybody over HTTP
  kNotConfigured,  // 404 for everybody with a token
};

struct Row {
  const char* route;
  Access access;
  Json body = nullptr;
  const char* source = "robots";  // what ":source" stands for
  int administrator = 200;
};

const Json kOneFile = {{"source", "robots"}, {"path", "arm.cc"}};
const Json kUserSays = Json::array({Json{{"role", "user"}, {"content", "MoveArm"}}});

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"POST /v1/search", Access::kReader, {{"query", "MoveArm"}}},
      {"POST /v1/ask", Access::kReader, {{"question", "MoveArm"}}},
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
      {"GET /v1/sources/:source/rules", Access::kAdministrator},
      {"POST /v1/sources/:source/rules", Access::kAdministrator, {{"path", "nowhere/**"}, {"principals", {"user:somebody"}}}, "scratch"},
      {"POST /v1/sources/:source/rules/remove", Access::kAdministrator, {{"path", "elsewhere"}}, "robots", 404},
      {"POST /v1/sources/:source/masking", Access::kAdministrator, {{"policy", "mask"}}},
      {"GET /v1/sources/:source/findings", Access::kAdministrator},
      {"PUT /v1/sources/:source/documents/:path", Access::kAdministrator, {{"text", "x"}}, "robots", 400},  // no source of documents
      {"DELETE /v1/sources/:source/documents/:path", Access::kAdministrator, nullptr, "robots", 400},
      {"POST /v1/sources/:source/documents", Access::kAdministrator, {{"path", "a.md"}, {"text", "x"}}, "robots", 400},
      {"GET /v1/sources/:source/documents", Access::kAdministrator, nullptr, "robots", 400},  // no source of documents
      {"POST /v1/sources/:source/document", Access::kAdministrator, {{"path", "a.md"}, {"text", "x"}}, "robots", 400},
      {"GET /metrics", Access::kAdministrator},
      {"POST /v1/backup", Access::kAdministrator, Json::object(), "robots", 400},
      {"DELETE /v1/sources/:source", Access::kAdministrator, nullptr, "scratch"},
      {"POST /v1/audit", Access::kAdministrator, Json::object()},
      {"POST /v1/tokens", Access::kAdministrator, {{"user", "somebody"}}},
      {"GET /v1/tokens", Access::kAdministrator},
      {"DELETE /v1/tokens/:id", Access::kAdministrator, nullptr, "robots", 404},
      {"POST /v1/tenants", Access::kOperator, {{"name", "new"}}},
      {"GET /v1/tenants", Access::kOperator},
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
  };
  return rows;
}

WorldRequest RequestOf(const Row& row, std::string_view source) {
  std::string route = row.route;
  size_t space = route.find(' ');
  std::string target = route.substr(space + 1);
  const std::vector<std::pair<std::string, std::string>> names = {
      {":source", std::string(source)}, {":principal", "user:somebody"}, {":id", "4000000000"}, {":forge", "github"},
      {":model", "codelore:" + std::string(source)}, {":part", "extractive"}, {":path", "a.md"}};
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
    world_.Index(robots_.path(), "robots", {"user:ann"});
    world_.service().FindOrAddSource(world_.Tenant(), robots_.path(), "scratch").value();
    world_.Serve();
    ann_ = world_.Token("ann");
    root_ = world_.Token("root", {}, true);
    auto revoked = world_.directory().CreateToken({.tenant = world_.Tenant(), .user = "ann", .administrator = true}).value();
    EXPECT_TRUE(world_.directory().RevokeToken(world_.Tenant(), revoked.id).ok());
    int64_t soon = Now() + 20;
    auto expired = world_.directory().CreateToken({.tenant = world_.Tenant(), .user = "ann", .administrator = true, .expires_unix_ms = soon}).value();
    while (Now() <= soon) std::this_thread::yield();
    unknown_ = {"", revoked.text, expired.text, "clr_nonsense"};
    strangers_ = {world_.Token("eve"), world_.Token("ann", {}, false, "acme")};
  }
  static int64_t Now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  void ExpectNobodyKnown(const Row& row) {
    std::set<std::string> answers;
    for (const std::string& token : unknown_) {
      WorldReply reply = world_.Send(RequestOf(row, row.source), token);
      EXPECT_EQ(reply.status, row.access == Access::kPublic ? 200 : 401) << row.route;
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
        case Access::kReader:
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

  ScratchRepository robots_;
  ServedWorld world_;
  std::string ann_, root_;
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
    bool read = row.access == Access::kReader || row.access == Access::kOneSource || row.access == Access::kPublic;
    WorldReply reader = world_.Send(RequestOf(row, row.source), ann_);
    bool absent = row.access == Access::kNotConfigured;
    EXPECT_EQ(reader.status, read ? 200 : absent ? 404 : row.access == Access::kSigned ? 401 : 403) << row.route << reader.body;
    WorldReply administrator = world_.Send(RequestOf(row, row.source), root_);
    int wanted = row.access == Access::kOperator ? 403 : absent ? 404 : row.access == Access::kSigned ? 401 : row.administrator;
    EXPECT_EQ(administrator.status, wanted) << row.route << administrator.body;
  }
}

}  // namespace
}  // namespace codelore::api
