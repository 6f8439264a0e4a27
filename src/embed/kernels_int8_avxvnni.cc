// The int8 kernels for AVX-VNNI (256 bits: processors without AVX-512).
#include "embed/kernels_int8_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avxvnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avxvnni")
#endif

namespace codelore::embed {
namespace {

#include "embed/kernels_avx2_inl.h"

constexpr int kRows = 6, kColumns = 2;
constexpr int kLevels = 255, kTogether = 1;
inline Vec FastGelu(Vec x) { return ExactGelu(x); }

// In assembly, because g++ 12 copies and spills the sums around the intrinsic.
inline void Dot(const IntVec (&u)[1], const IntVec (&s)[1], IntVec* sum) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(*sum) : "x"(u[0]), "x"(s[0]));
}

#include "embed/kernels_int8_inl.h"

}  // namespace

const Int8Kernels kAvxVnniInt8Kernels = {.name = "avxvnni",
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
