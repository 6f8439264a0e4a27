#include "chunker/references.h"

#include <algorithm>
#include <array>
#include <string>

namespace codelore::chunker {
namespace {

constexpr uint32_t kMaxNameBytes = 200;
constexpr uint32_t kMaxQualifierBytes = 100;
constexpr uint32_t kMaxBracketBytes = 400;  // of type arguments that are skipped
constexpr int kMaxCallDepth = 4;            // f(x)(y)(z)

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool IsWordByte(char c) {
  auto byte = static_cast<uint8_t>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') ||
         ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_' || byte == '$';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Where the word that ends at `end` begins, at `low` or later.
uint32_t WordBegin(std::string_view text, uint32_t low, uint32_t end) {
  while (end > low && IsWordByte(text[end - 1])) --end;
  return end;
}

// Where the bracket that is closed in front of `end` was opened; `end` if that is not near.
uint32_t BracketBegin(std::string_view text, uint32_t low, uint32_t end, char open, char close) {
  int nested = 0;
  if (end > kMaxBracketBytes) low = std::max(low, end - kMaxBracketBytes);
  for (uint32_t at = end; at > low; --at) {
    bool arrow = close == '>' && at >= 2 && (text[at - 2] == '-' || text[at - 2] == '=');
    if (text[at - 1] == close && !arrow) ++nested;
    if (text[at - 1] == open && --nested == 0) return at - 1;
  }
  return end;
}

uint32_t WithoutSpace(std::string_view text, uint32_t low, uint32_t end) {
  while (end > low && IsSpace(text[end - 1])) --end;
  return end;
}

// The length of the separator in front of `end`; 0: there is none.
uint32_t SeparatorBefore(std::string_view text, uint32_t end,
                         std::span<const std::string_view> separators) {
  for (std::string_view separator : separators) {
    if (text.substr(0, end).ends_with(separator)) return static_cast<uint32_t>(separator.size());
  }
  return 0;
}

std::vector<bool> TypeSet(const TSLanguage* parser, std::span<const std::string_view> names) {
  std::vector<bool> set(TypeCount(parser));
  for (std::string_view name : names) {
    if (uint16_t type = TypeNumber(parser, name)) set[type] = true;
  }
  return set;
}

// A grammar's rules by node type, with the numbers of their fields.
class ReferenceIndex {
 public:
  explicit ReferenceIndex(const Grammar& grammar) : table_(grammar.references) {
    const TSLanguage* parser = grammar.parser();
    first_.resize(TypeCount(parser));
    for (size_t i = 0; i < table_->rules.size(); ++i) {
      const ReferenceRule& rule = table_->rules[i];
      fields_.push_back(rule.field.empty() ? uint16_t{0} : FieldNumber(parser, rule.field));
      uint16_t type = TypeNumber(parser, rule.type);
      if (type != 0 && first_[type] == 0) first_[type] = static_cast<uint16_t>(i + 1);
    }
  }

  void Visit(NodeId node, ReferenceSink* out) const {
    uint16_t type = out->tree().node(node).type;
    if (type >= first_.size() || first_[type] == 0) return;
    size_t first = first_[type] - 1u;
    for (size_t i = first;
         i < table_->rules.size() && table_->rules[i].type == table_->rules[first].type; ++i) {
      Apply(table_->rules[i], fields_[i], node, out);
    }
  }

 private:
  static void Apply(const ReferenceRule& rule, uint16_t field, NodeId node, ReferenceSink* out) {
    const SyntaxTree& tree = out->tree();
    if (rule.refer != nullptr) return rule.refer(node, rule.kind, out);
    switch (rule.take) {
      case Take::kNode:
        return out->Path(node, rule.kind);
      case Take::kField:
        return out->Path(tree.ChildInField(node, field), rule.kind);
      case Take::kFirst:
        return out->Path(tree.FirstChild(node), rule.kind);
      case Take::kModule:
        return out->Module(tree.ChildInField(node, field));
      case Take::kParameter:
        return out->Parameter(field != 0 ? tree.ChildInField(node, field) : tree.FirstChild(node));
      case Take::kChildren:
        for (NodeId child = tree.FirstChild(node); child != kNoNode && !out->full();
             child = tree.NextSibling(child)) {
          if (field == 0 || tree.node(child).field == field) out->Path(child, rule.kind);
        }
    }
  }

  const ReferenceTable* table_;
  std::vector<uint16_t> first_;   // by node type: 1 + index into the rules, 0 for none
  std::vector<uint16_t> fields_;  // by rule
};

// Made at the first call.
const ReferenceIndex& IndexOf(const Grammar& grammar) {
  static const std::vector<std::pair<const Grammar*, ReferenceIndex>> all = [] {
    std::vector<std::pair<const Grammar*, ReferenceIndex>> made;
    for (const Grammar* g : AllGrammars()) {
      if (g->references != nullptr) made.emplace_back(g, ReferenceIndex(*g));
    }
    return made;
  }();
  return std::ranges::find(all, &grammar, &std::pair<const Grammar*, ReferenceIndex>::first)
      ->second;
}

}  // namespace

ReferenceSink::ReferenceSink(const ReferenceTable& table, const TSLanguage* parser,
                             const SyntaxTree& tree)
    : table_(table),
      tree_(tree),
      ignored_types_(TypeSet(parser, table.ignored_types)),
      calls_(TypeSet(parser, table.calls)) {}

NodeId ReferenceSink::Callee(NodeId node) const {
  for (int depth = 0; depth < kMaxCallDepth && node != kNoNode; ++depth) {
    uint16_t type = tree_.node(node).type;
    if (type >= calls_.size() || !calls_[type]) break;
    node = tree_.FirstChild(node);
  }
  return node;
}

ByteSpan ReferenceSink::LastWord(NodeId node) const {
  std::string_view text = tree_.text();
  ByteSpan bytes = tree_.node(node).bytes;
  uint32_t end = WithoutSpace(text, bytes.begin, bytes.end);
  char close = table_.brackets == '<' ? '>' : ']';
  if (end > bytes.begin && text[end - 1] == close) {
    end = WithoutSpace(text, bytes.begin,
                       BracketBegin(text, bytes.begin, end, table_.brackets, close));
    if (text.substr(bytes.begin, end - bytes.begin).ends_with("::")) end -= 2;  // Rust's f::<T>
  }
  uint32_t word_end = end;
  while (word_end > bytes.begin && table_.tails.find(text[word_end - 1]) != std::string_view::npos)
    --word_end;
  uint32_t begin = WordBegin(text, bytes.begin, word_end);
  return begin == word_end || IsDigit(text[begin]) ? ByteSpan{end, end} : ByteSpan{begin, end};
}

ByteSpan ReferenceSink::QualifierBefore(uint32_t name_begin) const {
  std::string_view text = tree_.text();
  uint32_t low = name_begin > kMaxQualifierBytes ? name_begin - kMaxQualifierBytes : 0;
  ByteSpan qualifier = {name_begin, name_begin};
  for (uint32_t at = name_begin;;) {
    uint32_t separator = SeparatorBefore(text, at, table_.separators);
    if (separator == 0 || at < low + separator) return qualifier;
    uint32_t end = at - separator;
    if (text[end] == ':' && end > low && text[end - 1] == '>')
      end = BracketBegin(text, low, end, '<', '>');
    if (end > low && end < at - separator && text[end - 1] == ':')
      end -= std::min(end - low, 2u);  // Vec::<u8>::new
    end = WithoutSpace(text, low, end);
    uint32_t begin = WordBegin(text, low, end);
    bool is_word = begin < end && begin > low && !IsDigit(text[begin]);
    if (begin == 0 && begin < end) is_word = !IsDigit(text[begin]);
    if (!is_word || (table_.capital_qualifiers && !(text[begin] >= 'A' && text[begin] <= 'Z')))
      return qualifier;
    if (qualifier.size() == 0) qualifier.end = at - separator;
    qualifier.begin = at = begin;
  }
}

void ReferenceSink::Path(NodeId node, ReferenceKind kind) {
  if (full() || (node = Callee(node)) == kNoNode) return;
  uint16_t type = tree_.node(node).type;
  if (type < ignored_types_.size() && ignored_types_[type]) return;
  ByteSpan name = LastWord(node);
  if (name.size() > 0 && name.size() <= kMaxNameBytes)
    found_.push_back({name, QualifierBefore(name.begin), kind, false});
}

void ReferenceSink::PathFrom(NodeId node, ReferenceKind kind, ByteSpan qualifier, bool is_module) {
  if (full() || node == kNoNode) return;
  ByteSpan name = LastWord(node);
  if (qualifier.size() > kMaxNameBytes) qualifier.end = qualifier.begin;
  if (name.size() > 0 && name.size() <= kMaxNameBytes)
    found_.push_back({name, qualifier, kind, is_module});
}

void ReferenceSink::Module(NodeId string) {
  if (full() || string == kNoNode) return;
  ByteSpan bytes = Unquoted(tree_.text(), tree_.node(string).bytes);
  std::string_view text = tree_.text().substr(bytes.begin, bytes.size());
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') {
    ++bytes.begin;
    --bytes.end;
    text = text.substr(1, text.size() - 2);
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  bytes.end = bytes.begin + static_cast<uint32_t>(text.size());
  if (text.empty() || text.size() > kMaxNameBytes || text.find('\n') != std::string_view::npos)
    return;
  size_t slash = text.find_last_of('/');
  auto name_begin =
      static_cast<uint32_t>(bytes.begin + (slash == std::string_view::npos ? 0 : slash + 1));
  uint32_t qualifier_end = slash == std::string_view::npos ? bytes.begin : name_begin - 1;
  found_.push_back(
      {{name_begin, bytes.end}, {bytes.begin, qualifier_end}, ReferenceKind::kImport, true});
}

void ReferenceSink::Parameter(NodeId name) {
  if (name == kNoNode || full()) return;
  ByteSpan word = LastWord(name);
  if (word.size() > 0) parameters_.push_back(tree_.text().substr(word.begin, word.size()));
}

// As it is stored: with dots between its words, but as written for a module.
std::string ReferenceSink::QualifierText(const Found& found) const {
  std::string_view text = tree_.text().substr(found.qualifier.begin, found.qualifier.size());
  if (found.module || text.empty()) return std::string(text);
  std::string dotted = Dotted(text);
  while (dotted.ends_with('.')) dotted.pop_back();
  return dotted;
}

bool ReferenceSink::IsLeftOut(const Found& found) const {
  if (found.qualifier.size() > 0) return false;
  std::string_view name = tree_.text().substr(found.name.begin, found.name.size());
  return std::ranges::find(table_.ignored_names, name) != table_.ignored_names.end() ||
         (found.kind == ReferenceKind::kType && std::ranges::binary_search(parameters_, name));
}

std::vector<Reference> ReferenceSink::Finish(const std::vector<Definition>& definitions) {
  std::ranges::stable_sort(found_, {}, [](const Found& found) { return found.name.begin; });
  std::ranges::sort(parameters_);
  std::vector<Reference> references;
  references.reserve(found_.size());
  size_t next = 0;
  uint32_t last = UINT32_MAX;
  for (const Found& found : found_) {
    if (found.name.begin == last) continue;
    last = found.name.begin;
    while (next < definitions.size() && definitions[next].name_begin < last) ++next;
    bool defined = next < definitions.size() && definitions[next].name_begin == last &&
                   definitions[next].kind != ChunkKind::kReexport;
    if (defined || IsLeftOut(found)) continue;
    references.push_back({std::string(tree_.text().substr(last, found.name.size())),
                          QualifierText(found), found.kind, last});
  }
  found_.clear();
  return references;
}

std::vector<Reference> CollectReferences(const Grammar& grammar, const SyntaxTree& tree,
                                         const std::vector<Definition>& definitions) {
  if (grammar.references == nullptr) return {};
  const ReferenceIndex& index = IndexOf(grammar);
  ReferenceSink sink(*grammar.references, grammar.parser(), tree);
  for (NodeId id = 0; id < tree.nodes().size() && !sink.full(); ++id) index.Visit(id, &sink);
  return sink.Finish(definitions);
}

}  // namespace codelore::chunker
