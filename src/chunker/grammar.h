// Grammar: what the outline of a programming language consists of, as a table of its tree-sitter
// node types.
//
// One row says what a node type is: a definition (and then a function says which names it
// declares), a comment, an attribute that belongs to the next definition, a wrapper around a
// definition, or a local scope. Node types without a row matter only for how deeply code is nested.
// All of it is constant and thread-safe.
#ifndef CODELORE_CHUNKER_GRAMMAR_H_
#define CODELORE_CHUNKER_GRAMMAR_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chunker/syntax_tree.h"
#include "codelore/chunk.h"

namespace codelore::chunker {

enum class Role : uint8_t {
  kDefinition,    // declares names
  kSection,       // a definition that reaches to its next sibling of the same type (a stage of a
                  // Dockerfile)
  kComment,       // prose; belongs to the definition in the lines right below it
  kDocstring,     // prose that stays where it is
  kAttribute,     // belongs to the definition below it, and is not part of its signature
  kDocAttribute,  // both prose and an attribute
  kWrapper,       // `export ...`, `template <...> ...`: its definition begins where it begins
  kLocal,         // a scope whose variables nobody looks up: a lambda
};

// One name that a node declares.
struct Declared {
  ByteSpan name;          // where the name is written
  std::string qualifier;  // what stands before it: the "A.B" of `A::B::f`
  ChunkKind kind = ChunkKind::kVariable;
  // False for what continues a definition (`impl X`, `extension X`) or only names a part of the
  // file (a test): it gives its parts their scope and its chunk a symbol, but is not listed as a
  // definition.
  bool listed = true;
  std::string label = {};  // the name, where it is not the text of `name`
};

// Appends the names that `node` declares; none if it is no definition after all. The first one is
// the scope of what is declared inside.
using DeclareFunction = void (*)(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                                 std::vector<Declared>* out);
using Condition = bool (*)(const SyntaxTree& tree, NodeId node);

// Declares the text of the child in field "name".
void DeclareNamed(const SyntaxTree& tree, NodeId node, ChunkKind kind, std::vector<Declared>* out);

struct NodeRule {
  std::string_view type;
  Role role = Role::kDefinition;
  ChunkKind kind = ChunkKind::kVariable;
  DeclareFunction declare = DeclareNamed;
  Condition when = nullptr;  // null: always
};

struct ReferenceTable;  // references.h

struct Grammar {
  std::string_view language;
  const TSLanguage* (*parser)(void) = nullptr;
  std::span<const NodeRule> rules;
  std::span<const std::string_view> bodies =
      {};  // node types that end a signature, beside the field "body"
  bool nested_variables =
      false;  // variables inside of variables are definitions too (configuration)
  bool join_same_names =
      false;  // neighbouring definitions of one name are one (Haskell's equations)
  std::string (*prepare)(std::string_view text) = nullptr;  // the text to parse, of the same length
  // More different indentations than this are not parsed: the scanners of some grammars overrun a
  // buffer then. 0: any.
  uint32_t max_indentations = 0;
  const ReferenceTable* references = nullptr;  // null: names are not used in this language
};

// All grammars, and the one for a language; null if there is none.
std::span<const Grammar* const> AllGrammars();
const Grammar* FindGrammar(std::string_view language);

// A grammar's rules by node type.
class RuleTable {
 public:
  explicit RuleTable(const Grammar& grammar);
  // The first rule for the node's type whose condition holds; null if there is none.
  const NodeRule* Find(const SyntaxTree& tree, NodeId node) const;
  bool EndsSignature(uint16_t type) const { return type < bodies_.size() && bodies_[type]; }

 private:
  std::span<const NodeRule> all_;
  std::vector<uint16_t> first_rule_;  // by node type: 1 + index into all_, 0 for none
  std::vector<bool> bodies_;
};
// The table of one of AllGrammars(), made at the first call.
const RuleTable& RulesOf(const Grammar& grammar);

// ---- for the tables
// ---------------------------------------------------------------------------------------

// Declares the text of `name`, unless that is kNoNode or empty.
void Declare(const SyntaxTree& tree, NodeId name, ChunkKind kind, std::vector<Declared>* out,
             std::string qualifier = "");
// The same for every child of that type, or in that field.
void DeclareChildren(const SyntaxTree& tree, NodeId node, std::string_view type, ChunkKind kind,
                     std::vector<Declared>* out);
// The text of `a.b`, `a::b`, `a:b`, `a\b` or `a->b` with dots, without template arguments and
// spaces.
std::string Dotted(std::string_view path);
// Declares `a.b.c`, written at that node with whatever separator, as "c" qualified by "a.b".
void DeclarePath(const SyntaxTree& tree, NodeId path, ChunkKind kind, std::vector<Declared>* out);
// A part of a test suite, named by the string: a symbol, not a definition.
void DeclareTest(const SyntaxTree& tree, NodeId string, std::vector<Declared>* out);
// The span without its quotes.
ByteSpan Unquoted(std::string_view text, ByteSpan span);
inline bool SpansLines(const SyntaxTree& tree, NodeId node) {
  return tree.text(node).find('\n') != std::string_view::npos;
}

extern const Grammar kBash, kC, kCpp, kCSharp, kCss, kDockerfile, kElixir, kGo, kHaskell, kJava,
    kJavaScript, kJson, kKotlin, kLua, kPhp, kPython, kRuby, kRust, kScala, kSql, kSwift, kToml,
    kTsx, kTypeScript, kYaml, kZig;

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_GRAMMAR_H_
