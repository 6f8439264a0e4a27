// The int8 kernels for AMX: tiles of 16 × 16 sums, 2 × 2 of them at a time, over the panels that AVX-512 VNNI has; what follows the
// products is that one's. Once more over emulated tiles, which is how they were tested: they never ran on hardware that has AMX
// (kernels_int8.cc compares them with VNNI's before it takes them).
#include "embed/amx_tiles.h"
#include "embed/kernels_int8_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in g++ 12's own header (its bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vnni")
#endif

namespace codelore::embed {
namespace {

constexpr int kRows = 1, kColumns = 2;  // of what is finished at a time
constexpr int kLevels = 255, kTogether = 1;

#include "embed/kernels_int8_avx512_inl.h"

// In assembly: the intrinsics are macros that want literal numbers.
struct HardwareTiles {
  static KERNEL_INLINE void Configure(const TileConfig& config) {
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  static KERNEL_INLINE void Release() { asm volatile("tilerelease"); }
  template <int kTile>
  static KERNEL_INLINE void Zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static KERNEL_INLINE void Load(const void* from, size_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static KERNEL_INLINE void Store(void* to, size_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kSum, int kU, int kS>
  static KERNEL_INLINE void DotUnsignedSigned() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kU), "i"(kS));
  }
};

constexpr size_t kTileRows = 16, kTileDepth = 64, kGroupBytes = kInt8Group * kPanel;
constexpr size_t kPairRows = 2 * kTileRows;  // by a panel of two tiles' columns

// Tiles 0 and 1 are the sums of the first 16 rows, 2 and 3 of those after; 4 and 5 hold rows of bytes, 6 and 7 weights.
TileConfig ConfigFor(size_t rows) {
  TileConfig config;
  const auto use = [&](int tile, size_t n) {
    config.rows[tile] = static_cast<uint8_t>(n);
    config.row_bytes[tile] = n > 0 ? 64 : 0;
  };
  const size_t first = rows < kTileRows ? rows : kTileRows;
  for (int tile : {0, 1, 4}) use(tile, first);
  for (int tile : {2, 3, 5}) use(tile, rows - first);
  for (int tile : {6, 7}) use(tile, kTileDepth / kInt8Group);
  return config;
}

template <bool kTwo, class Tiles>
KERNEL_INLINE void AddProducts(Tiles& tiles, const uint8_t* a, size_t a_stride, const int8_t* b) {
  tiles.template Load<6>(b, kGroupBytes);
  tiles.template Load<7>(b + kGroupBytes / 2, kGroupBytes);
  tiles.template Load<4>(a, a_stride);
  tiles.template DotUnsignedSigned<0, 4, 6>();
  tiles.template DotUnsignedSigned<1, 4, 7>();
  if constexpr (kTwo) {
    tiles.template Load<5>(a + kTileRows * a_stride, a_stride);
    tiles.template DotUnsignedSigned<2, 5, 6>();
    tiles.template DotUnsignedSigned<3, 5, 7>();
  }
}

// What is left of the depth, zeros behind it: neither rows nor panels may be read beyond their ends.
template <bool kTwo, class Tiles>
void AddRest(Tiles& tiles, const Int8Tile& t, size_t rows, size_t depth) {
  alignas(64) uint8_t a[kPairRows * kTileDepth] = {};
  alignas(64) int8_t b[kTileDepth * kPanel] = {};
  for (size_t r = 0; r < rows; ++r) {
    __builtin_memcpy(a + r * kTileDepth, t.a + r * t.a_stride + depth, t.depth - depth);
  }
  __builtin_memcpy(b, t.panel + depth * kPanel, (t.depth - depth) * kPanel);
  AddProducts<kTwo>(tiles, a, kTileDepth, b);
}

// sums [rows, kPanel], at most kPairRows rows.
template <bool kTwo, class Tiles>
KERNEL_INLINE void SumPair(Tiles& tiles, const Int8Tile& t, size_t rows, int* sums) {
  tiles.template Zero<0>();
  tiles.template Zero<1>();
  if constexpr (kTwo) {
    tiles.template Zero<2>();
    tiles.template Zero<3>();
  }
  size_t k = 0;
  for (; k + kTileDepth <= t.depth; k += kTileDepth) {
    AddProducts<kTwo>(tiles, t.a + k, t.a_stride, t.panel + k * kPanel);
  }
  if (k < t.depth) AddRest<kTwo>(tiles, t, rows, k);
  constexpr size_t kStride = kPanel * sizeof(int);
  tiles.template Store<0>(sums, kStride);
  tiles.template Store<1>(sums + kTileRows, kStride);
  if constexpr (kTwo) {
    tiles.template Store<2>(sums + kTileRows * kPanel, kStride);
    tiles.template Store<3>(sums + kTileRows * kPanel + kTileRows, kStride);
  }
}

template <class Output>
KERNEL_INLINE void FinishRow(Int8Tile row, const int* sums, size_t columns) {
  using Element = typename Output::Element;
  IntVec sum[1][kColumns] = {{_mm512_load_si512(sums), _mm512_load_si512(sums + kWidth)}};
  if (columns >= kPanel) return FinishTile<1, Output>(row, sum);
  Element copy[kPanel];
  void* const c = row.c;
  row.c = copy;
  FinishTile<1, Output>(row, sum);
  __builtin_memcpy(c, copy, columns * sizeof(Element));
}

template <class Tiles, class Output>
void MultiplyPair(Tiles& tiles, Int8Tile tile, size_t rows, size_t columns) {
  alignas(64) int sums[kPairRows * kPanel] = {};
  if (rows > kTileRows) {
    SumPair<true>(tiles, tile, rows, sums);
  } else {
    SumPair<false>(tiles, tile, rows, sums);
  }
  for (size_t r = 0; r < rows; ++r) {
    FinishRow<Output>(tile, sums + r * kPanel, columns);
    tile.c = static_cast<typename Output::Element*>(tile.c) + tile.c_stride;
    ++tile.a_scales;
  }
}

template <class Tiles, class Output>
void AmxMultiply(const Int8Product& p) {
  const Int8Weights& w = *p.weights;
  Tiles tiles;
  for (size_t row = 0; row < p.rows; row += kPairRows) {
    const size_t rows = p.rows - row < kPairRows ? p.rows - row : kPairRows;
    if (row == 0 || rows < kPairRows) tiles.Configure(ConfigFor(rows));
    for (size_t column = 0; column < w.columns; column += kPanel) {
      MultiplyPair<Tiles, Output>(tiles,
                                  {.a = p.a + row * p.a_stride,
                                   .a_stride = p.a_stride,
                                   .a_scales = p.a_scales + row,
                                   .panel = w.panels + column * w.depth,
                                   .depth = w.depth,
                                   .scale = w.scale + column,
                                   .sum = w.sum + column,
                                   .bias = w.bias + column,
                                   .c = Output::Target(p) + row * p.c_stride + column,
                                   .c_stride = p.c_stride},
                                  rows, w.columns - column);
    }
  }
  tiles.Release();
}

template <class Tiles>
constexpr Int8Kernels KernelsOver(std::string_view name) {
  return {.name = name,
          .fast = true,
          .panel = kPanel,
          .levels = kLevels,
          .together = kTogether,
          .multiply = AmxMultiply<Tiles, KeepFloat>,
          .multiply_gelu = AmxMultiply<Tiles, ApplyGelu>,
          .multiply_bfloat16 = AmxMultiply<Tiles, KeepBfloat16>,
          .quantise = Quantise};
}

}  // namespace

const Int8Kernels kAmxInt8Kernels = KernelsOver<HardwareTiles>("amx");
const Int8Kernels kEmulatedAmxInt8Kernels = KernelsOver<EmulatedTiles>("emulated_amx");

}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
