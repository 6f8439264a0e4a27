// Operations on a vector type, written once: what the kernels share. Each kernels_*.cc includes
// this text inside its own unnamed namespace and target region, after defining
//   Vec, kWidth (its floats), Set(float), Fma(a, b, c) = a·b + c, Max, Min, Round (to the nearest
//   integer), ScaleByPowerOf2(v, n) = v·2ⁿ for whole n >= -126, Sum and Maximum of the lanes.
// So it has no include guard, and it uses nothing of the standard library: an inline function
// compiled here for AVX-512 could be the copy that the linker keeps for everyone.

#define KERNEL_INLINE inline __attribute__((always_inline))
#define KERNEL_UNROLL _Pragma("GCC unroll 16")

KERNEL_INLINE Vec Load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
KERNEL_INLINE void Store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }

// The same for the end of a row, where fewer than kWidth floats may be `left`.
KERNEL_INLINE Vec LoadUpTo(const float* p, size_t left, float fill) {
  if (left >= kWidth) return Load(p);
  Vec v = Set(fill);
  __builtin_memcpy(&v, p, left * sizeof(float));
  return v;
}
KERNEL_INLINE void StoreUpTo(float* p, Vec v, size_t left) {
  if (left >= kWidth) return Store(p, v);
  __builtin_memcpy(p, &v, left * sizeof(float));
}

// kWhole: rows of whole vectors, which models have, without a question at each.
template <bool kWhole>
KERNEL_INLINE Vec LoadPart(const float* p, size_t left, float fill) {
  if constexpr (kWhole) return Load(p);
  return LoadUpTo(p, left, fill);
}
template <bool kWhole>
KERNEL_INLINE void StorePart(float* p, Vec v, size_t left) {
  if constexpr (kWhole) return Store(p, v);
  StoreUpTo(p, v, left);
}

template <int kTerms>
KERNEL_INLINE Vec Polynomial(Vec x, const float (&coefficients)[kTerms]) {
  Vec y = Set(coefficients[kTerms - 1]);
  KERNEL_UNROLL
  for (int i = kTerms - 2; i >= 0; --i) y = Fma(y, x, Set(coefficients[i]));
  return y;
}

// e^x for x <= 0; e^-87 below -87. 2^n·e^r with |r| <= ln(2)/2, e^r by a polynomial fitted for the
// least relative error (2e-9); with rounding 2e-7.
KERNEL_INLINE Vec Exp(Vec x) {
  constexpr float kExp[] = {1.0f,          1.00000004f,   0.499999921f,  0.166664201f,
                            0.0416682264f, 0.0083748214f, 0.00138368104f};
  x = Max(x, Set(-87.0f));
  const Vec n = Round(x * Set(1.44269504f));
  // ln 2 in two parts: n·0.693359375 is exact.
  const Vec r = Fma(n, Set(2.12194440e-4f), Fma(n, Set(-0.693359375f), x));
  return ScaleByPowerOf2(Polynomial(r, kExp), n);
}

// x·Φ(x) = max(x, 0) - a·(1 - Φ(a)) with a = |x|, and 1 - Φ(a) = e^(-a²/2)·q(a). The polynomial is
// fitted to q on [0, 6] for the least error of the product (1.4e-8); beyond 6 the product is below
// 7e-9 and kept there.
KERNEL_INLINE Vec ExactGelu(Vec x) {
  constexpr float kTail[] = {0.499999004f,    -0.398919974f,   0.249826401f,    -0.132304441f,
                             0.0609522911f,   -0.024318401f,   0.00812897387f,  -0.00215916986f,
                             0.000426911608f, -5.7890402e-05f, 4.73977438e-06f, -1.75072477e-07f};
  const Vec a = Min(Max(x, -x), Set(6.0f));
  const Vec tail = Exp(Set(-0.5f) * a * a) * Polynomial(a, kTail);
  return Max(x, Set(0.0f)) - a * tail;
}
