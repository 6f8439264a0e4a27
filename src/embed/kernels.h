// The float32 kernels of the encoder, one set per instruction level, chosen at run time.
//
// All matrices are row-major float32; a stride is the distance between rows in floats. The
// right-hand side of a product is packed once into panels: `panel` neighbouring columns, depth
// after depth, so that the inner loop reads it as one stream (Goto, van de Geijn: Anatomy of
// High-Performance Matrix Multiplication, 2008). A row of a result depends on its own row of A
// alone, bit for bit: it is the same in every batch. The kernels are pure functions on memory the
// caller owns, hence thread-safe. Nothing needs alignment.
#ifndef CODELORE_EMBED_KERNELS_H_
#define CODELORE_EMBED_KERNELS_H_

#include <cstddef>
#include <span>
#include <string_view>

namespace codelore::embed {

// C[rows, columns] = A[rows, depth] · B[depth, columns] + bias[columns]
struct Product {
  const float* a = nullptr;
  size_t a_stride = 0;
  const float* panels = nullptr;  // B, packed: [⌈columns / panel⌉, depth, panel]
  const float* bias = nullptr;    // [columns], or null for none
  float* c = nullptr;             // nothing beyond `columns` of a row is written
  size_t c_stride = 0;
  size_t rows = 0, depth = 0, columns = 0;
};

// x = (y - mean(y)) / sqrt(variance(y) + epsilon) · gain + bias, with y = x + residual   (Ba et al.
// 2016)
struct LayerNormRow {
  float* x = nullptr;               // [size]
  const float* residual = nullptr;  // [size]
  const float* gain = nullptr;      // [size]
  const float* bias = nullptr;      // [size]
  size_t size = 0;
  float epsilon = 0;
};

struct Kernels {
  std::string_view name;  // "avx512", "avx2", "portable"
  size_t panel = 0;       // columns of a panel
  void (*multiply)(const Product& product) = nullptr;
  void (*layer_norm)(const LayerNormRow& row) = nullptr;
  // x = x·Φ(x), Φ the normal distribution function: the GELU with erf (Hendrycks, Gimpel 2016),
  // within 1e-7 + 2e-7·|x| of it.
  void (*gelu)(float* x, size_t size) = nullptr;
  // x = x·gate·σ(gate), σ the logistic function: SwiGLU (Shazeer 2020, arXiv:2002.05202) with its
  // two factors given, within 1e-6·|x·gate| of it.
  void (*gate)(float* x, const float* gate, size_t size) = nullptr;
  // x = exp(scale·x) / Σ exp(scale·x), scale > 0. With d = scale·(max(x) - x) an element's relative
  // error is below 1e-6 + 1e-7·d; terms beyond d = 87 count as e^-87.
  void (*softmax)(float* x, size_t size, float scale) = nullptr;
};

// The fastest set this processor has; and all it has, for the tests that check each.
const Kernels& BestKernels();
std::span<const Kernels* const> AvailableKernels();

// B as a view of floats: element (depth, column) at data[depth · depth_stride + column ·
// column_stride]. A weight matrix W[out, in] used as x·Wᵀ has depth_stride 1 and column_stride in.
struct PackSource {
  const float* data = nullptr;
  size_t depth_stride = 0, column_stride = 0;
  size_t depth = 0, columns = 0;
};
size_t PackedSize(size_t depth, size_t columns, size_t panel);  // in floats
// Writes PackedSize floats; the columns missing in the last panel are zero.
void Pack(const PackSource& source, size_t panel, float* panels);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_KERNELS_H_
