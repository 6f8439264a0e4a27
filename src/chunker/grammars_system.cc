// Go, Rust, Zig and Haskell.
#include <algorithm>
#include <cctype>
#include <utility>

#include "chunker/grammar.h"
#include "chunker/references.h"

extern "C" {
const TSLanguage* tree_sitter_go(void);
const TSLanguage* tree_sitter_haskell(void);
const TSLanguage* tree_sitter_rust(void);
const TSLanguage* tree_sitter_zig(void);
}

namespace codelore::chunker {
namespace {

using enum ChunkKind;
constexpr Role kDefinition = Role::kDefinition;
constexpr size_t kMaxReexports = 200;     // of one statement
constexpr size_t kMaxMacroBytes = 1'000;  // of a macro call that is searched for what it defines

// ---- Go
// ---------------------------------------------------------------------------------------------------

// The "Cache" of `(c *Cache[K, V])`.
std::string GoReceiver(const SyntaxTree& tree, NodeId node) {
  NodeId receiver = tree.ChildInField(node, "receiver");
  NodeId parameter =
      receiver == kNoNode ? kNoNode : tree.ChildOfType(receiver, "parameter_declaration");
  NodeId type = parameter == kNoNode ? kNoNode : tree.ChildInField(parameter, "type");
  if (type == kNoNode) return "";
  std::string_view text = tree.text(type);
  text.remove_prefix(std::min(text.find_first_not_of("*("), text.size()));
  return Dotted(text.substr(0, text.find_first_of("[)")));
}

void DeclareGoMethod(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                     std::vector<Declared>* out) {
  Declare(tree, tree.ChildInField(node, "name"), kind, out, GoReceiver(tree, node));
}

void DeclareGoType(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                   std::vector<Declared>* out) {
  NodeId type = tree.ChildInField(node, "type");
  if (tree.Is(type, "struct_type")) kind = kClass;
  if (tree.Is(type, "interface_type")) kind = kInterface;
  DeclareNamed(tree, node, kind, out);
}

// const a, b = 1, 2; fields `a, b int`.
void DeclareGoNames(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                    std::vector<Declared>* out) {
  NodeId first = tree.ChildInField(node, "name");
  if (first == kNoNode) return;
  for (NodeId name = first; name != kNoNode; name = tree.NextSibling(name)) {
    if (tree.node(name).field == tree.node(first).field && tree.text(name) != "_")
      Declare(tree, name, kind, out);
  }
}

constexpr NodeRule kGoRules[] = {
    {"function_declaration", kDefinition, kFunction},
    {"method_declaration", kDefinition, kMethod, DeclareGoMethod},
    {"method_elem", kDefinition, kMethod},
    {"type_spec", kDefinition, kType, DeclareGoType},
    {"type_alias", kDefinition, kType},
    {"const_spec", kDefinition, kVariable, DeclareGoNames},
    {"var_spec", kDefinition, kVariable, DeclareGoNames},
    {"field_declaration", kDefinition, kVariable, DeclareGoNames},
    {"type_declaration", Role::kWrapper},
    {"const_declaration", Role::kWrapper},
    {"var_declaration", Role::kWrapper},
    {"func_literal", Role::kLocal},
    {"comment", Role::kComment},
};
constexpr std::string_view kGoBodies[] = {"field_declaration_list", "method_elem", "literal_value"};

// ---- Rust
// -------------------------------------------------------------------------------------------------

// The name of the type that is implemented: `Router` of `impl<S> Display for &Router<S>`.
void DeclareRustImpl(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                     std::vector<Declared>* out) {
  NodeId type = tree.ChildInField(node, "type");
  if (tree.Is(type, "reference_type")) type = tree.ChildInField(type, "type");
  if (type == kNoNode) return;
  DeclarePath(tree, type, kind, out);
  if (out->empty()) return;
  out->back().qualifier.clear();
  out->back().listed = false;
}

void DeclareRustModule(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                       std::vector<Declared>* out) {
  if (tree.ChildInField(node, "body") != kNoNode) DeclareNamed(tree, node, kind, out);
}

// A macro around one item, at file level: `define_rejection! { pub struct X; }`. Its tokens are not
// parsed.
void DeclareRustMacroCall(const SyntaxTree& tree, NodeId node, ChunkKind,
                          std::vector<Declared>* out) {
  constexpr std::pair<std::string_view, ChunkKind> kKeys[] = {
      {"struct ", kClass}, {"enum ", kEnum},           {"trait ", kInterface},
      {"fn ", kFunction},  {"static ref ", kVariable}, {"static ", kVariable}};
  NodeId tokens = tree.ChildOfType(node, "token_tree");
  if (tokens == kNoNode) return;
  std::string_view text = tree.text(tokens).substr(0, kMaxMacroBytes);
  for (auto [key, kind] : kKeys) {
    size_t at = text.find(key);
    bool is_word = at != std::string_view::npos && at > 0 &&
                   (text[at - 1] == ' ' || text[at - 1] == '\n' || text[at - 1] == '{');
    if (!is_word) continue;
    auto begin = static_cast<uint32_t>(tree.node(tokens).bytes.begin + at + key.size());
    uint32_t end = begin;
    while (end < tree.node(tokens).bytes.end &&
           (std::isalnum(static_cast<unsigned char>(tree.text()[end])) || tree.text()[end] == '_'))
      ++end;
    if (end > begin) out->push_back({{begin, end}, "", kind});
    return;
  }
}

// `pub use a::b::{C, D as E};` makes C and E names of this module.
bool IsRustReexport(const SyntaxTree& tree, NodeId node) {
  NodeId visibility = tree.ChildOfType(node, "visibility_modifier");
  return visibility != kNoNode && tree.text(visibility) == "pub";
}

void DeclareRustReexport(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                         std::vector<Declared>* out) {
  auto is_item = [&](NodeId id) { return tree.Parent(id) == node || tree.Is(tree.Parent(id), "use_list"); };
  for (NodeId id = node + 1; id < tree.node(node).subtree_end && out->size() < kMaxReexports; ++id) {
    if (!tree.Is(id, "identifier")) continue;
    NodeId parent = tree.Parent(id);
    bool named = (tree.Is(parent, "use_as_clause") && tree.ChildInField(parent, "alias") == id) ||
                 (tree.Is(parent, "scoped_identifier") && is_item(parent) &&
                  tree.ChildInField(parent, "name") == id);
    if (named || is_item(id)) Declare(tree, id, kind, out);
  }
}

bool IsRustItem(const SyntaxTree& tree, NodeId node) {
  NodeId parent = tree.Parent(node);
  if (tree.Is(parent, "expression_statement")) parent = tree.Parent(parent);
  return tree.Is(parent, "source_file") || tree.Is(parent, "declaration_list");
}

constexpr NodeRule kRustRules[] = {
    {"function_item", kDefinition, kFunction},
    {"function_signature_item", kDefinition, kFunction},
    {"struct_item", kDefinition, kClass},
    {"union_item", kDefinition, kClass},
    {"enum_item", kDefinition, kEnum},
    {"enum_variant", kDefinition, kVariable},
    {"field_declaration", kDefinition, kVariable},
    {"trait_item", kDefinition, kInterface},
    {"impl_item", kDefinition, kClass, DeclareRustImpl},
    {"type_item", kDefinition, kType},
    {"associated_type", kDefinition, kType},
    {"const_item", kDefinition, kVariable},
    {"static_item", kDefinition, kVariable},
    {"mod_item", kDefinition, kModule, DeclareRustModule},
    {"macro_definition", kDefinition, kMacro},
    {"macro_invocation", kDefinition, kVariable, DeclareRustMacroCall, IsRustItem},
    {"use_declaration", kDefinition, kReexport, DeclareRustReexport, IsRustReexport},
    {"expression_statement", Role::kWrapper},
    {"closure_expression", Role::kLocal},
    {"attribute_item", Role::kAttribute},
    {"line_comment", Role::kComment},
    {"block_comment", Role::kComment},
};
constexpr std::string_view kRustBodies[] = {"macro_rule"};

// ---- Zig
// --------------------------------------------------------------------------------------------------

void DeclareZigVariable(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  NodeId name = tree.FirstChild(node);
  if (!tree.Is(name, "identifier") || tree.text(name) == "_") return;
  for (NodeId value = tree.NextSibling(name); value != kNoNode; value = tree.NextSibling(value)) {
    std::string_view type = tree.TypeName(value);
    if (type == "struct_declaration" || type == "union_declaration" || type == "opaque_declaration")
      kind = kClass;
    if (type == "enum_declaration" || type == "error_set_declaration") kind = kEnum;
    if (type == "builtin_function" && tree.text(value).starts_with("@import")) return;
  }
  Declare(tree, name, kind, out);
}

void DeclareZigTest(const SyntaxTree& tree, NodeId node, ChunkKind, std::vector<Declared>* out) {
  NodeId name = tree.FirstChild(node);
  if (tree.Is(name, "string") || tree.Is(name, "identifier")) DeclareTest(tree, name, out);
}

constexpr NodeRule kZigRules[] = {
    {"function_declaration", kDefinition, kFunction},
    {"variable_declaration", kDefinition, kVariable, DeclareZigVariable},
    {"container_field", kDefinition, kVariable},
    {"test_declaration", kDefinition, kFunction, DeclareZigTest},
    {"comptime_declaration", Role::kLocal},
    {"comment", Role::kComment},
};

// Where the members of a container begin; it has no node for its body.
constexpr std::string_view kZigBodies[] = {"container_field", "function_declaration",
                                           "variable_declaration", "block"};

// ---- Haskell
// ----------------------------------------------------------------------------------------------

bool IsHaskellTopLevel(const SyntaxTree& tree, NodeId node) {
  NodeId parent = tree.Parent(node);
  return parent != kNoNode && tree.TypeName(parent).ends_with("declarations");
}

// The operator of `a |+| b = ...`, or of `a `on` b = ...`.
NodeId HaskellInfix(const SyntaxTree& tree, NodeId node) {
  NodeId infix = tree.ChildOfType(node, "infix");
  NodeId operation = infix == kNoNode ? kNoNode : tree.ChildInField(infix, "operator");
  NodeId variable = tree.Is(operation, "infix_id") ? tree.FirstChild(operation) : kNoNode;
  return variable == kNoNode ? operation : variable;
}

void DeclareHaskellName(const SyntaxTree& tree, NodeId name, ChunkKind kind,
                        std::vector<Declared>* out) {
  NodeId operation = tree.Is(name, "prefix_id") ? tree.FirstChild(name) : kNoNode;  // (|+|)
  Declare(tree, operation == kNoNode ? name : operation, kind, out);
}

// What classes and instances bind are methods, also without arguments.
ChunkKind InClass(const SyntaxTree& tree, NodeId node, ChunkKind kind) {
  return tree.Is(tree.Parent(node), "declarations") ? kind : kMethod;
}

void DeclareHaskellFunction(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                            std::vector<Declared>* out) {
  kind = InClass(tree, node, kind);
  NodeId name = tree.ChildInField(node, "name");
  if (name == kNoNode) name = HaskellInfix(tree, node);
  if (name != kNoNode) DeclareHaskellName(tree, name, kind, out);
}

void DeclareHaskellSignature(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                             std::vector<Declared>* out) {
  if (tree.text(node).find("->") != std::string_view::npos) kind = kFunction;
  kind = InClass(tree, node, kind);
  if (NodeId name = tree.ChildInField(node, "name"); name != kNoNode)
    return DeclareHaskellName(tree, name, kind, out);
  NodeId names = tree.ChildInField(node, "names");
  if (names == kNoNode) return;
  for (NodeId name = tree.FirstChild(names); name != kNoNode; name = tree.NextSibling(name)) {
    DeclareHaskellName(tree, name, kind, out);
  }
}

void DeclareHaskellInstance(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                            std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  NodeId patterns = tree.ChildInField(node, "patterns");
  Declare(tree, name, kind, out);
  if (out->empty()) return;
  out->back().listed = false;
  if (patterns != kNoNode && tree.node(patterns).bytes.size() < 60) {
    out->back().label = std::string(tree.text(name)) + " " + std::string(tree.text(patterns));
  }
}

void DeclareHaskellConstructor(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                               std::vector<Declared>* out) {
  NodeId constructor = tree.ChildInField(node, "constructor");
  if (constructor == kNoNode) return;
  NodeId name = tree.ChildInField(constructor, "name");
  Declare(tree, name == kNoNode ? tree.ChildInField(constructor, "operator") : name, kind, out);
}

void DeclareHaskellField(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                         std::vector<Declared>* out) {
  DeclareChildren(tree, node, "field_name", kind, out);
}

void DeclareHaskellModule(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                          std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildInField(node, "module"), kind, out);
}

constexpr NodeRule kHaskellRules[] = {
    {"header", kDefinition, kModule, DeclareHaskellModule},
    {"signature", kDefinition, kVariable, DeclareHaskellSignature, IsHaskellTopLevel},
    {"function", kDefinition, kFunction, DeclareHaskellFunction, IsHaskellTopLevel},
    {"bind", kDefinition, kVariable, DeclareHaskellFunction, IsHaskellTopLevel},
    {"data_type", kDefinition, kClass},
    {"data_family", kDefinition, kClass},
    {"newtype", kDefinition, kClass},
    {"data_constructor", kDefinition, kVariable, DeclareHaskellConstructor},
    {"newtype_constructor", kDefinition, kVariable},
    {"gadt_constructor", kDefinition, kVariable},
    {"field", kDefinition, kVariable, DeclareHaskellField},
    {"type_synonym", kDefinition, kType},
    {"type_family", kDefinition, kType},
    {"class", kDefinition, kInterface},
    {"instance", kDefinition, kClass, DeclareHaskellInstance},
    {"lambda", Role::kLocal},
    {"comment", Role::kComment},
    {"haddock", Role::kComment},
};
constexpr std::string_view kHaskellBodies[] = {"class_declarations", "instance_declarations",
                                               "match", "data_constructors"};

}  // namespace

const Grammar kGo = {
    .language = "go", .parser = tree_sitter_go, .rules = kGoRules, .bodies = kGoBodies,
                     .references = &kGoReferences};
const Grammar kRust = {
    .language = "rust", .parser = tree_sitter_rust, .rules = kRustRules, .bodies = kRustBodies,
                       .references = &kRustReferences};
const Grammar kZig = {
    .language = "zig", .parser = tree_sitter_zig, .rules = kZigRules, .bodies = kZigBodies,
                      .references = &kZigReferences};
const Grammar kHaskell = {.language = "haskell",
                          .parser = tree_sitter_haskell,
                          .rules = kHaskellRules,
                          .bodies = kHaskellBodies,
                          .join_same_names = true,
                          .references = &kHaskellReferences};

}  // namespace codelore::chunker
