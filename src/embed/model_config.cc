#include "embed/model_config.h"

#include "embed/json_document.h"

namespace codelore::embed {

namespace {

// The object in `file`, or an empty one if the folder has no such file.
Result<JsonValue> ReadObject(const ModelFolder& folder, std::string_view file) {
  if (!folder.Has(file)) return JsonValue::ParseObject(file, "{}");
  ASSIGN_OR_RETURN(std::string_view text, folder.Read(file));
  return JsonValue::ParseObject(file, text);
}

// Fails if `key` is there and is not `only`.
Status RequireText(const JsonValue& object, std::string_view key, std::string_view only) {
  ASSIGN_OR_RETURN(std::string text, object.TextAt(key, only));
  if (text == only) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue value, object.At(key));
  return InvalidArgument(value.Mismatch("\"" + std::string(only) + "\"").message());
}

Result<BertShape> ReadShape(const JsonValue& config) {
  RETURN_IF_ERROR(RequireText(config, "model_type", "bert"));
  RETURN_IF_ERROR(RequireText(config, "hidden_act", "gelu"));
  RETURN_IF_ERROR(RequireText(config, "position_embedding_type", "absolute"));
  BertShape shape;
  ASSIGN_OR_RETURN(shape.hidden, config.UintAt("hidden_size", 1, 1 << 14));
  ASSIGN_OR_RETURN(shape.layers, config.UintAt("num_hidden_layers", 1, 256));
  ASSIGN_OR_RETURN(shape.heads, config.UintAt("num_attention_heads", 1, shape.hidden));
  ASSIGN_OR_RETURN(shape.intermediate, config.UintAt("intermediate_size", 1, 1 << 16));
  ASSIGN_OR_RETURN(shape.vocabulary, config.UintAt("vocab_size", 1, 1 << 22));
  ASSIGN_OR_RETURN(shape.positions, config.UintAt("max_position_embeddings", 3, 1 << 16));
  ASSIGN_OR_RETURN(shape.token_types, config.UintAt("type_vocab_size", 1, 1 << 10));
  if (shape.hidden % shape.heads != 0) {
    ASSIGN_OR_RETURN(JsonValue heads, config.At("num_attention_heads"));
    return heads.Mismatch("a divisor of hidden_size");
  }
  ASSIGN_OR_RETURN(JsonValue epsilon, config.At("layer_norm_eps"));
  ASSIGN_OR_RETURN(double value, epsilon.Number());
  if (!(value > 0 && value < 1)) return epsilon.Mismatch("a number between 0 and 1");
  shape.epsilon = static_cast<float>(value);
  return shape;
}

Result<Pooling> ReadPooling(const JsonValue& config, size_t hidden) {
  if (config.Has("word_embedding_dimension")) {
    RETURN_IF_ERROR(config.UintAt("word_embedding_dimension", hidden, hidden).status());
  }
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
  ASSIGN_OR_RETURN(result.shape, ReadShape(config));
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
  }
  ASSIGN_OR_RETURN(JsonValue prompts, ReadObject(folder, "config_sentence_transformers.json"));
  RETURN_IF_ERROR(ReadPrompts(prompts, &result));
  return result;
}

}  // namespace codelore::embed
