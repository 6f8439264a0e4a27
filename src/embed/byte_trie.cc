#include "embed/byte_trie.h"

namespace codelore::embed {

uint32_t ByteTrie::Insert(uint32_t root, std::string_view key, uint32_t value) {
  uint32_t node = root;
  for (char byte : key) node = AddChild(node, byte);
  const uint32_t before = value_at_[node];
  value_at_[node] = value;
  return before;
}

uint32_t ByteTrie::Find(uint32_t root, std::string_view key) const {
  uint32_t node = root;
  for (char byte : key) {
    if ((node = Child(node, byte)) == kNone) return kNone;
  }
  return value_at_[node];
}

uint32_t ByteTrie::AddChild(uint32_t node, char byte) {
  if (uint32_t child = Child(node, byte); child != kNone) return child;
  if (2 * (edge_count_ + 1) > edges_.size()) Grow();
  const uint32_t key = (node << 8 | static_cast<uint8_t>(byte)) + 1;
  const auto child = static_cast<uint32_t>(value_at_.size());
  Place({key, child});
  ++edge_count_;
  value_at_.push_back(kNone);
  return child;
}

void ByteTrie::Grow() {
  std::vector<Edge> old(2 * edges_.size());
  old.swap(edges_);
  for (const Edge& edge : old) {
    if (edge.key != 0) Place(edge);
  }
}

void ByteTrie::Place(const Edge& edge) {
  const size_t mask = edges_.size() - 1;
  size_t slot = Slot(edge.key);
  while (edges_[slot & mask].key != 0) ++slot;
  edges_[slot & mask] = edge;
}

}  // namespace codelore::embed
