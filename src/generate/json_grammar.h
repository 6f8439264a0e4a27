// JsonGrammar: a JSON schema as a grammar in GBNF, llama.cpp's notation, so that a model can write nothing else.
#ifndef CODELORE_GENERATE_JSON_GRAMMAR_H_
#define CODELORE_GENERATE_JSON_GRAMMAR_H_

#include <string>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::generate {

// Empty for text. Of a schema: type (one or several), properties, required, additionalProperties, items, minItems and maxItems
// (up to 100), minLength and maxLength (up to 1000), enum, const, anyOf, $ref within the schema; titles, descriptions, defaults
// and examples say nothing. kInvalidArgument names anything else, since leaving it out would promise what is not kept. Objects
// have their properties in the schema's order, and no others.
Result<std::string> GrammarOf(const Sampling& sampling);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_JSON_GRAMMAR_H_
