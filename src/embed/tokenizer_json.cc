// tokenizer.json of Hugging Face `tokenizers`: what a unigram model, and what a WordPiece model
// says there.
#include <algorithm>
#include <optional>

#include "embed/json_document.h"
#include "embed/unigram.h"
#include "embed/wordpiece.h"

namespace codelore::embed {

namespace {

constexpr size_t kMaxFileBytes = 64 << 20, kMaxSteps = 16;

Result<JsonValue> ParseFile(std::string_view file, std::string_view text) {
  if (text.size() > kMaxFileBytes) {
    return Corruption(std::string(file) + ": expected at most 64 MiB, found " +
                      std::to_string(text.size()) + " bytes");
  }
  return JsonValue::ParseObject(file, text);
}

Result<std::string> TypeOf(const JsonValue& object) {
  ASSIGN_OR_RETURN(JsonValue type, object.At("type"));
  return type.Text();
}
// An error for a `type` that is none of those `expected`.
Status OtherType(const JsonValue& object, std::string_view expected) {
  ASSIGN_OR_RETURN(JsonValue type, object.At("type"));
  return InvalidArgument(type.Mismatch(expected).message());
}

// RFC 4648; nothing for anything else.
std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  uint32_t bits = 0;
  size_t count = 0;
  while (count < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++count;
  }
  count = 0;
  for (char c : text) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++count % 4 != 1) bytes += static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)));
  }
  return bytes;
}

// The objects of a Sequence in order, or the one object itself; none if `key` is absent or null.
Result<std::vector<JsonValue>> StepsOf(const JsonValue& root, std::string_view key,
                                       std::string_view list) {
  std::vector<JsonValue> steps;
  if (!root.Has(key)) return steps;
  ASSIGN_OR_RETURN(JsonValue first, root.At(key));
  ASSIGN_OR_RETURN(std::string type, TypeOf(first));
  if (type != "Sequence") return std::vector<JsonValue>{first};
  ASSIGN_OR_RETURN(JsonValue elements, first.At(list));
  ASSIGN_OR_RETURN(steps, elements.Elements());
  if (steps.size() > kMaxSteps) return elements.Mismatch("at most 16 steps");
  return steps;
}

// ---- normalizer, pre_tokenizer ------------------------------------------------------------------

Result<NormalizerStep> ReadReplace(const JsonValue& step) {
  NormalizerStep result;
  ASSIGN_OR_RETURN(JsonValue pattern, step.At("pattern"));
  ASSIGN_OR_RETURN(result.to, step.TextAt("content", ""));
  if (pattern.Has("String")) {
    result.kind = NormalizerStep::Kind::kReplace;
    ASSIGN_OR_RETURN(JsonValue from, pattern.At("String"));
    ASSIGN_OR_RETURN(result.from, from.Text());
    if (result.from.empty() || result.to.size() > 3 * result.from.size())
      return from.Mismatch("bytes, replaced by at most three times as many");
    return result;
  }
  ASSIGN_OR_RETURN(JsonValue regex, pattern.At("Regex"));
  ASSIGN_OR_RETURN(std::string text, regex.Text());
  if (text != " {2,}") return InvalidArgument(regex.Mismatch("\" {2,}\"").message());
  if (result.to.size() > 6) return regex.Mismatch("a replacement of at most 6 bytes");
  result.kind = NormalizerStep::Kind::kReplaceSpaces;
  return result;
}

Result<NormalizerStep> ReadNormalizerStep(const JsonValue& step) {
  NormalizerStep result;
  ASSIGN_OR_RETURN(std::string type, TypeOf(step));
  if (type == "NFKC") return result;
  if (type == "Replace") return ReadReplace(step);
  if (type == "Strip") {
    result.kind = NormalizerStep::Kind::kStrip;
    ASSIGN_OR_RETURN(result.at_start, step.BoolAt("strip_left", true));
    ASSIGN_OR_RETURN(result.at_end, step.BoolAt("strip_right", true));
    return result;
  }
  if (type != "Precompiled") return OtherType(step, "Precompiled, NFKC, Replace or Strip");
  result.kind = NormalizerStep::Kind::kCharsMap;
  if (!step.Has("precompiled_charsmap")) return result;
  ASSIGN_OR_RETURN(JsonValue value, step.At("precompiled_charsmap"));
  ASSIGN_OR_RETURN(std::string text, value.Text());
  const std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes) return value.Mismatch("base64");
  auto map = CharsMap::Parse(*bytes);
  if (!map.ok()) return value.Mismatch("a map of characters");
  result.map = std::move(map).value();
  return result;
}

// The steps; a file that would make texts longer and longer is refused.
Status ReadNormalizer(const JsonValue& root, UnigramModel* model) {
  ASSIGN_OR_RETURN(std::vector<JsonValue> steps, StepsOf(root, "normalizer", "normalizers"));
  size_t maps = 0, replacements = 0;
  for (const JsonValue& step : steps) {
    ASSIGN_OR_RETURN(NormalizerStep read, ReadNormalizerStep(step));
    maps +=
        read.kind == NormalizerStep::Kind::kCharsMap || read.kind == NormalizerStep::Kind::kNfkc;
    replacements += read.kind == NormalizerStep::Kind::kReplace;
    if (maps > 1 || replacements > 2)
      return step.Mismatch("one map of characters, and at most two replacements");
    model->normalizer.push_back(std::move(read));
  }
  return OkStatus();
}

Status ReadMetaspace(const JsonValue& step, UnigramModel* model) {
  ASSIGN_OR_RETURN(std::string mark, step.TextAt("replacement", "\xE2\x96\x81"));
  if (mark != "\xE2\x96\x81") return step.Mismatch("the replacement U+2581");
  ASSIGN_OR_RETURN(const bool prefix, step.BoolAt("add_prefix_space", true));
  ASSIGN_OR_RETURN(const std::string scheme,
                   step.TextAt("prepend_scheme", prefix ? "always" : "never"));
  if (scheme != "always" && scheme != "never") {
    ASSIGN_OR_RETURN(JsonValue value, step.At("prepend_scheme"));
    return InvalidArgument(value.Mismatch("\"always\" or \"never\"").message());
  }
  model->prefix_words = scheme == "always";
  ASSIGN_OR_RETURN(model->split_before_marks, step.BoolAt("split", true));
  return OkStatus();
}

Status ReadPreTokenizer(const JsonValue& root, UnigramModel* model) {
  ASSIGN_OR_RETURN(std::vector<JsonValue> steps, StepsOf(root, "pre_tokenizer", "pretokenizers"));
  bool metaspace = false;
  for (const JsonValue& step : steps) {
    ASSIGN_OR_RETURN(std::string type, TypeOf(step));
    if (type == "WhitespaceSplit" && !metaspace) {
      model->split_at_whitespace = true;
    } else if (type == "Metaspace" && !metaspace) {
      RETURN_IF_ERROR(ReadMetaspace(step, model));
      metaspace = true;
    } else {
      return OtherType(step, "WhitespaceSplit, then Metaspace");
    }
  }
  if (metaspace) return OkStatus();
  return InvalidArgument(root.Mismatch("a pre_tokenizer with Metaspace").message());
}

// ---- vocabulary ---------------------------------------------------------------------------------

Status ReadPieces(const JsonValue& json, UnigramModel* model) {
  ASSIGN_OR_RETURN(JsonValue vocabulary, json.At("vocab"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> entries, vocabulary.Elements());
  if (entries.empty()) return vocabulary.Mismatch("pieces");
  model->pieces.reserve(entries.size());
  for (const JsonValue& entry : entries) {
    ASSIGN_OR_RETURN(std::vector<JsonValue> pair, entry.Elements());
    if (pair.size() != 2) return entry.Mismatch("a piece and its score");
    UnigramPiece& piece = model->pieces.emplace_back();
    ASSIGN_OR_RETURN(piece.text, pair[0].Text());
    ASSIGN_OR_RETURN(piece.score, pair[1].Number());
  }
  ASSIGN_OR_RETURN(const uint64_t unknown, json.UintAt("unk_id", 0, entries.size() - 1));
  model->special.unknown = static_cast<uint32_t>(unknown);
  ASSIGN_OR_RETURN(const bool byte_fallback, json.BoolAt("byte_fallback", false));
  if (!byte_fallback) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue value, json.At("byte_fallback"));
  return InvalidArgument(value.Mismatch("false").message());
}

Status ReadAddedTokens(const JsonValue& root, UnigramModel* model) {
  if (!root.Has("added_tokens")) return OkStatus();
  ASSIGN_OR_RETURN(JsonValue list, root.At("added_tokens"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> tokens, list.Elements());
  for (const JsonValue& json : tokens) {
    AddedToken& token = model->added.emplace_back();
    ASSIGN_OR_RETURN(JsonValue content, json.At("content"));
    ASSIGN_OR_RETURN(token.text, content.Text());
    ASSIGN_OR_RETURN(const uint64_t id, json.UintAt("id", 0, (1 << 22) - 1));
    token.id = static_cast<uint32_t>(id);
    ASSIGN_OR_RETURN(token.only_as_word, json.BoolAt("single_word", false));
    ASSIGN_OR_RETURN(token.takes_space_before, json.BoolAt("lstrip", false));
    ASSIGN_OR_RETURN(token.takes_space_after, json.BoolAt("rstrip", false));
    ASSIGN_OR_RETURN(token.normalized, json.BoolAt("normalized", false));
    if (token.text == "<pad>" || token.text == "[PAD]") model->special.padding = token.id;
  }
  return OkStatus();
}

// ["</s>", 2]
Result<uint32_t> ReadNameAndId(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(JsonValue value, object.At(key));
  ASSIGN_OR_RETURN(std::vector<JsonValue> pair, value.Elements());
  if (pair.size() != 2) return value.Mismatch("a token and its id");
  ASSIGN_OR_RETURN(const uint64_t id, pair[1].Uint(0, (1 << 22) - 1));
  return static_cast<uint32_t>(id);
}

// The one id of a special token that a template names.
Result<uint32_t> ReadTemplateToken(const JsonValue& processor, const JsonValue& item) {
  ASSIGN_OR_RETURN(JsonValue token, item.At("SpecialToken"));
  ASSIGN_OR_RETURN(JsonValue name, token.At("id"));
  ASSIGN_OR_RETURN(std::string text, name.Text());
  ASSIGN_OR_RETURN(JsonValue all, processor.At("special_tokens"));
  ASSIGN_OR_RETURN(JsonValue special, all.At(text));
  ASSIGN_OR_RETURN(JsonValue list, special.At("ids"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> ids, list.Elements());
  if (ids.size() != 1) return list.Mismatch("one id");
  ASSIGN_OR_RETURN(const uint64_t id, ids[0].Uint(0, (1 << 22) - 1));
  return static_cast<uint32_t>(id);
}

// What goes around a text: token, text, token.
Status ReadPostProcessor(const JsonValue& root, UnigramModel* model) {
  ASSIGN_OR_RETURN(JsonValue processor, root.At("post_processor"));
  ASSIGN_OR_RETURN(std::string type, TypeOf(processor));
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    ASSIGN_OR_RETURN(model->special.first, ReadNameAndId(processor, "cls"));
    ASSIGN_OR_RETURN(model->special.last, ReadNameAndId(processor, "sep"));
    return OkStatus();
  }
  if (type != "TemplateProcessing")
    return OtherType(processor, "TemplateProcessing or RobertaProcessing");
  ASSIGN_OR_RETURN(JsonValue single, processor.At("single"));
  ASSIGN_OR_RETURN(std::vector<JsonValue> items, single.Elements());
  if (items.size() != 3 || !items[1].Has("Sequence"))
    return single.Mismatch("a token, the text, a token");
  ASSIGN_OR_RETURN(model->special.first, ReadTemplateToken(processor, items[0]));
  ASSIGN_OR_RETURN(model->special.last, ReadTemplateToken(processor, items[2]));
  return OkStatus();
}

}  // namespace

Result<UnigramModel> ReadTokenizerJson(std::string_view file, std::string_view text) {
  ASSIGN_OR_RETURN(JsonValue root, ParseFile(file, text));
  UnigramModel model;
  ASSIGN_OR_RETURN(JsonValue json, root.At("model"));
  ASSIGN_OR_RETURN(const std::string type, json.TextAt("type", "Unigram"));
  if (type != "Unigram") return OtherType(json, "Unigram");
  RETURN_IF_ERROR(ReadPieces(json, &model));
  RETURN_IF_ERROR(ReadAddedTokens(root, &model));
  RETURN_IF_ERROR(ReadNormalizer(root, &model));
  RETURN_IF_ERROR(ReadPreTokenizer(root, &model));
  RETURN_IF_ERROR(ReadPostProcessor(root, &model));
  return model;
}

Result<WordPieceJson> ReadWordPieceJson(std::string_view file, std::string_view text,
                                        const WordPieceOptions& defaults) {
  ASSIGN_OR_RETURN(JsonValue root, ParseFile(file, text));
  WordPieceJson result = {.options = defaults};
  ASSIGN_OR_RETURN(JsonValue model, root.At("model"));
  ASSIGN_OR_RETURN(const std::string type, model.TextAt("type", "WordPiece"));
  if (type != "WordPiece") return OtherType(model, "WordPiece");
  ASSIGN_OR_RETURN(const std::string prefix, model.TextAt("continuing_subword_prefix", "##"));
  if (prefix != "##") return model.Mismatch("the continuing_subword_prefix ##");
  ASSIGN_OR_RETURN(result.options.unknown, model.TextAt("unk_token", result.options.unknown));
  ASSIGN_OR_RETURN(std::vector<JsonValue> steps, StepsOf(root, "normalizer", "normalizers"));
  if (steps.size() != 1) return InvalidArgument(root.Mismatch("a BertNormalizer").message());
  ASSIGN_OR_RETURN(const std::string normalizer, TypeOf(steps[0]));
  if (normalizer != "BertNormalizer") return OtherType(steps[0], "BertNormalizer");
  ASSIGN_OR_RETURN(result.options.lower_case, steps[0].BoolAt("lowercase", true));
  ASSIGN_OR_RETURN(result.options.strip_accents,
                   steps[0].BoolAt("strip_accents", result.options.lower_case));
  ASSIGN_OR_RETURN(result.options.split_ideographs, steps[0].BoolAt("handle_chinese_chars", true));
  ASSIGN_OR_RETURN(JsonValue vocabulary, model.At("vocab"));
  ASSIGN_OR_RETURN(auto members, vocabulary.Members());
  std::vector<const std::string*> tokens(members.size(), nullptr);
  for (const auto& [token, value] : members) {
    ASSIGN_OR_RETURN(const uint64_t id, value.Uint(0, members.size() - 1));
    if (tokens[id] != nullptr || token.find('\n') != std::string::npos || token.ends_with('\r')) {
      return value.Mismatch("an id of its own");
    }
    tokens[id] = &token;
  }
  for (const std::string* token : tokens) result.vocabulary.append(*token).append("\n");
  return result;
}

}  // namespace codelore::embed
