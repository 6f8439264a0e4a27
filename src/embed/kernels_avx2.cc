// The kernels for AVX2 with FMA: 6 × 2 accumulators of 8 floats, 15 of the 16 registers.
#include "embed/kernels_isa.h"

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

constexpr size_t kRows = 6;

#include "embed/kernels_inl.h"

}  // namespace

const Kernels kAvx2Kernels = {"avx2", kPanel, Multiply, LayerNorm, Gelu, Gate, Softmax};

}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
