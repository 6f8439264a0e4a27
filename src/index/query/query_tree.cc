#include "index/query/query_tree.h"

#include <algorithm>

namespace codelore::index {
namespace {

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || static_cast<uint8_t>(c) >= 0x80;
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string PrintRegex(std::string_view pattern) {
  std::string text = "/";
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '/') text += '\\';
    text += pattern[i];
    if (pattern[i] == '\\' && i + 1 < pattern.size()) text += pattern[++i];
  }
  return text + '/';
}

bool IsBalanced(std::string_view word) {
  int depth = 0;
  for (char c : word) {
    depth += (c == '(') - (c == ')');
    if (depth < 0) return false;
  }
  return depth == 0 && !word.starts_with('(');
}

// Where the colon of "name:value" stands; npos for a word that does not look like one ("std::x", "http://x").
size_t FieldColon(std::string_view word) {
  size_t colon = 0;
  while (colon < word.size() && word[colon] >= 'a' && word[colon] <= 'z') ++colon;
  if (colon == 0 || colon == word.size() || word[colon] != ':') return std::string_view::npos;
  std::string_view value = word.substr(colon + 1);
  return value.starts_with(':') || value.starts_with("//") ? std::string_view::npos : colon;
}

// Escapes what would read as an operator.
std::string PrintWord(std::string_view word) {
  std::string text = word == "OR" ? "\\" : "";
  bool balanced = IsBalanced(word);
  size_t colon = FieldColon(word);
  for (size_t i = 0; i < word.size(); ++i) {
    char c = word[i];
    bool escape = c == '\\' || c == '"' || (!balanced && (c == '(' || c == ')')) || i == colon ||
                  (i == 0 && (c == '-' || c == '/'));
    if (escape) text += '\\';
    text += c;
  }
  return text;
}

std::string PrintField(const QueryNode& node) {
  bool plain = !node.text.empty() && (IsWordByte(node.text[0]) || node.text[0] == '*' || node.text[0] == '.') &&
               std::ranges::all_of(node.text, [](char c) { return IsWordByte(c) || std::string_view("*./?-:@+#").find(c) != std::string_view::npos; });
  return std::string(FieldPrefix(node.kind)) + (plain ? node.text : Quoted(node.text));
}

std::string PrintList(const std::vector<QueryNode>& children, std::string_view between) {
  std::string text;
  for (const QueryNode& child : children) {
    bool group = child.kind == QueryKind::kAnd || child.kind == QueryKind::kOr;
    if (!text.empty()) text += between;
    text += group ? "(" + PrintQuery(child) + ")" : PrintQuery(child);
  }
  return text;
}

// The words that stand as they are in an expression: at least three letters long, outside classes and escapes.
void AppendWordsOfRegex(std::string_view pattern, std::string& text) {
  bool in_class = false;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] == '\\') {
      i += 2;
    } else if (in_class || pattern[i] == '[') {
      in_class = pattern[i] != ']';
      ++i;
    } else {
      size_t end = i;
      while (end < pattern.size() && IsWordByte(pattern[end])) ++end;
      // A repetition makes the last letter optional.
      size_t kept = end < pattern.size() && (pattern[end] == '?' || pattern[end] == '*' || pattern[end] == '{') && end > i ? end - 1 : end;
      if (kept >= i + 3) (text += ' ') += pattern.substr(i, kept - i);
      i = std::max(end, i + 1);
    }
  }
}

void AppendRanked(const QueryNode& node, std::string& text) {
  switch (node.kind) {
    case QueryKind::kWord:
    case QueryKind::kPhrase: (text += ' ') += node.text; return;
    case QueryKind::kSymbol:
      text += ' ';
      for (char c : node.text) text += c == '*' ? ' ' : c;
      return;
    case QueryKind::kRegex: return AppendWordsOfRegex(node.text, text);
    case QueryKind::kAnd:
    case QueryKind::kOr:
      for (const QueryNode& child : node.children) AppendRanked(child, text);
      return;
    default: return;
  }
}

// True: nothing satisfies the node that is in none of the branches collected for it.
bool CollectBranches(const QueryNode& node, std::vector<std::string>& names) {
  if (node.kind == QueryKind::kBranch) names.push_back(node.text);
  if (IsAtom(node.kind)) return node.kind == QueryKind::kBranch;
  if (node.kind == QueryKind::kNot) return false;
  size_t within = 0;
  for (const QueryNode& child : node.children) within += CollectBranches(child, names);
  return node.kind == QueryKind::kAnd ? within > 0 : within == node.children.size();
}

}  // namespace

bool IsCode(std::string_view phrase) {
  for (size_t i = 0; i < phrase.size(); ++i) {
    char c = phrase[i];
    if (IsWordByte(c) || IsSpace(c)) continue;
    bool ends_word = i + 1 == phrase.size() || IsSpace(phrase[i + 1]);
    bool after_word = i > 0 && IsWordByte(phrase[i - 1]);
    bool sentence = after_word && ends_word && std::string_view(",.;:!?").find(c) != std::string_view::npos;
    bool apostrophe = c == '\'' && after_word && !ends_word && IsWordByte(phrase[i + 1]);
    if (!sentence && !apostrophe) return true;
  }
  return false;
}

std::string_view FieldPrefix(QueryKind kind) {
  switch (kind) {
    case QueryKind::kSymbol: return "sym:";
    case QueryKind::kSource: return "repo:";
    case QueryKind::kPath: return "path:";
    case QueryKind::kLanguage: return "lang:";
    case QueryKind::kBranch: return "branch:";
    default: return "";
  }
}

std::string PrintQuery(const QueryNode& node) {
  switch (node.kind) {
    case QueryKind::kWord: return PrintWord(node.text);
    case QueryKind::kPhrase: return Quoted(node.text);
    case QueryKind::kRegex: return PrintRegex(node.text);
    case QueryKind::kNot: {
      const QueryNode& child = node.children[0];
      return IsAtom(child.kind) ? "-" + PrintQuery(child) : "-(" + PrintQuery(child) + ")";
    }
    case QueryKind::kAnd: return PrintList(node.children, " ");
    case QueryKind::kOr: return PrintList(node.children, " OR ");
    default: return PrintField(node);
  }
}

std::vector<std::string> BranchesAsked(const QueryNode& node) {
  std::vector<std::string> names;
  if (!CollectBranches(node, names) && !names.empty()) names.emplace_back();
  return names;
}

std::string RankedTextOf(const QueryNode& node) {
  std::string text;
  AppendRanked(node, text);
  return text.empty() ? text : text.substr(1);
}

}  // namespace codelore::index
