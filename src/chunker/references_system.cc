// What Go, Rust, Zig and Haskell refer to.
#include <algorithm>
#include <array>

#include "chunker/references.h"

namespace codelore::chunker {
namespace {

using enum ReferenceKind;
using enum Take;

constexpr std::string_view kDot[] = {"."};

// ---- Go
// ----------------------------------------------------------------------------------------------------

// A field without a name embeds its type.
void ReferGoField(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  if (tree.ChildInField(node, "name") == kNoNode) out->Path(tree.ChildInField(node, "type"), kind);
}

// An interface that holds another one.
void ReferGoElement(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  if (tree.Is(tree.Parent(node), "interface_type")) out->Path(tree.FirstChild(node), kind);
}

constexpr ReferenceRule kGoRules[] = {
    {"call_expression", kCall, kField, "function"},
    {"composite_literal", kNew, kField, "type"},
    {"field_declaration", kInherit, kNode, {}, ReferGoField},
    {"type_elem", kInherit, kNode, {}, ReferGoElement},
    {"type_parameter_declaration", kType, kParameter, "name"},
    {"type_identifier", kType},
    {"import_spec", kImport, kModule, "path"},
};
constexpr std::string_view kGoIgnored[] = {"slice_type", "array_type", "map_type",
                                           "implicit_length_array_type", "func_literal"};
constexpr std::string_view kGoIgnoredNames[] = {
    "string", "error",  "bool",  "int",    "any",  "byte",  "rune",    "uint",    "int64",  "int32",
    "uint64", "uint32", "uint8", "uint16", "int8", "int16", "float64", "float32", "uintptr"};

// ---- Rust
// --------------------------------------------------------------------------------------------------

// Of a macro's tokens, which are not parsed: a word in front of a bracket is called.
void ReferRustTokens(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  for (NodeId word = tree.FirstChild(node); word != kNoNode && !out->full();
       word = tree.NextSibling(word)) {
    if (!tree.Is(word, "identifier")) continue;
    NodeId next = tree.NextSibling(word);
    bool called = tree.Is(next, "token_tree") && tree.text(next).starts_with('(') &&
                  tree.node(next).bytes.begin - tree.node(word).bytes.end <= 1;
    if (called) out->Path(word, kind);
  }
}

// The traits of derive(...), and any other attribute.
void ReferRustAttribute(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId name = tree.FirstChild(node);
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (name == kNoNode) return;
  if (tree.text(name) != "derive" || arguments == kNoNode) return out->Path(name, kind);
  for (NodeId word = tree.FirstChild(arguments); word != kNoNode && !out->full();
       word = tree.NextSibling(word)) {
    NodeId next = tree.NextSibling(word);
    bool last = next == kNoNode || tree.text().substr(tree.node(word).bytes.end, 1) != ":";
    if (tree.Is(word, "identifier") && last) out->Path(word, kind);
  }
}

void ReferRustUseItem(NodeId item, ByteSpan path, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  if (tree.Is(item, "use_as_clause")) item = tree.ChildInField(item, "path");
  if (tree.Is(item, "use_wildcard")) item = tree.FirstChild(item);
  if (item == kNoNode) return;
  if (path.size() > 0 && tree.Is(item, "identifier")) return out->PathFrom(item, kImport, path);
  out->Path(item, kImport);
}

void ReferRustUse(NodeId node, ReferenceKind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId argument = tree.ChildInField(node, "argument");
  if (argument != kNoNode && !tree.Is(argument, "scoped_use_list") &&
      !tree.Is(argument, "use_list"))
    ReferRustUseItem(argument, {}, out);
}

void ReferRustUseList(NodeId node, ReferenceKind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId around = tree.Parent(node);
  NodeId path = tree.Is(around, "scoped_use_list") ? tree.ChildInField(around, "path") : kNoNode;
  ByteSpan from = path == kNoNode ? ByteSpan{} : tree.node(path).bytes;
  for (NodeId item = tree.FirstChild(node); item != kNoNode && !out->full();
       item = tree.NextSibling(item)) {
    if (tree.Is(item, "self")) {
      if (path != kNoNode) out->Path(path, kImport);
    } else if (!tree.Is(item, "scoped_use_list") && !tree.Is(item, "use_list")) {
      ReferRustUseItem(item, from, out);
    }
  }
}

void ReferRustSupertraits(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId bounds = tree.ChildInField(node, "bounds");
  if (bounds == kNoNode) return;
  for (NodeId bound = tree.FirstChild(bounds); bound != kNoNode && !out->full();
       bound = tree.NextSibling(bound))
    out->Path(bound, kind);
}

constexpr ReferenceRule kRustRules[] = {
    {"call_expression", kCall, kField, "function"},
    {"macro_invocation", kCall, kField, "macro"},
    {"token_tree", kCall, kNode, {}, ReferRustTokens},
    {"struct_expression", kNew, kField, "name"},
    {"impl_item", kInherit, kField, "trait"},
    {"trait_item", kInherit, kNode, {}, ReferRustSupertraits},
    {"attribute", kAnnotation, kNode, {}, ReferRustAttribute},
    {"type_parameter", kType, kParameter, "name"},
    {"type_identifier", kType},
    {"use_declaration", kImport, kNode, {}, ReferRustUse},
    {"use_list", kImport, kNode, {}, ReferRustUseList},
};
constexpr std::string_view kRustSeparators[] = {"::", "."};
constexpr std::string_view kRustIgnored[] = {"lifetime", "primitive_type"};
constexpr std::string_view kRustIgnoredNames[] = {"Self",  "Some", "Ok",     "Err",      "cfg",
                                                  "allow", "doc",  "inline", "must_use", "test"};

// ---- Zig
// ---------------------------------------------------------------------------------------------------

// The type in *T, []const T, ?T, E!T.
void ReferZigType(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  constexpr int kMaxDepth = 8;
  const SyntaxTree& tree = out->tree();
  NodeId type = tree.ChildInField(node, "type");
  for (int depth = 0; depth < kMaxDepth && type != kNoNode; ++depth) {
    if (tree.Is(type, "identifier") || tree.Is(type, "field_expression"))
      return out->Path(type, kind);
    if (!tree.TypeName(type).ends_with("_type") || tree.Is(type, "builtin_type")) return;
    NodeId last = kNoNode;
    for (NodeId child = tree.FirstChild(type); child != kNoNode; child = tree.NextSibling(child))
      last = child;
    type = last;
  }
}

void ReferZigBuiltin(NodeId node, ReferenceKind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId arguments = tree.ChildOfType(node, "arguments");
  if (arguments == kNoNode || !tree.text(node).starts_with("@import")) return;
  if (NodeId module = tree.FirstChild(arguments); tree.Is(module, "string")) out->Module(module);
}

constexpr ReferenceRule kZigRules[] = {
    {"call_expression", kCall, kField, "function"},
    {"struct_initializer", kNew, kFirst},
    {"parameter", kType, kNode, {}, ReferZigType},
    {"container_field", kType, kNode, {}, ReferZigType},
    {"function_declaration", kType, kNode, {}, ReferZigType},
    {"variable_declaration", kType, kNode, {}, ReferZigType},
    {"builtin_function", kImport, kNode, {}, ReferZigBuiltin},
};

// ---- Haskell
// -----------------------------------------------------------------------------------------------

bool IsHaskellName(const SyntaxTree& tree, NodeId node) {
  return tree.Is(node, "variable") || tree.Is(node, "qualified") || tree.Is(node, "constructor");
}

void ReferHaskellApply(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  NodeId function = out->tree().ChildInField(node, "function");
  if (IsHaskellName(out->tree(), function)) out->Path(function, kind);
}

// A statement that is nothing but a name.
void ReferHaskellStatement(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  NodeId first = out->tree().FirstChild(node);
  if (IsHaskellName(out->tree(), first)) out->Path(first, kind);
}

// Of `f . g`, `f $ x`, `x >>= f`, ...: the operands that are functions.
void ReferHaskellInfix(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId operation = tree.ChildInField(node, "operator");
  if (operation == kNoNode) return;
  if (tree.Is(operation, "infix_id")) return out->Path(tree.FirstChild(operation), kind);
  std::string_view text = tree.text(operation);
  constexpr std::string_view kLeft[] = {".", "$", "$!", "<$>", "<$!>", "=<<", "<=<", "<$"};
  constexpr std::string_view kRight[] = {".", ">>=", ">=>", "&", ">>", "*>", "<*", "<|>"};
  NodeId left = tree.ChildInField(node, "left_operand"),
         right = tree.ChildInField(node, "right_operand");
  if (std::ranges::find(kLeft, text) != std::end(kLeft) && IsHaskellName(tree, left))
    out->Path(left, kind);
  if (std::ranges::find(kRight, text) != std::end(kRight) && IsHaskellName(tree, right))
    out->Path(right, kind);
}

void ReferHaskellImport(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId module = tree.ChildInField(node, "module");
  NodeId names = tree.ChildInField(node, "names");
  out->Path(module, kind);
  if (module == kNoNode || names == kNoNode) return;
  for (NodeId name = tree.FirstChild(names); name != kNoNode && !out->full();
       name = tree.NextSibling(name)) {
    if (tree.Is(name, "import_name"))
      out->PathFrom(tree.FirstChild(name), kind, tree.node(module).bytes);
  }
}

void ReferHaskellDeriving(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId classes = tree.ChildInField(node, "classes");
  if (classes == kNoNode) return;
  if (tree.Is(classes, "name")) return out->Path(classes, kind);
  for (NodeId name = tree.FirstChild(classes); name != kNoNode && !out->full();
       name = tree.NextSibling(name))
    out->Path(name, kind);
}

constexpr ReferenceRule kHaskellRules[] = {
    {"apply", kCall, kNode, {}, ReferHaskellApply},
    {"infix", kCall, kNode, {}, ReferHaskellInfix},
    {"exp", kCall, kNode, {}, ReferHaskellStatement},
    {"instance", kInherit, kField, "name"},
    {"deriving", kInherit, kNode, {}, ReferHaskellDeriving},
    {"name", kType},
    {"import", kImport, kNode, {}, ReferHaskellImport},
};

}  // namespace

const ReferenceTable kGoReferences = {.rules = kGoRules,
                                      .separators = kDot,
                                      .ignored_types = kGoIgnored,
                                      .ignored_names = kGoIgnoredNames,
                                      .brackets = '['};
const ReferenceTable kRustReferences = {.rules = kRustRules,
                                        .separators = kRustSeparators,
                                        .ignored_types = kRustIgnored,
                                        .ignored_names = kRustIgnoredNames};
const ReferenceTable kZigReferences = {.rules = kZigRules, .separators = kDot};
const ReferenceTable kHaskellReferences = {
    .rules = kHaskellRules, .separators = kDot, .tails = "'", .capital_qualifiers = true};

}  // namespace codelore::chunker
