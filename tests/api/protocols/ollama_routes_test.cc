#include "api/protocols/ollama_routes.h"

#include "api/protocols/protocol_fixture.h"

namespace codelore::api {
namespace {

class OllamaTest : public ProtocolTest {
 protected:
  static std::vector<Json> LinesIn(const std::string& body) {
    std::vector<Json> lines;
    for (size_t at = body.find("{\"model\""); at != std::string::npos; at = body.find("{\"model\"", at + 1)) {
      lines.push_back(Json::parse(body.substr(at, body.find('\n', at) - at), nullptr, false));
    }
    return lines;
  }
};

TEST_F(OllamaTest, StreamsLinesAndEndsWithDone) {
  Serve();
  Reply reply = Post("/api/chat", ann_, {{"model", "codelore"}, {"messages", UserSays("When is a refund paid back?")}});
  ASSERT_EQ(reply.status, 200);
  EXPECT_NE(reply.head.find("application/x-ndjson"), std::string::npos);
  std::vector<Json> lines = LinesIn(reply.body);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[0]["citations"][0]["source"], "billing");
  std::string text;
  for (const Json& line : lines) text += line["message"]["content"].get<std::string>();
  EXPECT_NE(text.find("three days"), std::string::npos);
  EXPECT_EQ(lines.back()["done"], true);
  EXPECT_EQ(lines.back()["done_reason"], "stop");
  EXPECT_FALSE(lines[0]["done"]);
}

TEST_F(OllamaTest, AnswersAtOnceWhenAsked) {
  Serve();
  Json chat = Post("/api/chat", ann_, {{"model", "codelore:latest"}, {"stream", false}, {"options", {{"temperature", nullptr}, {"num_predict", -1}}},
                                       {"messages", UserSays("When is a refund paid back?")}}).json();
  EXPECT_NE(chat["message"]["content"].get<std::string>().find("three days"), std::string::npos);
  Json generated = Post("/api/generate", ann_, {{"model", "codelore"}, {"stream", false}, {"prompt", "When is a refund paid back?"}}).json();
  EXPECT_NE(generated["response"].get<std::string>().find("three days"), std::string::npos);
  EXPECT_EQ(Post("/api/generate", ann_, {{"model", "codelore"}}).json()["done_reason"], "load");
}

TEST_F(OllamaTest, TakesPostsWithoutAContentType) {
  Serve();
  Reply reply = Send("POST", "/api/embed", ann_, R"({"model": "x", "input": ["a", "b"]})", "Content-Type: text/plain\r\n");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["embeddings"].size(), 2u);
  EXPECT_EQ(Send("POST", "/api/embeddings", ann_, R"({"model": "x", "prompt": "a"})").json()["embedding"].size(), 384u);
  EXPECT_EQ(Send("POST", "/api/show", ann_, R"({"name": "codelore"})").json()["capabilities"][0], "completion");
}

TEST_F(OllamaTest, ShowsAndRefusesByToken) {
  Serve();
  EXPECT_NE(Send("GET", "/api/tags", ann_).body.find("codelore:billing"), std::string::npos);
  EXPECT_EQ(Send("GET", "/api/tags", ann_).body.find("robots"), std::string::npos);
  for (const char* path : {"/api/tags", "/api/ps", "/api/version"}) {
    EXPECT_EQ(Send("GET", path, "").status, 401) << path;
    EXPECT_EQ(Send("GET", path, ann_).status, 200) << path;
  }
  Reply unknown = Post("/api/chat", ann_, {{"model", "codelore:robots"}, {"messages", UserSays("x")}});
  EXPECT_EQ(unknown.status, 404);
  EXPECT_TRUE(unknown.json()["error"].is_string());
}

}  // namespace
}  // namespace codelore::api
