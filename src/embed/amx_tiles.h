// The tile registers of Intel's AMX: their configuration, and an emulation of those instructions that the int8 kernels use, for
// machines that have none.
//
// After the pseudo code of the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 (LDTILECFG, TILEZERO,
// TILELOADD, TILESTORED, TDPBUSD), palette 1. What the processor would refuse (#GP, #UD) is a fault here: nothing is done, then or
// later, and fault() says why.
#ifndef CODELORE_EMBED_AMX_TILES_H_
#define CODELORE_EMBED_AMX_TILES_H_

#include <cstddef>
#include <cstdint>

namespace codelore::embed {

// As LDTILECFG reads it.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};  // of tile 0 to 7; the others stay 0
  uint8_t rows[16] = {};        // likewise
};
static_assert(sizeof(TileConfig) == 64);

class EmulatedTiles {
 public:
  static constexpr size_t kTiles = 8, kMaxRows = 16, kMaxRowBytes = 64;

  void Configure(const TileConfig& config);
  void Release();
  void Zero(int tile);
  void Load(int tile, const void* from, size_t stride);
  void Store(int tile, void* to, size_t stride);
  // sum[m][n] += Σ u[m][4k + i]·s[k][4n + i], u of unsigned bytes, s of signed ones, the sums of 32 bits, which wrap around.
  void DotUnsignedSigned(int sum, int u, int s);

  const char* fault() const { return fault_; }  // null: none so far

  // As HardwareTiles has them, where the number is part of the instruction.
  template <int kTile>
  __attribute__((always_inline)) void Zero() { Zero(kTile); }
  template <int kTile>
  __attribute__((always_inline)) void Load(const void* from, size_t stride) { Load(kTile, from, stride); }
  template <int kTile>
  __attribute__((always_inline)) void Store(void* to, size_t stride) { Store(kTile, to, stride); }
  template <int kSum, int kU, int kS>
  __attribute__((always_inline)) void DotUnsignedSigned() { DotUnsignedSigned(kSum, kU, kS); }

 private:
  // Whether the instruction may go on.
  bool Usable(int tile);
  bool Fault(const char* why);

  bool configured_ = false;
  TileConfig config_;
  uint8_t data_[kTiles][kMaxRows][kMaxRowBytes] = {};
  const char* fault_ = nullptr;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_AMX_TILES_H_
