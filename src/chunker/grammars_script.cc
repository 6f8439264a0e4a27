// Python, Ruby, Lua, Elixir and Bash.
#include <algorithm>

#include "chunker/grammar.h"
#include "chunker/references.h"

extern "C" {
const TSLanguage* tree_sitter_bash(void);
const TSLanguage* tree_sitter_elixir(void);
const TSLanguage* tree_sitter_lua(void);
const TSLanguage* tree_sitter_python(void);
const TSLanguage* tree_sitter_ruby(void);
}

namespace codelore::chunker {
namespace {

using enum ChunkKind;
constexpr Role kDefinition = Role::kDefinition;

// ---- Python
// -----------------------------------------------------------------------------------------------

void DeclarePythonAssignment(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                             std::vector<Declared>* out) {
  NodeId left = tree.ChildInField(node, "left");
  if (tree.Is(left, "identifier")) Declare(tree, left, kind, out);
}

void DeclarePythonAlias(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  NodeId left = tree.ChildInField(node, "left");
  if (left != kNoNode) DeclarePath(tree, left, kind, out);
}

// A string that is the first statement of a module, class or function.
bool IsPythonDocstring(const SyntaxTree& tree, NodeId node) {
  if (!tree.Is(tree.FirstChild(node), "string")) return false;
  NodeId block = tree.Parent(node);
  if (block == kNoNode || !(tree.Is(block, "block") || tree.Is(block, "module"))) return false;
  NodeId first = tree.FirstChild(block);
  for (int comments = 0; comments < 100 && tree.Is(first, "comment"); ++comments)
    first = tree.NextSibling(first);
  return first == node;
}

constexpr NodeRule kPythonRules[] = {
    {"function_definition", kDefinition, kFunction},
    {"class_definition", kDefinition, kClass},
    {"assignment", kDefinition, kVariable, DeclarePythonAssignment},
    {"type_alias_statement", kDefinition, kType, DeclarePythonAlias},
    {"expression_statement", Role::kDocstring, kVariable, nullptr, IsPythonDocstring},
    {"decorated_definition", Role::kWrapper},
    {"lambda", Role::kLocal},
    {"decorator", Role::kAttribute},
    {"comment", Role::kComment},
};

// ---- Ruby
// -------------------------------------------------------------------------------------------------

void DeclareRubyPath(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                     std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildInField(node, "name"), kind, out);
}

// Constants and globals; `Point = Struct.new(:x) do ... end` is a class.
void DeclareRubyAssignment(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                           std::vector<Declared>* out) {
  NodeId left = tree.ChildInField(node, "left");
  NodeId right = tree.ChildInField(node, "right");
  if (!tree.Is(left, "constant") && !tree.Is(left, "global_variable")) return;
  if (right != kNoNode) {
    std::string_view value = tree.text(right);
    if (value.starts_with("Struct.new") || value.starts_with("Class.new") ||
        value.starts_with("Data.define"))
      kind = kClass;
  }
  Declare(tree, left, kind, out);
}

void DeclareSymbols(const SyntaxTree& tree, NodeId first, ChunkKind kind,
                    std::vector<Declared>* out) {
  for (NodeId argument = first; argument != kNoNode; argument = tree.NextSibling(argument)) {
    ByteSpan name = tree.node(argument).bytes;
    if (tree.Is(argument, "simple_symbol")) out->push_back({{name.begin + 1, name.end}, "", kind});
  }
}

// attr_accessor :a, :b; define_method(:c) { }; describe "d" do.
void DeclareRubyCall(const SyntaxTree& tree, NodeId node, ChunkKind, std::vector<Declared>* out) {
  NodeId method = tree.ChildInField(node, "method");
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (method == kNoNode || arguments == kNoNode) return;
  NodeId first = tree.FirstChild(arguments);
  if (first == kNoNode) return;
  std::string_view word = tree.text(method);
  bool has_receiver = tree.ChildInField(node, "receiver") != kNoNode;
  if (!has_receiver &&
      (word == "attr_reader" || word == "attr_writer" || word == "attr_accessor")) {
    DeclareSymbols(tree, first, kVariable, out);
  } else if (!has_receiver &&
             (word == "define_method" || word == "alias_method" || word == "scope")) {
    DeclareSymbols(tree, first, kMethod, out);
    if (out->size() > 1) out->resize(1);
  } else if ((word == "describe" || word == "context" || word == "it" || word == "test" ||
              word == "should" || word == "feature") &&
             tree.Is(first, "string") && !SpansLines(tree, first)) {
    if (tree.ChildInField(node, "block") != kNoNode) DeclareTest(tree, first, out);
  }
}

constexpr NodeRule kRubyRules[] = {
    {"module", kDefinition, kModule, DeclareRubyPath},
    {"class", kDefinition, kClass, DeclareRubyPath},
    {"method", kDefinition, kFunction},
    {"singleton_method", kDefinition, kFunction},
    {"alias", kDefinition, kFunction},
    {"assignment", kDefinition, kVariable, DeclareRubyAssignment},
    {"call", kDefinition, kVariable, DeclareRubyCall},
    {"lambda", Role::kLocal},
    {"comment", Role::kComment},
};
constexpr std::string_view kRubyBodies[] = {"do_block", "block", "body_statement"};

// ---- Lua
// --------------------------------------------------------------------------------------------------

void DeclareLuaFunction(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                        std::vector<Declared>* out) {
  DeclarePath(tree, tree.ChildInField(node, "name"), kind, out);
}

// `a, b.c = 1, function() end`
void DeclareLuaAssignment(const SyntaxTree& tree, NodeId node, ChunkKind,
                          std::vector<Declared>* out) {
  NodeId names = tree.ChildOfType(node, "variable_list");
  NodeId values = tree.ChildOfType(node, "expression_list");
  if (names == kNoNode) return;
  NodeId value = values == kNoNode ? kNoNode : tree.FirstChild(values);
  for (NodeId name = tree.FirstChild(names); name != kNoNode; name = tree.NextSibling(name)) {
    bool is_function = tree.Is(value, "function_definition");
    bool is_import = value != kNoNode && tree.text(value).starts_with("require");
    if (!is_import && !tree.text(name).starts_with("self.") &&
        tree.text(name).find('[') == std::string_view::npos) {
      DeclarePath(tree, name, is_function ? kFunction : kVariable, out);
    }
    if (value != kNoNode) value = tree.NextSibling(value);
  }
}

// `key = function() end` in a table.
void DeclareLuaField(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                     std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  if (tree.Is(tree.ChildInField(node, "value"), "function_definition") &&
      tree.Is(name, "identifier"))
    Declare(tree, name, kind, out);
}

// describe("name", function() ... end)
void DeclareLuaTest(const SyntaxTree& tree, NodeId node, ChunkKind, std::vector<Declared>* out) {
  NodeId name = tree.ChildInField(node, "name");
  NodeId arguments = tree.ChildInField(node, "arguments");
  if (name == kNoNode || arguments == kNoNode) return;
  std::string_view word = tree.text(name);
  NodeId title = tree.FirstChild(arguments);
  if ((word != "describe" && word != "it" && word != "context" && word != "test") ||
      !tree.Is(title, "string") || SpansLines(tree, title))
    return;
  if (tree.ChildOfType(arguments, "function_definition") != kNoNode) DeclareTest(tree, title, out);
}

constexpr NodeRule kLuaRules[] = {
    {"function_declaration", kDefinition, kFunction, DeclareLuaFunction},
    {"assignment_statement", kDefinition, kVariable, DeclareLuaAssignment},
    {"field", kDefinition, kFunction, DeclareLuaField},
    {"function_call", kDefinition, kFunction, DeclareLuaTest},
    {"variable_declaration", Role::kWrapper},
    {"function_definition", Role::kLocal},
    {"comment", Role::kComment},
};
constexpr std::string_view kLuaBodies[] = {"block", "table_constructor"};

// ---- Elixir: everything is a call
// -------------------------------------------------------------------------

// The name in `name`, `name(x)`, `name(x) when y`, `name :: type`.
NodeId ElixirHead(const SyntaxTree& tree, NodeId head) {
  for (int depth = 0; depth < 8 && tree.Is(head, "binary_operator"); ++depth) {
    NodeId operation = tree.ChildInField(head, "operator");
    if (operation == kNoNode) return kNoNode;
    std::string_view text = tree.text(operation);
    if (text != "when" && text != "::") return operation;  // def a + b
    head = tree.ChildInField(head, "left");
  }
  if (tree.Is(head, "call")) head = tree.ChildInField(head, "target");
  return tree.Is(head, "identifier") || tree.Is(head, "operator_identifier") ? head : kNoNode;
}

NodeId FirstArgument(const SyntaxTree& tree, NodeId call) {
  NodeId arguments = tree.ChildOfType(call, "arguments");
  return arguments == kNoNode ? kNoNode : tree.FirstChild(arguments);
}

void DeclareElixirCall(const SyntaxTree& tree, NodeId node, ChunkKind, std::vector<Declared>* out) {
  NodeId target = tree.ChildInField(node, "target");
  NodeId argument = FirstArgument(tree, node);
  if (argument == kNoNode || !tree.Is(target, "identifier")) return;
  std::string_view word = tree.text(target);
  if (word == "defmodule" || word == "defprotocol") {
    DeclarePath(tree, argument, word == "defmodule" ? kModule : kInterface, out);
  } else if (word == "defimpl") {
    DeclarePath(tree, argument, kModule, out);
    if (!out->empty()) out->back().listed = false;
  } else if (word == "def" || word == "defp" || word == "defdelegate" || word == "defn" ||
             word == "defnp") {
    Declare(tree, ElixirHead(tree, argument), kFunction, out);
  } else if (word == "defmacro" || word == "defmacrop" || word == "defguard" ||
             word == "defguardp") {
    Declare(tree, ElixirHead(tree, argument), kMacro, out);
  } else if ((word == "test" || word == "describe") && tree.Is(argument, "string")) {
    if (tree.ChildOfType(node, "do_block") != kNoNode) DeclareTest(tree, argument, out);
  }
}

// The word after the @.
std::string_view ElixirAttribute(const SyntaxTree& tree, NodeId node, NodeId* call) {
  *call = tree.ChildInField(node, "operand");
  if (!tree.text(node).starts_with('@') || !tree.Is(*call, "call")) return {};
  NodeId target = tree.ChildInField(*call, "target");
  return target == kNoNode ? std::string_view() : tree.text(target);
}

bool IsElixirDoc(const SyntaxTree& tree, NodeId node) {
  NodeId call;
  std::string_view word = ElixirAttribute(tree, node, &call);
  return word == "doc" || word == "moduledoc" || word == "typedoc" || word == "shortdoc";
}

void DeclareElixirAttribute(const SyntaxTree& tree, NodeId node, ChunkKind,
                            std::vector<Declared>* out) {
  NodeId call;
  std::string_view word = ElixirAttribute(tree, node, &call);
  if (word.empty() || word == "behaviour" || word == "derive" || word == "before_compile" ||
      word == "external_resource")
    return;
  bool is_type = word == "type" || word == "typep" || word == "opaque";
  if (is_type || word == "callback" || word == "macrocallback") {
    Declare(tree, ElixirHead(tree, FirstArgument(tree, call)), is_type ? kType : kMethod, out);
  } else {
    Declare(tree, tree.ChildInField(call, "target"), kVariable, out);
  }
}

bool IsElixirNote(const SyntaxTree& tree, NodeId node) {
  NodeId call;
  std::string_view word = ElixirAttribute(tree, node, &call);
  return word == "spec" || word == "impl" || word == "deprecated" || word == "since" ||
         word == "tag" || word == "dialyzer";
}

constexpr NodeRule kElixirRules[] = {
    {"call", kDefinition, kFunction, DeclareElixirCall},
    {"unary_operator", Role::kDocAttribute, kVariable, nullptr, IsElixirDoc},
    {"unary_operator", Role::kAttribute, kVariable, nullptr, IsElixirNote},
    {"unary_operator", kDefinition, kVariable, DeclareElixirAttribute},
    {"anonymous_function", Role::kLocal},
    {"comment", Role::kComment},
};
constexpr std::string_view kElixirBodies[] = {"do_block"};

// ---- Bash
// -------------------------------------------------------------------------------------------------

constexpr std::string_view kBatsKey = "@test ";

// Makes functions of the tests of bats: `@test "name" {` reads `xxxxxxxxxx() {`.
std::string RenameTests(std::string_view text) {
  std::string renamed(text);
  for (size_t at = renamed.find(kBatsKey); at != std::string::npos;
       at = renamed.find(kBatsKey, at + 1)) {
    size_t end = std::min(renamed.find('\n', at), renamed.size());
    while (end > at && (renamed[end - 1] == ' ' || renamed[end - 1] == '\r')) --end;
    bool begins_line = at == 0 || renamed[at - 1] == '\n';
    if (!begins_line || renamed[end - 1] != '{') continue;
    --end;
    while (renamed[end - 1] == ' ') --end;
    renamed.replace(at, end - at, std::string(end - at - 2, 'x') + "()");
  }
  return renamed;
}

void DeclareBashFunction(const SyntaxTree& tree, NodeId node, ChunkKind kind,
                         std::vector<Declared>* out) {
  std::string_view line = tree.text(node).substr(0, tree.text(node).find('\n'));
  if (!line.starts_with(kBatsKey)) return DeclareNamed(tree, node, kind, out);
  size_t begin = kBatsKey.size();
  size_t end = line.find_last_not_of("{ \r") + 1;
  uint32_t at = tree.node(node).bytes.begin;
  ByteSpan name = Unquoted(tree.text(), {static_cast<uint32_t>(at + begin),
                                         static_cast<uint32_t>(at + std::max(begin, end))});
  if (name.size() > 0) out->push_back({name, "", kind, /*listed=*/false});
}

constexpr NodeRule kBashRules[] = {
    {"function_definition", kDefinition, kFunction, DeclareBashFunction},
    {"variable_assignment", kDefinition, kVariable},
    {"declaration_command", Role::kWrapper},
    {"comment", Role::kComment},
};

}  // namespace

const Grammar kPython = {.language = "python",
                         .parser = tree_sitter_python,
                         .rules = kPythonRules,
                         .max_indentations = 300,
                         .references = &kPythonReferences};
const Grammar kRuby = {
    .language = "ruby", .parser = tree_sitter_ruby, .rules = kRubyRules, .bodies = kRubyBodies,
                       .references = &kRubyReferences};
const Grammar kLua = {
    .language = "lua", .parser = tree_sitter_lua, .rules = kLuaRules, .bodies = kLuaBodies,
                      .references = &kLuaReferences};
const Grammar kElixir = {.language = "elixir",
                         .parser = tree_sitter_elixir,
                         .rules = kElixirRules,
                         .bodies = kElixirBodies,
                         .references = &kElixirReferences};
const Grammar kBash = {
    .language = "bash", .parser = tree_sitter_bash, .rules = kBashRules, .prepare = RenameTests,
                       .references = &kBashReferences};

}  // namespace codelore::chunker
