// The kernels for AVX-512 F: 14 × 2 accumulators of 16 floats, 30 of the 32 registers.
#include "embed/kernels_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in g++ 12's own header (its bug 105593)
#pragma GCC target("avx512f")
#endif

namespace codelore::embed {
namespace {

using Vec = __m512;
constexpr size_t kWidth = 16;
constexpr size_t kRows = 14;
inline Vec Set(float x) { return _mm512_set1_ps(x); }
inline Vec Fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec Round(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
inline Vec ScaleByPowerOf2(Vec v, Vec n) { return _mm512_scalef_ps(v, n); }

#include "embed/kernels_inl.h"

}  // namespace

const Kernels kAvx512Kernels = {"avx512", kPanel, Multiply, LayerNorm, Gelu, Softmax};

}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
