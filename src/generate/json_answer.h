// Answers in JSON: made safe as a whole, since a sentence of JSON is none.
#ifndef CODELORE_GENERATE_JSON_ANSWER_H_
#define CODELORE_GENERATE_JSON_ANSWER_H_

#include <string>
#include <string_view>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::generate {

// The answer with every text in it as it may be shown: no working link, image or HTML, nothing invisible. Texts that stand in
// the schema itself stay as they are. kInvalidArgument when the model did not write JSON, or not of this schema.
Result<std::string> SafeJson(std::string_view answer, const Sampling& sampling);

// Whether `json` is what `schema` (both JSON) describes, for the part of JSON Schema that GrammarOf (json_grammar.h) takes, and
// limits of numbers. kInvalidArgument says where it is not.
Status CheckSchema(std::string_view json, std::string_view schema);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_JSON_ANSWER_H_
