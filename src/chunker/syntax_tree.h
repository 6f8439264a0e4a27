// SyntaxTree: a parsed file as a flat array of nodes in preorder, so that every later stage is a
// loop over an array and nothing recurses on the depth of the input.
//
// Kept are the named nodes and those anonymous ones that stand in a field; punctuation is not.
// Values; they borrow nothing but the text, which must outlive them. Thread-safe: each call of
// Parse has its own parser.
#ifndef CODELORE_CHUNKER_SYNTAX_TREE_H_
#define CODELORE_CHUNKER_SYNTAX_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"

struct TSLanguage;

namespace codelore::chunker {

using NodeId = uint32_t;
inline constexpr NodeId kNoNode = UINT32_MAX;

struct SyntaxNode {
  ByteSpan bytes;
  NodeId parent = kNoNode;
  NodeId subtree_end = 0;  // one past its last descendant; the next sibling, if there is one
  uint16_t type = 0;       // the grammar's number of the node type
  uint16_t field = 0;      // the field of the parent it stands in; 0: none
};

struct ParseLimits {
  uint32_t max_bytes = 1 << 20;
  uint32_t max_nodes = 4'000'000;
  uint32_t max_depth = 1'500;
  uint32_t time_budget_ms = 1'500;
};

class SyntaxTree {
 public:
  // Parses `text`, read through `parsed_text` (of equal length: a copy in which some tokens are
  // blanked). On failure the tree is empty and `failure` says which limit was met.
  static SyntaxTree Parse(const TSLanguage* language, std::string_view text,
                          std::string_view parsed_text, const ParseLimits& limits,
                          std::string* failure);

  const std::vector<SyntaxNode>& nodes() const { return nodes_; }
  const SyntaxNode& node(NodeId id) const { return nodes_[id]; }
  std::string_view text() const { return text_; }
  std::string_view text(NodeId id) const {
    return text_.substr(nodes_[id].bytes.begin, nodes_[id].bytes.size());
  }

  std::string_view TypeName(NodeId id) const;
  bool Is(NodeId id, std::string_view type) const { return id != kNoNode && TypeName(id) == type; }

  NodeId Parent(NodeId id) const { return nodes_[id].parent; }
  NodeId FirstChild(NodeId id) const { return nodes_[id].subtree_end > id + 1 ? id + 1 : kNoNode; }
  NodeId NextSibling(NodeId id) const {
    NodeId next = nodes_[id].subtree_end;
    NodeId parent = nodes_[id].parent;
    return parent != kNoNode && next < nodes_[parent].subtree_end ? next : kNoNode;
  }
  // The first child in that field, or of that type; kNoNode if there is none.
  NodeId ChildInField(NodeId id, std::string_view field) const;
  NodeId ChildInField(NodeId id, uint16_t field) const;  // by FieldNumber
  NodeId ChildOfType(NodeId id, std::string_view type) const;

 private:
  std::string_view text_;
  const TSLanguage* language_ = nullptr;
  std::vector<SyntaxNode> nodes_;
};

// The number of the named node type `name`, or of the field `name`; 0 if the grammar has none.
uint16_t TypeNumber(const TSLanguage* language, std::string_view name);
uint16_t FieldNumber(const TSLanguage* language, std::string_view name);
uint32_t TypeCount(const TSLanguage* language);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_SYNTAX_TREE_H_
