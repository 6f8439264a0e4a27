// The vector operations of AVX2 with FMA, for the kernels of its family; included like
// kernels_vec_inl.h, which it includes.

using Vec = __m256;
constexpr size_t kWidth = 8;
inline Vec Set(float x) { return _mm256_set1_ps(x); }
inline Vec Fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec Max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec Round(Vec a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vec ScaleByPowerOf2(Vec v, Vec n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return v * _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
inline float Sum(Vec v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float Maximum(Vec v) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

#include "embed/kernels_vec_inl.h"

using IntVec = __m256i;
inline IntVec LoadInts(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline IntVec Broadcast(const void* p) {
  int bytes;
  __builtin_memcpy(&bytes, p, sizeof bytes);
  return _mm256_set1_epi32(bytes);
}
// Between lanes 1, 2 and 4 apart.
inline Vec MixLanes(Vec v) {
  const Vec signs1 = _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1);
  const Vec signs2 = _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1);
  const Vec signs4 = _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1);
  v = Fma(v, signs1, _mm256_permute_ps(v, 0xB1));
  v = Fma(v, signs2, _mm256_permute_ps(v, 0x4E));
  return Fma(v, signs4, _mm256_permute2f128_ps(v, v, 1));
}
inline Vec ToFloat(IntVec v) { return _mm256_cvtepi32_ps(v); }
inline void StoreBytes(unsigned char* p, Vec v) {
  const __m256i ints = _mm256_cvtps_epi32(v);
  const __m128i words =
      _mm_packus_epi32(_mm256_castsi256_si128(ints), _mm256_extracti128_si256(ints, 1));
  const __m128i bytes = _mm_packus_epi16(words, words);
  __builtin_memcpy(p, &bytes, 8);
}
