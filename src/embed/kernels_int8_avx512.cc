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

#include "embed/kernels_int8_avx512_inl.h"

}  // namespace

const Int8Kernels kAvx512VnniInt8Kernels = {.name = "avx512vnni",
                                            .fast = true,
                                            .panel = kPanel,
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
