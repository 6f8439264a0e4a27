// A model in this process behind the protocols: its adapters, chosen by request, name and team, and swapped; its tools; and
// that it may not be led out of them. Its weights are by chance, so what holds does not depend on what it says.
#include <set>

#include "api/protocols/protocol_fixture.h"
#include "generate/answer_reader.h"
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

TEST_F(LocalModelTest, AnAdapterIsChosenByNameByFieldAndByTeam) {
  ServeWithAdapters();
  const std::string plain = Chat(ann_, "codelore"), legal = Chat(ann_, "codelore+legal");
  EXPECT_EQ(plain.substr(0, 3), "-: ");
  EXPECT_EQ(legal.substr(0, 7), "legal: ");
  EXPECT_NE(plain.substr(3), legal.substr(7));
  EXPECT_EQ(Chat(ann_, "codelore", {{"adapter", "legal"}}), legal);
  EXPECT_EQ(Chat(ann_, "codelore/local+legal"), legal);
  EXPECT_EQ(Chat(ann_, "codelore:billing/local+legal").substr(0, 7), "legal: ");
  EXPECT_EQ(Chat(ann_, "codelore/raw+legal").substr(0, 7), "legal: ");
  EXPECT_EQ(Chat(bob_, "codelore").substr(0, 6), "arms: ") << "his team's";
  EXPECT_EQ(Chat(bob_, "codelore+none").substr(0, 3), "-: ");
  EXPECT_EQ(Chat(bob_, "codelore+legal").substr(0, 7), "legal: ");
  EXPECT_EQ(Chat(bob_, "codelore/raw").substr(0, 6), "arms: ");
  Json asked = Post("/v1/ask", bob_, {{"question", "how does the arm move?"}, {"adapter", "legal"}, {"max_tokens", 8}}).json();
  EXPECT_EQ(asked["adapter"], "legal");
  Json ollama = Post("/api/chat", ann_, {{"model", "codelore+legal:latest"}, {"stream", false}, {"messages", UserSays("invoice")}, {"options", {{"num_predict", 8}}}}).json();
  EXPECT_EQ(ollama["codelore"]["adapter"], "legal");
}

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

TEST_F(LocalModelTest, AnAdapterIsSwappedWhileTheServerRuns) {
  ServeWithAdapters();
  TenantId tenant = service_->directory().FindTenant(acl::kDefaultTenant).value();
  const std::string admin = service_->directory().CreateToken({.tenant = tenant, .user = "root", .role = Role::kPlatform})->text;
  const std::string legal = Chat(ann_, "codelore+legal"), arms = Chat(bob_, "codelore/raw+arms");
  EXPECT_EQ(Post("/v1/adapters", ann_, {{"name", "legal"}, {"file", files_ / "arms.gguf"}}).status, 403);
  Reply set = Post("/v1/adapters", admin, {{"name", "legal"}, {"file", files_ / "arms.gguf"}, {"scale", 1}});
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(Names(set.json()["adapters"], "file"), (std::set<std::string>{files_ / "arms.gguf"}));
  EXPECT_NE(Chat(ann_, "codelore+legal"), legal);
  EXPECT_EQ(Chat(ann_, "codelore/raw+legal").substr(7), arms.substr(6));
  files_.Write("bad.gguf", testing::MakeTinyLora({.width = 32, .heads = 2, .kv_heads = 1}));
  Reply bad = Post("/v1/adapters", admin, {{"name", "legal"}, {"file", files_ / "bad.gguf"}});
  EXPECT_EQ(bad.status, 400);
  EXPECT_NE(bad.body.find("bad.gguf"), std::string::npos);
  EXPECT_NE(bad.body.find("blk.0.attn_output.weight.lora_a"), std::string::npos) << bad.body;
  EXPECT_EQ(Chat(ann_, "codelore/raw+legal").substr(7), arms.substr(6)) << "the one before stays";
  EXPECT_EQ(Send("DELETE", "/v1/adapters/legal", admin).status, 200);
  EXPECT_EQ(Chat(ann_, "codelore+legal"), "404");
  EXPECT_EQ(Send("DELETE", "/v1/adapters/legal", admin).status, 404);
}

TEST_F(LocalModelTest, CallsItsToolsAndTheClients) {
  ServeTiny();
  auto function = [](const char* name, const Json& parameters) { return Json{{"type", "function"}, {"function", {{"name", name}, {"parameters", parameters}}}}; };
  const Json door = {{"type", "object"}, {"properties", {{"open", {{"type", "boolean"}}}}}, {"required", {"open"}}};
  Json tools = Json::array({function("open_door", door)});
  for (bool stream : {false, true}) {
    Reply reply = Post("/v1/chat/completions", ann_, {{"model", "codelore/local"}, {"messages", UserSays("invoice")}, {"tools", tools}, {"tool_choice", "required"}, {"max_tokens", 300}, {"stream", stream}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    Json calls;
    if (!stream) calls = reply.json()["choices"][0]["message"]["tool_calls"];
    else for (const Json& event : EventsIn(reply.body)) if (event.is_object() && !event["choices"].empty() && event["choices"][0]["delta"].contains("tool_calls")) calls = event["choices"][0]["delta"]["tool_calls"];
    ASSERT_TRUE(calls.is_array() && !calls.empty()) << reply.body;
    for (const Json& call : calls) {
      EXPECT_EQ(call["function"]["name"], "open_door");
      EXPECT_TRUE(Json::parse(call["function"]["arguments"].get<std::string>())["open"].is_boolean()) << call;
    }
  }
  // Ours run here: within the step limit an answer comes, and nothing of what ann may not read is in it.
  Reply ours = Post("/v1/chat/completions", ann_, {{"model", "codelore/local"}, {"messages", UserSays("invoice")}, {"tools", Json::array({function("codelore_list_files", nullptr)})}, {"tool_choice", "required"}, {"max_tokens", 150}});
  ASSERT_EQ(ours.status, 200) << ours.body;
  EXPECT_FALSE(ours.json()["choices"][0]["message"].contains("tool_calls"));
  EXPECT_EQ(ours.body.find("safety.md"), std::string::npos);
  Reply ollama = Post("/api/chat", ann_, {{"model", "codelore/local"}, {"stream", false}, {"messages", UserSays("invoice")}, {"tools", tools}, {"tool_choice", "required"}, {"options", {{"num_predict", 60}}}});
  EXPECT_EQ(ollama.status, 200) << ollama.body;
}

}  // namespace
}  // namespace codelore::api
