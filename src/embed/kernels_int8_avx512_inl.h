// What the int8 kernels of AVX-512, with VNNI and without, and of AMX share; included like kernels_vec_inl.h, after kRows,
// kColumns, kLevels, kTogether and, where products go by it, Dot.

#include "embed/kernels_avx512_inl.h"

using IntVec = __m512i;
inline IntVec LoadInts(const int8_t* p) { return _mm512_loadu_si512(p); }
inline IntVec Broadcast(const uint8_t* p) {
  int bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
  return _mm512_set1_epi32(bytes);
}
inline Vec Signs(int minus) {
  return _mm512_mask_blend_ps(static_cast<__mmask16>(minus), Set(1), Set(-1));
}
// Between lanes 1, 2, 4 and 8 apart.
inline Vec MixLanes(Vec v) {
  v = Fma(v, Signs(0xAAAA), _mm512_permute_ps(v, 0xB1));
  v = Fma(v, Signs(0xCCCC), _mm512_permute_ps(v, 0x4E));
  v = Fma(v, Signs(0xF0F0), _mm512_shuffle_f32x4(v, v, 0xB1));
  return Fma(v, Signs(0xFF00), _mm512_shuffle_f32x4(v, v, 0x4E));
}
inline Vec ToFloat(IntVec v) { return _mm512_cvtepi32_ps(v); }
inline void StoreBytes(uint8_t* p, Vec v) {
  const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(v));
  __builtin_memcpy(p, &bytes, sizeof bytes);
}

// max(x, 0) - t(|x|), t by the table: its 32 pieces are two registers to choose from.
inline Vec FastGelu(Vec x) {
  const Vec pieces =
      _mm512_min_ps(_mm512_abs_ps(x) * Set(kGeluPiecesPerUnit), Set(kGeluPieces - 0.51f));
  const Vec shift = Set(12582912.0f);  // 1.5·2^23: the sum's low bits are the nearest integer
  const Vec shifted = pieces + shift;
  const __m512i piece = _mm512_castps_si512(shifted);
  const Vec within = pieces - (shifted - shift);
  const auto coefficient = [&](const float* table) {
    return _mm512_permutex2var_ps(_mm512_load_ps(table), piece, _mm512_load_ps(table + 16));
  };
  const Vec tail = Fma(Fma(coefficient(kGeluTable.square), within, coefficient(kGeluTable.linear)),
                       within, coefficient(kGeluTable.constant));
  return Max(x, Set(0)) - tail;
}

#include "embed/kernels_int8_inl.h"

// Rounded to the nearest, ties to even.
struct KeepBfloat16 {
  using Element = uint16_t;
  static Element* Target(const Int8Product& p) { return p.c16; }
  static KERNEL_INLINE void Put(uint16_t* c, Vec v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
    const __m256i high = _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
    __builtin_memcpy(c, &high, sizeof high);
  }
};
