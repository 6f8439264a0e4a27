#include "embed/json_document.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "codelore/utf8.h"

namespace codelore::embed {

namespace {

using Json = nlohmann::json;

const Json& Node(const std::shared_ptr<const void>& node) {
  return *static_cast<const Json*>(node.get());
}

// Makes a document of the parser's events, and refuses what the library's own builder would silently accept. That one,
// given a callback to refuse with, also looks at all members of an object anew at the end of each.
class Builder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add(nullptr) != nullptr; }
  bool boolean(bool value) override { return Add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return Add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return Add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override { return Add(value) != nullptr; }
  bool string(string_t& value) override { return Add(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }  // there is none in text
  bool start_object(size_t) override { return Open(Json::object()); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& key) override {
    const auto [member, added] = open_.back()->get_ref<Json::object_t&>().emplace(std::move(key), nullptr);
    member_ = &member->second;
    return added || Refuse("the JSON has the key \"" + std::string(Utf8Prefix(member->first, 80)) + "\" twice");
  }
  bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& error) override {
    constexpr int kOutOfRange = 406;  // a number beyond double
    return Refuse(error.id == kOutOfRange ? "expected JSON, found a number out of range"
                                          : "expected JSON, found something else at byte " + std::to_string(byte));
  }

  Json Take() { return std::move(document_); }
  const std::string& problem() const { return problem_; }

 private:
  bool Refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  // Where the value stands now.
  template <typename Value>
  Json* Add(Value&& value) {
    if (open_.empty()) return &(document_ = std::forward<Value>(value));
    if (open_.back()->is_object()) return &(*member_ = std::forward<Value>(value));
    return &open_.back()->get_ref<Json::array_t&>().emplace_back(std::forward<Value>(value));
  }
  bool Open(Json value) {
    if (open_.size() >= JsonValue::kMaxDepth) return Refuse("the JSON is nested too deeply");
    open_.push_back(Add(std::move(value)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  Json document_;
  std::vector<Json*> open_;  // the objects and arrays that have begun, one in another
  Json* member_ = nullptr;   // of the innermost object: whose value is next
  std::string problem_;
};

}  // namespace

Result<JsonValue> JsonValue::ParseObject(std::string_view file, std::string_view text) {
  const std::string where(file);
  Builder builder;
  if (!Json::sax_parse(text, &builder)) return Corruption(where + ": " + builder.problem());
  Json json = builder.Take();
  if (!json.is_object()) return Corruption(where + ": expected a JSON object, found " + json.type_name());
  return JsonValue(std::make_shared<const Json>(std::move(json)), where);
}

Status JsonValue::Mismatch(std::string_view expected) const {
  const Json& json = Node(node_);
  std::string found = json.is_structured()
                          ? json.type_name()
                          : json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return Corruption(where_ + ": expected " + std::string(expected) + ", found " +
                    std::string(Utf8Prefix(found, 80)));
}

JsonValue JsonValue::Child(std::string_view name, const void* node) const {
  return {std::shared_ptr<const void>(node_, node),
          where_ + ": " + std::string(Utf8Prefix(name, 200))};
}

Result<uint64_t> JsonValue::Uint(uint64_t min, uint64_t max) const {
  const Json& json = Node(node_);
  if (json.is_number_unsigned()) {
    const auto value = json.get<uint64_t>();
    if (value >= min && value <= max) return value;
  }
  return Mismatch("a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

Result<double> JsonValue::Number() const {
  if (!Node(node_).is_number()) return Mismatch("a number");
  return Node(node_).get<double>();
}

Result<bool> JsonValue::Bool() const {
  if (!Node(node_).is_boolean()) return Mismatch("true or false");
  return Node(node_).get<bool>();
}

Result<std::string> JsonValue::Text() const {
  if (!Node(node_).is_string()) return Mismatch("a string");
  return Node(node_).get<std::string>();
}

Result<std::vector<JsonValue>> JsonValue::Elements() const {
  if (!Node(node_).is_array()) return Mismatch("an array");
  std::vector<JsonValue> elements;
  for (const Json& element : Node(node_)) {
    elements.push_back(Child(std::to_string(elements.size()), &element));
  }
  return elements;
}

Result<std::vector<std::pair<std::string, JsonValue>>> JsonValue::Members() const {
  if (!Node(node_).is_object()) return Mismatch("an object");
  std::vector<std::pair<std::string, JsonValue>> members;
  for (const auto& [key, value] : Node(node_).items())
    members.emplace_back(key, Child(key, &value));
  return members;
}

bool JsonValue::Has(std::string_view key) const {
  const Json& json = Node(node_);
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && !found->is_null();
}

Result<JsonValue> JsonValue::At(std::string_view key) const {
  if (!Has(key)) return Mismatch("an object with \"" + std::string(key) + "\"");
  return Child(key, &*Node(node_).find(key));
}

Result<uint64_t> JsonValue::UintAt(std::string_view key, uint64_t min, uint64_t max) const {
  ASSIGN_OR_RETURN(JsonValue value, At(key));
  return value.Uint(min, max);
}

Result<double> JsonValue::NumberAt(std::string_view key) const {
  ASSIGN_OR_RETURN(JsonValue value, At(key));
  return value.Number();
}

Result<bool> JsonValue::BoolAt(std::string_view key, bool otherwise) const {
  if (!Has(key)) return otherwise;
  ASSIGN_OR_RETURN(JsonValue value, At(key));
  return value.Bool();
}

Result<std::string> JsonValue::TextAt(std::string_view key, std::string_view otherwise) const {
  if (!Has(key)) return std::string(otherwise);
  ASSIGN_OR_RETURN(JsonValue value, At(key));
  return value.Text();
}

}  // namespace codelore::embed
