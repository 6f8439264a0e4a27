// JavaScript, TypeScript, TSX, PHP and CSS.
#include "chunker/grammar.h"
#include "chunker/references.h"

extern "C" {
const TSLanguage* tree_sitter_css(void);
const TSLanguage* tree_sitter_javascript(void);
const TSLanguage* tree_sitter_php(void);
const TSLanguage* tree_sitter_tsx(void);
const TSLanguage* tree_sitter_typescript(void);
}

namespace codelore::chunker {
namespace {

using enum ChunkKind;
constexpr Role kDefinition = Role::kDefinition;
constexpr size_t kMaxReexports = 1'000;  // of one statement

// ---- JavaScript and TypeScript
// ----------------------------------------------------------------------------

bool IsFunctionValue(const SyntaxTree& tree, NodeId value) {
  if (value == kNoNode) return false;
  std::string_view type = tree.TypeName(value);
  return type == "arrow_function" || type == "function_expression" || type == "generator_function";
}

ChunkKind KindOfValue(const SyntaxTree& tree, NodeId value, ChunkKind otherwise) {
  if (IsFunctionValue(tree, value)) return kFunction;
  return value != kNoNode && tree.Is(value, "class") ? kClass : otherwise;
}

// `require("x")` or `await import("x")`.
bool IsImport(const SyntaxTree& tree, NodeId value) {
  return value != kNoNode && (tree.text(value).starts_with("require(") ||
                              tree.text(value).starts_with("await import("));
}

void DeclareJsVariable(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                       std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  NodeId value = tree.ChildInField(node, "value");
  if (name == kNoNode || !tree.Is(name, "identifier") || IsImport(tree, value)) return;
  Declare(tree, name, KindOfValue(tree, value, kind), out);
}

void DeclareJsField(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                    std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "property");
  if (name == kNoNode) name = tree.ChildInField(node, "name");
  NodeId value = tree.ChildInField(node, "value");
  Declare(tree, name, IsFunctionValue(tree, value) ? kMethod : kind, out);
}

// `key: function () {}` in an object.
void DeclareJsPair(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                   std::vector<Declared>* out) {
  NodeId key = tree.ChildInField(node, "key");
  NodeId value = tree.ChildInField(node, "value");
  if (key == kNoNode || KindOfValue(tree, value, kVariable) == kVariable) return;
  out->push_back({Unquoted(tree.text(), tree.node(key).bytes), "",
                  IsFunctionValue(tree, value) ? kind : kClass});
}

// `a.b = function () {}`, and any value for `exports.b = ...`. What stands for the module or the
// object itself is no qualifier.
void DeclareJsAssignment(const SyntaxTree& tree, NodeId node, ChunkKind,
                         std::vector<Declared>* out) {
  NodeId left = tree.ChildInField(node, "left");
  ChunkKind kind = KindOfValue(tree, tree.ChildInField(node, "right"), kVariable);
  if (left == kNoNode || !tree.Is(left, "member_expression")) return;
  NodeId object = tree.ChildInField(left, "object");
  NodeId property = tree.ChildInField(left, "property");
  if (object == kNoNode || property == kNoNode) return;
  std::string owner = Dotted(tree.text(object));
  bool exported = owner == "exports" || owner == "module.exports";
  if (kind == kVariable && !exported) return;
  if (owner.ends_with(".prototype")) {
    owner.resize(owner.size() - 10);
    kind = kMethod;
  }
  if (exported || owner == "this" || owner == "self" || owner == "window" || owner == "global" ||
      owner.size() > 60)
    owner.clear();
  Declare(tree, property, kind, out, owner);
}

// `describe("name", () => {...})`, `test.each(...)("name", ...)`.
void DeclareJsTest(const SyntaxTree& tree, NodeId node, ChunkKind, std::vector<Declared>* out) {
  NodeId function = tree.ChildInField(node, "function");
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (function == kNoNode || arguments == kNoNode) return;
  std::string_view text = tree.text(function);
  std::string_view word = text.substr(0, text.find_first_of(".("));
  if (word != "describe" && word != "it" && word != "test" && word != "context" && word != "suite")
    return;
  NodeId name = tree.FirstChild(arguments);
  if (name == kNoNode || !(tree.Is(name, "string") || tree.Is(name, "template_string")) ||
      SpansLines(tree, name))
    return;
  NodeId body = tree.NextSibling(name);
  while (body != kNoNode && !IsFunctionValue(tree, body)) body = tree.NextSibling(body);
  if (body != kNoNode) DeclareTest(tree, name, out);
}

void DeclareJsModule(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                     std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  if (name == kNoNode) return;
  if (!tree.Is(name, "string")) return DeclarePath(tree, name, kind, out);
  out->push_back({Unquoted(tree.text(), tree.node(name).bytes), "", kind});
}

// `export {a, b as c} from "./module"` makes a and c names of this module.
bool IsJsReexport(const SyntaxTree& tree, NodeId node) {
  return tree.ChildInField(node, "source") != kNoNode &&
         tree.ChildOfType(node, "export_clause") != kNoNode;
}

void DeclareJsReexport(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                       std::vector<Declared>* out) {
  NodeId names = tree.ChildOfType(node, "export_clause");
  for (NodeId name = tree.FirstChild(names); name != kNoNode && out->size() < kMaxReexports;
       name = tree.NextSibling(name)) {
    NodeId shown = tree.ChildInField(name, "alias");
    if (shown == kNoNode) shown = tree.ChildInField(name, "name");
    if (tree.Is(shown, "identifier") && tree.text(shown) != "default") Declare(tree, shown, kind, out);
  }
}

void DeclareSelf(const SyntaxTree& tree, NodeId node, ChunkKind kind, std::vector<Declared>* out) {
  Declare(tree, node, kind, out);
}

bool IsInEnum(const SyntaxTree& tree, NodeId node) {
  return tree.Parent(node) != kNoNode && tree.Is(tree.Parent(node), "enum_body");
}

bool IsInInterface(const SyntaxTree& tree, NodeId node) {
  return tree.Parent(node) != kNoNode && tree.Is(tree.Parent(node), "interface_body");
}

// One table for the three grammars: rows for what only TypeScript has do nothing in JavaScript.
constexpr NodeRule kJsRules[] = {
    {"function_declaration", kDefinition, kFunction},
    {"generator_function_declaration", kDefinition, kFunction},
    {"function_signature", kDefinition, kFunction},
    {"class_declaration", kDefinition, kClass},
    {"abstract_class_declaration", kDefinition, kClass},
    {"interface_declaration", kDefinition, kInterface},
    {"enum_declaration", kDefinition, kEnum},
    {"enum_assignment", kDefinition, kVariable},
    {"property_identifier", kDefinition, kVariable, DeclareSelf, IsInEnum},
    {"type_alias_declaration", kDefinition, kType},
    {"internal_module", kDefinition, kModule, DeclareJsModule},
    {"module", kDefinition, kModule, DeclareJsModule},
    {"method_definition", kDefinition, kMethod},
    {"method_signature", kDefinition, kMethod},
    {"abstract_method_signature", kDefinition, kMethod},
    {"property_signature", kDefinition, kVariable, DeclareNamed, IsInInterface},
    {"field_definition", kDefinition, kVariable, DeclareJsField},
    {"public_field_definition", kDefinition, kVariable, DeclareJsField},
    {"variable_declarator", kDefinition, kVariable, DeclareJsVariable},
    {"assignment_expression", kDefinition, kVariable, DeclareJsAssignment},
    {"pair", kDefinition, kMethod, DeclareJsPair},
    {"call_expression", kDefinition, kFunction, DeclareJsTest},
    {"lexical_declaration", Role::kWrapper},
    {"variable_declaration", Role::kWrapper},
    {"export_statement", kDefinition, kReexport, DeclareJsReexport, IsJsReexport},
    {"export_statement", Role::kWrapper},
    {"ambient_declaration", Role::kWrapper},
    {"expression_statement", Role::kWrapper},
    {"arrow_function", Role::kLocal},
    {"function_expression", Role::kLocal},
    {"generator_function", Role::kLocal},
    {"decorator", Role::kAttribute},
    {"comment", Role::kComment},
};
constexpr std::string_view kJsBodies[] = {"statement_block", "class_body", "interface_body",
                                          "enum_body", "object"};

// ---- PHP
// --------------------------------------------------------------------------------------------------

void DeclarePhpElement(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                       std::vector<Declared>* out) {
  if (NodeId name = tree.ChildOfType(node, "name"); name != kNoNode)
    return Declare(tree, name, kind, out);
  NodeId variable = tree.ChildInField(node, "name");
  if (variable == kNoNode) return;
  ByteSpan bytes = tree.node(variable).bytes;
  if (tree.text(variable).starts_with('$')) ++bytes.begin;
  if (bytes.size() > 0) out->push_back({bytes, "", kind});
}

void DeclarePhpNamespace(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                         std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildInField(node, "name"), kind, out);
}

// `define('NAME', value)`
void DeclarePhpDefine(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  NodeId function = tree.ChildInField(node, "function");
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (function == kNoNode || arguments == kNoNode || tree.text(function) != "define") return;
  NodeId name = tree.FirstChild(arguments);
  if (name == kNoNode) return;
  ByteSpan bytes = Unquoted(tree.text(), tree.node(name).bytes);
  if (bytes.size() > 0 && bytes.size() < tree.node(name).bytes.size())
    out->push_back({bytes, "", kind});
}

constexpr NodeRule kPhpRules[] = {
    {"function_definition", kDefinition, kFunction},
    {"method_declaration", kDefinition, kMethod},
    {"class_declaration", kDefinition, kClass},
    {"trait_declaration", kDefinition, kClass},
    {"interface_declaration", kDefinition, kInterface},
    {"enum_declaration", kDefinition, kEnum},
    {"enum_case", kDefinition, kVariable},
    {"namespace_definition", kDefinition, kModule, DeclarePhpNamespace},
    {"const_element", kDefinition, kVariable, DeclarePhpElement},
    {"property_element", kDefinition, kVariable, DeclarePhpElement},
    {"function_call_expression", kDefinition, kVariable, DeclarePhpDefine},
    {"const_declaration", Role::kWrapper},
    {"property_declaration", Role::kWrapper},
    {"expression_statement", Role::kWrapper},
    {"anonymous_function", Role::kLocal},
    {"arrow_function", Role::kLocal},
    {"attribute_list", Role::kAttribute},
    {"comment", Role::kComment},
};

// ---- CSS
// --------------------------------------------------------------------------------------------------

constexpr NodeRule kCssRules[] = {
    {"comment", Role::kComment},
};

}  // namespace

const Grammar kJavaScript = {.language = "javascript",
                             .parser = tree_sitter_javascript,
                             .rules = kJsRules,
                             .bodies = kJsBodies,
                             .references = &kJsReferences};
const Grammar kTypeScript = {.language = "typescript",
                             .parser = tree_sitter_typescript,
                             .rules = kJsRules,
                             .bodies = kJsBodies,
                             .references = &kJsReferences};
const Grammar kTsx = {
    .language = "tsx", .parser = tree_sitter_tsx, .rules = kJsRules, .bodies = kJsBodies,
                      .references = &kJsReferences};
const Grammar kPhp = {.language = "php", .parser = tree_sitter_php, .rules = kPhpRules,
                      .references = &kPhpReferences};
const Grammar kCss = {.language = "css", .parser = tree_sitter_css, .rules = kCssRules};

}  // namespace codelore::chunker
