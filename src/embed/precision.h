// Precision: in what numbers an encoder multiplies.
#ifndef CODELORE_EMBED_PRECISION_H_
#define CODELORE_EMBED_PRECISION_H_

namespace codelore::embed {

enum class Precision { kFloat32, kInt8 };

// What is faster on this processor: int8 where it multiplies bytes (VNNI).
Precision FastestPrecision();

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_PRECISION_H_
