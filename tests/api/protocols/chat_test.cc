// What a chat can do besides answering in text: tools, JSON, filling in the middle, models by team, several back ends.
#include "api/protocols/chat.h"

#include <filesystem>
#include <map>
#include <sstream>

#include "api/protocols/scripted_server.h"

namespace codelore::api {
namespace {

Json Function(const std::string& name) {
  return {{"type", "function"}, {"function", {{"name", name}, {"description", "d"}, {"parameters", {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}}}}}};
}

class ChatTest : public ProtocolTest {
 protected:
  static std::vector<Json> Say(const std::string& text) { return {TextChunk(text), EndChunk("stop")}; }
  static std::vector<Json> CallTool(const std::string& name, const Json& arguments) {
    auto chunks = CallChunks(0, name, arguments.dump());
    chunks.push_back(EndChunk("tool_calls"));
    return chunks;
  }
  static Json Ask(const std::string& question, Json tools, const std::string& model = "codelore") {
    return {{"model", model}, {"messages", UserSays(question)}, {"tools", std::move(tools)}};
  }
  static std::string TextIn(const Reply& reply) {
    std::string text;
    for (const Json& event : EventsIn(reply.body)) {
      if (event.is_object() && event.contains("choices") && !event["choices"].empty()) text += event["choices"][0]["delta"].value("content", "");
    }
    return text;
  }
};

TEST_F(ChatTest, RunsItsOwnToolsWithTheCallersRights) {
  ScriptedServer server([](size_t number, const Json&) {
    if (number == 0) return CallTool("codelore_read_file", {{"source", "billing"}, {"path", "src/tax.go"}});
    if (number == 1) return CallTool("codelore_read_file", {{"source", "robots"}, {"path", "safety.md"}});
    if (number == 2) return CallTool("codelore_search", {{"query", "refund"}, {"limit", 2}});
    return Say("The function Rate returns 0.19.");
  });
  Serve({ScriptedGenerator("m", server.url())});
  Reply reply = Post("/v1/chat/completions", ann_, Ask("When is a refund paid back?", {Function("codelore_read_file"), Function("codelore_search")}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  std::string text = reply.json()["choices"][0]["message"]["content"];
  EXPECT_NE(text.find("0.19"), std::string::npos) << text;
  EXPECT_EQ(text.find("not confirmed"), std::string::npos) << text;  // what a tool said counts
  EXPECT_EQ(reply.json()["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(reply.json()["codelore"]["generator"], "m");
  auto requests = server.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[0]["tools"].size(), 2u);
  EXPECT_EQ(requests[0]["tools"][0]["function"]["parameters"]["additionalProperties"], false);  // our schema, not the client's
  auto result = [&](size_t request) { return requests[request]["messages"].back()["content"].get<std::string>(); };
  EXPECT_NE(result(1).find("return 0.19"), std::string::npos) << result(1);
  EXPECT_NE(result(2).find("Error: "), std::string::npos) << result(2);  // ann may not read robots
  EXPECT_EQ(result(2).find("motors"), std::string::npos);
  EXPECT_NE(result(3).find("refund"), std::string::npos);
  EXPECT_EQ(requests[3].dump().find("arm.cc"), std::string::npos);
}

TEST_F(ChatTest, ChecksArgumentsAndNamesAndEndsAfterSoManySteps) {
  ScriptedServer server([](size_t number, const Json& request) {
    if (!request.contains("tools")) return Say("Enough.");
    switch (number % 4) {
      case 0: return CallTool("codelore_read_file", {{"source", 7}, {"path", "x"}});
      case 1: return CallTool("codelore_read_file", {{"source", "billing"}, {"path", "src/tax.go"}, {"shell", "rm"}});
      case 2: return CallTool("delete_source", {{"source", "billing"}});
      default: return CallTool("codelore_ask", {{"question", "x"}});
    }
  });
  Serve({ScriptedGenerator("m", server.url())});
  Reply reply = Post("/v1/chat/completions", ann_, Ask("When is a refund paid back?", {Function("codelore_read_file")}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["choices"][0]["message"].contains("tool_calls"), false);
  auto requests = server.requests();
  EXPECT_EQ(requests.size(), 9u);
  auto result = [&](size_t request) { return requests[request]["messages"].back()["content"].get<std::string>(); };
  EXPECT_NE(result(1).find("$.source: must be of type \"string\""), std::string::npos) << result(1);
  EXPECT_NE(result(2).find("$.shell"), std::string::npos) << result(2);
  EXPECT_NE(result(3).find("no tool of this name"), std::string::npos) << result(3);
  EXPECT_NE(result(4).find("no tool of this name"), std::string::npos) << result(4);
}

TEST_F(ChatTest, PassesTheClientsToolsThrough) {
  ScriptedServer server([](size_t, const Json& request) {
    if (request["messages"].back()["role"] == "tool") return Say("It is 12 degrees in Seoul.");
    return CallTool("get_weather", {{"city", "Seoul"}});
  });
  Serve({ScriptedGenerator("m", server.url())});
  for (const char* model : {"codelore", "codelore/raw"}) {
    for (bool stream : {false, true}) {
      Json body = Ask("What is the weather in Seoul?", {Function("get_weather")}, model);
      body["stream"] = stream;
      body["tool_choice"] = "required";
      Reply reply = Post("/v1/chat/completions", ann_, body);
      ASSERT_EQ(reply.status, 200) << reply.body;
      Json calls, reason;
      if (stream) {
        for (const Json& event : EventsIn(reply.body)) {
          if (!event.is_object() || event["choices"].empty()) continue;
          if (event["choices"][0]["delta"].contains("tool_calls")) calls = event["choices"][0]["delta"]["tool_calls"];
          reason = event["choices"][0]["finish_reason"];
        }
      } else {
        calls = reply.json()["choices"][0]["message"]["tool_calls"];
        reason = reply.json()["choices"][0]["finish_reason"];
      }
      EXPECT_EQ(reason, "tool_calls");
      ASSERT_EQ(calls.size(), 1u) << reply.body;
      EXPECT_EQ(calls[0]["function"]["name"], "get_weather");
      EXPECT_EQ(Json::parse(calls[0]["function"]["arguments"].get<std::string>())["city"], "Seoul");
      EXPECT_EQ(server.requests().back()["tool_choice"], "required");
      // The client goes on with what its tool gave.
      calls[0].erase("index");
      body["messages"].push_back({{"role", "assistant"}, {"content", nullptr}, {"tool_calls", calls}});
      body["messages"].push_back({{"role", "tool"}, {"tool_call_id", calls[0]["id"]}, {"content", "12 degrees"}});
      Reply next = Post("/v1/chat/completions", ann_, body);
      ASSERT_EQ(next.status, 200) << next.body;
      std::string text = stream ? TextIn(next) : next.json()["choices"][0]["message"]["content"].get<std::string>();
      EXPECT_EQ(text.rfind("It is 12 degrees in Seoul.", 0), 0u) << text;
      auto sent = server.requests().back()["messages"];
      EXPECT_EQ(sent[sent.size() - 2]["tool_calls"][0]["function"]["name"], "get_weather");
      EXPECT_EQ(sent.back()["content"], "12 degrees");
    }
  }
}

TEST_F(ChatTest, SaysWhatToolsCannotDo) {
  Serve();
  Reply none = Post("/v1/chat/completions", ann_, Ask("When is a refund paid back?", {Function("get_weather")}));
  EXPECT_EQ(none.status, 400);
  EXPECT_NE(none.body.find("cannot call tools") != std::string::npos ? none.body.find("cannot") : none.body.find("can call tools"), std::string::npos) << none.body;
  const Json wrong[] = {{{"tools", {Function("codelore_delete")}}}, {{"tools", {Function("a"), Function("a")}}}, {{"tools", {{{"type", "web_search"}}}}},
                        {{"tools", {Function("a")}}, {"tool_choice", {{"type", "function"}, {"function", {{"name", "b"}}}}}}};
  for (const Json& each : wrong) {
    Json body = {{"model", "codelore"}, {"messages", UserSays("x")}};
    body.update(each);
    EXPECT_EQ(Post("/v1/chat/completions", ann_, body).status, 400) << each;
  }
}

TEST_F(ChatTest, AnswersInJson) {
  std::string answer = R"--({"days":"three","link":"[x](http://evil.example)"})--";
  ScriptedServer server([&](size_t, const Json&) { return Say(answer); });
  Serve({ScriptedGenerator("m", server.url())});
  Json schema = {{"type", "object"}, {"properties", {{"days", {{"type", "string"}}}, {"link", {{"type", "string"}}}}}, {"required", {"days"}}};
  Json body = {{"model", "codelore"}, {"messages", UserSays("When is a refund paid back?")},
               {"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "refund"}, {"schema", schema}}}}}};
  Json reply = Post("/v1/chat/completions", ann_, body).json();
  std::string text = reply["choices"][0]["message"]["content"];
  EXPECT_EQ(Json::parse(text, nullptr, false).value("days", ""), "three") << text;
  EXPECT_EQ(text.find("](http"), std::string::npos) << text;
  EXPECT_FALSE(reply["citations"].empty());
  EXPECT_EQ(server.requests().back()["response_format"]["json_schema"]["schema"], schema);
  body["stream"] = true;
  EXPECT_EQ(TextIn(Post("/v1/chat/completions", ann_, body)), text);
  Reply ollama = Post("/api/chat", ann_, {{"model", "codelore"}, {"stream", false}, {"messages", UserSays("When is a refund paid back?")}, {"format", "json"}});
  EXPECT_EQ(ollama.json()["message"]["content"], text);
  EXPECT_EQ(server.requests().back()["response_format"]["type"], "json_object");
  answer = R"({"days":3})";
  body["stream"] = false;
  EXPECT_EQ(Post("/v1/chat/completions", ann_, body).status, 400);  // not what the schema says
  body["model"] = "codelore/extractive";
  Reply quoting = Post("/v1/chat/completions", ann_, body);
  EXPECT_EQ(quoting.status, 400);
  EXPECT_NE(quoting.body.find("leave out the format"), std::string::npos) << quoting.body;
}

TEST_F(ChatTest, FillsInTheMiddleWithWhatTheCallerMayRead) {
  ScriptedServer server([](size_t, const Json& request) -> std::vector<Json> {
    if (request["path"] == "/v1/completions") return {CompletionChunk("amount, "), CompletionChunk("2\xE2\x80\x8B"), EndChunk("stop")};
    return Say("Hello.");
  });
  Serve({ScriptedGenerator("m", server.url())});
  Json body = {{"model", "codelore"}, {"prompt", "def total_of_invoice(amount):\n    # Rounds the total of an invoice\n    return round("}, {"suffix", ")\n"}};
  Reply reply = Post("/v1/completions", ann_, body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json()["choices"][0]["text"], "amount, 2");
  ASSERT_FALSE(reply.json()["citations"].empty());
  Json sent = server.requests().back();
  EXPECT_EQ(sent["suffix"], ")\n");
  std::string prompt = sent["prompt"];
  EXPECT_TRUE(prompt.ends_with("return round(")) << prompt;
  EXPECT_NE(prompt.find("# src/invoice.py\n"), std::string::npos) << prompt;
  EXPECT_EQ(prompt.find("secretly"), std::string::npos);  // robots has an invoice.py, too
  body["model"] = "codelore/raw";
  EXPECT_EQ(Post("/v1/completions", ann_, body).json()["citations"].size(), 0u);
  EXPECT_TRUE(server.requests().back()["prompt"].get<std::string>().starts_with("def total_of_invoice"));
  body["stream"] = true;
  Reply stream = Post("/v1/completions", ann_, body);
  EXPECT_EQ(EventsIn(stream.body)[1]["choices"][0]["text"], "amount, ") << stream.body;
  Reply ollama = Post("/api/generate", ann_, {{"model", "codelore"}, {"prompt", "def f("}, {"suffix", ")"}, {"stream", false}});
  EXPECT_EQ(ollama.json()["response"], "amount, 2");
}

TEST_F(ChatTest, SaysThatNobodyCanFillInTheMiddle) {
  Serve();
  Reply reply = Post("/v1/completions", ann_, {{"model", "codelore"}, {"prompt", "a"}, {"suffix", "b"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("fill in the middle"), std::string::npos) << reply.body;
}

TEST_F(ChatTest, ATeamsModelIsWhatItAndTheCallerMayRead) {
  Serve();
  TenantId tenant = service_->directory().FindTenant(acl::kDefaultTenant).value();
  std::string cas = service_->directory().CreateToken({.tenant = tenant, .user = "ann", .teams = {"hardware"}})->text;  // both sources
  std::string models = Send("GET", "/v1/models", cas).body;
  EXPECT_NE(models.find("codelore:hardware"), std::string::npos) << models;
  auto ask = [&](const std::string& token, const char* question) {
    return Post("/v1/chat/completions", token, {{"model", "codelore:hardware"}, {"messages", UserSays(question)}});
  };
  EXPECT_NE(ask(cas, "emergency stop of the motors").body.find("safety.md"), std::string::npos);
  EXPECT_EQ(ask(cas, "When is a refund paid back?").body.find("billing.md"), std::string::npos);
  EXPECT_EQ(ask(ann_, "emergency stop of the motors").status, 404);  // she is not in that team
  acl::Source robots = service_->directory().FindSource(tenant, "robots").value();
  ASSERT_TRUE(service_->directory().Revoke(robots.id, "team:hardware").ok());
  EXPECT_EQ(ask(cas, "emergency stop of the motors").body.find("safety.md"), std::string::npos);
}

TEST_F(ChatTest, GoesToTheBackEndThatTheSettingsSay) {
  ScriptedServer first([](size_t, const Json&) { return Say("Three days [1]."); }), second([](size_t, const Json&) { return Say("Three days [1]."); });
  Serve({ScriptedGenerator("first", first.url()), ScriptedGenerator("hard", second.url(), "teams=hardware"),
         ScriptedGenerator("long", second.url(), "min-words=20 kinds=howto,other")});
  auto origin = [&](const std::string& token, const std::string& question) {
    Reply reply = Post("/v1/chat/completions", token, {{"model", "codelore"}, {"messages", UserSays(question)}});
    return reply.json()["codelore"];
  };
  EXPECT_EQ(origin(ann_, "When is a refund paid back?")["generator"], "first");
  EXPECT_EQ(origin(ann_, "When is a refund paid back?")["route"], "default");
  EXPECT_EQ(origin(bob_, "emergency stop of the motors")["generator"], "hard");
  EXPECT_EQ(origin(bob_, "emergency stop of the motors")["route"], "team");
  std::string many = "When is a refund paid back after a cancelled invoice";
  for (int i = 0; i < 20; ++i) many += " refund";
  EXPECT_EQ(origin(ann_, many)["route"], "kind+length");
  Json asked = Post("/v1/ask", ann_, {{"question", "When is a refund paid back?"}, {"generator", "long"}}).json();
  EXPECT_EQ(asked["generator"], "long");
  EXPECT_EQ(asked["route"], "asked");
}

TEST_F(ChatTest, NamesTheArmOfASplitAndFallsBack) {
  ScriptedServer good([](size_t, const Json&) { return Say("Three days [1]."); });
  ScriptedServer down([](size_t, const Json&) { return std::vector<Json>(); });
  Serve({ScriptedGenerator("a", good.url()), ScriptedGenerator("b", good.url(), "share=50")});
  std::map<std::string, int> arms;
  for (int i = 0; i < 24; ++i) {
    Json reply = Post("/v1/ask", ann_, {{"question", "When is refund number " + std::to_string(i) + " paid back?"}}).json();
    EXPECT_EQ(reply["route"], "split");
    EXPECT_EQ(reply["arm"], reply["generator"]);
    ++arms[reply["arm"]];
  }
  EXPECT_GT(arms["a"], 3);
  EXPECT_GT(arms["b"], 3);
  StopServing();
  EXPECT_FALSE(Generators::Open({ScriptedGenerator("a", good.url(), "share=60"), ScriptedGenerator("b", good.url(), "share=50")}).ok());
  EXPECT_FALSE(GeneratorConfig::Parse("name=a url=http://h/v1 model=m share=10 teams=x").ok());
  EXPECT_FALSE(GeneratorConfig::Parse("name=a url=http://h/v1 model=m kinds=poem").ok());
}

TEST_F(ChatTest, AnAnswerIsKeptOnlyWhereThatIsWanted) {
  ScriptedServer server([](size_t, const Json&) { return Say("A refund is paid within three days [1]."); });
  for (uint32_t kept : {0u, 100u}) {
    auto opened = Service::Open({.data_folder = data_.path() + std::to_string(kept), .threads = 1, .generators = {ScriptedGenerator("m", server.url())}, .cached_answers = kept});
    ASSERT_TRUE(opened.ok());
    Service& service = **opened;
    TenantId tenant = service.directory().FindTenant(acl::kDefaultTenant).value();
    acl::Source source = service.FindOrAddSource(tenant, billing_.path(), "billing").value().source;
    ASSERT_TRUE(service.IndexSource(source, {}, [](const ingest::IndexProgress&) {}).ok());
    ASSERT_TRUE(service.directory().Grant(source.id, "user:ann").ok());
    auto ask = [&](const char* user) {
      Viewer viewer = service.directory().ViewerForUser(tenant, user, {}).value();
      std::string text;
      auto summary = service.Ask(viewer, {.text = "When is a refund paid back?"}, {},
                                 {.citations = [](const auto&) {}, .piece = [&](const AnswerPiece& piece) { text += piece.text; }});
      EXPECT_TRUE(summary.ok());
      return text;
    };
    size_t before = server.requests().size();
    std::string first = ask("ann");
    EXPECT_EQ(ask("ann"), first);
    EXPECT_EQ(server.requests().size() - before, kept == 0 ? 2u : 1u);
    EXPECT_EQ(ask("eve").find("three days"), std::string::npos);
    ASSERT_TRUE(service.directory().Revoke(source.id, "user:ann").ok());
    EXPECT_EQ(ask("ann").find("three days"), std::string::npos);
  }
  std::filesystem::remove_all(data_.path() + "0");
  std::filesystem::remove_all(data_.path() + "100");
}

TEST_F(ChatTest, OllamaClientsGetCallsOfTheirToolsAndTheServersAreRun) {
  ScriptedServer server([](size_t number, const Json&) {
    if (number % 3 == 0) return CallTool("codelore_read_file", {{"source", "billing"}, {"path", "src/tax.go"}});
    if (number % 3 == 1) return CallTool("get_weather", {{"city", "Seoul"}});
    return Say("It rains 7 millimetres.");
  });
  Serve({ScriptedGenerator("m", server.url())});
  for (bool stream : {false, true}) {
    Json question = Ask("When is a refund paid back?", {Function("codelore_read_file"), Function("get_weather")});
    question["stream"] = stream;
    Reply first = Post("/api/chat", ann_, question);
    ASSERT_EQ(first.status, 200) << first.body;
    Json calls;
    std::istringstream lines(first.body);
    Json last;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with('{')) continue;  // the size of a chunk
      last = Json::parse(line);
      if (last["message"].contains("tool_calls")) calls = last["message"]["tool_calls"];
    }
    EXPECT_EQ(calls, Json::parse(R"([{"function": {"name": "get_weather", "arguments": {"city": "Seoul"}}}])")) << first.body;
    EXPECT_EQ(last["done"], true);
    EXPECT_EQ(last["done_reason"], "stop");
    question["messages"].push_back({{"role", "assistant"}, {"content", ""}, {"tool_calls", calls}});
    question["messages"].push_back({{"role", "tool"}, {"tool_name", "get_weather"}, {"content", "Rain, 7 millimetres."}});
    question["stream"] = false;
    Reply second = Post("/api/chat", ann_, question);
    ASSERT_EQ(second.status, 200) << second.body;
    std::string text = second.json()["message"]["content"];
    EXPECT_NE(text.find("7 millimetres"), std::string::npos) << text;
    EXPECT_EQ(text.find("not confirmed"), std::string::npos) << text;  // what the client's tool gave counts
  }
  auto requests = server.requests();
  ASSERT_EQ(requests.size(), 6u);
  const Json& sent = requests[2]["messages"];
  EXPECT_EQ(sent[sent.size() - 2]["tool_calls"][0]["id"], sent.back()["tool_call_id"]);
  EXPECT_EQ(Json::parse(sent[sent.size() - 2]["tool_calls"][0]["function"]["arguments"].get<std::string>())["city"], "Seoul");
}

TEST_F(ChatTest, OllamaToolsThatAreNoneAreRefused) {
  Serve({});
  for (const Json& tools : {Json::array({Function("a"), Function("a")}), Json::array({Function("codelore_delete")}), Json("x"), Json::array({7})}) {
    EXPECT_EQ(Post("/api/chat", ann_, Ask("refund?", tools)).status, 400) << tools;
  }
  Json question = Ask("refund?", {Function("get_weather")});
  question["stream"] = false;
  Reply none = Post("/api/chat", ann_, question);
  EXPECT_EQ(none.status, 400);
  EXPECT_NE(none.body.find("tools"), std::string::npos) << none.body;
}

}  // namespace
}  // namespace codelore::api
