// Java, C#, Kotlin, Scala and Swift: classes with members.
#include "chunker/grammar.h"
#include "chunker/references.h"

extern "C" {
const TSLanguage* tree_sitter_java(void);
const TSLanguage* tree_sitter_c_sharp(void);
const TSLanguage* tree_sitter_kotlin(void);
const TSLanguage* tree_sitter_scala(void);
const TSLanguage* tree_sitter_swift(void);
}

namespace codelore::chunker {
namespace {

using enum ChunkKind;
constexpr Role kDefinition = Role::kDefinition;

// ---- Java
// -------------------------------------------------------------------------------------------------

void DeclareJavaField(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  for (NodeId child = tree.FirstChild(node); child != kNoNode; child = tree.NextSibling(child)) {
    if (tree.Is(child, "variable_declarator")) DeclareNamed(tree, child, kind, out);
  }
}

constexpr NodeRule kJavaRules[] = {
    {"class_declaration", kDefinition, kClass},
    {"record_declaration", kDefinition, kClass},
    {"interface_declaration", kDefinition, kInterface},
    {"annotation_type_declaration", kDefinition, kInterface},
    {"enum_declaration", kDefinition, kEnum},
    {"enum_constant", kDefinition, kVariable},
    {"method_declaration", kDefinition, kMethod},
    {"constructor_declaration", kDefinition, kMethod},
    {"compact_constructor_declaration", kDefinition, kMethod},
    {"annotation_type_element_declaration", kDefinition, kMethod},
    {"field_declaration", kDefinition, kVariable, DeclareJavaField},
    {"constant_declaration", kDefinition, kVariable, DeclareJavaField},
    {"module_declaration", kDefinition, kModule},
    {"lambda_expression", Role::kLocal},
    {"annotation", Role::kAttribute},
    {"marker_annotation", Role::kAttribute},
    {"line_comment", Role::kComment},
    {"block_comment", Role::kComment},
};

// ---- C#
// ---------------------------------------------------------------------------------------------------

void DeclareCSharpField(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  NodeId variables = tree.ChildOfType(node, "variable_declaration");
  if (variables == kNoNode) return;
  for (NodeId child = tree.FirstChild(variables); child != kNoNode;
       child = tree.NextSibling(child)) {
    if (tree.Is(child, "variable_declarator")) DeclareNamed(tree, child, kind, out);
  }
}

void DeclareCSharpNamespace(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                            std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildInField(node, "name"), kind, out);
}

// `operator +` and `this[...]`: named by what is written between the type and the parameters.
void DeclareCSharpOperator(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                           std::vector<Declared>* out) {
  NodeId type = tree.ChildInField(node, "type");
  NodeId parameters = tree.ChildInField(node, "parameters");
  if (type == kNoNode || parameters == kNoNode) return;
  bool conversion = tree.node(type).bytes.end <= tree.node(parameters).bytes.begin &&
                    tree.Is(node, "conversion_operator_declaration");
  ByteSpan name = {conversion ? tree.node(type).bytes.begin : tree.node(type).bytes.end,
                   tree.node(parameters).bytes.begin};
  std::string_view text = tree.text();
  while (name.begin < name.end && text[name.begin] == ' ') ++name.begin;
  if (name.size() == 0) return;
  std::string label = conversion ? "operator " + std::string(tree.text(type)) : "";
  out->push_back({name, "", kind, true, label});
}

constexpr NodeRule kCSharpRules[] = {
    {"class_declaration", kDefinition, kClass},
    {"struct_declaration", kDefinition, kClass},
    {"record_declaration", kDefinition, kClass},
    {"interface_declaration", kDefinition, kInterface},
    {"enum_declaration", kDefinition, kEnum},
    {"enum_member_declaration", kDefinition, kVariable},
    {"delegate_declaration", kDefinition, kType},
    {"namespace_declaration", kDefinition, kModule, DeclareCSharpNamespace},
    {"file_scoped_namespace_declaration", kDefinition, kModule, DeclareCSharpNamespace},
    {"method_declaration", kDefinition, kMethod},
    {"constructor_declaration", kDefinition, kMethod},
    {"local_function_statement", kDefinition, kFunction},
    {"operator_declaration", kDefinition, kMethod, DeclareCSharpOperator},
    {"conversion_operator_declaration", kDefinition, kMethod, DeclareCSharpOperator},
    {"indexer_declaration", kDefinition, kMethod, DeclareCSharpOperator},
    {"property_declaration", kDefinition, kVariable},
    {"event_declaration", kDefinition, kVariable},
    {"field_declaration", kDefinition, kVariable, DeclareCSharpField},
    {"event_field_declaration", kDefinition, kVariable, DeclareCSharpField},
    {"lambda_expression", Role::kLocal},
    {"anonymous_method_expression", Role::kLocal},
    {"attribute_list", Role::kAttribute},
    {"comment", Role::kComment},
};
constexpr std::string_view kCSharpBodies[] = {"accessor_list", "arrow_expression_clause",
                                              "constructor_initializer"};

// ---- Kotlin
// -----------------------------------------------------------------------------------------------

// The type that an extension extends: `Flow` of `fun <T> Flow<T>.first()`.
std::string KotlinReceiver(const SyntaxTree& tree, NodeId node, uint32_t name_begin) {
  for (NodeId child = tree.FirstChild(node);
       child != kNoNode && tree.node(child).bytes.end <= name_begin;
       child = tree.NextSibling(child)) {
    if (!tree.Is(child, "user_type") && !tree.Is(child, "nullable_type")) continue;
    if (name_begin == 0 || tree.text()[name_begin - 1] == '.') {
      std::string receiver = Dotted(tree.text(child));
      if (receiver.ends_with('?')) receiver.pop_back();
      return receiver;
    }
  }
  return "";
}

void DeclareKotlinFunction(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                           std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  if (name == kNoNode) return;
  if (tree.node(name).bytes.size() > 0) {
    return Declare(tree, name, kind, out, KotlinReceiver(tree, node, tree.node(name).bytes.begin));
  }
  // The grammar takes the name of `fun String.f()` for a part of the type and leaves the name
  // empty.
  DeclarePath(tree, tree.ChildOfType(node, "user_type"), kind, out);
}

void DeclareKotlinProperty(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                           std::vector<Declared>* out) {
  NodeId variable = tree.ChildOfType(node, "variable_declaration");
  if (variable == kNoNode) return;
  NodeId name = tree.ChildOfType(variable, "identifier");
  if (name != kNoNode)
    Declare(tree, name, kind, out, KotlinReceiver(tree, node, tree.node(name).bytes.begin));
}

void DeclareKotlinClass(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  if (name == kNoNode) return;
  std::string_view text = tree.text();
  std::string_view head = text.substr(tree.node(node).bytes.begin,
                                      tree.node(name).bytes.begin - tree.node(node).bytes.begin);
  if (head.find("interface ") != std::string_view::npos) kind = kInterface;
  if (head.find("enum ") != std::string_view::npos) kind = kEnum;
  Declare(tree, name, kind, out);
}

void DeclareKotlinParameter(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                            std::vector<Declared>* out) {
  NodeId name = tree.ChildOfType(node, "identifier");
  if (name == kNoNode) return;
  std::string_view head =
      tree.text(node).substr(0, tree.node(name).bytes.begin - tree.node(node).bytes.begin);
  if (head.ends_with("val ") || head.ends_with("var ")) Declare(tree, name, kind, out);
}

void DeclareKotlinAlias(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  Declare(tree, tree.ChildInField(node, "type"), kind, out);
}

void DeclareKotlinConstructor(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                              std::vector<Declared>* out) {
  uint32_t begin = tree.node(node).bytes.begin;
  if (tree.text(node).starts_with("constructor")) out->push_back({{begin, begin + 11}, "", kind});
}

void DeclareFirstIdentifier(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                            std::vector<Declared>* out) {
  Declare(tree, tree.ChildOfType(node, "identifier"), kind, out);
}

// The grammar knows `suspend` as a modifier only: where it is a name (`suspend { ... }`, `suspend:
// Int`), it loses the rest of the file. Any other name of the length will do.
std::string RenameSuspend(std::string_view text) {
  constexpr std::string_view kWord = "suspend";
  std::string renamed(text);
  for (size_t at = renamed.find(kWord); at != std::string::npos; at = renamed.find(kWord, at + 1)) {
    size_t next = renamed.find_first_not_of(' ', at + kWord.size());
    if (next != std::string::npos && (renamed[next] == '{' || renamed[next] == ':'))
      renamed[at] = 'S';
  }
  return renamed;
}

constexpr NodeRule kKotlinRules[] = {
    {"class_declaration", kDefinition, kClass, DeclareKotlinClass},
    {"object_declaration", kDefinition, kClass},
    {"function_declaration", kDefinition, kFunction, DeclareKotlinFunction},
    {"secondary_constructor", kDefinition, kMethod, DeclareKotlinConstructor},
    {"property_declaration", kDefinition, kVariable, DeclareKotlinProperty},
    {"class_parameter", kDefinition, kVariable, DeclareKotlinParameter},
    {"enum_entry", kDefinition, kVariable, DeclareFirstIdentifier},
    {"type_alias", kDefinition, kType, DeclareKotlinAlias},
    {"lambda_literal", Role::kLocal},
    {"anonymous_function", Role::kLocal},
    {"anonymous_initializer", Role::kLocal},
    {"annotation", Role::kAttribute},
    {"line_comment", Role::kComment},
    {"block_comment", Role::kComment},
};
constexpr std::string_view kKotlinBodies[] = {"class_body", "enum_class_body", "function_body",
                                              "getter", "setter"};

// ---- Scala
// ------------------------------------------------------------------------------------------------

void DeclareScalaValue(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                       std::vector<Declared>* out) {
  NodeId pattern = tree.ChildInField(node, "pattern");
  if (pattern == kNoNode) return DeclareNamed(tree, node, kind, out);
  if (tree.Is(pattern, "identifier") || tree.Is(pattern, "operator_identifier"))
    Declare(tree, pattern, kind, out);
}

void DeclareScalaPackage(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                         std::vector<Declared>* out) {
  if (tree.ChildInField(node, "body") != kNoNode)
    DeclarePath(tree, tree.ChildInField(node, "name"), kind, out);
}

constexpr NodeRule kScalaRules[] = {
    {"class_definition", kDefinition, kClass},
    {"object_definition", kDefinition, kClass},
    {"package_object", kDefinition, kModule},
    {"package_clause", kDefinition, kModule, DeclareScalaPackage},
    {"trait_definition", kDefinition, kInterface},
    {"enum_definition", kDefinition, kEnum},
    {"simple_enum_case", kDefinition, kVariable},
    {"full_enum_case", kDefinition, kClass},
    {"type_definition", kDefinition, kType},
    {"function_definition", kDefinition, kFunction},
    {"function_declaration", kDefinition, kFunction},
    {"given_definition", kDefinition, kVariable},
    {"val_definition", kDefinition, kVariable, DeclareScalaValue},
    {"var_definition", kDefinition, kVariable, DeclareScalaValue},
    {"val_declaration", kDefinition, kVariable, DeclareScalaValue},
    {"var_declaration", kDefinition, kVariable, DeclareScalaValue},
    {"lambda_expression", Role::kLocal},
    {"annotation", Role::kAttribute},
    {"comment", Role::kComment},
    {"block_comment", Role::kComment},
};
constexpr std::string_view kScalaBodies[] = {"template_body", "with_template_body", "enum_body"};

// ---- Swift
// ------------------------------------------------------------------------------------------------

void DeclareSwiftType(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  NodeId key = tree.ChildInField(node, "declaration_kind");
  if (name == kNoNode) return;
  std::string_view word = key == kNoNode ? "" : tree.text(key);
  DeclarePath(tree, name, word == "enum" ? kEnum : kind, out);
  if (!out->empty() && word == "extension") out->back().listed = false;
}

// `let a = 1, b: Int`: every pattern in field "name" that is a plain name.
void DeclareSwiftProperty(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                          std::vector<Declared>* out) {
  for (NodeId child = tree.FirstChild(node); child != kNoNode; child = tree.NextSibling(child)) {
    if (tree.Is(child, "pattern"))
      Declare(tree, tree.ChildInField(child, "bound_identifier"), kind, out);
  }
}

void DeclareSwiftCase(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  DeclareChildren(tree, node, "simple_identifier", kind, out);
}

// `init`, `deinit`, `subscript`: named by the keyword.
void DeclareSwiftKeyword(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                         std::vector<Declared>* out) {
  std::string_view text = tree.text(node);
  for (std::string_view word : {"deinit", "init", "subscript"}) {
    size_t at = text.find(word);
    if (at == std::string_view::npos) continue;
    auto begin = static_cast<uint32_t>(tree.node(node).bytes.begin + at);
    out->push_back({{begin, begin + static_cast<uint32_t>(word.size())}, "", kind});
    return;
  }
}

constexpr NodeRule kSwiftRules[] = {
    {"class_declaration", kDefinition, kClass, DeclareSwiftType},
    {"protocol_declaration", kDefinition, kInterface},
    {"function_declaration", kDefinition, kFunction},
    {"protocol_function_declaration", kDefinition, kMethod},
    {"init_declaration", kDefinition, kMethod, DeclareSwiftKeyword},
    {"deinit_declaration", kDefinition, kMethod, DeclareSwiftKeyword},
    {"subscript_declaration", kDefinition, kMethod, DeclareSwiftKeyword},
    {"property_declaration", kDefinition, kVariable, DeclareSwiftProperty},
    {"protocol_property_declaration", kDefinition, kVariable, DeclareSwiftProperty},
    {"typealias_declaration", kDefinition, kType},
    {"associatedtype_declaration", kDefinition, kType},
    {"enum_entry", kDefinition, kVariable, DeclareSwiftCase},
    {"lambda_literal", Role::kLocal},
    {"attribute", Role::kAttribute},
    {"comment", Role::kComment},
    {"multiline_comment", Role::kComment},
};
constexpr std::string_view kSwiftBodies[] = {"computed_property", "protocol_body", "class_body",
                                             "enum_class_body", "function_body"};

}  // namespace

const Grammar kJava = {.language = "java", .parser = tree_sitter_java, .rules = kJavaRules,
                       .references = &kJavaReferences};
const Grammar kCSharp = {.language = "csharp",
                         .parser = tree_sitter_c_sharp,
                         .rules = kCSharpRules,
                         .bodies = kCSharpBodies,
                         .references = &kCSharpReferences};
const Grammar kKotlin = {.language = "kotlin",
                         .parser = tree_sitter_kotlin,
                         .rules = kKotlinRules,
                         .bodies = kKotlinBodies,
                         .prepare = RenameSuspend,
                         .references = &kKotlinReferences};
const Grammar kScala = {
    .language = "scala", .parser = tree_sitter_scala, .rules = kScalaRules, .bodies = kScalaBodies,
                        .references = &kScalaReferences};
const Grammar kSwift = {
    .language = "swift", .parser = tree_sitter_swift, .rules = kSwiftRules, .bodies = kSwiftBodies,
                        .references = &kSwiftReferences};

}  // namespace codelore::chunker
