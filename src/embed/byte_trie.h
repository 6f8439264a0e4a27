// ByteTrie: strings to numbers, walked byte by byte: the edges in one open-addressing hash table,
// the number that ends at each node beside it. It may have several roots (0, 1, ...), that is, hold
// several sets. All keys together have at most kMaxBytes bytes: the caller sees to it. Thread-safe
// once filled.
#ifndef CODELORE_EMBED_BYTE_TRIE_H_
#define CODELORE_EMBED_BYTE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace codelore::embed {

class ByteTrie {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kMaxBytes = 12 << 20;  // node << 8 fits 32 bits

  explicit ByteTrie(uint32_t roots = 1) : edges_(1 << 8), value_at_(roots, kNone) {}

  // Puts `value` where `key` ends; returns what was there, or kNone.
  uint32_t Insert(uint32_t root, std::string_view key, uint32_t value);

  // The node below, or kNone.
  uint32_t Child(uint32_t node, char byte) const {
    const uint32_t key = (node << 8 | static_cast<uint8_t>(byte)) + 1;
    const size_t mask = edges_.size() - 1;
    for (size_t slot = Slot(key);; ++slot) {
      const Edge& edge = edges_[slot & mask];
      if (edge.key == key) return edge.to;
      if (edge.key == 0) return kNone;
    }
  }
  // What ends at the node, or kNone.
  uint32_t value(uint32_t node) const { return value_at_[node]; }
  // What ends where `key` does, or kNone.
  uint32_t Find(uint32_t root, std::string_view key) const;

 private:
  struct Edge {
    uint32_t key = 0;  // node << 8 | byte, plus 1; 0: a free slot
    uint32_t to = 0;
  };
  static size_t Slot(uint32_t key) { return key * 0x9E3779B1u >> 7; }
  uint32_t AddChild(uint32_t node, char byte);
  void Grow();
  void Place(const Edge& edge);

  std::vector<Edge> edges_;  // a power of two, at most half full
  size_t edge_count_ = 0;
  std::vector<uint32_t> value_at_;  // by node
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_BYTE_TRIE_H_
