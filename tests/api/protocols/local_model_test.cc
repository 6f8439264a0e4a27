// A model in this process behind the protocols, and its adapters: who sees which. Its weights are by chance.
#include <set>

#include "api/protocols/protocol_fixture.h"
#include "generate/tiny_gguf.h"

namespace codelore::api {
namespace {

class LocalModelTest : public ProtocolTest {
 protected:
  void SetUp() override {
    ProtocolTest::SetUp();
    files_.Write("tiny.gguf", testing::MakeTinyGguf({.context = 8192}));
    files_.Write("legal.gguf", testing::MakeTinyLora({}));
    files_.Write("arms.gguf", testing::MakeTinyLora({.seed = 5}));
  }
  void ServeTiny(const std::string& more = "") {
    auto config = GeneratorConfig::Parse("name=local threads=1 slots=1 context=8192 gguf=" + files_ / "tiny.gguf" + more);
    ASSERT_TRUE(config.ok()) << config.status().ToString();
    Serve({*config});
  }
  void ServeWithAdapters() {
    ServeTiny(" adapter=legal=" + files_ / "legal.gguf" + ":1.5 adapter=arms=" + files_ / "arms.gguf" + " adapter-teams=arms:hardware");
  }
  std::string Chat(const std::string& token, const std::string& model, const Json& more = Json::object()) {
    Json body = {{"model", model}, {"messages", UserSays("what is round_total?")}, {"max_tokens", 24}};
    body.update(more);
    Reply reply = Post("/v1/chat/completions", token, body);
    Json json = reply.json();
    return reply.status == 200 ? json["codelore"].value("adapter", "-") + ": " + json["choices"][0]["message"]["content"].get<std::string>() : std::to_string(reply.status);
  }
  static std::set<std::string> Names(const Json& list, const char* field) {
    std::set<std::string> names;
    for (const Json& each : list) names.insert(each[field].get<std::string>());
    return names;
  }

  TempFolder files_;
};

// What is of another team looks like what there is not, byte for byte.
TEST_F(LocalModelTest, AnotherTeamsAdapterIsNotThere) {
  ServeWithAdapters();
  for (const char* form : {"codelore+", "codelore/local+", "codelore/raw+"}) {
    Reply others = Post("/v1/chat/completions", ann_, {{"model", std::string(form) + "arms"}, {"messages", UserSays("x")}});
    Reply missing = Post("/v1/chat/completions", ann_, {{"model", std::string(form) + "legs"}, {"messages", UserSays("x")}});
    EXPECT_EQ(others.status, 404);
    std::string body = missing.body;
    body.replace(body.find("legs"), 4, "arms");
    EXPECT_EQ(others.body, body);
  }
  EXPECT_EQ(Chat(ann_, "codelore", {{"adapter", "arms"}}), "404");
  EXPECT_EQ(Chat(ann_, "codelore/extractive+legal"), "404");
  EXPECT_EQ(Post("/v1/ask", ann_, {{"question", "invoice"}, {"adapter", "arms"}}).status, 404);
  auto listed = [&](const std::string& token) { return Names(Send("GET", "/v1/models", token).json()["data"], "id"); };
  EXPECT_TRUE(listed(ann_).contains("codelore+legal") && listed(bob_).contains("codelore+arms"));
  EXPECT_FALSE(listed(ann_).contains("codelore+arms"));
  EXPECT_EQ(Names(Send("GET", "/v1/adapters", ann_).json()["adapters"], "name"), (std::set<std::string>{"legal"}));
  EXPECT_EQ(Send("GET", "/v1/adapters", ann_).body.find(files_.path()), std::string::npos);
}

}  // namespace
}  // namespace codelore::api
