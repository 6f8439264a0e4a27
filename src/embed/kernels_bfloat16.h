// Attention of one head in bfloat16, for processors that multiply in it (AVX-512 BF16).
//
// Queries, keys and values are bfloat16; scores, exponentials' sums and the result are float32; the
// exponentials are rounded to bfloat16 before they meet the values (relative error 2^-9 each). The
// keys and values of a head are packed once, then queries go by in blocks whose scores stay in L1.
// A query's result depends on its own text alone, bit for bit. Pure functions on memory the caller
// owns, hence thread-safe.
#ifndef CODELORE_EMBED_KERNELS_BFLOAT16_H_
#define CODELORE_EMBED_KERNELS_BFLOAT16_H_

#include <cstddef>
#include <cstdint>

namespace codelore::embed {

// context = softmax(Q·Kᵀ / √size)·V for one head of one text.
struct HeadAttention {
  const uint16_t *query = nullptr, *key = nullptr, *value = nullptr;  // [length, size] each
  size_t stride = 0;
  size_t length = 0;         // tokens of the text, at least 1
  size_t size = 0;           // of a head, a multiple of 32
  float* context = nullptr;  // [length, size]
  size_t context_stride = 0;
  uint16_t *keys = nullptr, *values = nullptr;  // scratch, see PackedHeadSize
  float* scores = nullptr;                      // scratch, see ScoresSize
  // Called with pause_with, unless null, now and then in a long text.
  void (*pause)(void*) = nullptr;
  void* pause_with = nullptr;
};

struct Bfloat16Kernels {
  void (*attend)(const HeadAttention& head) = nullptr;
};

// Null if this processor has none.
const Bfloat16Kernels* BestBfloat16Kernels();

inline constexpr size_t kHeadPanel = 32;  // keys, or elements of a head, that lie together
inline constexpr size_t kHeadRows = 14;   // queries of a block
constexpr size_t PaddedLength(size_t length) {
  return (length + kHeadPanel - 1) / kHeadPanel * kHeadPanel;
}
constexpr size_t PackedHeadSize(size_t length, size_t size) { return PaddedLength(length) * size; }
constexpr size_t ScoresSize(size_t length) { return PaddedLength(length) * kHeadRows; }

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_KERNELS_BFLOAT16_H_
