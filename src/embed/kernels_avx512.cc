// The kernels for AVX-512 F: 14 × 2 accumulators of 16 floats, 30 of the 32 registers.
#include "embed/kernels_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in g++ 12's own header (its bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f")
#endif

namespace codelore::embed {
namespace {

#include "embed/kernels_avx512_inl.h"

constexpr size_t kRows = 14;

#include "embed/kernels_inl.h"

}  // namespace

const Kernels kAvx512Kernels = {"avx512", kPanel, Multiply, LayerNorm, Gelu, Gate, Softmax};

}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
