// What Python, Ruby, Lua, Elixir and Bash refer to.
#include <algorithm>
#include <array>

#include "chunker/references.h"

namespace codelore::chunker {
namespace {

using enum ReferenceKind;
using enum Take;

constexpr std::string_view kDot[] = {"."};

// ---- Python
// ------------------------------------------------------------------------------------------------

void ReferPythonBases(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId bases = tree.ChildInField(node, "superclasses");
  if (bases == kNoNode) return;
  for (NodeId base = tree.FirstChild(bases); base != kNoNode && !out->full();
       base = tree.NextSibling(base)) {
    if (tree.Is(base, "keyword_argument")) base = tree.ChildInField(base, "value");
    if (base == kNoNode) return;
    if (tree.Is(base, "subscript")) out->Path(tree.FirstChild(base), kind);  // Generic[T]
    out->Path(base, kind);
  }
}

// The names in a type: those of `A | B[C]`. Arguments that the grammar takes for types come by
// themselves.
void ReferPythonType(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  constexpr size_t kMaxParts = 32;
  const SyntaxTree& tree = out->tree();
  std::array<NodeId, kMaxParts> waiting;
  size_t count = 0;
  auto add = [&](NodeId part) {
    if (part != kNoNode && count < kMaxParts) waiting[count++] = part;
  };
  add(tree.FirstChild(node));
  for (size_t i = 0; i < count; ++i) {
    NodeId part = waiting[i];
    if (tree.Is(part, "identifier") || tree.Is(part, "attribute")) {
      out->Path(part, kind);
    } else if (tree.Is(part, "generic_type")) {
      add(tree.FirstChild(part));
    } else if (tree.Is(part, "binary_operator") || tree.Is(part, "subscript") ||
               tree.Is(part, "list") || tree.Is(part, "union_type") ||
               tree.Is(part, "member_type")) {
      for (NodeId child = tree.FirstChild(part); child != kNoNode && count < kMaxParts;
           child = tree.NextSibling(child))
        add(child);
    }
  }
}

// `from a.b import c as d`: c, from a.b; and what a.b is.
void ReferPythonImport(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId module = tree.ChildInField(node, "module_name");
  if (module != kNoNode) out->Path(module, kind);
  for (NodeId name = tree.FirstChild(node); name != kNoNode && !out->full();
       name = tree.NextSibling(name)) {
    if (name == module) continue;
    NodeId path = tree.Is(name, "aliased_import") ? tree.ChildInField(name, "name") : name;
    if (!tree.Is(path, "dotted_name")) continue;
    if (module == kNoNode) {
      out->Path(path, kind);
    } else {
      out->PathFrom(path, kind, tree.node(module).bytes);
    }
  }
}

constexpr ReferenceRule kPythonRules[] = {
    {"class_definition", kInherit, kNode, {}, ReferPythonBases},
    {"decorator", kAnnotation, kFirst},
    {"call", kCall, kField, "function"},
    {"type", kType, kNode, {}, ReferPythonType},
    {"import_from_statement", kImport, kNode, {}, ReferPythonImport},
    {"import_statement", kImport, kNode, {}, ReferPythonImport},
};
constexpr std::string_view kPythonCalls[] = {"call"};
constexpr std::string_view kPythonIgnoredNames[] = {"int",   "str",  "bool",   "float",
                                                    "bytes", "None", "object", "super"};

// ---- Ruby
// --------------------------------------------------------------------------------------------------

bool IsAnyOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A call, with what some methods mean: require, include, new.
void ReferRubyCall(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId method = tree.ChildInField(node, "method");
  if (method == kNoNode) return;
  NodeId receiver = tree.ChildInField(node, "receiver");
  NodeId arguments = tree.ChildInField(node, "arguments");
  std::string_view word = tree.text(method);
  if (receiver == kNoNode && arguments != kNoNode) {
    NodeId first = tree.FirstChild(arguments);
    if (IsAnyOf(word, {"require", "require_relative", "load", "autoload"}) &&
        tree.Is(first, "string"))
      return out->Module(first);
    if (IsAnyOf(word, {"include", "extend", "prepend"})) {
      for (NodeId module = first; module != kNoNode && !out->full();
           module = tree.NextSibling(module)) {
        if (tree.Is(module, "constant") || tree.Is(module, "scope_resolution"))
          out->Path(module, kInherit);
      }
      return;
    }
  }
  if (word == "new" && (tree.Is(receiver, "constant") || tree.Is(receiver, "scope_resolution")))
    return out->Path(receiver, kNew);
  out->Path(method, kind);
}

// The last name of a path is what it means; the others are where it is.
void ReferRubyConstant(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  bool names_scope =
      tree.Is(tree.Parent(node), "scope_resolution") && tree.NextSibling(node) != kNoNode;
  if (!names_scope) out->Path(node, kind);
}

constexpr ReferenceRule kRubyRules[] = {
    {"superclass", kInherit, kFirst},
    {"call", kCall, kNode, {}, ReferRubyCall},
    {"constant", kType, kNode, {}, ReferRubyConstant},
};
constexpr std::string_view kRubySeparators[] = {"::", "&.", "."};

// ---- Lua
// ---------------------------------------------------------------------------------------------------

void ReferLuaCall(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId name = tree.ChildInField(node, "name");
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (name == kNoNode) return;
  if (tree.text(name) != "require" || arguments == kNoNode) return out->Path(name, kind);
  NodeId string = tree.FirstChild(arguments);
  if (!tree.Is(string, "string")) return;
  NodeId content = tree.ChildInField(string, "content");  // "a.b.c": a path with dots
  out->Path(content, kImport);
}

constexpr ReferenceRule kLuaRules[] = {
    {"function_call", kCall, kNode, {}, ReferLuaCall},
};
constexpr std::string_view kLuaSeparators[] = {".", ":"};

// ---- Elixir
// ------------------------------------------------------------------------------------------------

// alias X.Y, alias X.{Y, Z}
void ReferElixirModules(NodeId arguments, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId first = tree.FirstChild(arguments);
  if (!tree.Is(first, "dot")) return out->Path(first, kind);
  NodeId left = tree.ChildInField(first, "left");
  NodeId tuple = tree.ChildInField(first, "right");
  if (left == kNoNode || tuple == kNoNode) return;
  for (NodeId name = tree.FirstChild(tuple); name != kNoNode && !out->full();
       name = tree.NextSibling(name)) {
    out->PathFrom(name, kind, tree.node(left).bytes);
  }
}

// The `f(t)` of `@spec f(t) :: t`, which declares.
bool IsElixirSpecHead(const SyntaxTree& tree, NodeId node) {
  NodeId around = tree.Parent(node);
  if (tree.Is(around, "binary_operator")) {
    if (tree.FirstChild(around) != node) return false;
    around = tree.Parent(around);
  }
  if (!tree.Is(around, "arguments")) return false;
  NodeId target = tree.ChildInField(tree.Parent(around), "target");
  return target != kNoNode && IsAnyOf(tree.text(target), {"spec", "callback", "macrocallback",
                                                          "type", "typep", "opaque"});
}

void ReferElixirCall(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId target = tree.ChildInField(node, "target");
  NodeId arguments = tree.ChildOfType(node, "arguments");
  if (target == kNoNode) return;
  std::string_view word = tree.text(target);
  bool plain = tree.Is(target, "identifier") && arguments != kNoNode;
  if (plain && IsAnyOf(word, {"alias", "import", "require"}))
    return ReferElixirModules(arguments, kImport, out);
  if (plain && IsAnyOf(word, {"use", "behaviour"}))
    return ReferElixirModules(arguments, kInherit, out);
  if (!IsElixirSpecHead(tree, node)) out->Path(target, kind);
}

// `x |> f`
void ReferElixirPipe(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId operation = tree.ChildInField(node, "operator");
  NodeId right = tree.ChildInField(node, "right");
  if (operation != kNoNode && tree.text(operation) == "|>" && tree.Is(right, "identifier"))
    out->Path(right, kind);
}

constexpr ReferenceRule kElixirRules[] = {
    {"call", kCall, kNode, {}, ReferElixirCall},
    {"binary_operator", kCall, kNode, {}, ReferElixirPipe},
    {"struct", kNew, kFirst},
    {"alias", kType},
};
constexpr std::string_view kElixirIgnoredNames[] = {
    "def",         "defp",        "defmodule", "defmacro",  "defmacrop",    "defstruct", "defimpl",
    "defprotocol", "defdelegate", "defguard",  "defguardp", "defexception", "if",        "unless",
    "case",        "cond",        "with",      "for",       "try",          "receive",   "quote",
    "unquote",     "fn",          "spec",      "type",      "typep",        "opaque",    "callback",
    "doc",         "moduledoc",   "typedoc",   "impl"};

// ---- Bash
// --------------------------------------------------------------------------------------------------

void ReferBashCommand(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId name = tree.ChildInField(node, "name");
  if (name == kNoNode) return;
  std::string_view word = tree.text(name);
  if (word != "source" && word != ".") return out->Path(name, kind);
  NodeId argument = tree.ChildInField(node, "argument");
  if (tree.Is(argument, "word") || tree.Is(argument, "string") ||
      tree.Is(argument, "concatenation"))
    out->Module(argument);
}

constexpr ReferenceRule kBashRules[] = {
    {"command", kCall, kNode, {}, ReferBashCommand},
};
constexpr std::string_view kBashIgnoredNames[] = {
    "echo", "printf", "cd",   "exit",  "return", "test",  "set",  "local",   "export", "shift",
    "eval", "exec",   "true", "false", "read",   "unset", "trap", "declare", "wait",   "type"};

}  // namespace

const ReferenceTable kPythonReferences = {.rules = kPythonRules,
                                          .separators = kDot,
                                          .calls = kPythonCalls,
                                          .ignored_names = kPythonIgnoredNames};
const ReferenceTable kRubyReferences = {
    .rules = kRubyRules, .separators = kRubySeparators, .tails = "?!"};
const ReferenceTable kLuaReferences = {.rules = kLuaRules, .separators = kLuaSeparators};
const ReferenceTable kElixirReferences = {
    .rules = kElixirRules, .separators = kDot, .ignored_names = kElixirIgnoredNames, .tails = "?!"};
const ReferenceTable kBashReferences = {
    .rules = kBashRules, .separators = {}, .ignored_names = kBashIgnoredNames};

}  // namespace codelore::chunker
