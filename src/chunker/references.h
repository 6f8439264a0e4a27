// References: where a file uses names that may be defined elsewhere: calls, types, base classes,
// annotations, imports, constructors. Read off the syntax tree by a table per language, like the
// outline (grammar.h).
//
// Most rows only say which node holds the path; the name is the last word of its text, and the
// qualifier is read off the text in front of that. This works on bytes, so it is the same for every
// grammar, however it nests a path. All of it is constant and thread-safe.
#ifndef CODELORE_CHUNKER_REFERENCES_H_
#define CODELORE_CHUNKER_REFERENCES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "chunker/grammar.h"
#include "chunker/syntax_tree.h"
#include "codelore/chunk.h"

namespace codelore::chunker {

struct ReferenceTable;

// Collects the references of one file.
class ReferenceSink {
 public:
  ReferenceSink(const ReferenceTable& table, const TSLanguage* parser, const SyntaxTree& tree);

  const SyntaxTree& tree() const { return tree_; }
  // The last word of the path that `node` ends with, with what stands before it. Nothing if there
  // is no such word.
  void Path(NodeId node, ReferenceKind kind);
  // The same with this text as the qualifier: a path, or a module as it is written.
  void PathFrom(NodeId node, ReferenceKind kind, ByteSpan qualifier, bool is_module = false);
  // The module or header that a string names: the last part of its path, qualified by the rest.
  void Module(NodeId string);
  // A name that is declared here and stands for no definition: a type parameter. Uses of it in this
  // file are left out.
  void Parameter(NodeId name);

  // Sorted by position, each place once: what was found first there counts. Empties the sink.
  std::vector<Reference> Finish(const std::vector<Definition>& definitions);
  bool full() const { return found_.size() >= kMaxReferencesPerFile; }

 private:
  struct Found {
    ByteSpan name, qualifier;
    ReferenceKind kind;
    bool module;  // the qualifier is a path as it is written
  };
  ByteSpan LastWord(NodeId node) const;
  ByteSpan QualifierBefore(uint32_t name_begin) const;
  NodeId Callee(NodeId node) const;
  std::string QualifierText(const Found& found) const;
  bool IsLeftOut(const Found& found) const;

  const ReferenceTable& table_;
  const SyntaxTree& tree_;
  std::vector<bool> ignored_types_, calls_;  // by node type
  std::vector<Found> found_;
  std::vector<std::string_view> parameters_;
};

// Which part of a node is the path.
enum class Take : uint8_t {
  kNode,
  kField,      // the child in ReferenceRule::field
  kFirst,      // the first child
  kChildren,   // each child is one; with a field: each child in it
  kModule,     // the child in ReferenceRule::field, a string, is a module
  kParameter,  // the child in ReferenceRule::field, or the first, is a type parameter's name
};

using ReferFunction = void (*)(NodeId node, ReferenceKind kind, ReferenceSink* out);

struct ReferenceRule {
  std::string_view type;
  ReferenceKind kind = ReferenceKind::kCall;
  Take take = Take::kNode;
  std::string_view field = {};
  ReferFunction refer = nullptr;  // instead of `take`
};

struct ReferenceTable {
  std::span<const ReferenceRule> rules;
  std::span<const std::string_view> separators;  // between the words of a path, the longest first
  std::span<const std::string_view> calls =
      {};  // node types whose first child is the path: `f(x)` in `@f(x)`
  std::span<const std::string_view> ignored_types =
      {};  // node types that are no names: built-in types
  std::span<const std::string_view> ignored_names =
      {};                       // words of the language that look like names
  char brackets = '<';          // that enclose type arguments: < or [
  std::string_view tails = {};  // characters that a word may end with, beside letters: ?!
  bool capital_qualifiers =
      false;  // a lower-case word before a separator is no qualifier (Haskell's f.g)
};

// In order of position, at most kMaxReferencesPerFile. `definitions` in order of their names.
std::vector<Reference> CollectReferences(const Grammar& grammar, const SyntaxTree& tree,
                                         const std::vector<Definition>& definitions);

extern const ReferenceTable kBashReferences, kCReferences, kCSharpReferences, kElixirReferences,
    kGoReferences, kHaskellReferences, kJavaReferences, kJsReferences, kKotlinReferences,
    kLuaReferences, kPhpReferences, kPythonReferences, kRubyReferences, kRustReferences,
    kScalaReferences, kSqlReferences, kSwiftReferences, kZigReferences;

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_REFERENCES_H_
