#include "api/json_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "codelore/utf8.h"

namespace codelore::api {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxEchoedBytes = 64;  // of a field name the client chose

const Json& AsJson(const void* value) { return *static_cast<const Json*>(value); }

std::string Quoted(std::string_view name) {
  return "'" + std::string(Utf8Prefix(name, kMaxEchoedBytes)) + "'";
}

// Watches a parse and stops it at the first thing we do not take. It keeps no values, and neither
// it nor the parser recurses.
class Checker final : public nlohmann::json_sax<Json> {
 public:
  const std::string& error() const { return error_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    return keys_.back().insert(name).second || Fail("field " + Quoted(name) + " appears twice");
  }
  bool parse_error(size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return Fail("the body is not valid JSON (at byte " + std::to_string(at) + ")");
  }

 private:
  bool Enter() {
    keys_.emplace_back();
    return keys_.size() <= kMaxDepth ||
           Fail("the body has more than " + std::to_string(kMaxDepth) + " levels");
  }
  bool Leave() {
    keys_.pop_back();
    return true;
  }
  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  std::vector<std::unordered_set<std::string>> keys_;  // of the open objects; empty for arrays
  std::string error_;
};

}  // namespace

Result<JsonRequest> JsonRequest::Parse(std::string_view body, const Fields& fields) {
  if (body.starts_with("\xEF\xBB\xBF")) {
    return InvalidArgument("the body must not start with a byte order mark");
  }
  Checker checker;
  if (!Json::sax_parse(body, &checker)) return InvalidArgument(checker.error());
  auto document =
      std::make_shared<const Json>(Json::parse(body, nullptr, /*allow_exceptions=*/false));
  if (!document->is_object()) return InvalidArgument("the body must be a JSON object");
  JsonRequest request;
  request.object_ = document.get();
  request.document_ = std::move(document);
  request.CheckFields(fields);
  if (!request.status().ok()) return request.status();
  return request;
}

void JsonRequest::CheckFields(const Fields& fields) {
  if (std::ranges::count(fields, kAnyField) > 0) return;
  for (const auto& [name, value] : AsJson(object_).items()) {
    if (std::ranges::count(fields, std::string_view(name)) == 0) Reject(name, "is not known here");
  }
}

JsonRequest JsonRequest::Child(const void* value, std::string path) const {
  JsonRequest child = *this;
  child.object_ = value;
  child.path_ = std::move(path);
  return child;
}

const void* JsonRequest::Find(std::string_view field) const {
  if (!object_) return nullptr;
  const Json& object = AsJson(object_);
  auto at = object.find(field);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

bool JsonRequest::Has(std::string_view field) const { return Find(field) != nullptr; }

void JsonRequest::Reject(std::string_view field, std::string_view reason) {
  if (!error_->ok()) return;
  *error_ =
      InvalidArgument("field " + Quoted(path_ + std::string(field)) + " " + std::string(reason));
}

std::string JsonRequest::String(std::string_view field, const StringRule& rule) {
  const void* value = Find(field);
  if (!value) {
    if (rule.required) Reject(field, "is missing");
    return rule.otherwise;
  }
  if (!AsJson(value).is_string()) {
    Reject(field, "must be a string");
    return rule.otherwise;
  }
  const auto& text = AsJson(value).get_ref<const std::string&>();
  if (rule.required && text.empty()) Reject(field, "must not be empty");
  if (text.size() > rule.max_bytes) {
    Reject(field, "may have up to " + std::to_string(rule.max_bytes) + " bytes");
    return rule.otherwise;
  }
  return text;
}

std::string JsonRequest::Choice(std::string_view field,
                                const std::vector<std::string_view>& choices) {
  std::string chosen = String(field, {.otherwise = std::string(choices.front())});
  if (std::ranges::count(choices, std::string_view(chosen)) > 0) return chosen;
  std::string names;
  for (std::string_view choice : choices) names.append(names.empty() ? "" : ", ").append(choice);
  Reject(field, "must be one of: " + names);
  return std::string(choices.front());
}

int64_t JsonRequest::Integer(std::string_view field, const IntegerRule& rule) {
  const void* value = Find(field);
  if (!value) {
    if (rule.required) Reject(field, "is missing");
    return rule.otherwise;
  }
  const Json& json = AsJson(value);
  bool fits = json.is_number_integer() &&
              (!json.is_number_unsigned() || json.get<uint64_t>() <= uint64_t{INT64_MAX});
  int64_t number = fits ? json.get<int64_t>() : 0;
  if (fits && number >= rule.min && number <= rule.max) return number;
  Reject(field,
         "must be an integer from " + std::to_string(rule.min) + " to " + std::to_string(rule.max));
  return rule.otherwise;
}

double JsonRequest::Number(std::string_view field, const NumberRule& rule) {
  const void* value = Find(field);
  if (!value) return rule.otherwise;
  const Json& json = AsJson(value);
  double number = json.is_number() ? json.get<double>() : rule.min - 1;
  if (number >= rule.min && number <= rule.max) return number;
  Reject(field, "must be a number from " + Json(rule.min).dump() + " to " + Json(rule.max).dump());
  return rule.otherwise;
}

bool JsonRequest::Boolean(std::string_view field, bool otherwise) {
  const void* value = Find(field);
  if (!value) return otherwise;
  if (AsJson(value).is_boolean()) return AsJson(value).get<bool>();
  Reject(field, "must be true or false");
  return otherwise;
}

namespace {

// What is wrong with `value` as a list under `rule`; null: nothing.
std::string ListError(const void* value, const ListRule& rule) {
  if (!value) return rule.required ? "is missing" : "";
  const Json& json = AsJson(value);
  if (!json.is_array()) return "must be a list";
  if (rule.required && json.empty()) return "must not be empty";
  if (json.size() > rule.max_items) {
    return "may have up to " + std::to_string(rule.max_items) + " items";
  }
  return "";
}

}  // namespace

std::vector<std::string> JsonRequest::Strings(std::string_view field, const ListRule& rule) {
  const void* value = Find(field);
  std::string error = ListError(value, rule);
  if (!error.empty()) Reject(field, error);
  if (!value || !error.empty()) return {};
  std::vector<std::string> strings;
  for (const Json& item : AsJson(value)) {
    if (!item.is_string() || item.get_ref<const std::string&>().size() > rule.max_bytes) {
      Reject(field, "must hold strings of up to " + std::to_string(rule.max_bytes) + " bytes");
      return {};
    }
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

JsonRequest JsonRequest::Object(std::string_view field, const Fields& fields) {
  const void* value = Find(field);
  if (value && !AsJson(value).is_object()) {
    Reject(field, "must be an object");
    value = nullptr;
  }
  JsonRequest child = Child(value, path_ + std::string(field) + ".");
  if (value) child.CheckFields(fields);
  return child;
}

std::vector<JsonRequest> JsonRequest::Objects(std::string_view field, const Fields& fields,
                                              const ListRule& rule) {
  const void* value = Find(field);
  std::string error = ListError(value, rule);
  if (!error.empty()) Reject(field, error);
  if (!value || !error.empty()) return {};
  std::vector<JsonRequest> children;
  for (const Json& item : AsJson(value)) {
    std::string at = path_ + std::string(field) + "[" + std::to_string(children.size()) + "]";
    if (!item.is_object()) {
      Reject(field, "must hold objects");
      return {};
    }
    children.push_back(Child(&item, at + "."));
    children.back().CheckFields(fields);
  }
  return children;
}

std::string JsonRequest::Text(std::string_view field) const {
  const void* value = Find(field);
  return value ? AsJson(value).dump() : "";
}

}  // namespace codelore::api
