// The int8 kernels for AVX2 with FMA: 4 × 2 accumulators of 8 sums; four vectors of weights, two of activations and two of products
// are the rest of the 16 registers.
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

constexpr int kRows = 4, kColumns = 2;
constexpr int kLevels = 127, kTogether = 2;
inline Vec FastGelu(Vec x) { return ExactGelu(x); }

// In memory: there is no register left.
alignas(32) constexpr short kOnes[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

// As in kernels_int8_avx512.cc.
inline void Dot(const IntVec (&u)[1], const IntVec (&s)[1], IntVec* sum) {
  IntVec products;
  asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
      : "+x"(*sum), "=&x"(products)
      : "x"(u[0]), "x"(s[0]), "m"(kOnes));
}
inline void Dot(const IntVec (&u)[2], const IntVec (&s)[2], IntVec* sum) {
  IntVec products, more;
  asm("vpmaddubsw %5, %3, %1\n\tvpmaddubsw %6, %4, %2\n\tvpaddw %2, %1, %1\n\t"
      "vpmaddwd %7, %1, %1\n\tvpaddd %1, %0, %0"
      : "+x"(*sum), "=&x"(products), "=&x"(more)
      : "x"(u[0]), "x"(u[1]), "x"(s[0]), "x"(s[1]), "m"(kOnes));
}

#include "embed/kernels_int8_inl.h"

}  // namespace

const Int8Kernels kAvx2Int8Kernels = {.name = "avx2",
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
