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
  EXPECT_EQ(Read({{"tokenizer_config.json", R"({"model_max_length": 1e30})"}})->max_tokens, 40u);
  EXPECT_EQ(Read({{"tokenizer_config.json", R"({"model_max_length": 16})"}})->max_tokens, 16u);
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
            "config.json: model_type: expected \"bert\", \"xlm-roberta\" or \"nomic_bert\", found "
            "\"gpt2\"");
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

TEST(ModelConfigTest, RefusesFilesThatAreTooLarge) {
  const std::string large = "{" + std::string(4 << 20, ' ') + "}";
  for (const char* file : {"config.json", "modules.json", "1_Pooling/config.json", "tokenizer_config.json"}) {
    EXPECT_EQ(ErrorOf({{file, large}}), std::string(file) + ": expected at most 4 MiB, found 4194306 bytes");
  }
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

TEST(ModelConfigTest, ReadsXlmRoberta) {
  std::string config = TinyModel::Config();
  config.replace(config.find("\"bert\""), 6, "\"xlm-roberta\"");
  const ModelConfig read = Read({{"config.json", config}}).value();
  EXPECT_EQ(read.family, Family::kXlmRoberta);
  EXPECT_EQ(read.shape.first_position, 2u);
  EXPECT_EQ(read.shape.positions, 38u);
  EXPECT_EQ(read.max_tokens, 38u);
}

constexpr std::string_view kNomic =
    R"({"model_type": "nomic_bert", "activation_function": "swiglu", "n_embd": 48,
  "n_head": 3, "n_inner": 96, "n_layer": 2, "n_positions": 8192, "vocab_size": 120, "type_vocab_size": 2,
  "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": false,
  "rotary_emb_scale_base": null, "rotary_scaling_factor": null, "prenorm": false, "causal": false,
  "qkv_proj_bias": false, "mlp_fc1_bias": false, "mlp_fc2_bias": true, "max_trained_positions": 2048})";

TEST(ModelConfigTest, ReadsNomicBert) {
  const ModelConfig read = Read({{"config.json", std::string(kNomic)}}).value();
  EXPECT_EQ(read.family, Family::kNomicBert);
  EXPECT_EQ(read.max_tokens, 8192u);
  EXPECT_EQ(read.shape.intermediate, 96u);
  EXPECT_EQ(read.shape.rotary.base, 1000.0f);
  EXPECT_EQ(read.shape.rotary.scaling, 0.0f);
  EXPECT_EQ(read.shape.rotary.trained_positions, 2048u);
  EXPECT_TRUE(read.shape.gated && read.shape.down_bias);
  EXPECT_FALSE(read.shape.query_key_value_bias || read.shape.attention_output_bias ||
               read.shape.up_bias);
}

TEST(ModelConfigTest, NamesTheFieldOfNomicBertThatIsWrong) {
  const auto error = [](std::string_view from, std::string_view to) {
    std::string config(kNomic);
    return ErrorOf({{"config.json", config.replace(config.find(from), from.size(), to)}});
  };
  EXPECT_EQ(error("\"swiglu\"", "\"geglu\""),
            "config.json: activation_function: expected \"swiglu\", found \"geglu\"");
  EXPECT_EQ(error("fraction\": 1.0", "fraction\": 0.5"),
            "config.json: rotary_emb_fraction: expected 1, found 0.5");
  EXPECT_EQ(error("base\": 1000", "base\": 0"),
            "config.json: rotary_emb_base: expected a number above 1, found 0");
  EXPECT_EQ(error("\"causal\": false", "\"moe_every_n_layers\": 2"),
            "config.json: moe_every_n_layers: expected a whole number from 0 to 0, found 2");
  EXPECT_EQ(error("prenorm\": false", "prenorm\": true"),
            "config.json: prenorm: expected false, found true");
  EXPECT_EQ(error("\"n_head\": 3", "\"n_head\": 48"),
            "config.json: n_head: expected heads of an even size, found 48");
  EXPECT_EQ(error("\"n_head\": 3", "\"n_head\": 5"),
            "config.json: n_head: expected a divisor of n_embd, found 5");
  EXPECT_EQ(error("factor\": null", "factor\": 0"),
            "config.json: rotary_scaling_factor: expected a number from 1 on, found 0");
}

TEST(ModelConfigTest, ReadsPoolingAsItIsWrittenNow) {
  const auto pooling = [](const std::string& mode) {
    return Read(
        {{"1_Pooling/config.json",
          R"({"embedding_dimension": 48, "include_prompt": true, "pooling_mode": )" + mode + "}"}});
  };
  EXPECT_EQ(pooling("\"cls\"")->pooling, Pooling::kFirstToken);
  EXPECT_EQ(pooling("\"mean\"")->pooling, Pooling::kMean);
  EXPECT_EQ(
      pooling("\"lasttoken\"").status().message(),
      "1_Pooling/config.json: pooling_mode: expected \"cls\" or \"mean\", found \"lasttoken\"");
  EXPECT_EQ(ErrorOf({{"1_Pooling/config.json", R"({"include_prompt": false})"}}),
            "1_Pooling/config.json: include_prompt: expected true, found false");
  EXPECT_EQ(ErrorOf({{"1_Pooling/config.json", R"({"embedding_dimension": 47})"}}),
            "1_Pooling/config.json: embedding_dimension: expected a whole number from 48 to 48, "
            "found 47");
}

TEST(ModelConfigTest, RefusesModulesItDoesNotRun) {
  EXPECT_EQ(ErrorOf({{"modules.json", R"([{"type": "sentence_transformers.models.Transformer"},
                      {"type": "sentence_transformers.models.Normalize"}])"}}),
            "");
  EXPECT_EQ(ErrorOf({{"modules.json", R"([{"type": "sentence_transformers.models.Dense"}])"}}),
            "modules.json: modules: 0: type: expected Transformer, Pooling or Normalize, found "
            "\"sentence_transformers.models.Dense\"");
}

TEST(ModelConfigTest, KnowsThePrefixesOfWellKnownModels) {
  EXPECT_EQ(WellKnownPrefixes("multilingual-e5-small").query, "query: ");
  EXPECT_EQ(WellKnownPrefixes("nomic-embed-text-v1.5").passage, "search_document: ");
  EXPECT_EQ(WellKnownPrefixes("bge-m3").query, "");
}

}  // namespace
}  // namespace codelore::embed
