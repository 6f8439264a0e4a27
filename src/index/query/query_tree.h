// QueryNode: a query as a small algebra: atoms, and "and", "or", "not" over them.
//
// A word at the top level is a wish: it ranks. Everything else is a condition on a file. PrintQuery writes a tree in
// the query language so that parsing it again (QuerySyntax::kQuery) gives the same tree. Values; copying and
// destroying recurse, so a tree is at most kMaxQueryDepth groups deep.
#ifndef CODELORE_INDEX_QUERY_QUERY_TREE_H_
#define CODELORE_INDEX_QUERY_QUERY_TREE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codelore::index {

inline constexpr size_t kMaxQueryDepth = 16;    // groups within groups
inline constexpr size_t kMaxQueryAtoms = 64;    // phrases, expressions and fields
inline constexpr size_t kMaxQueryWords = 1024;

enum class QueryKind : uint8_t {
  kWord,
  kPhrase,   // "its words side by side", or exactly as written if it is code: see IsCode
  kRegex,    // /expression/
  kSymbol,   // sym:
  kSource,   // repo: or source:
  kPath,     // path:
  kLanguage, // lang:
  kBranch,   // branch:
  kNot,      // one child
  kAnd,      // two or more children, none of them kAnd; without children: the query without conditions
  kOr,       // two or more children, none of them kOr
};

struct QueryNode {
  QueryKind kind = QueryKind::kAnd;
  std::string text;                 // of an atom
  std::vector<QueryNode> children;  // of the others
  size_t offset = 0;                // in the query's bytes; says where, not what

  bool operator==(const QueryNode& other) const {
    return kind == other.kind && text == other.text && children == other.children;
  }
};

inline bool IsAtom(QueryKind kind) { return kind < QueryKind::kNot; }

// Whether a phrase is meant to the letter: it has punctuation that prose has not ("foo(bar)", "a.b", "->").
bool IsCode(std::string_view phrase);

// "path:" and its like; empty for kinds that are no field.
std::string_view FieldPrefix(QueryKind kind);

std::string PrintQuery(const QueryNode& node);

// The branches that a search has to look at, as SearchFilter has them: those of branch: that are not negated, and the
// default one where the query can be satisfied without them. Empty: the query says nothing of branches.
std::vector<std::string> BranchesAsked(const QueryNode& node);

// What is left to rank by, as one text: the words, phrases, symbols and the plain words of expressions, but nothing
// that is negated and no names of places.
std::string RankedTextOf(const QueryNode& node);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_QUERY_QUERY_TREE_H_
