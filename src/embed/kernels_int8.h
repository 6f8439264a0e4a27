// The int8 kernels of the encoder, one set per instruction level, chosen at run time.
//
// A row x of activations becomes bytes q with x ≈ scale·q + least, by a scale of its own: so a
// row's result is the same, bit for bit, in every batch. A column of weights becomes signed bytes
// with one scale (Dettmers et al. 2022, arXiv:2208.07339: vector-wise quantisation). Both are
// rotated before they are rounded, by one orthogonal matrix (Ashkboos et al. 2024,
// arXiv:2404.00456): x·Wᵀ = (xH)·(WH)ᵀ/128, and no single large element makes all steps of its row
// large. It needs no texts to calibrate with, and takes two thirds of the rounding's error away.
//
// Sums of products are exact on every path while depth <= kMaxInt8Depth. With VNNI (512 or 256 bits)
// four products are one lane's 32-bit instruction. AVX-512 and AVX2 without it multiply pairs into
// 16 bits (vpmaddubsw), where bytes of 8 bits would saturate silently: their activations have 7 bits,
// and two groups of four depths are added before they are widened, for which a column's scale is
// larger where its weights need it (Int8Kernels::together). So vectors of one index may come from
// 8-bit activations on one machine and 7-bit ones on another: they have one fingerprint, and are as
// far from each other as from float32 (all-MiniLM on pieces of code, mean cosine distance: .0005,
// and .0003 and .0006). The portable path widens first, and is slower than float32: it is there to
// check the others and to read an int8 index anywhere. The AMX path never ran on hardware: it was
// tested over emulated tiles (amx_tiles.h), and is taken only where a product of it is VNNI's, bit
// for bit. Pure functions on memory the caller owns, hence thread-safe. Nothing needs alignment.
#ifndef CODELORE_EMBED_KERNELS_INT8_H_
#define CODELORE_EMBED_KERNELS_INT8_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "embed/kernels.h"

namespace codelore::embed {

inline constexpr size_t kMaxInt8Depth = 65536;  // 255 · 127 · 65536 < 2^31
inline constexpr size_t kInt8Group = 4;         // neighbouring depths that lie together
inline constexpr size_t kInt8Rotation = 128;    // neighbouring depths that are rotated together

// x ≈ scale · q + least
struct ByteScale {
  float scale = 0, least = 0;
};

// Weights B[depth, columns], packed: [⌈columns / panel⌉, depth / 4, panel, 4]; what belongs to a
// column is padded with zeros to whole panels.
struct Int8Weights {
  const int8_t* panels = nullptr;
  const float* scale = nullptr;  // of a column
  const float* sum = nullptr;    // of a column: of all its (scaled) weights
  const float* bias = nullptr;   // of a column
  size_t depth = 0;              // a multiple of 4
  size_t columns = 0;
};

// C[rows, columns] = f(A·B + bias), f the identity or GELU, A in bytes.
struct Int8Product {
  const uint8_t* a = nullptr;
  size_t a_stride = 0;
  const ByteScale* a_scales = nullptr;  // [rows]
  const Int8Weights* weights = nullptr;
  float* c = nullptr;       // nothing beyond `columns` of a row is written
  uint16_t* c16 = nullptr;  // instead of c, for multiply_bfloat16
  size_t c_stride = 0;
  size_t rows = 0;
};

struct Int8Kernels {
  std::string_view name;  // "amx", "avx512vnni", "avxvnni", "avx512", "avx2", "portable"
  bool fast = false;      // faster than float32 on such a machine
  size_t panel = 0;       // columns of a panel
  int levels = 0;         // bytes of activations are 0 to this, by quantise
  // Above 1: so many groups of depths have products that are added in 16 bits, those of depths 0 and
  // 1 of each group and those of 2 and 3. Their weights of one sign, in a column, add up to at most
  // 32767 / levels.
  size_t together = 0;
  void (*multiply)(const Int8Product& product) = nullptr;
  // With GELU as above, within 3e-5 of it.
  void (*multiply_gelu)(const Int8Product& product) = nullptr;
  // With bfloat16 results. Null where nothing computes with them.
  void (*multiply_bfloat16)(const Int8Product& product) = nullptr;
  // rotated [size], which may be x: x, each whole block of kInt8Rotation times a Hadamard matrix of
  // ones and minus ones. q [size rounded up to 4]: the bytes of that and zeros.
  ByteScale (*quantise)(const float* x, size_t size, float* rotated, uint8_t* q) = nullptr;
};

const Int8Kernels& BestInt8Kernels();
std::span<const Int8Kernels* const> AvailableInt8Kernels();
// The AMX kernels over emulated tiles, for tests; null where what is around the tiles cannot run.
const Int8Kernels* EmulatedAmxInt8Kernels();

// Quadratics through a·(1 - Φ(a)), Φ the normal distribution function: piece i, of width
// 1 / kGeluPiecesPerUnit, is around a = i / kGeluPiecesPerUnit, with a variable that counts pieces.
inline constexpr size_t kGeluPieces = 32;
inline constexpr float kGeluPiecesPerUnit = 6.4f;
struct GeluTable {
  alignas(64) float constant[kGeluPieces], linear[kGeluPieces], square[kGeluPieces];
};
extern const GeluTable kGeluTable;

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_KERNELS_INT8_H_
