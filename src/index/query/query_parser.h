// The query language, second stage: tokens to a tree.
//
//   query   := operand*
//   operand := unit ("OR" unit)*
//   unit    := "-"? (atom | "(" query ")")
//   atom    := word | "phrase" | /regex/ | field ":" value | field ":" "value"
//
// OR binds tighter than standing side by side: "lang:go read OR write" is lang:go and (read or write). A word at the
// top level only ranks; see query_tree.h. In a phrase \" and \\ are a quote and a backslash; read strictly, \ before
// any character of a word makes it an ordinary one.
#ifndef CODELORE_INDEX_QUERY_QUERY_PARSER_H_
#define CODELORE_INDEX_QUERY_QUERY_PARSER_H_

#include <string>
#include <string_view>

#include "codelore/index.h"
#include "codelore/status.h"
#include "index/query/query_tree.h"

namespace codelore::index {

struct ParsedQuery {
  // No operator was found or looked for: the text as it is ranks, and `tree` is empty.
  bool plain = true;
  QueryNode tree;
};

// kInvalidArgument with the place of the mistake; never for QuerySyntax::kPlain.
Result<ParsedQuery> ParseQuery(std::string_view text, QuerySyntax syntax);

// What ranks, and what an encoder is to be given; empty when the query is all conditions.
std::string RankedTextOf(std::string_view text, const ParsedQuery& query);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_QUERY_PARSER_H_
