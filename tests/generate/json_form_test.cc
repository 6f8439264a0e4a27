#include "generate/json_form.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "generate/llama_model.h"
#include "generate/tiny_gguf.h"
#include "support/temp_folder.h"

namespace codelore::generate {
namespace {

using Json = nlohmann::ordered_json;

Sampling OfSchema(const char* schema, uint32_t seed = 1, double temperature = 0) {
  return {.temperature = temperature, .seed = seed, .max_tokens = 1500, .form = OutputForm::kJsonSchema, .schema = schema};
}

const char* const kSchemas[] = {
    R"({"type":"object","properties":{"ok":{"type":"boolean"},"kind":{"enum":["a b","ü","q\"uote",7,null]}},"required":["ok","kind"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"null"},"c":{"const":{"x":[1,"y"]}}},"required":["b"]})",
    R"({"type":"array","items":{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2},"minItems":2,"maxItems":4})",
    R"({"type":"object","properties":{"name":{"type":"string","minLength":2,"maxLength":5},"n":{"type":["integer","null"]}},"required":["name","n"]})",
    R"({"anyOf":[{"type":"object","properties":{"x":{"$ref":"#/$defs/side"}},"required":["x"]},{"type":"boolean"}],"$defs":{"side":{"enum":["left","right"]}},"title":"t"})",
    R"({"type":"object","properties":{"list":{"type":"array","items":{"type":"number"},"maxItems":3},"none":{"type":"array","maxItems":0}},"required":["list","none"]})",
    R"({"type":"object","properties":{"tree":{"$ref":"#/$defs/tree"}},"required":["tree"],"$defs":{"tree":{"type":"object","properties":{"leaf":{"enum":[1]},"down":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/tree"}]}},"required":["leaf","down"]}}})"};

class JsonGrammarTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.Write("tiny.gguf", testing::MakeTinyGguf({}));
    auto opened = LlamaModel::Open({.name = "tiny", .file = folder_ / "tiny.gguf", .threads = 1});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    model_ = std::move(*opened);
  }
  std::string Ask(const Sampling& sampling, ChatUsage* usage = nullptr) {
    std::string text;
    const std::vector<ChatMessage> messages = {{ChatRole::kUser, "Say something"}};
    auto told = model_->Chat(messages, sampling, {}, [&](std::string_view piece) { text += piece; });
    EXPECT_TRUE(told.ok()) << told.status().ToString();
    if (usage != nullptr && told.ok()) *usage = *told;
    return text;
  }
  testing::TempFolder folder_;
  std::unique_ptr<LlamaModel> model_;
};

// A model of random weights writes nonsense: only the grammar can make it what the schema says.
TEST_F(JsonGrammarTest, EveryAnswerIsWhatTheSchemaSays) {
  int judged = 0;
  for (const char* schema : kSchemas) {
    for (uint32_t seed = 0; seed < 6; ++seed) {
      ChatUsage usage;
      std::string text = Ask(OfSchema(schema, seed, seed == 0 ? 0 : 1.5), &usage);
      // Numbers and trees may be long; and bytes that are no UTF-8, which only such a model writes, became other characters.
      if (usage.cut || text.find("\xEF\xBF\xBD") != text.npos) continue;
      ++judged;
      Status fits = CheckSchema(text, schema);
      EXPECT_TRUE(fits.ok()) << schema << "\n" << text << "\n" << fits.ToString();
    }
  }
  EXPECT_GT(judged, 25);  // of 42
}

TEST_F(JsonGrammarTest, EveryAnswerIsAnObjectInJsonMode) {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    ChatUsage usage;
    std::string text = Ask({.temperature = 1.2, .seed = seed, .max_tokens = 400, .form = OutputForm::kJson}, &usage);
    EXPECT_TRUE(text.starts_with("{")) << text;
    EXPECT_TRUE(usage.cut || Json::parse(text, nullptr, false).is_object()) << text;
  }
}

TEST_F(JsonGrammarTest, SaysWhatItCannotPromise) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":"string","pattern":"a+"})", "$.pattern"}, {R"({"type":"integer","minimum":3})", "$.minimum"},
      {R"({"properties":{"x":{"oneOf":[{"type":"null"}]}}})", "$.x.oneOf"}, {R"({"$ref":"http://example.org/s"})", "$.$ref"},
      {R"({"$ref":"#/nowhere"})", "$.$ref leads nowhere"}, {R"({"type":"text"})", "$.type"}, {R"({"type":"string","maxLength":100000})", "$.maxLength"},
      {R"({"type":"array","minItems":3,"maxItems":2})", "$.minItems"}, {R"({"type":"object","required":["x"]})", "$.required"}, {"[", "no JSON"}};
  for (auto [schema, what] : cases) {
    auto grammar = GrammarOf(OfSchema(schema));
    ASSERT_FALSE(grammar.ok()) << schema;
    EXPECT_EQ(grammar.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(grammar.status().message().find(what), std::string::npos) << grammar.status().ToString();
    EXPECT_EQ(model_->CheckForm(OfSchema(schema)).code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(JsonGrammarTest, HostileSchemasAreRefusedInTime) {
  std::string deep = R"({"type":"array","items":)", wide = R"({"type":"object","properties":{)";
  std::string nested;
  for (int i = 0; i < 500; ++i) nested += deep;
  for (int i = 0; i < 5000; ++i) wide += "\"p" + std::to_string(i) + "\":{\"type\":\"null\"},";
  const std::string hostile[] = {nested + "true" + std::string(500, '}'), wide + "\"x\":{}}}", R"({"$ref":"#"})",
                                 R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})", std::string(70'000, ' ')};
  for (const std::string& schema : hostile) {
    Sampling sampling = OfSchema("");
    sampling.schema = schema;
    Status status = model_->CheckForm(sampling);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << schema.substr(0, 60);
  }
}

// Each level can be read in two ways, for ever: 2^depth ways.
TEST_F(JsonGrammarTest, AmbiguousSchemasAreCutOff) {
  Sampling sampling = OfSchema(R"({"$ref":"#/$defs/t","$defs":{"t":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]},
      "a":{"type":"object","properties":{"n":{"$ref":"#/$defs/t"}},"required":["n"]},
      "b":{"type":"object","properties":{"n":{"$ref":"#/$defs/t"}},"required":["n"]}}})");
  const std::vector<ChatMessage> messages = {{ChatRole::kUser, "Say something"}};
  auto told = model_->Chat(messages, sampling, {}, [](std::string_view) {});
  ASSERT_FALSE(told.ok());
  EXPECT_NE(told.status().message().find("too many ways"), std::string::npos) << told.status().ToString();
}

TEST(JsonAnswer, MakesTextsInJsonInert) {
  Sampling any{.form = OutputForm::kJson};
  auto safe = SafeJson("Sure:\n```json\n{\"a\": \"![x](http://evil.example/p.png)\", \"<script>\": [\"<img src=x>\", \"zero\xE2\x80\x8Bwidth\"]}\n```", any);
  ASSERT_TRUE(safe.ok()) << safe.status().ToString();
  EXPECT_EQ(safe->find("](http"), std::string::npos) << *safe;
  EXPECT_EQ(safe->find("<script"), std::string::npos);
  EXPECT_EQ(safe->find("<img"), std::string::npos);
  EXPECT_EQ(safe->find("\xE2\x80\x8B"), std::string::npos);
  EXPECT_TRUE(Json::parse(*safe, nullptr, false).is_object());
  // What the client's own schema says stays.
  auto known = SafeJson(R"({"kind":"std::vector<int>"})", OfSchema(R"({"type":"object","properties":{"kind":{"enum":["std::vector<int>"]}},"required":["kind"]})"));
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(*known, R"({"kind":"std::vector<int>"})");
  EXPECT_FALSE(SafeJson("I cannot do that", any).ok());
  EXPECT_FALSE(SafeJson("[1]", any).ok());
  EXPECT_FALSE(SafeJson(R"({"kind":3})", OfSchema(R"({"type":"object","properties":{"kind":{"type":"string"}}})")).ok());
  EXPECT_FALSE(SafeJson("{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}", any).ok());
}

// ---- filling in the middle -------------------------------------------------------------------------------

TEST(LlamaFill, FillsByTheModelsOwnTokens) {
  testing::TempFolder folder;
  folder.Write("fim.gguf", testing::MakeTinyGguf({.fill_tokens = true}));
  folder.Write("plain.gguf", testing::MakeTinyGguf({}));
  auto model = LlamaModel::Open({.name = "fim", .file = folder / "fim.gguf", .threads = 1});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ASSERT_TRUE((*model)->can_fill());
  auto fill = [&](const FillRequest& request) {
    std::string text;
    auto usage = (*model)->Fill(request, {.max_tokens = 12}, {}, [&](std::string_view piece) { text += piece; });
    EXPECT_TRUE(usage.ok()) << usage.status().ToString();
    return std::pair(text, usage.ok() ? usage->prompt_tokens : 0);
  };
  const FillRequest bare{.prefix = "def round(", .suffix = "):\n    return 1\n"};
  auto [text, tokens] = fill(bare);
  EXPECT_EQ(tokens, bare.prefix.size() + bare.suffix.size() + 4);  // a token a byte here; a beginning and three marks
  EXPECT_EQ(fill(bare).first, text);
  // Marks in a text are text: one token for each byte.
  EXPECT_EQ(fill({.prefix = "<|fim_suffix|>", .suffix = "x"}).second, 14u + 1 + 4);
  FillRequest helped = bare;
  helped.snippets = {{"a.py", "python", "def floor(x):\n    return 2\n"}};
  EXPECT_GT(fill(helped).second, tokens + 20);
  std::string huge(20'000, 'x');
  EXPECT_LT(fill({.prefix = huge, .suffix = huge}).second, (*model)->context_tokens());
  auto plain = LlamaModel::Open({.name = "plain", .file = folder / "plain.gguf", .threads = 1});
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE((*plain)->can_fill());
  EXPECT_EQ((*plain)->Fill(bare, {}, {}, [](std::string_view) {}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace codelore::generate
