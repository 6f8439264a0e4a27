#include "index/vector/int8_kernels.h"

#include <algorithm>
#include <cmath>

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 warns of its own intrinsics
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#endif

namespace codelore::index {
namespace {

void DotRowsPortable(const int8_t* query, const int8_t* rows, size_t stride, size_t padded, size_t count, int32_t* dots) {
  for (size_t r = 0; r < count; ++r) {
    const int8_t* row = rows + r * stride;
    int32_t sum = 0;
    for (size_t i = 0; i < padded; ++i) sum += query[i] * row[i];
    dots[r] = sum;
  }
}

void DotCoarsePortable(const int8_t* query, const uint8_t* rows, size_t stride, const uint32_t* numbers, size_t count, int32_t* dots) {
  for (size_t r = 0; r < count; ++r) {
    const uint8_t* row = rows + numbers[r] * stride;
    int32_t sum = 0;
    for (size_t i = 0; i < 4 * stride; ++i) sum += query[i] * (row[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3);
    dots[r] = sum;
  }
}

#if defined(__x86_64__)

inline __attribute__((always_inline)) void FetchRow(const uint8_t* row, size_t stride) {
#pragma GCC unroll 4
  for (size_t i = 0; i < stride; i += 64) _mm_prefetch(reinterpret_cast<const char*>(row + i), _MM_HINT_T0);
}

// The codes at one of the four places of each byte.
__attribute__((always_inline, target("avx2"))) inline __m256i CodesAt(__m256i bytes, int place) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 2 * place), _mm256_set1_epi8(3));
}

// Pair products of at most 2 * 3 * 127 are added in 16 bits, 32 of them before they are widened.
__attribute__((target("avx2"))) void DotCoarseAvx2(const int8_t* query, const uint8_t* rows, size_t stride, const uint32_t* numbers,
                                                   size_t count, int32_t* dots) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t r = 0; r < count; ++r) {
    const uint8_t* row = rows + numbers[r] * stride;
    FetchRow(rows + numbers[r + kRowsAhead] * stride, stride);
    __m256i sum = _mm256_setzero_si256();
    for (size_t begin = 0; begin < stride; begin += 256) {
      __m256i pairs = _mm256_setzero_si256();
      for (size_t i = begin; i < std::min(stride, begin + 256); i += 32) {
        __m256i d = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + i));
        for (int place = 0; place < 4; ++place) {
          __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + 4 * i + 32 * place));
          pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(CodesAt(d, place), q));
        }
      }
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    dots[r] = _mm_cvtsi128_si32(half);
  }
}

// Bytes widened to 16 bits and multiplied in pairs: exact, where the byte-wise pair product would saturate.
__attribute__((target("avx2"))) void DotRowsAvx2(const int8_t* query, const int8_t* rows, size_t stride, size_t padded,
                                                 size_t count, int32_t* dots) {
  for (size_t r = 0; r < count; ++r) {
    const int8_t* row = rows + r * stride;
    __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
    for (size_t i = 0; i < padded; i += 32) {
      __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i));
      __m256i d = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + i));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(q)),
                                                    _mm256_cvtepi8_epi16(_mm256_castsi256_si128(d))));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_extracti128_si256(q, 1)),
                                                      _mm256_cvtepi8_epi16(_mm256_extracti128_si256(d, 1))));
    }
    __m256i sum = _mm256_add_epi32(low, high);
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    dots[r] = _mm_cvtsi128_si32(half);
  }
}

__attribute__((target("avx512f,avx512bw"))) void DotRowsAvx512(const int8_t* query, const int8_t* rows, size_t stride,
                                                               size_t padded, size_t count, int32_t* dots) {
  for (size_t r = 0; r < count; ++r) {
    const int8_t* row = rows + r * stride;
    __m512i low = _mm512_setzero_si512(), high = _mm512_setzero_si512();
    for (size_t i = 0; i < padded; i += 64) {
      __m512i q = _mm512_loadu_si512(query + i), d = _mm512_loadu_si512(row + i);
      low = _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_cvtepi8_epi16(_mm512_castsi512_si256(q)),
                                                    _mm512_cvtepi8_epi16(_mm512_castsi512_si256(d))));
      high = _mm512_add_epi32(high, _mm512_madd_epi16(_mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(q, 1)),
                                                      _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(d, 1))));
    }
    dots[r] = _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
  }
}

// Four rows' sums, in their order.
__attribute__((target("avx512f,avx512bw"))) inline __m128i AddUpFour(__m512i a, __m512i b, __m512i c, __m512i d) {
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));  // a b c d per lane
  __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

// 32 bytes of each of two rows; their sums stay in the two halves.
__attribute__((always_inline, target("avx512f,avx512bw,avx512vnni"))) inline __m512i AddCoarse(__m512i sums, const uint8_t* first, const uint8_t* second,
                                                                                             const __m512i* query) {
  const __m512i low = _mm512_set1_epi8(3);
  __m512i d = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(first))),
                                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second)), 1);
  sums = _mm512_dpbusd_epi32(sums, _mm512_and_si512(d, low), query[0]);
  sums = _mm512_dpbusd_epi32(sums, _mm512_and_si512(_mm512_srli_epi16(d, 2), low), query[1]);
  sums = _mm512_dpbusd_epi32(sums, _mm512_and_si512(_mm512_srli_epi16(d, 4), low), query[2]);
  return _mm512_dpbusd_epi32(sums, _mm512_and_si512(_mm512_srli_epi16(d, 6), low), query[3]);
}

// The sums of both halves of four registers: a's lower, b's lower, ..., a's upper, ...
__attribute__((target("avx512f,avx512bw"))) inline __m256i AddUpHalves(__m512i a, __m512i b, __m512i c, __m512i d) {
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));  // a b c d per lane
  __m512i even = _mm512_shuffle_i64x2(all, all, 0x88), odd = _mm512_shuffle_i64x2(all, all, 0xDD);
  return _mm512_castsi512_si256(_mm512_add_epi32(even, odd));
}

// Inlined with a stride that the compiler knows, the query stays in registers. Row r and row r + 4 of each eight share one.
__attribute__((always_inline, target("avx512f,avx512bw,avx512vnni"))) inline void DotCoarseOf(
    size_t stride, const int8_t* query, const uint8_t* rows, const uint32_t* numbers, size_t count, int32_t* __restrict dots) {
  auto query_at = [&](size_t i, __m512i* of) __attribute__((always_inline, target("avx512f,avx512bw,avx512vnni"))) {
    for (size_t place = 0; place < 4; ++place) {
      of[place] = _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + 4 * i + 32 * place)));
    }
  };
  for (size_t r = 0; r < count; r += 8) {
    const uint8_t* row[8];
    for (size_t i = 0; i < 8; ++i) {
      row[i] = rows + numbers[r + i] * stride;  // the last may be ones that are to be fetched only
      FetchRow(rows + numbers[r + kRowsAhead + i] * stride, stride);
    }
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
#pragma GCC unroll 4
    for (size_t i = 0; i < stride; i += 32) {
      __m512i q[4];
      query_at(i, q);
      a = AddCoarse(a, row[0] + i, row[4] + i, q);
      b = AddCoarse(b, row[1] + i, row[5] + i, q);
      c = AddCoarse(c, row[2] + i, row[6] + i, q);
      d = AddCoarse(d, row[3] + i, row[7] + i, q);
    }
    __mmask8 wanted = static_cast<__mmask8>(count - r >= 8 ? 0xFF : (1u << (count - r)) - 1);
    _mm512_mask_storeu_epi32(dots + r, wanted, _mm512_castsi256_si512(AddUpHalves(a, b, c, d)));
  }
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) void DotCoarseVnni(const int8_t* query, const uint8_t* rows, size_t stride,
                                                                         const uint32_t* numbers, size_t count, int32_t* dots) {
  if (stride == 96) return DotCoarseOf(96, query, rows, numbers, count, dots);  // of 384 values, as the built-in encoder has
  DotCoarseOf(stride, query, rows, numbers, count, dots);
}

// vpdpbusd takes unsigned times signed bytes: the rows are shifted by 128, and 128 times the query's sum, one number
// for all rows, is taken off again.
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void DotRowsVnni(const int8_t* query, const int8_t* rows, size_t stride,
                                                                       size_t padded, size_t count, int32_t* dots) {
  const __m512i shift = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i query_sum = _mm512_setzero_si512();
  for (size_t i = 0; i < padded; i += 64) query_sum = _mm512_dpbusd_epi32(query_sum, shift, _mm512_loadu_si512(query + i));
  const int32_t excess = _mm512_reduce_add_epi32(query_sum);
  constexpr size_t kAheadRows = 16;  // the processor's own prefetcher does not keep up
  size_t r = 0;
  for (; r + 4 <= count; r += 4) {  // sums that are no array stay in registers
    const int8_t* row = rows + r * stride;
    const bool more = r + kAheadRows < count;
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t i = 0; i < padded; i += 64) {
      __m512i q = _mm512_loadu_si512(query + i);
      if (more) {
        const char* ahead = reinterpret_cast<const char*>(row + kAheadRows * stride + 4 * i);
        for (size_t line = 0; line < 4; ++line) _mm_prefetch(ahead + 64 * line, _MM_HINT_T0);
      }
      a = _mm512_dpbusd_epi32(a, _mm512_xor_si512(_mm512_loadu_si512(row + i), shift), q);
      b = _mm512_dpbusd_epi32(b, _mm512_xor_si512(_mm512_loadu_si512(row + stride + i), shift), q);
      c = _mm512_dpbusd_epi32(c, _mm512_xor_si512(_mm512_loadu_si512(row + 2 * stride + i), shift), q);
      d = _mm512_dpbusd_epi32(d, _mm512_xor_si512(_mm512_loadu_si512(row + 3 * stride + i), shift), q);
    }
    __m128i sums = AddUpFour(a, b, c, d);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dots + r), _mm_sub_epi32(sums, _mm_set1_epi32(excess)));
  }
  for (; r < count; ++r) {
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < padded; i += 64) {
      __m512i d = _mm512_xor_si512(_mm512_loadu_si512(rows + r * stride + i), shift);
      sum = _mm512_dpbusd_epi32(sum, d, _mm512_loadu_si512(query + i));
    }
    dots[r] = _mm512_reduce_add_epi32(sum) - excess;
  }
}

#endif

std::vector<Int8Kernel> FindKernels() {
  std::vector<Int8Kernel> kernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  if (avx512 && __builtin_cpu_supports("avx512vnni")) kernels.push_back({"avx512-vnni", DotRowsVnni, DotCoarseVnni});
  if (avx512) kernels.push_back({"avx512", DotRowsAvx512, DotCoarseAvx2});
  if (__builtin_cpu_supports("avx2")) kernels.push_back({"avx2", DotRowsAvx2, DotCoarseAvx2});
#endif
  kernels.push_back({"portable", DotRowsPortable, DotCoarsePortable});
  return kernels;
}

}  // namespace

std::span<const Int8Kernel> AvailableInt8Kernels() {
  static const std::vector<Int8Kernel> kernels = FindKernels();
  return kernels;
}

Int8Vector QuantizeInt8(std::span<const float> vector) {
  Int8Vector quantized;
  quantized.codes.resize(PaddedBytes(vector.size()));
  float largest = 0;
  for (float value : vector) largest = std::max(largest, std::abs(value));
  if (largest == 0) return quantized;
  quantized.scale = largest / 127;
  for (size_t i = 0; i < vector.size(); ++i) {
    float code = vector[i] / quantized.scale;
    quantized.codes[i] = static_cast<int8_t>(code + std::copysign(0.5f, code));
  }
  return quantized;
}

}  // namespace codelore::index
