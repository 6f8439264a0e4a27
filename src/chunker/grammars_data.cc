// JSON, YAML, TOML, SQL and Dockerfile.
#include "chunker/grammar.h"
#include "chunker/references.h"

extern "C" {
const TSLanguage* tree_sitter_containerfile(void);
const TSLanguage* tree_sitter_json(void);
const TSLanguage* tree_sitter_sql(void);
const TSLanguage* tree_sitter_toml(void);
const TSLanguage* tree_sitter_yaml(void);
}

namespace codelore::chunker {
namespace {

using enum ChunkKind;
constexpr Role kDefinition = Role::kDefinition;

// ---- JSON, YAML, TOML: keys
// -------------------------------------------------------------------------------

// Keys of the first level, and keys below them that hold several lines, down to the third level;
// nothing inside of lists, whose elements repeat the same keys.
bool IsNotableKey(const SyntaxTree& tree, NodeId node) {
  int level = 1;
  for (NodeId at = tree.Parent(node); at != kNoNode && level <= 3; at = tree.Parent(at)) {
    if (tree.Is(at, "array") || tree.Is(at, "block_sequence")) return false;
    if (tree.node(at).type == tree.node(node).type) ++level;
  }
  return level == 1 || (level <= 3 && SpansLines(tree, node));
}

void DeclareKey(const SyntaxTree& tree, NodeId node, ChunkKind kind, std::vector<Declared>* out) {
  NodeId key = tree.ChildInField(node, "key");
  if (key == kNoNode) key = tree.FirstChild(node);  // TOML
  if (key == kNoNode || SpansLines(tree, key)) return;
  ByteSpan name = Unquoted(tree.text(), tree.node(key).bytes);
  if (name.size() > 0 && name.size() <= 100) out->push_back({name, "", kind});
}

constexpr NodeRule kJsonRules[] = {
    {"pair", kDefinition, kVariable, DeclareKey, IsNotableKey},
    {"comment", Role::kComment},
};
constexpr std::string_view kJsonBodies[] = {"object", "array"};

constexpr NodeRule kYamlRules[] = {
    {"block_mapping_pair", kDefinition, kVariable, DeclareKey, IsNotableKey},
    {"comment", Role::kComment},
};
constexpr std::string_view kYamlBodies[] = {"block_node"};

constexpr NodeRule kTomlRules[] = {
    {"pair", kDefinition, kVariable, DeclareKey, IsNotableKey},
    {"table", kDefinition, kVariable, DeclareKey},
    {"table_array_element", kDefinition, kVariable, DeclareKey},
    {"comment", Role::kComment},
};
constexpr std::string_view kTomlBodies[] = {"array", "pair"};

// ---- SQL
// --------------------------------------------------------------------------------------------------

void DeclareSqlObject(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                      std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildOfType(node, "object_reference"), kind, out);
  if (!out->empty()) out->back().name = Unquoted(tree.text(), out->back().name);
}

void DeclareSqlName(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                    std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "column");
  Declare(tree, name == kNoNode ? tree.ChildOfType(node, "identifier") : name, kind, out);
}

bool IsInTable(const SyntaxTree& tree, NodeId node) {
  NodeId list = tree.Parent(node);
  return tree.Is(list, "column_definitions") && tree.Is(tree.Parent(list), "create_table");
}

constexpr NodeRule kSqlRules[] = {
    {"create_table", kDefinition, kClass, DeclareSqlObject},
    {"create_view", kDefinition, kClass, DeclareSqlObject},
    {"create_materialized_view", kDefinition, kClass, DeclareSqlObject},
    {"create_function", kDefinition, kFunction, DeclareSqlObject},
    {"create_trigger", kDefinition, kFunction, DeclareSqlObject},
    {"create_type", kDefinition, kType, DeclareSqlObject},
    {"create_sequence", kDefinition, kVariable, DeclareSqlObject},
    {"create_index", kDefinition, kVariable, DeclareSqlName},
    {"create_schema", kDefinition, kModule, DeclareSqlName},
    {"create_database", kDefinition, kModule, DeclareSqlName},
    {"column_definition", kDefinition, kVariable, DeclareNamed, IsInTable},
    {"statement", Role::kWrapper},
    {"comment", Role::kComment},
    {"marginalia", Role::kComment},
};
constexpr std::string_view kSqlBodies[] = {"column_definitions", "create_query", "function_body"};

// ---- Dockerfile
// -------------------------------------------------------------------------------------------

// A stage, named by its alias, else by its image.
void DeclareStage(const SyntaxTree& tree, NodeId node, ChunkKind kind, std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "as");
  Declare(tree, name == kNoNode ? tree.ChildOfType(node, "image_spec") : name, kind, out);
}

constexpr NodeRule kDockerfileRules[] = {
    {"from_instruction", Role::kSection, kModule, DeclareStage},
    {"comment", Role::kComment},
};

}  // namespace

const Grammar kJson = {.language = "json",
                       .parser = tree_sitter_json,
                       .rules = kJsonRules,
                       .bodies = kJsonBodies,
                       .nested_variables = true};
const Grammar kYaml = {.language = "yaml",
                       .parser = tree_sitter_yaml,
                       .rules = kYamlRules,
                       .bodies = kYamlBodies,
                       .nested_variables = true,
                       .max_indentations = 100};
const Grammar kToml = {.language = "toml",
                       .parser = tree_sitter_toml,
                       .rules = kTomlRules,
                       .bodies = kTomlBodies,
                       .nested_variables = true};
const Grammar kSql = {.language = "sql",
                      .parser = tree_sitter_sql,
                      .rules = kSqlRules,
                      .bodies = kSqlBodies,
                      .nested_variables = true,
                      .references = &kSqlReferences};
const Grammar kDockerfile = {
    .language = "dockerfile", .parser = tree_sitter_containerfile, .rules = kDockerfileRules};

}  // namespace codelore::chunker
