// Dot products of one int8 query with many rows of int8 or 2-bit codes: the inner loops of vector search.
//
// Sums are exact 32-bit integers, so every instruction set gives the same result. The kernels are chosen once, by
// what the processor has: AVX-512 VNNI, AVX-512 BW, AVX2, or plain C++.
#ifndef CODELORE_INDEX_VECTOR_INT8_KERNELS_H_
#define CODELORE_INDEX_VECTOR_INT8_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace codelore::index {

inline constexpr size_t kInt8Pad = 64;  // rows are padded with zeros to a multiple of this
inline size_t PaddedBytes(size_t dimension) { return (dimension + kInt8Pad - 1) / kInt8Pad * kInt8Pad; }

// A vector as whole numbers: value[i] = codes[i] * scale, to within scale / 2. Largest code 127.
struct Int8Vector {
  std::vector<int8_t> codes;  // padded
  float scale = 0;
};
Int8Vector QuantizeInt8(std::span<const float> vector);

// dots[r] = sum over i of query[i] * rows[r * stride + i]; `padded` is PaddedBytes(dimension), stride >= padded.
using DotRows = void (*)(const int8_t* query, const int8_t* rows, size_t stride, size_t padded, size_t count, int32_t* dots);

// Rows of two bits a value, 0 to 3: byte j of each 32 has the values j, 32 + j, 64 + j and 96 + j of 128, the first in its lowest
// bits. dots[i] = sum over the values of query * rows[numbers[i]]; a row has `stride` bytes, a multiple of 32, the query 4 * stride.
// `numbers` has kRowsAhead more than `count` rounded up to a multiple of 8, rows that are fetched into the cache.
inline constexpr size_t kRowsAhead = 48;
using DotCoarse = void (*)(const int8_t* query, const uint8_t* rows, size_t stride, const uint32_t* numbers, size_t count, int32_t* dots);

struct Int8Kernel {
  std::string_view name;
  DotRows dot_rows;
  DotCoarse dot_coarse;
};

// The ones this processor can run, fastest first. The last is plain C++.
std::span<const Int8Kernel> AvailableInt8Kernels();
inline const Int8Kernel& BestInt8Kernel() { return AvailableInt8Kernels()[0]; }

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_INT8_KERNELS_H_
