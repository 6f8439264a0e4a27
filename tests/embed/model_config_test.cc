#include "embed/model_config.h"

#include <gtest/gtest.h>

#include "embed/tiny_model.h"

namespace codelore::embed {
namespace {

using Files = std::map<std::string, std::string>;

// What reading the tiny model's configuration gives when files are added or replaced.
Result<ModelConfig> Read(const Files& changed) {
  Files files = {{"config.json", TinyModel::Config()}};
  for (const auto& [name, text] : changed) files[name] = text;
  return ModelConfig::Read(ModelFolder::FromMemory("tiny", files));
}

std::string ErrorOf(const Files& changed) {
  const auto result = Read(changed);
  return result.ok() ? "" : result.status().message();
}

// The error after replacing `from` in config.json.
std::string ConfigError(std::string_view from, std::string_view to) {
  std::string config = TinyModel::Config();
  config.replace(config.find(from), from.size(), to);
  return ErrorOf({{"config.json", config}});
}

TEST(ModelConfigTest, ReadsTheBuiltInModel) {
  const ModelConfig config = ModelConfig::Read(ModelFolder::BuiltIn()).value();
  EXPECT_EQ(config.shape.hidden, 384u);
  EXPECT_EQ(config.shape.layers, 6u);
  EXPECT_EQ(config.shape.head_size(), 32u);
  EXPECT_EQ(config.shape.intermediate, 1536u);
  EXPECT_EQ(config.shape.vocabulary, 30522u);
  EXPECT_EQ(config.max_tokens, 256u);
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_TRUE(config.tokenizer.lower_case && config.tokenizer.strip_accents &&
              config.tokenizer.split_ideographs);
  EXPECT_EQ(config.query_prefix, "");
}

TEST(ModelConfigTest, HasDefaultsForMissingFiles) {
  const ModelConfig config = Read({}).value();
  EXPECT_EQ(config.max_tokens, 40u);
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_TRUE(config.tokenizer.lower_case);
}

TEST(ModelConfigTest, ReadsWhatTheFilesSay) {
  const ModelConfig config =
      Read(
          {{"1_Pooling/config.json", R"({"pooling_mode_cls_token": true, "include_prompt": true})"},
           {"tokenizer_config.json",
            R"({"do_lower_case": false, "strip_accents": null, "tokenize_chinese_chars": false,
                                      "unk_token": {"content": "<unk>", "lstrip": false}, "cls_token": "<s>"})"},
           {"sentence_bert_config.json", R"({"max_seq_length": 12})"},
           {"config_sentence_transformers.json",
            R"({"prompts": {"query": "q: ", "passage": "p: "}})"}})
          .value();
  EXPECT_EQ(config.pooling, Pooling::kFirstToken);
  EXPECT_FALSE(config.tokenizer.lower_case || config.tokenizer.strip_accents ||
               config.tokenizer.split_ideographs);
  EXPECT_EQ(config.tokenizer.unknown, "<unk>");
  EXPECT_EQ(config.tokenizer.first, "<s>");
  EXPECT_EQ(config.tokenizer.last, "[SEP]");
  EXPECT_EQ(config.max_tokens, 12u);
  EXPECT_EQ(config.query_prefix, "q: ");
  EXPECT_EQ(config.passage_prefix, "p: ");
}

TEST(ModelConfigTest, NamesTheFieldOfConfigJsonThatIsWrong) {
  EXPECT_EQ(ConfigError("\"bert\"", "\"gpt2\""),
            "config.json: model_type: expected \"bert\", found \"gpt2\"");
  EXPECT_EQ(ConfigError("\"gelu\"", "\"relu\""),
            "config.json: hidden_act: expected \"gelu\", found \"relu\"");
  EXPECT_EQ(ConfigError("\"bert\"", "7"), "config.json: model_type: expected a string, found 7");
  EXPECT_EQ(ConfigError("48", "\"48\""),
            "config.json: hidden_size: expected a whole number from 1 to 16384, found \"48\"");
  EXPECT_EQ(ConfigError("48", "0"),
            "config.json: hidden_size: expected a whole number from 1 to 16384, found 0");
  EXPECT_EQ(ConfigError("48", "99999999999999999999"),
            "config.json: hidden_size: expected a whole number from 1 to 16384, found 1e+20");
  EXPECT_EQ(ConfigError("_heads\": 3", "_heads\": 5"),
            "config.json: num_attention_heads: expected a divisor of hidden_size, found 5");
  EXPECT_EQ(ConfigError("1e-6", "-1"),
            "config.json: layer_norm_eps: expected a number between 0 and 1, found -1");
  EXPECT_EQ(ConfigError("1e-6", "null"),
            "config.json: expected an object with \"layer_norm_eps\", found object");
  EXPECT_EQ(ConfigError("{", ""), "config.json: expected JSON, found something else at byte 13");
}

TEST(ModelConfigTest, NamesTheFieldOfTheOtherFilesThatIsWrong) {
  EXPECT_EQ(ErrorOf({{"1_Pooling/config.json", R"({"word_embedding_dimension": 768})"}}),
            "1_Pooling/config.json: word_embedding_dimension: expected a whole number from 48 to "
            "48, found 768");
  EXPECT_EQ(ErrorOf({{"1_Pooling/config.json", R"({"pooling_mode_max_tokens": true})"}}),
            "1_Pooling/config.json: pooling_mode_max_tokens: expected mean or first-token pooling, "
            "found true");
  EXPECT_EQ(ErrorOf({{"1_Pooling/config.json",
                      R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})"}}),
            "1_Pooling/config.json: expected one of pooling_mode_cls_token and "
            "pooling_mode_mean_tokens, found object");
  EXPECT_EQ(
      ErrorOf({{"sentence_bert_config.json", R"({"max_seq_length": 41})"}}),
      "sentence_bert_config.json: max_seq_length: expected a whole number from 3 to 40, found 41");
  EXPECT_EQ(ErrorOf({{"tokenizer_config.json", R"({"do_lower_case": "yes"})"}}),
            "tokenizer_config.json: do_lower_case: expected true or false, found \"yes\"");
  EXPECT_EQ(ErrorOf({{"tokenizer_config.json", R"({"unk_token": ["x"]})"}}),
            "tokenizer_config.json: unk_token: expected a string, found array");
  EXPECT_EQ(ErrorOf({{"config_sentence_transformers.json", R"({"prompts": {"query": 1}})"}}),
            "config_sentence_transformers.json: prompts: query: expected a string, found 1");
  EXPECT_EQ(ErrorOf({{"config_sentence_transformers.json", R"({"prompts": 1})"}}), "");
}

TEST(ModelConfigTest, RefusesEveryTruncation) {
  const std::string config = TinyModel::Config();
  for (size_t size = 0; size < config.size(); ++size) {
    EXPECT_TRUE(ErrorOf({{"config.json", config.substr(0, size)}}).starts_with("config.json: "))
        << size;
  }
}

}  // namespace
}  // namespace codelore::embed
