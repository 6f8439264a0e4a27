// C and C++. Names stand deep inside of declarators; macros are blanked before parsing
// (c_macros.h).
#include <algorithm>

#include "chunker/c_macros.h"
#include "chunker/grammar.h"
#include "chunker/references.h"

extern "C" {
const TSLanguage* tree_sitter_c(void);
const TSLanguage* tree_sitter_cpp(void);
}

namespace codelore::chunker {
namespace {

constexpr int kMaxDeclaratorDepth = 32;

bool IsDeclarator(std::string_view type) { return type.ends_with("declarator"); }

// The node one step inside a declarator: `f(int)` in `*f(int)`.
NodeId InnerDeclarator(const SyntaxTree& tree, NodeId node) {
  NodeId inner = tree.ChildInField(node, "declarator");
  if (inner != kNoNode || !IsDeclarator(tree.TypeName(node))) return inner;
  for (inner = tree.FirstChild(node); inner != kNoNode; inner = tree.NextSibling(inner)) {
    std::string_view type = tree.TypeName(inner);
    if (IsDeclarator(type) || type.ends_with("identifier") || type.ends_with("_name")) return inner;
  }
  return kNoNode;
}

struct Declarator {
  NodeId name = kNoNode;
  bool is_function = false;
};

Declarator ReadDeclarator(const SyntaxTree& tree, NodeId node) {
  Declarator result;
  for (int depth = 0; node != kNoNode && depth < kMaxDeclaratorDepth; ++depth) {
    result.name = node;
    NodeId inner = InnerDeclarator(tree, node);
    // `(*f)(int)` declares a pointer.
    if (tree.Is(node, "function_declarator"))
      result.is_function = !tree.Is(inner, "parenthesized_declarator");
    if (tree.Is(node, "operator_cast")) result.is_function = true;
    if (tree.Is(node, "operator_cast") || inner == kNoNode) break;
    node = inner;
  }
  return result;
}

// Declares `A<T>::B::f` as "f" qualified by "A.B", `operator bool()` as "operator bool".
void DeclareQualified(const SyntaxTree& tree, NodeId name, ChunkKind kind,
                      std::vector<Declared>* out) {
  std::string qualifier;
  for (int depth = 0; depth < kMaxDeclaratorDepth && tree.Is(name, "qualified_identifier");
       ++depth) {
    NodeId scope = tree.ChildInField(name, "scope");
    if (scope != kNoNode) qualifier += (qualifier.empty() ? "" : ".") + Dotted(tree.text(scope));
    NodeId inner = tree.ChildInField(name, "name");
    if (inner == kNoNode) return;
    name = inner;
  }
  if (tree.Is(name, "template_function") || tree.Is(name, "template_type"))
    name = tree.ChildInField(name, "name");
  if (name == kNoNode) return;
  if (!qualifier.empty() && kind == ChunkKind::kFunction) kind = ChunkKind::kMethod;
  Declared declared = {tree.node(name).bytes, qualifier, kind};
  if (tree.Is(name, "operator_cast")) {
    std::string_view text = tree.text(name);
    declared.label = std::string(text.substr(0, text.find('(')));
  }
  if (declared.name.size() > 0) out->push_back(std::move(declared));
}

bool HasBody(const SyntaxTree& tree, NodeId node) {
  return tree.ChildInField(node, "body") != kNoNode;
}

bool IsMacroName(std::string_view name) {
  return name.size() >= 3 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// `TEST(Suite, Case) {` is named by its arguments: "Suite.Case".
void DeclareMacroCall(const SyntaxTree& tree, NodeId arguments, std::vector<Declared>* out) {
  ByteSpan bytes = tree.node(arguments).bytes;
  std::string_view text = tree.text(arguments);
  if (text.size() < 3 || text.find('\n') != std::string_view::npos) return;
  std::string label;
  for (char c : text.substr(1, text.size() - 2)) {
    if (c == ',')
      label += '.';
    else if (c != ' ')
      label += c;
  }
  out->push_back({{bytes.begin + 1, bytes.end - 1}, "", ChunkKind::kFunction, true, label});
}

void DeclareFunctionDefinition(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                               std::vector<Declared>* out) {
  NodeId declarator = tree.ChildInField(node, "declarator");
  NodeId type = tree.ChildInField(node, "type");
  if (declarator == kNoNode) return;
  if (type != kNoNode && tree.Is(declarator, "parenthesized_declarator") &&
      IsMacroName(tree.text(type))) {
    return DeclareMacroCall(tree, declarator,
                            out);  // C reads `TEST(x) {` as a type and a name in brackets
  }
  Declarator read = ReadDeclarator(tree, declarator);
  if (type == kNoNode && tree.Is(declarator, "function_declarator") &&
      IsMacroName(tree.text(read.name))) {
    return DeclareMacroCall(tree, tree.ChildInField(declarator, "parameters"), out);
  }
  DeclareQualified(tree, read.name, kind, out);
}

ChunkKind KindOfSpecifier(const SyntaxTree& tree, NodeId specifier) {
  return tree.Is(specifier, "enum_specifier") ? ChunkKind::kEnum : ChunkKind::kClass;
}

// The struct, union, class or enum that is defined in the type of a declaration.
NodeId DefinedInType(const SyntaxTree& tree, NodeId node) {
  NodeId type = tree.ChildInField(node, "type");
  return type != kNoNode && HasBody(tree, type) ? type : kNoNode;
}

void DeclareSpecifier(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  // Inside of a declaration it is declared there.
  std::string_view parent = tree.Parent(node) == kNoNode ? "" : tree.TypeName(tree.Parent(node));
  if (!HasBody(tree, node) || parent == "declaration" || parent == "type_definition") return;
  NodeId name = tree.ChildInField(node, "name");
  if (name != kNoNode) DeclareQualified(tree, name, kind, out);
}

void DeclareDeclarators(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  NodeId first = tree.ChildInField(node, "declarator");
  bool is_local = tree.Parent(node) != kNoNode && tree.Is(tree.Parent(node), "compound_statement");
  for (NodeId child = first; child != kNoNode; child = tree.NextSibling(child)) {
    if (tree.node(child).field != tree.node(first).field) continue;
    Declarator read = ReadDeclarator(tree, child);
    bool is_prototype = read.is_function && kind == ChunkKind::kVariable && !is_local;
    DeclareQualified(tree, read.name, is_prototype ? ChunkKind::kFunction : kind, out);
  }
}

// Variables, fields and prototypes; also a type defined on the way: `struct s {...} v;`.
void DeclareDeclaration(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  if (NodeId type = DefinedInType(tree, node); type != kNoNode && tree.Is(node, "declaration")) {
    Declare(tree, tree.ChildInField(type, "name"), KindOfSpecifier(tree, type), out);
  }
  DeclareDeclarators(tree, node, kind, out);
}

void DeclareTypedef(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                    std::vector<Declared>* out) {
  NodeId type = DefinedInType(tree, node);
  if (type != kNoNode) kind = KindOfSpecifier(tree, type);
  DeclareDeclarators(tree, node, kind, out);
  NodeId tag = type == kNoNode ? kNoNode : tree.ChildInField(type, "name");
  if (tag != kNoNode &&
      (out->empty() ||
       tree.text(tag) != tree.text().substr(out->front().name.begin, out->front().name.size()))) {
    Declare(tree, tag, kind, out);
  }
}

void DeclareNamespace(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildInField(node, "name"), kind, out);
}

// An include guard is not worth a look.
void DeclareMacro(const SyntaxTree& tree, NodeId node, ChunkKind kind, std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  if (name == kNoNode) return;
  std::string_view text = tree.text(name);
  bool guard = tree.ChildInField(node, "value") == kNoNode &&
               (text.ends_with("_H") || text.ends_with("_H_") || text.ends_with("_INCLUDED") ||
                text.ends_with("_HPP"));
  if (!guard) Declare(tree, name, kind, out);
}

using enum ChunkKind;
constexpr Role kDefinition = Role::kDefinition;

// One table for both: rows for what only C++ has do nothing in C.
constexpr NodeRule kRules[] = {
    {"function_definition", kDefinition, kFunction, DeclareFunctionDefinition},
    {"declaration", kDefinition, kVariable, DeclareDeclaration},
    {"field_declaration", kDefinition, kVariable, DeclareDeclaration},
    {"type_definition", kDefinition, kType, DeclareTypedef},
    {"struct_specifier", kDefinition, kClass, DeclareSpecifier},
    {"class_specifier", kDefinition, kClass, DeclareSpecifier},
    {"union_specifier", kDefinition, kClass, DeclareSpecifier},
    {"enum_specifier", kDefinition, kEnum, DeclareSpecifier},
    {"enumerator", kDefinition, kVariable},
    {"preproc_def", kDefinition, kMacro, DeclareMacro},
    {"preproc_function_def", kDefinition, kMacro, DeclareMacro},
    {"namespace_definition", kDefinition, kModule, DeclareNamespace},
    {"alias_declaration", kDefinition, kType},
    {"concept_definition", kDefinition, kInterface},
    {"template_declaration", Role::kWrapper},
    {"lambda_expression", Role::kLocal},
    {"attribute_declaration", Role::kAttribute},
    {"comment", Role::kComment},
};

constexpr std::string_view kBodies[] = {"field_declaration_list", "enumerator_list",
                                        "declaration_list",       "compound_statement",
                                        "initializer_list",       "field_initializer_list"};

}  // namespace

const Grammar kC = {.language = "c",
                    .parser = tree_sitter_c,
                    .rules = kRules,
                    .bodies = kBodies,
                    .prepare = BlankMacros,
                    .references = &kCReferences};
const Grammar kCpp = {.language = "cpp",
                      .parser = tree_sitter_cpp,
                      .rules = kRules,
                      .bodies = kBodies,
                      .prepare = BlankMacros,
                      .references = &kCReferences};

}  // namespace codelore::chunker
