#include "chunker/signature.h"

#include <algorithm>

#include "codelore/utf8.h"

namespace codelore::chunker {
namespace {

constexpr size_t kMaxBytes = 200;
constexpr size_t kMaxScannedBytes = 2'000;  // no declaration worth reading is longer
constexpr int kMaxBodyDepth = 5;            // `export const f = async () => {`

// The child of `node` that is its body; kNoNode without one.
NodeId BodyOf(const SyntaxTree& tree, const RuleTable& rules, NodeId node) {
  NodeId body = tree.ChildInField(node, "body");
  for (NodeId child = tree.FirstChild(node); body == kNoNode && child != kNoNode;
       child = tree.NextSibling(child)) {
    if (rules.EndsSignature(tree.node(child).type)) body = child;
  }
  return body;
}

NodeId LastChild(const SyntaxTree& tree, NodeId node) {
  NodeId last = kNoNode;
  for (NodeId child = tree.FirstChild(node); child != kNoNode; child = tree.NextSibling(child))
    last = child;
  return last;
}

// Where the body begins: in a child of the node, or of its type (`typedef struct {`), or of its
// last child, and so on
// (`const f = () => {`). UINT32_MAX if there is none.
uint32_t BodyBegin(const SyntaxTree& tree, const RuleTable& rules, NodeId node) {
  for (int depth = 0; depth < kMaxBodyDepth && node != kNoNode; ++depth) {
    NodeId body = BodyOf(tree, rules, node);
    NodeId type = tree.ChildInField(node, "type");
    if (body == kNoNode && type != kNoNode) body = BodyOf(tree, rules, type);
    if (body != kNoNode) return tree.node(body).bytes.begin;
    node = LastChild(tree, node);
  }
  return UINT32_MAX;
}

bool IsFunction(ChunkKind kind) {
  return kind == ChunkKind::kFunction || kind == ChunkKind::kMethod;
}

// One line of the text in [begin, end), skipping the spans of attributes and comments.
std::string OneLine(const SyntaxTree& tree, const RuleTable& rules, NodeId outer, ByteSpan bytes) {
  std::string raw;
  uint32_t at = bytes.begin;
  for (NodeId id = outer; id < tree.nodes().size() && tree.node(id).bytes.begin < bytes.end; ++id) {
    ByteSpan span = tree.node(id).bytes;
    if (span.begin < at || span.size() == 0) continue;
    const NodeRule* rule = rules.Find(tree, id);
    if (rule == nullptr || (rule->role != Role::kAttribute && rule->role != Role::kComment))
      continue;
    raw += tree.text().substr(at, span.begin - at);
    at = std::min(span.end, bytes.end);
    raw += ' ';
  }
  raw += tree.text().substr(at, bytes.end - at);

  std::string line;
  for (size_t i = 0; i < raw.size(); ++i) {
    bool space = raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r';
    if (!space && (raw[i] == ')' || raw[i] == ']') && line.ends_with(' ') && raw[i - 1] != ' ')
      line.pop_back();
    if (!space)
      line += raw[i];
    else if (!line.empty() && !line.ends_with(' ') && !line.ends_with('(') && !line.ends_with('['))
      line += ' ';
  }
  return line;
}

// Without what leads over to the body.
std::string_view WithoutTail(std::string_view line) {
  while (!line.empty()) {
    size_t tail = line.ends_with("=>")                                                       ? 2
                  : line.ends_with(" where")                                                 ? 6
                  : std::string_view(" {:=;,\\").find(line.back()) != std::string_view::npos ? 1
                                                                                             : 0;
    if (tail == 0) break;
    line.remove_suffix(tail);
  }
  return line;
}

}  // namespace

std::string Signature(const SyntaxTree& tree, const RuleTable& rules, NodeId outer, NodeId node,
                      ChunkKind kind, ByteSpan name) {
  ByteSpan bytes = {tree.node(outer).bytes.begin, tree.node(node).bytes.end};
  uint32_t body = BodyBegin(tree, rules, node);
  if (body < bytes.end) {
    bytes.end = body;
  } else if (!IsFunction(kind)) {
    bytes.end =
        static_cast<uint32_t>(std::min<size_t>(tree.text().find('\n', name.end), bytes.end));
  }
  bytes.end = std::min(bytes.end, static_cast<uint32_t>(bytes.begin + kMaxScannedBytes));
  std::string line = OneLine(tree, rules, outer, bytes);
  line = WithoutTail(Utf8Prefix(line, kMaxBytes));
  // `typedef struct {...} name;`
  if (name.begin >= bytes.end && name.size() < kMaxBytes - line.size()) {
    line += " " + std::string(tree.text().substr(name.begin, name.size()));
  }
  return line;
}

}  // namespace codelore::chunker
