#include "chunker/grammar.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace codelore::chunker {
namespace {

constexpr const Grammar* kGrammars[] = {
    &kBash,  &kC,          &kCpp,   &kCSharp, &kCss, &kDockerfile, &kElixir, &kGo,   &kHaskell,
    &kJava,  &kJavaScript, &kJson,  &kKotlin, &kLua, &kPhp,        &kPython, &kRuby, &kRust,
    &kScala, &kSql,        &kSwift, &kToml,   &kTsx, &kTypeScript, &kYaml,   &kZig,
};

bool IsQuote(char c) { return c == '"' || c == '\'' || c == '`'; }

}  // namespace

std::span<const Grammar* const> AllGrammars() { return kGrammars; }

const Grammar* FindGrammar(std::string_view language) {
  for (const Grammar* grammar : kGrammars) {
    if (grammar->language == language) return grammar;
  }
  return nullptr;
}

RuleTable::RuleTable(const Grammar& grammar) : all_(grammar.rules) {
  const TSLanguage* parser = grammar.parser();
  first_rule_.resize(TypeCount(parser));
  bodies_.resize(TypeCount(parser));
  for (size_t i = 0; i < all_.size(); ++i) {
    uint16_t type = TypeNumber(parser, all_[i].type);
    if (type != 0 && first_rule_[type] == 0) first_rule_[type] = static_cast<uint16_t>(i + 1);
  }
  for (std::string_view body : grammar.bodies) {
    if (uint16_t type = TypeNumber(parser, body)) bodies_[type] = true;
  }
}

const NodeRule* RuleTable::Find(const SyntaxTree& tree, NodeId node) const {
  uint16_t type = tree.node(node).type;
  if (type >= first_rule_.size() || first_rule_[type] == 0) return nullptr;
  size_t first = first_rule_[type] - 1u;
  for (size_t i = first; i < all_.size() && all_[i].type == all_[first].type; ++i) {
    if (all_[i].when == nullptr || all_[i].when(tree, node)) return &all_[i];
  }
  return nullptr;
}

const RuleTable& RulesOf(const Grammar& grammar) {
  static const std::vector<RuleTable> tables = [] {
    std::vector<RuleTable> made;
    for (const Grammar* g : kGrammars) made.emplace_back(*g);
    return made;
  }();
  auto at = std::find(std::begin(kGrammars), std::end(kGrammars), &grammar);
  return tables[static_cast<size_t>(at - std::begin(kGrammars))];
}

void Declare(const SyntaxTree& tree, NodeId name, ChunkKind kind, std::vector<Declared>* out,
             std::string qualifier) {
  if (name == kNoNode || tree.node(name).bytes.size() == 0) return;
  out->push_back({tree.node(name).bytes, std::move(qualifier), kind});
}

void DeclareNamed(const SyntaxTree& tree, NodeId node, ChunkKind kind, std::vector<Declared>* out) {
  Declare(tree, tree.ChildInField(node, "name"), kind, out);
}

void DeclareChildren(const SyntaxTree& tree, NodeId node, std::string_view type, ChunkKind kind,
                     std::vector<Declared>* out) {
  for (NodeId child = tree.FirstChild(node); child != kNoNode; child = tree.NextSibling(child)) {
    if (tree.Is(child, type)) Declare(tree, child, kind, out);
  }
}

std::string Dotted(std::string_view path) {
  std::string result;
  int nested = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '<' || c == '[' || c == '(') ++nested;
    bool separator = c == ':' || c == '.' || c == '\\' ||
                     (c == '-' && i + 1 < path.size() && path[i + 1] == '>');
    if (nested == 0 && separator) {
      if (!result.empty() && result.back() != '.') result += '.';
    } else if (nested == 0 && c != '>' && !std::isspace(static_cast<unsigned char>(c))) {
      result += c;
    }
    if ((c == '>' || c == ']' || c == ')') && nested > 0) --nested;
  }
  return result;
}

void DeclarePath(const SyntaxTree& tree, NodeId path, ChunkKind kind, std::vector<Declared>* out) {
  if (path == kNoNode) return;
  std::string_view text = tree.text(path);
  text = text.substr(0, text.find_first_of("<( "));
  size_t separator = text.find_last_of(".:\\");
  size_t name = separator == std::string_view::npos ? 0 : separator + 1;
  if (name == text.size()) return;
  uint32_t begin = tree.node(path).bytes.begin;
  std::string qualifier = Dotted(text.substr(0, name));
  if (qualifier.ends_with('.')) qualifier.pop_back();
  out->push_back({{static_cast<uint32_t>(begin + name), static_cast<uint32_t>(begin + text.size())},
                  qualifier,
                  kind});
}

void DeclareTest(const SyntaxTree& tree, NodeId string, std::vector<Declared>* out) {
  ByteSpan name = Unquoted(tree.text(), tree.node(string).bytes);
  if (name.size() > 0) out->push_back({name, "", ChunkKind::kFunction, /*listed=*/false});
}

ByteSpan Unquoted(std::string_view text, ByteSpan span) {
  while (span.size() >= 2 && IsQuote(text[span.begin]) && text[span.begin] == text[span.end - 1]) {
    ++span.begin;
    --span.end;
  }
  return span;
}

}  // namespace codelore::chunker
