// The vector operations of any processor, for the portable kernels; included like
// kernels_vec_inl.h, which it includes.

typedef float Vec __attribute__((vector_size(16)));
typedef int IntVec __attribute__((vector_size(16)));
constexpr size_t kWidth = 4;
inline Vec Set(float x) { return Vec{x, x, x, x}; }
inline Vec Fma(Vec a, Vec b, Vec c) { return a * b + c; }
inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec Min(Vec a, Vec b) { return a < b ? a : b; }
// For |a| < 2^22: adding 1.5·2^23 leaves no bits for a fraction.
inline Vec Round(Vec a) { return (a + Set(12582912.0f)) - Set(12582912.0f); }
inline Vec ScaleByPowerOf2(Vec v, Vec n) {
  const IntVec exponent = (__builtin_convertvector(n, IntVec) + 127) << 23;
  Vec power;
  __builtin_memcpy(&power, &exponent, sizeof power);
  return v * power;
}
inline float Sum(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }
inline float Maximum(Vec v) {
  const float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];
  return a > b ? a : b;
}

inline Vec MixLanes(Vec v) {
  const float a = v[0] + v[1], b = v[0] - v[1], c = v[2] + v[3], d = v[2] - v[3];
  return Vec{a + c, b + d, a - c, b - d};
}

#include "embed/kernels_vec_inl.h"
