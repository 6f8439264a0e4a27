#include "api/openapi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "api/operations.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

const Json& Document() {
  static const Json document = Json::parse(OpenApiDocument());
  return document;
}

std::string TemplateOf(std::string_view path) {
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != ':') {
      text += path[i];
      continue;
    }
    size_t end = std::min(path.find('/', i), path.size());
    text += "{" + std::string(path.substr(i + 1, end - i - 1)) + "}";
    i = end - 1;
  }
  return text;
}

void ForEachOperation(const std::function<void(const std::string& path, const std::string& method, const Json&)>& visit) {
  for (const auto& [path, methods] : Document()["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) visit(path, method, operation);
  }
}

TEST(OpenApiTest, DescribesEveryOperationAndNoOther) {
  std::set<std::string> wanted = {"get /healthz", "get /readyz", "get /metrics", "get /openapi.json", "post /v1/webhooks/{forge}/{source}",
                                  "put /v1/sources/{source}/documents/{path}", "delete /v1/sources/{source}/documents/{path}",
                                  "post /v1/sources/{source}/documents"}, found;
  for (const char* page : {"get /signin", "post /signin", "get /signin/{issuer}", "get /signin/{issuer}/callback", "post /signout", "get /me"}) wanted.insert(page);
  for (const Operation& operation : Operations()) {
    std::string method(operation.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    wanted.insert(method + " " + TemplateOf(operation.path));
  }
  for (const char* path : {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/api/chat", "/api/embed", "/api/embeddings", "/api/generate",
                           "/api/show", "/mcp"}) {
    wanted.insert(std::string("post ") + path);
  }
  for (const char* path : {"/v1/models", "/api/tags", "/api/ps", "/api/version"}) wanted.insert(std::string("get ") + path);
  ForEachOperation([&](const std::string& path, const std::string& method, const Json&) { found.insert(method + " " + path); });
  EXPECT_EQ(found, wanted);
}

// The structure that OpenAPI 3.1 asks for, as far as this document uses it.
TEST(OpenApiTest, IsAWellFormedDocument) {
  EXPECT_EQ(Document()["openapi"], "3.1.0");
  EXPECT_TRUE(Document()["info"]["title"].is_string());
  EXPECT_TRUE(Document()["info"]["version"].is_string());
  std::set<std::string> ids;
  ForEachOperation([&](const std::string& path, const std::string& method, const Json& operation) {
    SCOPED_TRACE(method + " " + path);
    EXPECT_TRUE(path.starts_with('/'));
    EXPECT_TRUE(operation["summary"].is_string());
    if (operation.contains("operationId")) {
      EXPECT_TRUE(ids.insert(operation["operationId"]).second);
    }
    ASSERT_TRUE(operation["responses"].is_object());
    for (const auto& [status, response] : operation["responses"].items()) {
      EXPECT_EQ(status.size(), 3u);
      EXPECT_TRUE(response["description"].is_string()) << status;
      Json content = response.value("content", Json::object());
      for (const auto& [type, media] : content.items()) {
        EXPECT_NE(type.find('/'), std::string::npos);
        EXPECT_TRUE(media["schema"].is_object()) << type;
      }
    }
    std::set<std::string> in_path, declared;
    for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
      in_path.insert(path.substr(at + 1, path.find('}', at) - at - 1));
    }
    for (const Json& parameter : operation.value("parameters", Json::array())) {
      EXPECT_EQ(parameter["in"], "path");
      EXPECT_EQ(parameter["required"], true);
      EXPECT_TRUE(parameter["schema"].is_object());
      declared.insert(parameter["name"]);
    }
    EXPECT_EQ(declared, in_path);
    bool json_body = operation.contains("requestBody") && operation["requestBody"]["content"].contains("application/json");
    EXPECT_TRUE(json_body || !operation.contains("requestBody") || path.find("/documents") != std::string::npos || path.starts_with("/sign"));
    if (json_body) {
      const Json& schema = operation["requestBody"]["content"]["application/json"]["schema"];
      EXPECT_EQ(schema["type"], "object");
      EXPECT_EQ(schema["additionalProperties"], false);
      for (const Json& name : schema.value("required", Json::array())) EXPECT_TRUE(schema["properties"].contains(name.get<std::string>()));
    }
  });
}

// Every schema has a type or points at one that exists.
void CheckSchemas(const Json& node) {
  if (node.is_object()) {
    if (node.contains("$ref") && node["$ref"].is_string()) {
      std::string target = node["$ref"];
      ASSERT_TRUE(target.starts_with("#/components/schemas/"));
      EXPECT_TRUE(Document()["components"]["schemas"].contains(target.substr(21))) << target;
    }
    if (node.contains("schema")) {
      EXPECT_TRUE(node["schema"].contains("$ref") || node["schema"].contains("type"));
    }
    if (node.contains("type") && node["type"] == "array") {
      EXPECT_TRUE(node.contains("items"));
    }
  }
  if (node.is_structured()) {
    for (const auto& item : node) CheckSchemas(item);
  }
}

TEST(OpenApiTest, EverySchemaIsThere) { CheckSchemas(Document()); }

TEST(OpenApiTest, EverythingButHealthWebhooksAndItselfNeedsAToken) {
  EXPECT_EQ(Document()["security"], Json::parse(R"([{"token":[]}])"));
  EXPECT_EQ(Document()["components"]["securitySchemes"]["token"]["scheme"], "bearer");
  ForEachOperation([&](const std::string& path, const std::string&, const Json& operation) {
    bool open = path.ends_with("z") || path == "/openapi.json" || path.starts_with("/v1/webhooks/") || path.starts_with("/sign") || path == "/me";
    EXPECT_EQ(operation.contains("security"), open) << path;
  });
}

TEST(OpenApiTest, HitOfTheContractIsDescribed) {
  const Json& hit = Document()["components"]["schemas"]["Hit"]["properties"];
  for (const char* field : {"rank", "source", "commit", "branch", "path", "language", "kind", "symbol", "start_line", "end_line", "snippet", "citation"}) {
    EXPECT_TRUE(hit.contains(field)) << field;
  }
}

}  // namespace
}  // namespace codelore::api
