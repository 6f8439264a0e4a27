// Answers in JSON: a schema as a grammar in GBNF, llama.cpp's notation, so that a model can write nothing else; and what a
// model wrote made safe as a whole, since a sentence of JSON is none.
#ifndef CODELORE_GENERATE_JSON_FORM_H_
#define CODELORE_GENERATE_JSON_FORM_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::generate {

// Empty for text. Of a schema: type (one or several), properties, required, additionalProperties, items, minItems and maxItems
// (up to 100), minLength and maxLength (up to 1000), enum, const, anyOf, $ref within the schema; titles, descriptions, defaults
// and examples say nothing. kInvalidArgument names anything else, since leaving it out would promise what is not kept. Objects
// have their properties in the schema's order, and no others.
Result<std::string> GrammarOf(const Sampling& sampling);

// Rules of a larger grammar: what stands for each of the schemas, in their order, and what all of these need.
struct SchemaRules {
  std::vector<std::string> roots;
  std::string rules;
};
// Of what GrammarOf does not take, only what is beyond `strict`: without it a word that narrows a value further is passed over, and what
// cannot be followed at all becomes any object.
Result<SchemaRules> RulesOf(std::span<const std::string> schemas, bool strict);

// The answer with every text in it as it may be shown: no working link, image or HTML, nothing invisible. Texts that stand in
// the schema itself stay as they are. kInvalidArgument when the model did not write JSON, or not of this schema.
Result<std::string> SafeJson(std::string_view answer, const Sampling& sampling);

// Whether `json` is what `schema` (both JSON) describes, for the part of JSON Schema that GrammarOf takes, and
// limits of numbers. kInvalidArgument says where it is not.
Status CheckSchema(std::string_view json, std::string_view schema);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_JSON_FORM_H_
