#include "api/protocols/mcp.h"

#include "api/protocols/protocol_fixture.h"

namespace codelore::api {
namespace {

class McpTest : public ProtocolTest {
 protected:
  Json Call(const std::string& token, const std::string& method, const Json& params = Json::object()) {
    Reply reply = Post("/mcp", token, {{"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", params}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    Json json = reply.json();
    EXPECT_EQ(json["jsonrpc"], "2.0");
    EXPECT_EQ(json["id"], 7);
    return json;
  }
  std::string Tool(const std::string& token, const std::string& name, const Json& arguments, bool error = false) {
    Json json = Call(token, "tools/call", {{"name", name}, {"arguments", arguments}});
    EXPECT_EQ(json["result"]["isError"], error) << json.dump();
    return json["result"]["content"][0]["text"];
  }
};

TEST_F(McpTest, AgreesOnARevision) {
  Serve();
  auto version = [&](const char* wanted) { return Call(ann_, "initialize", {{"protocolVersion", wanted}})["result"]["protocolVersion"]; };
  EXPECT_EQ(version("2025-06-18"), "2025-06-18");
  EXPECT_EQ(version("2025-11-25"), "2025-11-25");
  EXPECT_EQ(version("1999-01-01"), "2025-11-25");
  Reply reply = Send("POST", "/mcp", ann_, R"({"jsonrpc":"2.0","id":1,"method":"ping"})", "MCP-Protocol-Version: 1999-01-01\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(Send("GET", "/mcp", ann_).status, 405);
  EXPECT_EQ(Post("/mcp", ann_, {{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}).status, 202);
  EXPECT_EQ(Send("POST", "/mcp", "", "{}").status, 401);
}

TEST_F(McpTest, EveryToolWorks) {
  Serve();
  EXPECT_EQ(Call(ann_, "tools/list")["result"]["tools"].size(), 7u);
  EXPECT_NE(Tool(ann_, "search", {{"query", "rounds the total"}}).find("src/invoice.py"), std::string::npos);
  EXPECT_NE(Tool(ann_, "regex_search", {{"pattern", "round_\\w+"}}).find("4: def round_total(amount):"), std::string::npos);
  EXPECT_NE(Tool(ann_, "find_symbol", {{"name", "round_total"}}).find("src/invoice.py#L4"), std::string::npos);
  EXPECT_NE(Tool(ann_, "read_file", {{"source", "billing"}, {"path", "src/tax.go"}, {"start_line", 3}}).find("// Rate is the rate"), std::string::npos);
  EXPECT_EQ(Tool(ann_, "list_files", Json::object()), "`billing:docs/billing.md`\n`billing:src/invoice.py`\n`billing:src/tax.go`\n");
  EXPECT_NE(Tool(ann_, "similar_files", {{"file", "billing:src/invoice.py"}}).find("billing:"), std::string::npos);
  EXPECT_NE(Tool(ann_, "ask", {{"question", "When is a refund paid back?"}}).find("three days"), std::string::npos);
}

TEST_F(McpTest, FilesAreResources) {
  Serve();
  Json list = Call(ann_, "resources/list")["result"]["resources"];
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0]["uri"], "codelore://billing/docs/billing.md");
  Json read = Call(ann_, "resources/read", {{"uri", list[0]["uri"]}});
  EXPECT_TRUE(read["result"]["contents"][0]["text"].get<std::string>().starts_with("# Billing"));
}

TEST_F(McpTest, WhatIsHiddenIsNotThere) {
  Serve();
  EXPECT_EQ(Tool(ann_, "search", {{"query", "emergency stop motors"}}).find("robots"), std::string::npos);
  std::string hidden = Tool(ann_, "read_file", {{"source", "robots"}, {"path", "arm.cc"}}, /*error=*/true);
  EXPECT_EQ(hidden, "there is no file 'arm.cc' in a source 'robots' that you may read");
  EXPECT_EQ(Tool(ann_, "read_file", {{"source", "rosots"}, {"path", "arm.cc"}}, true), "there is no file 'arm.cc' in a source 'rosots' that you may read");
  for (const char* uri : {"codelore://robots/arm.cc", "codelore://nothing/x", "file:///etc/passwd", "codelore://billing/../x", "codelore://billing", "codelore://%zz/x"}) {
    EXPECT_EQ(Call(ann_, "resources/read", {{"uri", uri}})["error"]["code"], -32002) << uri;
  }
  EXPECT_TRUE(Call(ann_, "completion/complete", {{"argument", {{"name", "source"}, {"value", "r"}}}})["result"]["completion"]["values"].empty());
  EXPECT_EQ(Call(bob_, "completion/complete", {{"argument", {{"name", "source"}, {"value", "r"}}}})["result"]["completion"]["values"], Json::array({"robots"}));
}

TEST_F(McpTest, WhatIsWrongIsSaid) {
  Serve();
  EXPECT_EQ(Call(ann_, "no/such")["error"]["code"], -32601);
  EXPECT_EQ(Call(ann_, "tools/call", {{"name", "rm"}})["error"]["code"], -32602);
  EXPECT_NE(Tool(ann_, "search", {{"query", "x"}, {"explain", true}}, true).find("no argument 'explain'"), std::string::npos);
  EXPECT_NE(Tool(ann_, "search", Json::object(), true).find("query"), std::string::npos);
  EXPECT_EQ(Send("POST", "/mcp", ann_, "[1]").json()["error"]["code"], -32700);
  EXPECT_EQ(Send("POST", "/mcp", ann_, R"({"jsonrpc":"2.0","id":{},"method":"ping"})").json()["error"]["code"], -32600);
  EXPECT_EQ(Send("POST", "/mcp", ann_, R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1]})").json()["error"]["code"], -32602);
}

}  // namespace
}  // namespace codelore::api
