#include "embed/model_config.h"

#include "embed/json_document.h"

namespace codelore::embed {

namespace {

constexpr size_t kMaxFileBytes = 4 << 20;  // what it is read into is many times as large

Result<std::string_view> ReadText(const ModelFolder& folder, std::string_view file) {
  ASSIGN_OR_RETURN(std::string_view text, folder.Read(file));
  if (text.size() <= kMaxFileBytes) return text;
  return Corruption(std::string(file) + ": expected at most 4 MiB, found " + std::to_string(text.size()) + " bytes");
}

// The object in `file`, or an empty one if the folder has no such file.
Result<JsonValue> ReadObject(const ModelFolder& folder, std::string_view file) {
  if (!folder.Has(file)) return JsonValue::ParseObject(file, "{}");
  ASSIGN_OR_RETURN(std::string_view text, ReadText(folder, file));
  return JsonValue::ParseObject(file, text);
}

// Fails if `key` is there and is not `only`.
Status RequireText(const JsonValue& object, std::string_view key, std::string_view only) {
  ASSIGN_OR_RETURN(std::string text, object.TextAt(key, only));
  if (text == only) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue value, object.At(key));
  return InvalidArgument(value.Mismatch("\"" + std::string(only) + "\"").message());
}

// Of all families: what must hold between the sizes.
Status CheckShape(const JsonValue& config, std::string_view heads_key, std::string_view epsilon_key,
                  BertShape* shape) {
  if (shape->hidden % shape->heads != 0) {
    ASSIGN_OR_RETURN(JsonValue heads, config.At(heads_key));
    return heads.Mismatch("a divisor of " +
                          std::string(heads_key == "n_head" ? "n_embd" : "hidden_size"));
  }
  ASSIGN_OR_RETURN(JsonValue epsilon, config.At(epsilon_key));
  ASSIGN_OR_RETURN(double value, epsilon.Number());
  if (!(value > 0 && value < 1)) return epsilon.Mismatch("a number between 0 and 1");
  shape->epsilon = static_cast<float>(value);
  return OkStatus();
}

Result<BertShape> ReadBertShape(const JsonValue& config, Family family) {
  RETURN_IF_ERROR(RequireText(config, "hidden_act", "gelu"));
  RETURN_IF_ERROR(RequireText(config, "position_embedding_type", "absolute"));
  BertShape shape;
  ASSIGN_OR_RETURN(shape.hidden, config.UintAt("hidden_size", 1, 1 << 14));
  ASSIGN_OR_RETURN(shape.layers, config.UintAt("num_hidden_layers", 1, 256));
  ASSIGN_OR_RETURN(shape.heads, config.UintAt("num_attention_heads", 1, shape.hidden));
  ASSIGN_OR_RETURN(shape.intermediate, config.UintAt("intermediate_size", 1, 1 << 16));
  ASSIGN_OR_RETURN(shape.vocabulary, config.UintAt("vocab_size", 1, 1 << 22));
  if (family == Family::kXlmRoberta) {
    shape.first_position = 2;
    if (config.Has("pad_token_id")) {
      ASSIGN_OR_RETURN(const uint64_t padding, config.UintAt("pad_token_id", 0, 1 << 10));
      shape.first_position = padding + 1;
    }
  }
  ASSIGN_OR_RETURN(const uint64_t positions,
                   config.UintAt("max_position_embeddings", shape.first_position + 3, 1 << 16));
  shape.positions = positions - shape.first_position;
  ASSIGN_OR_RETURN(shape.token_types, config.UintAt("type_vocab_size", 1, 1 << 10));
  RETURN_IF_ERROR(CheckShape(config, "num_attention_heads", "layer_norm_eps", &shape));
  return shape;
}

// A flag that this encoder has only one way of.
Status RequireFlag(const JsonValue& config, std::string_view key, bool only) {
  ASSIGN_OR_RETURN(const bool value, config.BoolAt(key, only));
  if (value == only) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue found, config.At(key));
  return InvalidArgument(found.Mismatch(only ? "true" : "false").message());
}

Status ReadRotary(const JsonValue& config, BertShape* shape) {
  RETURN_IF_ERROR(RequireFlag(config, "rotary_emb_interleaved", false));
  if (config.Has("rotary_emb_scale_base")) {
    ASSIGN_OR_RETURN(JsonValue scale, config.At("rotary_emb_scale_base"));
    return InvalidArgument(scale.Mismatch("null").message());
  }
  ASSIGN_OR_RETURN(JsonValue fraction, config.At("rotary_emb_fraction"));
  ASSIGN_OR_RETURN(const double whole, fraction.Number());
  if (whole != 1) return InvalidArgument(fraction.Mismatch("1").message());
  ASSIGN_OR_RETURN(JsonValue base, config.At("rotary_emb_base"));
  ASSIGN_OR_RETURN(const double value, base.Number());
  if (!(value > 1 && value < 1e9)) return base.Mismatch("a number above 1");
  shape->rotary.base = static_cast<float>(value);
  shape->rotary.trained_positions = shape->positions;
  if (config.Has("max_trained_positions")) {
    ASSIGN_OR_RETURN(shape->rotary.trained_positions,
                     config.UintAt("max_trained_positions", 1, 1 << 16));
  }
  if (config.Has("rotary_scaling_factor")) {
    ASSIGN_OR_RETURN(JsonValue scaling, config.At("rotary_scaling_factor"));
    ASSIGN_OR_RETURN(const double factor, scaling.Number());
    if (!(factor >= 1 && factor < 1000)) return scaling.Mismatch("a number from 1 on");
    shape->rotary.scaling = static_cast<float>(factor);
  }
  if (shape->head_size() % 2 == 0) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue heads, config.At("n_head"));
  return heads.Mismatch("heads of an even size");
}

// Its configuration is GPT-2's in names.
Result<BertShape> ReadNomicShape(const JsonValue& config) {
  RETURN_IF_ERROR(RequireText(config, "activation_function", "swiglu"));
  RETURN_IF_ERROR(RequireFlag(config, "prenorm", false));
  RETURN_IF_ERROR(RequireFlag(config, "causal", false));
  RETURN_IF_ERROR(RequireFlag(config, "parallel_block", false));
  RETURN_IF_ERROR(RequireFlag(config, "use_rms_norm", false));
  if (config.Has("moe_every_n_layers")) {  // mixtures of experts (nomic-embed-text-v2-moe)
    RETURN_IF_ERROR(config.UintAt("moe_every_n_layers", 0, 0).status());
  }
  BertShape shape;
  shape.gated = true;
  ASSIGN_OR_RETURN(shape.hidden, config.UintAt("n_embd", 1, 1 << 14));
  ASSIGN_OR_RETURN(shape.layers, config.UintAt("n_layer", 1, 256));
  ASSIGN_OR_RETURN(shape.heads, config.UintAt("n_head", 1, shape.hidden));
  ASSIGN_OR_RETURN(shape.intermediate, config.UintAt("n_inner", 1, 1 << 16));
  ASSIGN_OR_RETURN(shape.vocabulary, config.UintAt("vocab_size", 1, 1 << 22));
  ASSIGN_OR_RETURN(shape.positions, config.UintAt("n_positions", 3, 1 << 16));
  ASSIGN_OR_RETURN(shape.token_types, config.UintAt("type_vocab_size", 1, 1 << 10));
  ASSIGN_OR_RETURN(shape.query_key_value_bias, config.BoolAt("qkv_proj_bias", true));
  shape.attention_output_bias = shape.query_key_value_bias;
  ASSIGN_OR_RETURN(shape.up_bias, config.BoolAt("mlp_fc1_bias", true));
  shape.gate_bias = shape.up_bias;
  ASSIGN_OR_RETURN(shape.down_bias, config.BoolAt("mlp_fc2_bias", true));
  RETURN_IF_ERROR(CheckShape(config, "n_head", "layer_norm_epsilon", &shape));
  RETURN_IF_ERROR(ReadRotary(config, &shape));
  return shape;
}

Status ReadNetwork(const JsonValue& config, ModelConfig* result) {
  ASSIGN_OR_RETURN(const std::string type, config.TextAt("model_type", "bert"));
  if (type == "nomic_bert") {
    result->family = Family::kNomicBert;
    ASSIGN_OR_RETURN(result->shape, ReadNomicShape(config));
    return OkStatus();
  }
  if (type != "bert" && type != "xlm-roberta") {
    ASSIGN_OR_RETURN(JsonValue value, config.At("model_type"));
    return InvalidArgument(value.Mismatch("\"bert\", \"xlm-roberta\" or \"nomic_bert\"").message());
  }
  result->family = type == "bert" ? Family::kBert : Family::kXlmRoberta;
  ASSIGN_OR_RETURN(result->shape, ReadBertShape(config, result->family));
  return OkStatus();
}

// What sentence-transformers would run after the network beyond pooling and normalisation is
// refused.
Status CheckModules(const ModelFolder& folder) {
  if (!folder.Has("modules.json")) return OkStatus();
  ASSIGN_OR_RETURN(std::string_view text, ReadText(folder, "modules.json"));
  const std::string object = "{\"modules\":" + std::string(text) + "}";
  ASSIGN_OR_RETURN(JsonValue root, JsonValue::ParseObject("modules.json", object));
  ASSIGN_OR_RETURN(JsonValue list, root.At("modules"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> modules, list.Elements());
  for (const JsonValue& module : modules) {
    ASSIGN_OR_RETURN(JsonValue type, module.At("type"));
    ASSIGN_OR_RETURN(const std::string name, type.Text());
    const std::string last = name.substr(name.rfind('.') + 1);
    if (last != "Transformer" && last != "Pooling" && last != "Normalize") {
      return InvalidArgument(type.Mismatch("Transformer, Pooling or Normalize").message());
    }
  }
  return OkStatus();
}

// One word, as sentence-transformers writes it now, where there was a flag for each.
Result<Pooling> ReadPoolingMode(const JsonValue& config) {
  ASSIGN_OR_RETURN(JsonValue mode, config.At("pooling_mode"));
  ASSIGN_OR_RETURN(const std::string word, mode.Text());
  if (word == "cls") return Pooling::kFirstToken;
  if (word == "mean") return Pooling::kMean;
  return InvalidArgument(mode.Mismatch("\"cls\" or \"mean\"").message());
}

Result<Pooling> ReadPooling(const JsonValue& config, size_t hidden) {
  if (config.Has("word_embedding_dimension")) {
    RETURN_IF_ERROR(config.UintAt("word_embedding_dimension", hidden, hidden).status());
  }
  if (config.Has("embedding_dimension")) {  // since sentence-transformers 5
    RETURN_IF_ERROR(config.UintAt("embedding_dimension", hidden, hidden).status());
  }
  RETURN_IF_ERROR(RequireFlag(config, "include_prompt", true));
  if (config.Has("pooling_mode")) return ReadPoolingMode(config);
  ASSIGN_OR_RETURN(auto members, config.Members());
  for (const auto& [key, value] : members) {
    if (!key.starts_with("pooling_mode_") || key == "pooling_mode_cls_token" ||
        key == "pooling_mode_mean_tokens") {
      continue;
    }
    ASSIGN_OR_RETURN(bool other, value.Bool());
    if (other) return InvalidArgument(value.Mismatch("mean or first-token pooling").message());
  }
  ASSIGN_OR_RETURN(bool first, config.BoolAt("pooling_mode_cls_token", false));
  ASSIGN_OR_RETURN(bool mean, config.BoolAt("pooling_mode_mean_tokens", !first));
  if (first == mean)
    return config.Mismatch("one of pooling_mode_cls_token and pooling_mode_mean_tokens");
  return first ? Pooling::kFirstToken : Pooling::kMean;
}

// A special token is given as its text, or as an object that has it under "content".
Status ReadToken(const JsonValue& config, std::string_view key, std::string* token) {
  if (!config.Has(key)) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue value, config.At(key));
  if (value.Has("content")) {
    ASSIGN_OR_RETURN(value, value.At("content"));
  }
  ASSIGN_OR_RETURN(*token, value.Text());
  return OkStatus();
}

Result<WordPieceOptions> ReadTokenizer(const JsonValue& config) {
  WordPieceOptions options;
  ASSIGN_OR_RETURN(options.lower_case, config.BoolAt("do_lower_case", true));
  ASSIGN_OR_RETURN(options.strip_accents, config.BoolAt("strip_accents", options.lower_case));
  ASSIGN_OR_RETURN(options.split_ideographs, config.BoolAt("tokenize_chinese_chars", true));
  RETURN_IF_ERROR(ReadToken(config, "unk_token", &options.unknown));
  RETURN_IF_ERROR(ReadToken(config, "cls_token", &options.first));
  RETURN_IF_ERROR(ReadToken(config, "sep_token", &options.last));
  RETURN_IF_ERROR(ReadToken(config, "pad_token", &options.padding));
  RETURN_IF_ERROR(ReadToken(config, "mask_token", &options.mask));
  return options;
}

Status ReadPrompts(const JsonValue& config, ModelConfig* result) {
  if (!config.Has("prompts")) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue prompts, config.At("prompts"));
  result->has_prompts = prompts.Has("query") || prompts.Has("document") || prompts.Has("passage");
  ASSIGN_OR_RETURN(result->query_prefix, prompts.TextAt("query", ""));
  ASSIGN_OR_RETURN(std::string document, prompts.TextAt("document", ""));
  ASSIGN_OR_RETURN(result->passage_prefix, prompts.TextAt("passage", document));
  return OkStatus();
}

}  // namespace

Result<ModelConfig> ModelConfig::Read(const ModelFolder& folder) {
  ModelConfig result;
  RETURN_IF_ERROR(folder.Read("config.json").status());
  ASSIGN_OR_RETURN(JsonValue config, ReadObject(folder, "config.json"));
  RETURN_IF_ERROR(ReadNetwork(config, &result));
  RETURN_IF_ERROR(CheckModules(folder));
  ASSIGN_OR_RETURN(JsonValue pooling, ReadObject(folder, "1_Pooling/config.json"));
  ASSIGN_OR_RETURN(result.pooling, ReadPooling(pooling, result.shape.hidden));
  ASSIGN_OR_RETURN(JsonValue tokenizer, ReadObject(folder, "tokenizer_config.json"));
  ASSIGN_OR_RETURN(result.tokenizer, ReadTokenizer(tokenizer));
  ASSIGN_OR_RETURN(JsonValue sentence, ReadObject(folder, "sentence_bert_config.json"));
  result.max_tokens = static_cast<uint32_t>(result.shape.positions);
  if (sentence.Has("max_seq_length")) {
    ASSIGN_OR_RETURN(uint64_t longest,
                     sentence.UintAt("max_seq_length", 3, result.shape.positions));
    result.max_tokens = static_cast<uint32_t>(longest);
  } else if (tokenizer.Has("model_max_length")) {  // without a limit it is 10^30
    ASSIGN_OR_RETURN(const double longest, tokenizer.NumberAt("model_max_length"));
    if (longest >= 3 && longest < result.max_tokens)
      result.max_tokens = static_cast<uint32_t>(longest);
  }
  ASSIGN_OR_RETURN(JsonValue prompts, ReadObject(folder, "config_sentence_transformers.json"));
  RETURN_IF_ERROR(ReadPrompts(prompts, &result));
  return result;
}

Prefixes WellKnownPrefixes(std::string_view model_name) {
  constexpr struct {
    std::string_view part;  // of the name
    Prefixes prefixes;
  } kKnown[] = {
      {"nomic-embed-text", {"search_query: ", "search_document: "}},
      {"CodeRankEmbed", {"Represent this query for searching relevant code: ", ""}},
      {"multilingual-e5", {"query: ", "passage: "}},
      {"e5-", {"query: ", "passage: "}},
      {"snowflake-arctic-embed", {"Represent this sentence for searching relevant passages: ", ""}},
      {"bge-small-en", {"Represent this sentence for searching relevant passages: ", ""}},
      {"bge-base-en", {"Represent this sentence for searching relevant passages: ", ""}},
      {"bge-large-en", {"Represent this sentence for searching relevant passages: ", ""}},
  };
  for (const auto& known : kKnown) {
    if (model_name.find(known.part) != std::string_view::npos) return known.prefixes;
  }
  return {};
}

}  // namespace codelore::embed
