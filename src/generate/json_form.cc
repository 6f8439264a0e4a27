#include "generate/json_form.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

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

// ---- grammars ----------------------------------------------------------------------------------------------

namespace {

constexpr size_t kMaxSchemaBytes = 64 * 1024, kMaxRules = 2000;
constexpr int kMaxSchemaDepth = 32;
constexpr size_t kMaxItems = 100, kMaxLength = 1000, kMaxAlternatives = 16;

// RFC 8259. Little white space, because a model would write it for ever.
constexpr std::string_view kCommon = R"(
ws ::= [ \n]?
char ::= [ !#-\[\]-~\u0080-\uD7FF\uE000-\uFFFC\U00010000-\U0010FFFF] | "\\" (["\\/bfnrt] | "u" ([0-9a-cefA-CEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))
string ::= "\"" char* "\""
integer ::= "-"? ("0" | [1-9] [0-9]{0,17})
number ::= integer ("." [0-9]{1,17})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
value ::= object | array | string | number | boolean | null
member ::= string ws ":" ws value
object ::= "{" ws (member ws ("," ws member ws)*)? "}"
array ::= "[" ws (value ws ("," ws value ws)*)? "]"
)";

constexpr std::array<std::string_view, 12> kSilent = {"title", "description", "default", "examples", "$schema", "$id", "$comment",
                                                      "$defs", "definitions", "deprecated", "readOnly", "writeOnly"};

std::string Literal(const std::string& text) {
  std::string literal = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    if (c == '\n') literal += "\\n";
    else if (c == '\r') literal += "\\r";
    else literal += c;
  }
  return literal + "\"";
}

class GrammarWriter {
 public:
  // Names of rules begin with `prefix`.
  GrammarWriter(const Json& root, std::string prefix, bool strict) : root_(root), prefix_(std::move(prefix)), strict_(strict) {}

  // What stands for the schema; `rules()` are then what it needs, besides the common ones.
  Result<std::string> Write() { return RuleOf(root_, "$", 0); }
  const std::string& rules() const { return rules_; }

 private:
  // What stands for the schema: the name of a rule, or an expression in brackets.
  Result<std::string> RuleOf(const Json& schema, const std::string& place, int depth) {
    if (depth > kMaxSchemaDepth) return Refuse(place, "is nested too deeply");
    if (schema.is_boolean() && schema.get<bool>()) return std::string("value");
    if (!schema.is_object()) return Refuse(place, "is no schema");
    RETURN_IF_ERROR(CheckWords(schema, place));
    if (schema.contains("$ref")) return Reference(schema["$ref"], place, depth);
    if (schema.contains("const")) return "(" + Literal(Dump(schema["const"])) + ")";
    if (schema.contains("enum")) return Enumeration(schema["enum"], place);
    if (schema.contains("anyOf")) return Alternatives(schema["anyOf"], place, depth);
    if (!schema.contains("type")) return schema.contains("properties") ? Object(schema, place, depth) : Result<std::string>(std::string("value"));
    if (!schema["type"].is_array()) return OfType(schema["type"], schema, place, depth);
    std::string all;
    for (const Json& type : schema["type"]) {
      ASSIGN_OR_RETURN(std::string one, OfType(type, schema, place, depth));
      all += (all.empty() ? "" : " | ") + one;
    }
    return all.empty() ? Refuse(place + ".type", "is empty") : Result<std::string>("(" + all + ")");
  }

  Result<std::string> OfType(const Json& type, const Json& schema, const std::string& place, int depth) {
    const std::string name = type.is_string() ? type.get<std::string>() : "";
    if (name == "object") return Object(schema, place, depth);
    if (name == "array") return Array(schema, place, depth);
    if (name == "string") return Text(schema, place);
    if (name == "integer" || name == "number" || name == "boolean" || name == "null") return name;
    return Refuse(place + ".type", "must be object, array, string, integer, number, boolean or null");
  }

  Status CheckWords(const Json& schema, const std::string& place) {
    constexpr std::array<std::string_view, 13> kKnown = {"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
                                                         "minLength", "maxLength", "enum", "const", "anyOf", "$ref"};
    for (const auto& [word, value] : schema.items()) {
      bool known = std::ranges::find(kKnown, word) != kKnown.end() || std::ranges::find(kSilent, word) != kSilent.end();
      if (!known && strict_) return Refuse(place + "." + word.substr(0, 64), "is not supported by the model in this process; leave it out").status();
    }
    return OkStatus();
  }

  // A rule of its own, so that a schema may lead to itself.
  Result<std::string> Reference(const Json& ref, const std::string& place, int depth) {
    const std::string target = ref.is_string() ? ref.get<std::string>() : "";
    if (!target.starts_with("#")) return Refuse(place + ".$ref", "must stay within the schema: #/$defs/NAME");
    auto [at, added] = references_.try_emplace(target, prefix_ + "ref" + std::to_string(references_.size()));
    const std::string name = at->second;
    if (!added) return name;
    const Json* schema = nullptr;
    try {
      schema = &root_.at(Json::json_pointer(target.substr(1)));
    } catch (const Json::exception&) {
      return Refuse(place + ".$ref", "leads nowhere");
    }
    ASSIGN_OR_RETURN(std::string rule, RuleOf(*schema, place, depth + 1));
    RETURN_IF_ERROR(AddRule(name, rule));
    return name;
  }

  Result<std::string> Enumeration(const Json& values, const std::string& place) {
    if (!values.is_array() || values.empty() || values.size() > kMaxRules / 2) return Refuse(place + ".enum", "must have 1 to 1000 values");
    std::string all;
    for (const Json& value : values) all += (all.empty() ? "" : " | ") + Literal(Dump(value));
    return "(" + all + ")";
  }

  Result<std::string> Alternatives(const Json& schemas, const std::string& place, int depth) {
    std::string all;
    if (!schemas.is_array() || schemas.empty() || schemas.size() > kMaxAlternatives) return Refuse(place + ".anyOf", "must have 1 to 16 schemas");
    for (size_t i = 0; i < schemas.size(); ++i) {
      ASSIGN_OR_RETURN(std::string one, RuleOf(schemas[i], place + ".anyOf[" + std::to_string(i) + "]", depth + 1));
      all += (all.empty() ? "" : " | ") + one;
    }
    return "(" + all + ")";
  }

  Result<std::string> Text(const Json& schema, const std::string& place) {
    if (!schema.contains("minLength") && !schema.contains("maxLength")) return std::string("string");
    ASSIGN_OR_RETURN(std::string times, Times(schema, "minLength", "maxLength", kMaxLength, place));
    return "(\"\\\"\" char" + times + " \"\\\"\")";
  }

  Result<std::string> Times(const Json& schema, const char* least_word, const char* most_word, size_t limit, const std::string& place) {
    size_t least = 0, most = limit;
    for (auto [word, value] : {std::pair{least_word, &least}, std::pair{most_word, &most}}) {
      if (!schema.contains(word)) continue;
      if (!schema[word].is_number_unsigned() || schema[word].get<size_t>() > limit) return Refuse(place + "." + word, "must be 0 to " + std::to_string(limit));
      *value = schema[word].get<size_t>();
    }
    if (least > most) return Refuse(place + "." + least_word, "is more than " + std::string(most_word));
    return "{" + std::to_string(least) + "," + (schema.contains(most_word) ? std::to_string(most) : "") + "}";
  }

  Result<std::string> Array(const Json& schema, const std::string& place, int depth) {
    std::string item = "value";
    if (schema.contains("items")) {
      ASSIGN_OR_RETURN(item, RuleOf(schema["items"], place + ".items", depth + 1));
    }
    const std::string name = prefix_ + "list" + std::to_string(rule_count_);
    ASSIGN_OR_RETURN(std::string all, Times(schema, "minItems", "maxItems", kMaxItems, place));  // checks both
    size_t least = schema.value("minItems", size_t{0}), most = schema.value("maxItems", SIZE_MAX);
    std::string rule = "\"[\" ws ";
    if (most > 0) {
      std::string more = "{" + std::to_string(least > 0 ? least - 1 : 0) + "," + (most == SIZE_MAX ? "" : std::to_string(most - 1)) + "}";
      std::string items = item + " ws (\",\" ws " + item + " ws)" + (most == 1 ? "{0}" : more);
      if (most == 1) items = item + " ws";
      rule += least > 0 ? items : "(" + items + ")?";
    }
    RETURN_IF_ERROR(AddRule(name, rule + " \"]\""));
    return name;
  }

  // Rules for what may follow when so many properties are behind, for nothing written yet and for something written.
  Result<std::string> Object(const Json& schema, const std::string& place, int depth) {
    const Json properties = schema.value("properties", Json::object()), required = schema.value("required", Json::array());
    if (!properties.is_object() || !required.is_array()) return Refuse(place, "needs properties as an object and required as a list");
    for (const Json& name : required) {
      if (!name.is_string() || !properties.contains(name.get<std::string>())) return Refuse(place + ".required", "names what is not among the properties");
    }
    if (properties.empty()) return std::string(schema.value("additionalProperties", Json(true)) == Json(false) ? "(\"{\" ws \"}\")" : "object");
    const std::string name = prefix_ + "object" + std::to_string(++rule_count_);
    std::vector<std::string> members;
    std::vector<bool> needed;
    for (const auto& [key, value] : properties.items()) {
      ASSIGN_OR_RETURN(std::string rule, RuleOf(value, place + "." + key.substr(0, 64), depth + 1));
      members.push_back(Literal(Dump(Json(key))) + " ws \":\" ws " + rule + " ws");
      needed.push_back(std::ranges::find(required, Json(key)) != required.end());
    }
    auto rest = [&](size_t i, bool written) { return i == members.size() ? std::string("\"}\"") : name + (written ? "-more" : "-") + std::to_string(i); };
    for (size_t i = 0; i < members.size(); ++i) {
      for (bool written : {false, true}) {
        std::string rule = (written ? "\",\" ws " : "") + members[i] + " " + rest(i + 1, true);
        if (!needed[i]) rule += " | " + rest(i + 1, written);
        RETURN_IF_ERROR(AddRule(rest(i, written), rule));
      }
    }
    RETURN_IF_ERROR(AddRule(name, "\"{\" ws " + rest(0, false)));
    return name;
  }

  Status AddRule(const std::string& name, const std::string& rule) {
    rules_ += name + " ::= " + rule + "\n";
    return ++rule_count_ <= kMaxRules ? OkStatus() : InvalidArgument("the schema is too large for the model in this process");
  }

  static std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
  static Result<std::string> Refuse(const std::string& place, const std::string& why) { return InvalidArgument("the schema's " + place + " " + why); }

  const Json& root_;
  const std::string prefix_;
  const bool strict_;
  std::string rules_;
  size_t rule_count_ = 0;
  std::map<std::string, std::string> references_;  // target -> rule
};

}  // namespace

Result<std::string> GrammarOf(const Sampling& sampling) {
  if (sampling.form == OutputForm::kText) return std::string();
  if (sampling.form == OutputForm::kJson) return "root ::= object ws\n" + std::string(kCommon);
  if (sampling.schema.size() > kMaxSchemaBytes) return InvalidArgument("the schema has more than 64 KiB");
  Json schema = Json::parse(sampling.schema, nullptr, /*allow_exceptions=*/false);
  if (schema.is_discarded()) return InvalidArgument("the schema is no JSON");
  GrammarWriter writer(schema, "", /*strict=*/true);
  ASSIGN_OR_RETURN(std::string root, writer.Write());
  return "root ::= " + root + " ws\n" + writer.rules() + std::string(kCommon);
}

Result<SchemaRules> RulesOf(std::span<const std::string> schemas, bool strict) {
  SchemaRules all{.roots = {}, .rules = std::string(kCommon)};
  for (const std::string& text : schemas) {
    Json schema = text.empty() ? Json::object() : Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool usable = !schema.is_discarded() && text.size() <= kMaxSchemaBytes;
    GrammarWriter writer(schema, "s" + std::to_string(all.roots.size()) + "-", strict);
    Result<std::string> root = usable ? writer.Write() : InvalidArgument("a schema is no JSON, or has more than 64 KiB");
    if (!root.ok() && strict) return root.status();
    if (root.ok()) all.rules += writer.rules();
    all.roots.push_back(root.ok() && *root != "value" ? *root : "object");
  }
  return all;
}

}  // namespace codelore::generate
