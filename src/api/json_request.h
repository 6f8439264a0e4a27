// JsonRequest: the JSON object of a request body, read strictly.
//
// Parse refuses what parsers disagree about or die of: malformed UTF-8, byte order marks, duplicate
// keys, NaN and Infinity, numbers beyond a double, more than 64 levels, fields the endpoint does
// not know. The getters never fail: they return the field or its default and keep the first error,
// so an endpoint reads all its fields and asks once:
//
//   ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(request.body, {"query", "limit"}));
//   std::string query = json.String("query", {.required = true});
//   int64_t limit = json.Integer("limit", {.min = 1, .max = 100, .otherwise = 10});
//   RETURN_IF_ERROR(json.status());
//
// A null counts as absent. A value type; copies and sub-objects share one error. Not thread-safe.
#ifndef CODELORE_API_JSON_REQUEST_H_
#define CODELORE_API_JSON_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::api {

struct StringRule {
  bool required = false;  // absent or empty is an error
  size_t max_bytes = 16 * 1024;
  std::string otherwise = {};
};

struct IntegerRule {
  bool required = false;
  int64_t min = 0;
  int64_t max = std::numeric_limits<int32_t>::max();
  int64_t otherwise = 0;
};

struct NumberRule {
  double min = 0;
  double max = 0;
  double otherwise = 0;
};

struct ListRule {
  bool required = false;  // absent or empty is an error
  size_t max_items = 64;
  size_t max_bytes = 16 * 1024;  // of one string
};

class JsonRequest {
 public:
  using Fields = std::vector<std::string_view>;
  // In a list of fields: others are allowed, and ignored. For protocols that are not ours.
  static constexpr std::string_view kAnyField = "*";

  static Result<JsonRequest> Parse(std::string_view body, const Fields& fields);

  // The first thing a getter found wrong, naming the field: "field 'limit' must be an integer from
  // 1 to 100".
  const Status& status() const { return *error_; }
  bool Has(std::string_view field) const;

  std::string String(std::string_view field, const StringRule& rule = {});
  // One of `choices`, the first when absent.
  std::string Choice(std::string_view field, const std::vector<std::string_view>& choices);
  int64_t Integer(std::string_view field, const IntegerRule& rule);
  double Number(std::string_view field, const NumberRule& rule);
  bool Boolean(std::string_view field, bool otherwise);
  std::vector<std::string> Strings(std::string_view field, const ListRule& rule = {});
  // Empty objects when absent or wrong.
  JsonRequest Object(std::string_view field, const Fields& fields);
  std::vector<JsonRequest> Objects(std::string_view field, const Fields& fields,
                                   const ListRule& rule = {});
  // The field's JSON text; empty when absent. For what is passed on as it is.
  std::string Text(std::string_view field) const;

  // Keeps "field 'NAME' REASON" unless there is an error already: for rules only the endpoint
  // knows.
  void Reject(std::string_view field, std::string_view reason);

 private:
  JsonRequest() = default;
  JsonRequest Child(const void* value, std::string path) const;
  void CheckFields(const Fields& fields);
  const void* Find(std::string_view field) const;

  std::shared_ptr<const void> document_;  // keeps object_ alive
  const void* object_ = nullptr;          // a JSON object of the parser library
  std::string path_;                      // "messages[3].", for errors
  std::shared_ptr<Status> error_ = std::make_shared<Status>();
};

}  // namespace codelore::api

#endif  // CODELORE_API_JSON_REQUEST_H_
