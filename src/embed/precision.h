// Precision: in what numbers an encoder multiplies.
#ifndef CODELORE_EMBED_PRECISION_H_
#define CODELORE_EMBED_PRECISION_H_

#include <string_view>

namespace codelore::embed {

enum class Precision { kFloat32, kInt8 };

// What is faster on this processor: int8 where it multiplies vectors of bytes (x86 from AVX2 on).
Precision FastestPrecision();

// Part of a model's fingerprint: another name when other numbers come of the same precision.
constexpr std::string_view ArithmeticName(Precision precision) {
  return precision == Precision::kInt8 ? "int8 rotated" : "f32";
}

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_PRECISION_H_
