#include "embed/kernels_bfloat16.h"

#include "embed/isa_limit.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in g++ 12's own header (its bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#endif

namespace codelore::embed {
namespace {

#define KERNEL_INLINE inline __attribute__((always_inline))
#define KERNEL_UNROLL _Pragma("GCC unroll 16")

KERNEL_INLINE __m512i LoadWords(const void* p) { return _mm512_loadu_si512(p); }
KERNEL_INLINE __m512i BroadcastPair(const void* p) {
  int pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm512_set1_epi32(pair);
}
// In assembly, because g++ 12 copies and spills the sums around the intrinsic.
KERNEL_INLINE void Dot(__m512i a, __m512i b, __m512* sum) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
}

// ---- packing ------------------------------------------------------------------------------------

// 16 × 16 elements of 32 bits: rows become columns.
KERNEL_INLINE void Transpose(__m512i (&r)[16]) {
  __m512i t[16];
  KERNEL_UNROLL
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  KERNEL_UNROLL
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // Now lane group g of r[4q + c] holds column 4g + c of rows 4q to 4q + 3.
  KERNEL_UNROLL
  for (int c = 0; c < 4; ++c) {
    const __m512i even_low = _mm512_shuffle_i32x4(r[c], r[c + 4], 0x88),
                  odd_low = _mm512_shuffle_i32x4(r[c], r[c + 4], 0xDD),
                  even_high = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], 0x88),
                  odd_high = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], 0xDD);
    t[c] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
    t[c + 8] = _mm512_shuffle_i32x4(even_low, even_high, 0xDD);
    t[c + 4] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
    t[c + 12] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD);
  }
  KERNEL_UNROLL
  for (int i = 0; i < 16; ++i) r[i] = t[i];
}

// To [panel of keys][pair of elements][key][2]; keys that do not exist are zeros.
void PackKeys(const HeadAttention& h) {
  const size_t pairs = h.size / 2;
  for (size_t first = 0; first < PaddedLength(h.length); first += 16) {
    uint16_t* panel = h.keys + first / kHeadPanel * kHeadPanel * h.size + first % kHeadPanel * 2;
    for (size_t pair = 0; pair < pairs; pair += 16) {
      __m512i rows[16];
      KERNEL_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        rows[i] = first + i < h.length ? LoadWords(h.key + (first + i) * h.stride + 2 * pair)
                                       : _mm512_setzero_si512();
      }
      Transpose(rows);
      KERNEL_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        _mm512_storeu_si512(panel + (pair + i) * 2 * kHeadPanel, rows[i]);
      }
    }
  }
}

// To [panel of elements][pair of keys][element][2]; keys that do not exist are zeros.
void PackValues(const HeadAttention& h) {
  alignas(64) uint16_t low[32], high[32];
  for (uint16_t i = 0; i < 32; ++i) {
    low[i] = static_cast<uint16_t>(i / 2 + i % 2 * 32);
    high[i] = static_cast<uint16_t>(low[i] + 16);
  }
  const __m512i low_words = LoadWords(low), high_words = LoadWords(high);
  uint16_t* to = h.values;
  for (size_t element = 0; element < h.size; element += kHeadPanel) {
    const uint16_t* from = h.value + element;
    for (size_t key = 0; key < PaddedLength(h.length); key += 2, to += 2 * kHeadPanel) {
      const __m512i zero = _mm512_setzero_si512();
      const __m512i even = key < h.length ? LoadWords(from + key * h.stride) : zero;
      const __m512i odd = key + 1 < h.length ? LoadWords(from + (key + 1) * h.stride) : zero;
      _mm512_storeu_si512(to, _mm512_permutex2var_epi16(even, low_words, odd));
      _mm512_storeu_si512(to + 32, _mm512_permutex2var_epi16(even, high_words, odd));
    }
  }
}

// ---- products -----------------------------------------------------------------------------------

struct Bfloat16Tile {
  const uint16_t* a;
  size_t a_stride;
  const uint16_t* panel;  // [pairs, 32, 2]
  size_t pairs;
  const float* factors;  // of the rows, if kScaled
  float* c;
  size_t c_stride;
};

template <int kRows, bool kScaled>
void MultiplyTile(const Bfloat16Tile& t) {
  __m512 sum[kRows][2] = {};
  const uint16_t* b = t.panel;
  const size_t stride = t.a_stride;
  const uint16_t* a[(kRows + 2) / 3];  // every third row: the others are an addition away
  KERNEL_UNROLL
  for (int r = 0; r < kRows; r += 3) a[r / 3] = t.a + r * stride;
  for (size_t pair = 0; pair < t.pairs; ++pair, b += 2 * kHeadPanel) {
    const __m512i b0 = LoadWords(b), b1 = LoadWords(b + kHeadPanel);
    KERNEL_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const __m512i x = BroadcastPair(a[r / 3] + r % 3 * stride + 2 * pair);
      Dot(x, b0, &sum[r][0]);
      Dot(x, b1, &sum[r][1]);
    }
  }
  KERNEL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    if constexpr (kScaled) {
      const __m512 factor = _mm512_set1_ps(t.factors[r]);
      sum[r][0] = sum[r][0] * factor;
      sum[r][1] = sum[r][1] * factor;
    }
    _mm512_storeu_ps(t.c + r * t.c_stride, sum[r][0]);
    _mm512_storeu_ps(t.c + r * t.c_stride + 16, sum[r][1]);
  }
}

template <int kRows, bool kScaled>
KERNEL_INLINE void MultiplyRows(const Bfloat16Tile& tile, size_t rows) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return MultiplyTile<kRows, kScaled>(tile);
    MultiplyRows<kRows - 1, kScaled>(tile, rows);
  }
}

// ---- softmax ------------------------------------------------------------------------------------

// 2^x for x <= 0 (or a rounding above), relative error 8e-5: below what rounding to bfloat16 costs.
KERNEL_INLINE __m512 Exp2(__m512 x) {
  const __m512 r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF);  // x - ⌊x⌋
  __m512 y = _mm512_fmadd_ps(r, _mm512_set1_ps(0.0780245164f), _mm512_set1_ps(0.226067164f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.695833537f));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.999925219f));
  return _mm512_scalef_ps(y, x);
}

// scores [padded] become e^(score/√size - max) as bfloat16, in place: the read is always ahead of
// the write. Returns the inverse of their sum.
float Softmax(float* scores, size_t length, float scale) {
  constexpr float kLowest = -1e38f;
  const size_t padded = PaddedLength(length);
  for (size_t i = length; i < padded; ++i) scores[i] = kLowest;
  __m512 max0 = _mm512_loadu_ps(scores), max1 = _mm512_loadu_ps(scores + 16);
  for (size_t i = kHeadPanel; i < padded; i += kHeadPanel) {
    max0 = _mm512_max_ps(max0, _mm512_loadu_ps(scores + i));
    max1 = _mm512_max_ps(max1, _mm512_loadu_ps(scores + i + 16));
  }
  const float max = _mm512_reduce_max_ps(_mm512_max_ps(max0, max1));
  const __m512 factor = _mm512_set1_ps(scale * 1.44269504f);
  const __m512 shift = _mm512_set1_ps(-max * (scale * 1.44269504f));
  __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
  uint16_t* out = reinterpret_cast<uint16_t*>(scores);
  for (size_t i = 0; i < padded; i += kHeadPanel) {
    const __m512 e0 = Exp2(_mm512_fmadd_ps(_mm512_loadu_ps(scores + i), factor, shift));
    const __m512 e1 = Exp2(_mm512_fmadd_ps(_mm512_loadu_ps(scores + i + 16), factor, shift));
    sum0 = sum0 + e0;
    sum1 = sum1 + e1;
    const __m512bh both = _mm512_cvtne2ps_pbh(e1, e0);
    __builtin_memcpy(out + i, &both, sizeof both);
  }
  return 1.0f / _mm512_reduce_add_ps(sum0 + sum1);
}

void AttendRows(const HeadAttention& h, size_t first, size_t rows) {
  const size_t padded = PaddedLength(h.length);
  for (size_t key = 0; key < padded; key += kHeadPanel) {
    MultiplyRows<kHeadRows, false>({.a = h.query + first * h.stride,
                                    .a_stride = h.stride,
                                    .panel = h.keys + key * h.size,
                                    .pairs = h.size / 2,
                                    .factors = nullptr,
                                    .c = h.scores + key,
                                    .c_stride = padded},
                                   rows);
  }
  float inverse[kHeadRows];
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(h.size));
  for (size_t r = 0; r < rows; ++r) inverse[r] = Softmax(h.scores + r * padded, h.length, scale);
  for (size_t element = 0; element < h.size; element += kHeadPanel) {
    MultiplyRows<kHeadRows, true>({.a = reinterpret_cast<const uint16_t*>(h.scores),
                                   .a_stride = 2 * padded,
                                   .panel = h.values + element * padded,
                                   .pairs = padded / 2,
                                   .factors = inverse,
                                   .c = h.context + first * h.context_stride + element,
                                   .c_stride = h.context_stride},
                                  rows);
  }
}

constexpr size_t kLongText = 512;  // a head of a shorter one takes less than a millisecond

void Attend(const HeadAttention& h) {
  PackKeys(h);
  PackValues(h);
  size_t tiles = (h.length + kHeadRows - 1) / kHeadRows;
  for (size_t row = 0; tiles > 0; --tiles) {
    const size_t rows = (h.length - row + tiles - 1) / tiles;
    if (h.pause != nullptr && h.length >= kLongText) h.pause(h.pause_with);
    AttendRows(h, row, rows);
    row += rows;
  }
}

constexpr Bfloat16Kernels kAvx512Bfloat16Kernels = {.attend = Attend};

}  // namespace
}  // namespace codelore::embed

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

namespace codelore::embed {

const Bfloat16Kernels* BestBfloat16Kernels() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  static const bool allowed = LimitOfInstructions() >= IsaLimit::kVnni;
  if (allowed && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16")) {
    return &kAvx512Bfloat16Kernels;
  }
#endif
  return nullptr;
}

}  // namespace codelore::embed
