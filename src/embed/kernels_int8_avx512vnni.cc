// The int8 kernels for AVX-512 with VNNI: 14 × 2 accumulators of 16 sums, 28 of the 32 registers.
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

constexpr int kRows = 14, kColumns = 2;
constexpr int kLevels = 255, kTogether = 1;

// In assembly, because g++ 12 copies and spills the sums around the intrinsic.
inline void Dot(const __m512i (&u)[1], const __m512i (&s)[1], __m512i* sum) {
  asm("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(u[0]), "v"(s[0]));
}

#include "embed/kernels_int8_avx512_inl.h"

}  // namespace

const Int8Kernels kAvx512VnniInt8Kernels = {.name = "avx512vnni",
                                            .fast = true,
                                            .panel = kPanel,
                                            .levels = kLevels,
                                            .together = kTogether,
                                            .multiply = Int8Multiply<KeepFloat>,
                                            .multiply_gelu = Int8Multiply<ApplyGelu>,
                                            .multiply_bfloat16 = Int8Multiply<KeepBfloat16>,
                                            .quantise = Quantise};

}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
