#include "embed/json_document.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "codelore/utf8.h"

namespace codelore::embed {

namespace {

using Json = nlohmann::json;

const Json& Node(const std::shared_ptr<const void>& node) {
  return *static_cast<const Json*>(node.get());
}

// Watches the parser for what it would silently accept.
class Watch {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      if (static_cast<size_t>(depth) >= JsonValue::kMaxDepth) Refuse("is nested too deeply");
      keys_.resize(static_cast<size_t>(depth) + 1);
      keys_.back().clear();
    } else if (event == Json::parse_event_t::key && problem_.empty()) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys_[static_cast<size_t>(depth) - 1].insert(key).second) {
        Refuse("has the key \"" + std::string(Utf8Prefix(key, 80)) + "\" twice");
      }
    }
    return problem_.empty();
  }
  const std::string& problem() const { return problem_; }

 private:
  void Refuse(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

}  // namespace

Result<JsonValue> JsonValue::ParseObject(std::string_view file, std::string_view text) {
  const std::string where(file);
  try {
    Watch watch;
    Json json = Json::parse(text, std::ref(watch));
    if (!watch.problem().empty()) return Corruption(where + ": the JSON " + watch.problem());
    if (!json.is_object())
      return Corruption(where + ": expected a JSON object, found " + json.type_name());
    return JsonValue(std::make_shared<const Json>(std::move(json)), where);
  } catch (const Json::parse_error& e) {
    return Corruption(where + ": expected JSON, found something else at byte " +
                      std::to_string(e.byte));
  } catch (const Json::exception&) {  // a number beyond double
    return Corruption(where + ": expected JSON, found a number out of range");
  }
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
