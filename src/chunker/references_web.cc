// What JavaScript, TypeScript, TSX and PHP refer to.
#include "chunker/references.h"

namespace codelore::chunker {
namespace {

using enum ReferenceKind;
using enum Take;

// ---- JavaScript and TypeScript
// -----------------------------------------------------------------------------

void ReferJsCall(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId function = tree.ChildInField(node, "function");
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (function == kNoNode) return;
  bool imports = tree.Is(function, "import") || tree.text(function) == "require";
  if (!imports) return out->Path(function, kind);
  NodeId first = arguments == kNoNode ? kNoNode : tree.FirstChild(arguments);
  if (tree.Is(first, "string")) out->Module(first);
}

// What is imported or exported again, each qualified by where it comes from.
void ReferJsNames(NodeId names, ByteSpan source, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  for (NodeId name = tree.FirstChild(names); name != kNoNode && !out->full();
       name = tree.NextSibling(name)) {
    NodeId own = tree.ChildInField(name, "name");
    if (own != kNoNode) out->PathFrom(own, kImport, source, /*is_module=*/true);
  }
}

void ReferJsImport(NodeId node, ReferenceKind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId string = tree.ChildInField(node, "source");
  if (string == kNoNode) return;
  ByteSpan source = Unquoted(tree.text(), tree.node(string).bytes);
  out->Module(string);
  for (NodeId clause = tree.FirstChild(node); clause != kNoNode;
       clause = tree.NextSibling(clause)) {
    if (tree.Is(clause, "export_clause")) ReferJsNames(clause, source, out);
    if (!tree.Is(clause, "import_clause")) continue;
    for (NodeId part = tree.FirstChild(clause); part != kNoNode; part = tree.NextSibling(part)) {
      if (tree.Is(part, "identifier")) out->PathFrom(part, kImport, source, /*is_module=*/true);
      if (tree.Is(part, "named_imports")) ReferJsNames(part, source, out);
    }
  }
}

// JavaScript has the base class right there, TypeScript in a clause of its own.
void ReferJsHeritage(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId first = tree.FirstChild(node);
  if (first != kNoNode && !tree.TypeName(first).ends_with("_clause")) out->Path(first, kind);
}

// `<Component/>`: names in lower case are HTML.
void ReferJsx(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  NodeId name = out->tree().ChildInField(node, "name");
  if (name == kNoNode) return;
  std::string_view text = out->tree().text(name);
  bool html = text[0] >= 'a' && text[0] <= 'z' && text.find('.') == std::string_view::npos;
  if (!html) out->Path(name, kind);
}

// One table for the three grammars: rows for what only TypeScript has do nothing in JavaScript.
constexpr ReferenceRule kJsRules[] = {
    {"decorator", kAnnotation, kFirst},
    {"call_expression", kCall, kNode, {}, ReferJsCall},
    {"new_expression", kNew, kField, "constructor"},
    {"jsx_opening_element", kNew, kNode, {}, ReferJsx},
    {"jsx_self_closing_element", kNew, kNode, {}, ReferJsx},
    {"class_heritage", kInherit, kNode, {}, ReferJsHeritage},
    {"extends_clause", kInherit, kField, "value"},
    {"implements_clause", kInherit, kChildren},
    {"extends_type_clause", kInherit, kChildren, "type"},
    {"type_parameter", kType, kParameter, "name"},
    {"type_identifier", kType},
    {"type_query", kType, kFirst},
    {"import_statement", kImport, kNode, {}, ReferJsImport},
    {"export_statement", kImport, kNode, {}, ReferJsImport},
};
constexpr std::string_view kJsSeparators[] = {"?.", "!.", "."};
constexpr std::string_view kJsCalls[] = {"call_expression"};
constexpr std::string_view kJsIgnored[] = {"super", "this", "parenthesized_expression",
                                           "type_arguments"};

// ---- PHP
// ---------------------------------------------------------------------------------------------------

// `use A\B`, `use A\{B, C}`: the first child that is a path.
void ReferPhpUse(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId group = tree.Parent(node);
  NodeId prefix = tree.Is(group, "namespace_use_group")
                      ? tree.ChildOfType(tree.Parent(group), "namespace_name")
                      : kNoNode;
  for (NodeId path = tree.FirstChild(node); path != kNoNode; path = tree.NextSibling(path)) {
    if (!tree.Is(path, "name") && !tree.Is(path, "qualified_name")) continue;
    if (prefix != kNoNode && tree.Is(path, "name"))
      return out->PathFrom(path, kind, tree.node(prefix).bytes);
    return out->Path(path, kind);
  }
}

void ReferPhpInstanceof(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId operation = tree.ChildInField(node, "operator");
  NodeId right = tree.ChildInField(node, "right");
  bool named = tree.Is(right, "name") || tree.Is(right, "qualified_name");
  if (operation != kNoNode && named && tree.text(operation) == "instanceof") out->Path(right, kind);
}

void ReferPhpNew(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  NodeId type = out->tree().FirstChild(node);
  if (out->tree().Is(type, "name") || out->tree().Is(type, "qualified_name")) out->Path(type, kind);
}

// `A::f()` and `A::B` use the class A, too.
void ReferPhpScoped(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  NodeId scope = out->tree().FirstChild(node);
  if (out->tree().Is(scope, "name") || out->tree().Is(scope, "qualified_name"))
    out->Path(scope, kType);
  if (kind == kCall) out->Path(out->tree().ChildInField(node, "name"), kind);
}

constexpr ReferenceRule kPhpRules[] = {
    {"function_call_expression", kCall, kField, "function"},
    {"member_call_expression", kCall, kField, "name"},
    {"nullsafe_member_call_expression", kCall, kField, "name"},
    {"scoped_call_expression", kCall, kNode, {}, ReferPhpScoped},
    {"class_constant_access_expression", kType, kNode, {}, ReferPhpScoped},
    {"object_creation_expression", kNew, kNode, {}, ReferPhpNew},
    {"base_clause", kInherit, kChildren},
    {"class_interface_clause", kInherit, kChildren},
    {"use_declaration", kInherit, kChildren},
    {"attribute", kAnnotation, kFirst},
    {"named_type", kType},
    {"binary_expression", kType, kNode, {}, ReferPhpInstanceof},
    {"namespace_use_clause", kImport, kNode, {}, ReferPhpUse},
};
constexpr std::string_view kPhpSeparators[] = {"?->", "->", "::", "\\"};
constexpr std::string_view kPhpIgnored[] = {"use_list", "variable_name",
                                            "parenthesized_expression"};
constexpr std::string_view kPhpIgnoredNames[] = {"self", "static", "parent"};

}  // namespace

const ReferenceTable kJsReferences = {
    .rules = kJsRules, .separators = kJsSeparators, .calls = kJsCalls, .ignored_types = kJsIgnored};
const ReferenceTable kPhpReferences = {.rules = kPhpRules,
                                       .separators = kPhpSeparators,
                                       .ignored_types = kPhpIgnored,
                                       .ignored_names = kPhpIgnoredNames};

}  // namespace codelore::chunker
