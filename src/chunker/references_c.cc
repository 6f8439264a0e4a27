// What C, C++ and SQL refer to.
#include "chunker/references.h"

namespace codelore::chunker {
namespace {

using enum ReferenceKind;
using enum Take;

// ---- C and C++: rows for what only C++ has do nothing in C
// ------------------------------------------------

constexpr ReferenceRule kCRules[] = {
    {"call_expression", kCall, kField, "function"},
    {"new_expression", kNew, kField, "type"},
    {"compound_literal_expression", kNew, kField, "type"},
    {"base_class_clause", kInherit, kChildren},
    {"type_parameter_declaration", kType, kParameter},
    {"optional_type_parameter_declaration", kType, kParameter, "name"},
    {"variadic_type_parameter_declaration", kType, kParameter},
    {"type_identifier", kType},
    {"attribute", kAnnotation, kField, "name"},
    {"preproc_include", kImport, kModule, "path"},
    {"using_declaration", kImport, kFirst},
};
constexpr std::string_view kCSeparators[] = {"::", "->", "."};
constexpr std::string_view kCIgnored[] = {
    "access_specifier",     "primitive_type",   "sized_type_specifier", "auto",
    "macro_type_specifier", "struct_specifier", "class_specifier",      "union_specifier",
    "enum_specifier"};
constexpr std::string_view kCIgnoredNames[] = {
    "static_cast", "dynamic_cast", "reinterpret_cast", "const_cast", "sizeof",
    "defined",     "decltype",     "alignof",          "noexcept",   "__attribute__"};

// ---- SQL
// ---------------------------------------------------------------------------------------------------

// A table; but the table in front of a column may as well be an alias.
void ReferSqlObject(NodeId node, ReferenceKind kind, ReferenceSink* out) {
  const SyntaxTree& tree = out->tree();
  NodeId parent = tree.Parent(node);
  if (tree.Is(parent, "field")) return;
  out->Path(node, tree.Is(parent, "invocation") ? kCall : kind);
}

constexpr ReferenceRule kSqlRules[] = {
    {"object_reference", kType, kNode, {}, ReferSqlObject},
};
constexpr std::string_view kSqlSeparators[] = {"."};

}  // namespace

const ReferenceTable kCReferences = {.rules = kCRules,
                                     .separators = kCSeparators,
                                     .ignored_types = kCIgnored,
                                     .ignored_names = kCIgnoredNames};
const ReferenceTable kSqlReferences = {.rules = kSqlRules, .separators = kSqlSeparators};

}  // namespace codelore::chunker
