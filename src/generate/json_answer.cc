#include "generate/json_answer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "codelore/utf8.h"
#include "generate/answer_checker.h"
#include "generate/prompt.h"

namespace codelore::generate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 64;

// Some models put JSON into a code block, or think aloud first.
std::string_view JsonIn(std::string_view text) {
  if (size_t end = text.find("</think>"); end != text.npos) text.remove_prefix(end + 8);
  size_t begin = text.find_first_of("{[");
  size_t end = text.find_last_of("}]");
  return begin == text.npos || end == text.npos || end < begin ? text : text.substr(begin, end - begin + 1);
}

void CollectTexts(const Json& json, int depth, std::set<std::string>& texts) {
  if (depth > kMaxDepth) return;
  if (json.is_string()) texts.insert(json.get<std::string>());
  for (const auto& [key, value] : json.items()) {
    if (json.is_object()) texts.insert(key);
    if (json.is_structured()) CollectTexts(value, depth + 1, texts);
  }
}

class Cleaner {
 public:
  explicit Cleaner(const std::set<std::string>& known) : known_(known) {}
  Result<Json> Clean(const Json& json, int depth) {
    if (depth > kMaxDepth) return InvalidArgument("the model's JSON is nested too deeply");
    if (json.is_string()) return Json(CleanText(json.get_ref<const std::string&>()));
    if (!json.is_structured()) return json;
    Json clean = json.is_object() ? Json::object() : Json::array();
    for (const auto& [key, value] : json.items()) {
      ASSIGN_OR_RETURN(Json child, Clean(value, depth + 1));
      if (json.is_object()) clean[CleanText(key)] = std::move(child);
      else clean.push_back(std::move(child));
    }
    return clean;
  }

 private:
  std::string CleanText(const std::string& text) const { return known_.contains(text) ? text : InertMarkdown(VisibleText(text)); }
  const std::set<std::string>& known_;
};

// ---- schemas -----------------------------------------------------------------------------------------------

class SchemaChecker {
 public:
  explicit SchemaChecker(const Json& root) : root_(root) {}

  Status Check(const Json& json, const Json& schema, const std::string& place, int depth) {
    if (depth > kMaxDepth) return InvalidArgument(place + ": nested too deeply");
    if (schema.is_boolean()) return schema.get<bool>() ? OkStatus() : InvalidArgument(place + ": nothing is allowed here");
    if (!schema.is_object()) return InvalidArgument("the schema is no JSON schema");
    if (schema.contains("$ref")) return CheckRef(json, schema, place, depth);
    if (schema.contains("anyOf")) return CheckAny(json, schema["anyOf"], place, depth);
    if (schema.contains("const") && json != schema["const"]) return InvalidArgument(place + ": must be " + schema["const"].dump());
    if (schema.contains("enum") && std::ranges::find(schema["enum"], json) == schema["enum"].end()) {
      return InvalidArgument(place + ": must be one of " + schema["enum"].dump());
    }
    RETURN_IF_ERROR(CheckType(json, schema, place));
    if (json.is_object()) return CheckObject(json, schema, place, depth);
    if (json.is_array()) return CheckArray(json, schema, place, depth);
    if (json.is_string()) return CheckSize(Characters(json.get_ref<const std::string&>()), schema, "minLength", "maxLength", place);
    if (json.is_number()) return CheckNumber(json.get<double>(), schema, place);
    return OkStatus();
  }

 private:
  static size_t Characters(const std::string& text) {
    return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !IsUtf8Continuation(c); }));
  }
  static bool IsA(const Json& json, const std::string& type) {
    if (type == "integer") return json.is_number_integer() || (json.is_number() && json.get<double>() == static_cast<double>(static_cast<int64_t>(std::clamp(json.get<double>(), -9e15, 9e15))));
    if (type == "number") return json.is_number();
    if (type == "string") return json.is_string();
    if (type == "boolean") return json.is_boolean();
    if (type == "null") return json.is_null();
    return type == "object" ? json.is_object() : type == "array" && json.is_array();
  }
  static Status CheckType(const Json& json, const Json& schema, const std::string& place) {
    if (!schema.contains("type")) return OkStatus();
    const Json& type = schema["type"];
    bool fits = type.is_string() ? IsA(json, type.get<std::string>())
                                 : std::ranges::any_of(type, [&](const Json& each) { return each.is_string() && IsA(json, each.get<std::string>()); });
    return fits ? OkStatus() : InvalidArgument(place + ": must be of type " + type.dump());
  }
  Status CheckRef(const Json& json, const Json& schema, const std::string& place, int depth) {
    std::string ref = schema["$ref"].is_string() ? schema["$ref"].get<std::string>() : "";
    if (!ref.starts_with("#")) return InvalidArgument("the schema's $ref '" + ref + "' is outside of it");
    try {
      return Check(json, root_.at(Json::json_pointer(ref.substr(1))), place, depth + 1);
    } catch (const Json::exception&) {
      return InvalidArgument("the schema's $ref '" + ref + "' leads nowhere");
    }
  }
  Status CheckAny(const Json& json, const Json& schemas, const std::string& place, int depth) {
    for (const Json& each : schemas) {
      if (Check(json, each, place, depth + 1).ok()) return OkStatus();
    }
    return InvalidArgument(place + ": fits none of anyOf");
  }
  Status CheckObject(const Json& json, const Json& schema, const std::string& place, int depth) {
    const Json properties = schema.value("properties", Json::object());
    for (const Json& name : schema.value("required", Json::array())) {
      if (name.is_string() && !json.contains(name.get<std::string>())) return InvalidArgument(place + ": lacks '" + name.get<std::string>() + "'");
    }
    for (const auto& [key, value] : json.items()) {
      if (properties.contains(key)) RETURN_IF_ERROR(Check(value, properties[key], place + "." + key, depth + 1));
      else if (schema.contains("additionalProperties")) RETURN_IF_ERROR(Check(value, schema["additionalProperties"], place + "." + std::string(Utf8Prefix(key, 64)), depth + 1));
    }
    return OkStatus();
  }
  Status CheckArray(const Json& json, const Json& schema, const std::string& place, int depth) {
    RETURN_IF_ERROR(CheckSize(json.size(), schema, "minItems", "maxItems", place));
    for (size_t i = 0; schema.contains("items") && i < json.size(); ++i) {
      RETURN_IF_ERROR(Check(json[i], schema["items"], place + "[" + std::to_string(i) + "]", depth + 1));
    }
    return OkStatus();
  }
  static Status CheckSize(size_t size, const Json& schema, const char* least, const char* most, const std::string& place) {
    auto limit = [&](const char* name, size_t otherwise) { return schema.contains(name) && schema[name].is_number_unsigned() ? schema[name].get<size_t>() : otherwise; };
    if (size < limit(least, 0)) return InvalidArgument(place + ": shorter than " + schema[least].dump());
    return size > limit(most, SIZE_MAX) ? InvalidArgument(place + ": longer than " + schema[most].dump()) : OkStatus();
  }
  static Status CheckNumber(double value, const Json& schema, const std::string& place) {
    auto limit = [&](const char* name) -> const Json* { return schema.contains(name) && schema[name].is_number() ? &schema[name] : nullptr; };
    if (auto least = limit("minimum"); least != nullptr && value < least->get<double>()) return InvalidArgument(place + ": less than " + least->dump());
    if (auto most = limit("maximum"); most != nullptr && value > most->get<double>()) return InvalidArgument(place + ": more than " + most->dump());
    return OkStatus();
  }

  const Json& root_;
};

}  // namespace

Status CheckSchema(std::string_view json, std::string_view schema) {
  Json value = Json::parse(json, nullptr, /*allow_exceptions=*/false), rules = Json::parse(schema, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return InvalidArgument("it is no JSON");
  if (rules.is_discarded()) return InvalidArgument("the schema is no JSON");
  return SchemaChecker(rules).Check(value, rules, "$", 0);
}

Result<std::string> SafeJson(std::string_view answer, const Sampling& sampling) {
  Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) json = Json::parse(JsonIn(answer), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidArgument("the model did not write JSON; ask again, or choose another model");
  std::set<std::string> known;
  if (sampling.form == OutputForm::kJsonSchema) {
    RETURN_IF_ERROR(CheckSchema(json.dump(-1, ' ', false, Json::error_handler_t::replace), sampling.schema).In("the model's answer does not fit the schema"));
    CollectTexts(Json::parse(sampling.schema, nullptr, /*allow_exceptions=*/false), 0, known);
  } else if (!json.is_object()) {
    return InvalidArgument("the model did not write a JSON object; ask again, or choose another model");
  }
  ASSIGN_OR_RETURN(Json clean, Cleaner(known).Clean(json, 0));
  return clean.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::generate
