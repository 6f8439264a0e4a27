// The query language, first stage: text to tokens.
//
// How freely text is read depends on who wrote it. Read strictly, all syntax counts and what is malformed is an error.
// Read freely, a character is syntax only where it can hardly be anything else:
//
//   "..."          at the start of a word, closed at the end of one, no other quote in the query is astray, and the
//                  words around it are not a sentence that merely quotes
//   /.../          likewise, compact, and with a metacharacter in it unless it starts the query; no "/usr/lib/"
//   name:value     a known field in lower case at the start of a word, with a value right behind; no "path::join",
//                  "note: x", "http://x"
//   -word          "-" with a space before and a letter behind; no "a - b", "->", "--flag", "-m", "-std=c++20"
//   OR             in capitals, between two operands, not in SQL and not in a sentence all in capitals
//   ( )            around words, once there is an OR or a negated group; "f(x)" stays a word everywhere
#ifndef CODELORE_INDEX_QUERY_QUERY_TOKENS_H_
#define CODELORE_INDEX_QUERY_QUERY_TOKENS_H_

#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "index/query/query_tree.h"

namespace codelore::index {

enum class TokenKind : uint8_t { kAtom, kNot, kOr, kOpen, kClose };

struct QueryToken {
  TokenKind kind = TokenKind::kAtom;
  QueryNode atom;     // of kAtom
  size_t offset = 0;  // in the query's bytes
};

struct TokenRules {
  bool strict = false;
  bool quotes = true;  // phrases are recognised
  bool groups = true;  // parentheses and OR are
};

struct TokenList {
  std::vector<QueryToken> tokens;
  bool stray_quote = false;         // read freely: a quote that belongs to no phrase
  size_t open_quote = std::string_view::npos;  // where one begins a word and is never closed
};

// Read freely, nothing is an error but a regular expression that cannot be one.
Result<TokenList> ReadTokens(std::string_view text, const TokenRules& rules);

// kInvalidArgument "query: MESSAGE at N" with the place shown below; N counts characters from 1.
Status QueryError(std::string_view text, size_t offset, std::string_view message);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_QUERY_TOKENS_H_
