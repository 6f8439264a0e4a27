// What Java, C#, Kotlin, Scala and Swift refer to.
#include "chunker/references.h"

namespace codelore::chunker {
namespace {

using enum ReferenceKind;
using enum Take;

constexpr std::string_view kDot[] = {"?.", "!.", "!!.", "."};

NodeId LastChild(const SyntaxTree& tree, NodeId node) {
  NodeId last = tree.FirstChild(node);
  for (NodeId next = last; next != kNoNode; next = tree.NextSibling(next)) last = next;
  return last;
}

// ---- Java
// --------------------------------------------------------------------------------------------------

void ReferJavaTypes(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId parent = tree.Parent(node);
  if (!tree.Is(parent, "super_interfaces") && !tree.Is(parent, "extends_interfaces")) return;
  for (NodeId type = tree.FirstChild(node); type != kNoNode && !out->full();
       type = tree.NextSibling(type))
    out->Path(type, kind);
}

void ReferLastChild(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  out->Path(LastChild(out->tree(), node), kind);
}

constexpr ReferenceRule kJavaRules[] = {
    {"method_invocation", kCall, kField, "name"},
    {"method_reference", kCall, kNode, {}, ReferLastChild},
    {"object_creation_expression", kNew, kField, "type"},
    {"superclass", kInherit, kFirst},
    {"type_list", kInherit, kNode, {}, ReferJavaTypes},
    {"type_parameter", kType, kParameter},
    {"type_identifier", kType},
    {"annotation", kAnnotation, kField, "name"},
    {"marker_annotation", kAnnotation, kField, "name"},
    {"import_declaration", kImport, kFirst},
};
constexpr std::string_view kJavaSeparators[] = {"::", "."};

// ---- C#: types are plain identifiers in certain fields
// -----------------------------------------------------

constexpr ReferenceRule kCSharpRules[] = {
    {"invocation_expression", kCall, kField, "function"},
    {"object_creation_expression", kNew, kField, "type"},
    {"base_list", kInherit, kChildren},
    {"primary_constructor_base_type", kInherit, kField, "type"},
    {"attribute", kAnnotation, kField, "name"},
    {"type_parameter", kType, kParameter, "name"},
    {"using_directive", kImport, kNode, {}, ReferLastChild},
    {"type_argument_list", kType, kChildren},
    {"variable_declaration", kType, kField, "type"},
    {"parameter", kType, kField, "type"},
    {"method_declaration", kType, kField, "returns"},
    {"local_function_statement", kType, kField, "type"},
    {"delegate_declaration", kType, kField, "type"},
    {"property_declaration", kType, kField, "type"},
    {"indexer_declaration", kType, kField, "type"},
    {"event_declaration", kType, kField, "type"},
    {"operator_declaration", kType, kField, "type"},
    {"conversion_operator_declaration", kType, kField, "type"},
    {"cast_expression", kType, kField, "type"},
    {"typeof_expression", kType, kField, "type"},
    {"default_expression", kType, kField, "type"},
    {"foreach_statement", kType, kField, "type"},
    {"catch_declaration", kType, kField, "type"},
    {"declaration_pattern", kType, kField, "type"},
    {"declaration_expression", kType, kField, "type"},
    {"recursive_pattern", kType, kField, "type"},
    {"type_parameter_constraint", kType, kField, "type"},
    {"as_expression", kType, kField, "right"},
    {"is_expression", kType, kField, "right"},
    {"nullable_type", kType, kField, "type"},
    {"array_type", kType, kField, "type"},
    {"ref_type", kType, kField, "type"},
    {"tuple_element", kType, kField, "type"},
};
constexpr std::string_view kCSharpSeparators[] = {"::", "?.", "!.", "."};
constexpr std::string_view kCSharpIgnored[] = {"predefined_type", "implicit_type"};
constexpr std::string_view kCSharpIgnoredNames[] = {"var", "nameof", "dynamic"};

// ---- Kotlin
// ------------------------------------------------------------------------------------------------

// `Base(x)` or `Base`, and `Base by x`.
void ReferKotlinBase(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId base = tree.FirstChild(node);
  if (tree.Is(base, "explicit_delegation")) base = tree.FirstChild(base);
  out->Path(base, kind);
}

// `a plus b`: the word in the middle.
void ReferInfix(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId left = tree.FirstChild(node);
  NodeId word = left == kNoNode ? kNoNode : tree.NextSibling(left);
  if (tree.Is(word, "identifier")) out->Path(word, kind);
}

// `X::f`
void ReferCallable(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  NodeId last = LastChild(out->tree(), node);
  if (out->tree().Is(last, "identifier") || out->tree().Is(last, "simple_identifier"))
    out->Path(last, kind);
}

constexpr ReferenceRule kKotlinRules[] = {
    {"call_expression", kCall, kFirst},
    {"infix_expression", kCall, kNode, {}, ReferInfix},
    {"callable_reference", kCall, kNode, {}, ReferCallable},
    {"delegation_specifier", kInherit, kNode, {}, ReferKotlinBase},
    {"annotation", kAnnotation, kNode, {}, ReferLastChild},
    {"type_parameter", kType, kParameter},
    {"user_type", kType},
    {"import", kImport, kFirst},
};
constexpr std::string_view kKotlinSeparators[] = {"::", "?.", "!!.", "."};
constexpr std::string_view kKotlinCalls[] = {"constructor_invocation"};

// ---- Scala
// -------------------------------------------------------------------------------------------------

// The last part of the path, or each selected name.
void ReferScalaImport(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  ByteSpan path = {0, 0};
  NodeId last = kNoNode;
  for (NodeId child = tree.FirstChild(node); child != kNoNode && !out->full();
       child = tree.NextSibling(child)) {
    if (tree.Is(child, "identifier")) {
      if (path.size() == 0) path.begin = tree.node(child).bytes.begin;
      path.end = tree.node(child).bytes.end;
      last = child;
    } else if (tree.Is(child, "namespace_selectors")) {
      last = kNoNode;
      for (NodeId name = tree.FirstChild(child); name != kNoNode; name = tree.NextSibling(name)) {
        NodeId renamed = tree.ChildInField(name, "name");
        out->PathFrom(renamed == kNoNode ? name : renamed, kind, path);
      }
    }
  }
  if (last != kNoNode) out->Path(last, kind);
}

constexpr ReferenceRule kScalaRules[] = {
    {"call_expression", kCall, kField, "function"},
    {"infix_expression", kCall, kNode, {}, ReferInfix},
    {"instance_expression", kNew, kFirst},
    {"extends_clause", kInherit, kChildren, "type"},
    {"annotation", kAnnotation, kField, "name"},
    {"type_parameters", kType, kParameter, "name"},
    {"type_identifier", kType},
    {"import_declaration", kImport, kNode, {}, ReferScalaImport},
};
constexpr std::string_view kScalaSeparators[] = {"."};
constexpr std::string_view kScalaIgnoredNames[] = {"with"};

// ---- Swift
// -------------------------------------------------------------------------------------------------

constexpr ReferenceRule kSwiftRules[] = {
    {"call_expression", kCall, kFirst},
    {"inheritance_specifier", kInherit, kFirst},
    {"attribute", kAnnotation, kFirst},
    {"type_parameter", kType, kParameter},
    {"user_type", kType},
    {"import_declaration", kImport, kNode, {}, ReferLastChild},
};

}  // namespace

const ReferenceTable kJavaReferences = {.rules = kJavaRules, .separators = kJavaSeparators};
const ReferenceTable kCSharpReferences = {.rules = kCSharpRules,
                                          .separators = kCSharpSeparators,
                                          .ignored_types = kCSharpIgnored,
                                          .ignored_names = kCSharpIgnoredNames};
const ReferenceTable kKotlinReferences = {
    .rules = kKotlinRules, .separators = kKotlinSeparators, .calls = kKotlinCalls};
const ReferenceTable kScalaReferences = {.rules = kScalaRules,
                                         .separators = kScalaSeparators,
                                         .ignored_names = kScalaIgnoredNames,
                                         .brackets = '['};
const ReferenceTable kSwiftReferences = {.rules = kSwiftRules, .separators = kDot};

}  // namespace codelore::chunker
