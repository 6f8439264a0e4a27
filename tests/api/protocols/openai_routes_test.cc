#include "api/protocols/openai_routes.h"

#include "api/protocols/protocol_fixture.h"

namespace codelore::api {
namespace {

class OpenAiTest : public ProtocolTest {};

TEST_F(OpenAiTest, AnswersWithCitationsTheCallerMayRead) {
  Serve();
  Reply reply = Post("/v1/chat/completions", ann_, {{"model", "codelore"}, {"messages", UserSays("When is a refund paid back?")}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  Json json = reply.json();
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_NE(json["choices"][0]["message"]["content"].get<std::string>().find("three days"), std::string::npos);
  ASSERT_FALSE(json["citations"].empty());
  for (const Json& citation : json["citations"]) {
    EXPECT_EQ(citation["source"], "billing");
    for (const char* field : {"n", "commit", "path", "start_line", "end_line", "url"}) EXPECT_TRUE(citation.contains(field)) << field;
  }
  EXPECT_GT(json["usage"]["total_tokens"], 0);
}

TEST_F(OpenAiTest, StreamsRoleAndCitationsFirstThenTextThenTheEnd) {
  Serve();
  Json body = {{"model", "codelore"}, {"stream", true}, {"stream_options", {{"include_usage", true}}}, {"messages", UserSays("When is a refund paid back?")}};
  Reply reply = Post("/v1/chat/completions", ann_, body);
  ASSERT_EQ(reply.status, 200);
  std::vector<Json> events = EventsIn(reply.body);
  ASSERT_GE(events.size(), 5u);
  EXPECT_EQ(events[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_FALSE(events[0]["citations"].empty());
  EXPECT_EQ(events[events.size() - 3]["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(events[events.size() - 2]["choices"].empty());
  EXPECT_GT(events[events.size() - 2]["usage"]["completion_tokens"], 0);
  EXPECT_EQ(events.back(), "[DONE]");
}

TEST_F(OpenAiTest, TwoWorldsAreTwoWorldsHereToo) {
  Serve();
  Json body = {{"model", "codelore"}, {"messages", UserSays("emergency stop of the motors")}};
  Json ann = Post("/v1/chat/completions", ann_, body).json(), bob = Post("/v1/chat/completions", bob_, body).json();
  EXPECT_EQ(ann.dump().find("robots"), std::string::npos);
  EXPECT_EQ(ann.dump().find("safety"), std::string::npos);
  EXPECT_NE(bob.dump().find("safety.md"), std::string::npos);
  std::string models = Send("GET", "/v1/models", ann_).body;
  EXPECT_NE(models.find("codelore:billing"), std::string::npos);
  EXPECT_EQ(models.find("robots"), std::string::npos);
  // A source one may not read and one that is not there are the same.
  Reply hidden = Post("/v1/chat/completions", ann_, {{"model", "codelore:robots"}, {"messages", UserSays("x")}});
  Reply missing = Post("/v1/chat/completions", ann_, {{"model", "codelore:rosots"}, {"messages", UserSays("x")}});
  EXPECT_EQ(hidden.status, 404);
  EXPECT_EQ(missing.status, 404);
  std::string expected = missing.body;
  expected.replace(expected.find("rosots"), 6, "robots");
  EXPECT_EQ(hidden.body, expected);
}

TEST_F(OpenAiTest, ErrorsHaveItsShape) {
  Serve();
  Json ok = {{"model", "codelore"}, {"messages", UserSays("x")}};
  auto error = [&](const Reply& reply, int status) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_TRUE(reply.json()["error"]["message"].is_string()) << reply.body;
    EXPECT_TRUE(reply.json()["error"]["type"].is_string());
    return reply.json()["error"];
  };
  EXPECT_EQ(error(Post("/v1/chat/completions", "", ok), 401)["code"], "invalid_api_key");
  EXPECT_EQ(error(Post("/v1/chat/completions", ann_, {{"model", "gpt"}, {"messages", UserSays("x")}}), 404)["code"], "model_not_found");
  error(Post("/v1/chat/completions", ann_, {{"messages", Json::array()}}), 400);
  error(Post("/v1/chat/completions", ann_, {{"messages", UserSays("")}}), 400);
  error(Post("/v1/chat/completions", ann_, {{"messages", UserSays("x")}, {"n", 2}}), 400);
  error(Post("/v1/chat/completions", ann_, {{"messages", UserSays("x")}, {"temperature", 9}}), 400);
  error(Send("POST", "/v1/chat/completions", ann_, "{"), 400);
  error(Post("/v1/embeddings", ann_, {{"input", Json::array({1, 2})}}), 400);
}

TEST_F(OpenAiTest, EmbedsInBothFormats) {
  Serve();
  Json floats = Post("/v1/embeddings", ann_, {{"input", {"hello", "world"}}}).json();
  ASSERT_EQ(floats["data"].size(), 2u);
  EXPECT_EQ(floats["data"][1]["index"], 1);
  EXPECT_EQ(floats["data"][0]["embedding"].size(), 384u);
  Json packed = Post("/v1/embeddings", ann_, {{"input", "hello"}, {"encoding_format", "base64"}}).json();
  EXPECT_EQ(packed["data"][0]["embedding"].get<std::string>().size(), 384 * 4 / 3 * 4u);
}

GeneratorConfig ConfigOf(const ModelServer& server, const std::string& name = "scripted") {
  return {.name = name, .url = server.url(), .model = "m", .key_file = {}};
}

TEST_F(OpenAiTest, AModelWritesAndItsAnswerIsChecked) {
  ModelServer model("A refund is paid back within three days [1]. It takes 99 days [1]. [x](http://evil.example) [8]\n");
  Serve({ConfigOf(model)});
  Json json = Post("/v1/chat/completions", ann_, {{"model", "codelore"}, {"max_tokens", 77}, {"messages", UserSays("When is a refund paid back?")}}).json();
  std::string text = json["choices"][0]["message"]["content"];
  EXPECT_TRUE(text.starts_with("A refund is paid back within three days [1]. It takes 99 days [1]. (not confirmed by the passages)")) << text;
  EXPECT_EQ(text.find("]("), std::string::npos);
  EXPECT_EQ(text.find("[8]"), std::string::npos);
  EXPECT_NE(text.find("Sources:\n- [1] `billing@"), std::string::npos) << text;
  EXPECT_EQ(json["usage"]["prompt_tokens"], 50);
  ASSERT_EQ(model.requests().size(), 1u);
  Json sent = model.requests()[0];
  EXPECT_EQ(sent["max_tokens"], 77);
  EXPECT_EQ(sent["messages"][0]["role"], "system");
  EXPECT_EQ(sent.dump().find("robot"), std::string::npos);
  EXPECT_TRUE(sent["messages"].back()["content"].get<std::string>().ends_with("Question: When is a refund paid back?"));
}

TEST_F(OpenAiTest, AFailingModelIsTriedAgainThenAnotherAnswers) {
  ModelServer first("never said"), second("A refund takes three days [1].\n");
  Serve({ConfigOf(first), ConfigOf(second, "other")});
  Json body = {{"model", "codelore"}, {"messages", UserSays("When is a refund paid back?")}};
  first.FailNext(1);
  EXPECT_NE(Post("/v1/chat/completions", ann_, body).body.find("never said"), std::string::npos);
  EXPECT_EQ(first.requests().size(), 2u);
  first.Stop();
  EXPECT_NE(Post("/v1/chat/completions", ann_, body).body.find("three days [1]"), std::string::npos);
  second.Stop();  // the extractive one never fails
  EXPECT_NE(Post("/v1/chat/completions", ann_, body).body.find("cancelled invoice"), std::string::npos);
}

TEST_F(OpenAiTest, AClientThatLeavesStopsTheModel) {
  ModelServer model("A refund takes three days, and so on and so on.");
  Serve({ConfigOf(model)});
  model.Hang();
  Json body = {{"model", "codelore/raw"}, {"stream", true}, {"messages", UserSays("hello")}};
  {
    RawClient client(server_->port());
    client.Send(PostRequest("/v1/chat/completions", body.dump(), "Content-Type: application/json\r\nAuthorization: Bearer " + ann_ + "\r\n"));
    ASSERT_NE(client.ReadUntil("A refund").find("A refund"), std::string::npos);
  }
  for (int i = 0; i < 2000 && !model.left(); ++i) std::this_thread::sleep_for(2ms);
  EXPECT_TRUE(model.left());
}

TEST_F(OpenAiTest, FollowUpsSearchForWhatTheyLeanOn) {
  Serve();
  Json messages = {{{"role", "user"}, {"content", "When is a refund paid back?"}}, {{"role", "assistant"}, {"content", "Within three days."}},
                   {{"role", "user"}, {"content", "where does it say that?"}}};
  Json json = Post("/v1/chat/completions", ann_, {{"model", "codelore"}, {"messages", messages}}).json();
  ASSERT_FALSE(json["citations"].empty());
  EXPECT_EQ(json["citations"][0]["path"], "docs/billing.md");
}

}  // namespace
}  // namespace codelore::api
