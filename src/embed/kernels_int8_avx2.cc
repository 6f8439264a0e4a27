// The int8 kernels for AVX2 with FMA, exact by way of 16 bits: 6 × 2 accumulators of 8 sums.
#include "embed/kernels_int8_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace codelore::embed {
namespace {

#include "embed/kernels_avx2_inl.h"

constexpr int kRows = 3, kColumns = 2;
inline Vec FastGelu(Vec x) { return ExactGelu(x); }

// Even and odd bytes apart, as 16-bit numbers: 2 · 255 · 127 needs 32 bits, which pmaddwd gives
// (pmaddubsw, the obvious choice, would saturate at 32,767).
inline void Dot(IntVec u, IntVec s, IntVec* sum) {
  const __m256i even_u = _mm256_and_si256(u, _mm256_set1_epi16(0xFF));
  const __m256i even_s = _mm256_srai_epi16(_mm256_slli_epi16(s, 8), 8);
  const __m256i even = _mm256_madd_epi16(even_u, even_s);
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(u, 8), _mm256_srai_epi16(s, 8));
  *sum = _mm256_add_epi32(*sum, _mm256_add_epi32(even, odd));
}

#include "embed/kernels_int8_inl.h"

}  // namespace

const Int8Kernels kAvx2Int8Kernels = {.name = "avx2",
                                      .fast = false,
                                      .panel = kPanel,
                                      .multiply = Int8Multiply<KeepFloat>,
                                      .multiply_gelu = Int8Multiply<ApplyGelu>,
                                      .multiply_bfloat16 = nullptr,
                                      .quantise = Quantise};

}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
