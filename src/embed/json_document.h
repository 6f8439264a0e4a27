// Strict reading of the JSON in model files: every value knows the file and the field it came from,
// so that each error says both. Refuses what a tolerant reader would guess about: a repeated key,
// nesting beyond what any such file has, a number where text belongs. Values are immutable and
// share their document.
#ifndef CODELORE_EMBED_JSON_DOCUMENT_H_
#define CODELORE_EMBED_JSON_DOCUMENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/status.h"

namespace codelore::embed {

class JsonValue {
 public:
  static constexpr size_t kMaxDepth = 16;

  // `file` is how errors name the text. Fails for anything but one JSON object.
  static Result<JsonValue> ParseObject(std::string_view file, std::string_view text);

  // This value as one type; anything else is an error. Bounds are inclusive.
  Result<uint64_t> Uint(uint64_t min, uint64_t max) const;
  Result<double> Number() const;
  Result<bool> Bool() const;
  Result<std::string> Text() const;
  Result<std::vector<JsonValue>> Elements() const;                         // of an array
  Result<std::vector<std::pair<std::string, JsonValue>>> Members() const;  // of an object, by key

  // Of an object: whether it has `key` with a value other than null; that value.
  bool Has(std::string_view key) const;
  Result<JsonValue> At(std::string_view key) const;
  Result<uint64_t> UintAt(std::string_view key, uint64_t min, uint64_t max) const;
  Result<double> NumberAt(std::string_view key) const;
  // The same, or `otherwise` where there is none.
  Result<bool> BoolAt(std::string_view key, bool otherwise) const;
  Result<std::string> TextAt(std::string_view key, std::string_view otherwise) const;

  // "FILE: FIELD: expected EXPECTED, found <this value>".
  Status Mismatch(std::string_view expected) const;

 private:
  JsonValue(std::shared_ptr<const void> node, std::string where)
      : node_(std::move(node)), where_(std::move(where)) {}
  JsonValue Child(std::string_view name, const void* node) const;

  std::shared_ptr<const void> node_;  // into the shared document
  std::string where_;                 // "config.json: hidden_size"
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_JSON_DOCUMENT_H_
