#include "api/generators.h"

#include <gtest/gtest.h>

#include "generate/tiny_gguf.h"
#include "support/temp_folder.h"

namespace codelore::api {
namespace {

TEST(GeneratorsTest, ReadsTheSettingsOfAModelInThisProcess) {
  const std::string hash(64, 'a');
  auto config = GeneratorConfig::Parse("name=local gguf=/m/x.gguf threads=3 slots=4 queue=0 context=2048 sha256=" + std::string(64, 'A') +
                                       " lora=/m/a.gguf lora=/m/b.gguf:0.5");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->local.file, "/m/x.gguf");
  EXPECT_EQ(config->local.threads, 3u);
  EXPECT_EQ(config->local.slots, 4u);
  EXPECT_EQ(config->local.queue, 0u);
  EXPECT_EQ(config->local.sha256, hash);
  EXPECT_EQ(config->context_tokens, 2048u);
  ASSERT_EQ(config->local.adapters.size(), 2u);
  EXPECT_EQ(config->local.adapters[0].scale, 1.0f);
  EXPECT_EQ(config->local.adapters[1].file, "/m/b.gguf");
  EXPECT_EQ(config->local.adapters[1].scale, 0.5f);
}

TEST(GeneratorsTest, SaysWhatIsWrongWithASetting) {
  for (const char* text : {"name=x", "gguf=/m/x.gguf", "name=x gguf=/m/x.gguf url=http://h/v1", "name=x gguf=/m/x.gguf model=y",
                           "name=x url=http://h/v1 model=y threads=3", "name=x gguf=f threads=0", "name=x gguf=f threads=-1",
                           "name=x gguf=f slots=65", "name=x gguf=f sha256=12", "name=x gguf=f lora=a:b", "name=x gguf=f lora=a:nan",
                           "name=x gguf=", "name=x gguf=f context=5", "name=raw gguf=f"}) {
    auto config = GeneratorConfig::Parse(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(config.status().message().find("for example: "), std::string::npos);
  }
}

TEST(GeneratorsTest, AnswersByAModelFile) {
  testing::TempFolder folder;
  folder.Write("x.gguf", testing::MakeTinyGguf({}));
  auto config = GeneratorConfig::Parse("name=local threads=1 gguf=" + folder / "x.gguf");
  ASSERT_TRUE(config.ok());
  auto generators = Generators::Open({*config});
  ASSERT_TRUE(generators.ok()) << generators.status().ToString();
  EXPECT_EQ((*generators)->names(), (std::vector<std::string>{"local", "extractive"}));
  const std::vector<Passage> passages = {{.citation = "app@abc:a.py#L1-L1", .path = "a.py", .text = "def retry():\n", .line_weights = {1}}};
  std::string text;
  auto summary = (*generators)->Answer({}, {.question = "What does retry do?", .passages = passages, .sampling = {.max_tokens = 16}}, {},
                                       [&](const AnswerPiece& piece) { text += piece.text; });
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ(summary->generator, "local");
  EXPECT_GT(summary->usage.prompt_tokens, 500u);
  EXPECT_LE(summary->usage.answer_tokens, 16u);
}

TEST(GeneratorsTest, DoesNotOpenWhatIsNoModel) {
  testing::TempFolder folder;
  folder.Write("x.gguf", "GGUF, it says");
  auto config = GeneratorConfig::Parse("name=local gguf=" + folder / "x.gguf");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(Generators::Open({*config}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace codelore::api
