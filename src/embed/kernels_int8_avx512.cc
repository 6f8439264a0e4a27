// The int8 kernels for AVX-512 without VNNI: 11 × 2 accumulators of 16 sums; four vectors of weights, two of activations, two of
// products and the ones are 31 of the 32 registers.
#include "embed/kernels_int8_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in g++ 12's own header (its bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl")
#endif

namespace codelore::embed {
namespace {

constexpr int kRows = 11, kColumns = 2;
constexpr int kLevels = 127, kTogether = 2;

// Pairs of products are added in 16 bits, which Int8Kernels::together keeps from saturating, those of two groups as well; pairs of
// these sums then in 32. In assembly, because g++ 12 copies and spills the sums around intrinsics.
inline void Dot(const __m512i (&u)[1], const __m512i (&s)[1], __m512i* sum) {
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i products;
  asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
      : "+v"(*sum), "=&v"(products)
      : "v"(u[0]), "v"(s[0]), "v"(ones));
}
inline void Dot(const __m512i (&u)[2], const __m512i (&s)[2], __m512i* sum) {
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i products, more;
  asm("vpmaddubsw %5, %3, %1\n\tvpmaddubsw %6, %4, %2\n\tvpaddw %2, %1, %1\n\t"
      "vpmaddwd %7, %1, %1\n\tvpaddd %1, %0, %0"
      : "+v"(*sum), "=&v"(products), "=&v"(more)
      : "v"(u[0]), "v"(u[1]), "v"(s[0]), "v"(s[1]), "v"(ones));
}

#include "embed/kernels_int8_avx512_inl.h"

}  // namespace

const Int8Kernels kAvx512Int8Kernels = {.name = "avx512",
                                        .fast = true,
                                        .panel = kPanel,
                                        .levels = kLevels,
                                        .together = kTogether,
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
