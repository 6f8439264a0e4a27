// The vector operations of AVX-512 F, for the kernels of its family; included like
// kernels_vec_inl.h, which it includes.

using Vec = __m512;
constexpr size_t kWidth = 16;
inline Vec Set(float x) { return _mm512_set1_ps(x); }
inline Vec Fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec Round(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
inline Vec ScaleByPowerOf2(Vec v, Vec n) { return _mm512_scalef_ps(v, n); }
inline float Sum(Vec v) { return _mm512_reduce_add_ps(v); }
inline float Maximum(Vec v) { return _mm512_reduce_max_ps(v); }

#include "embed/kernels_vec_inl.h"
