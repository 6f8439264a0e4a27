// The float32 kernels, written once over a vector type. Each of kernels_{avx512,avx2,portable}.cc
// includes this text after kernels_vec_inl.h, which says why it looks as it does, and after
// defining kRows (rows of a tile: 2·kRows accumulators fit the registers).

constexpr size_t kPanel = 2 * kWidth;
constexpr size_t kBlockRows = 8 * kRows;  // rows of A kept in L2 while the panels of B pass by
constexpr size_t kBlockDepth = 512;       // a panel's block of this depth fits L1
// Floats ahead in B: with few rows, time goes into fetching weights from memory (16 tokens: a third
// less time).
constexpr size_t kPrefetch = 192 * kPanel;

// ---- matrix product -----------------------------------------------------------------------------

struct Tile {
  const float* a;
  size_t a_stride;
  const float* panel;
  size_t depth;
  const float* start;  // what the products are added to: C itself, or the bias with stride 0
  size_t start_stride;
  float* c;
  size_t c_stride;
};

// kTileRows rows by one panel of columns: every accumulator stays in a register for the whole
// depth.
template <int kTileRows>
void MultiplyTile(const Tile& t) {
  Vec sum[kTileRows][2];
  KERNEL_UNROLL
  for (int r = 0; r < kTileRows; ++r) {
    sum[r][0] = Load(t.start + r * t.start_stride);
    sum[r][1] = Load(t.start + r * t.start_stride + kWidth);
  }
  const float* a = t.a;
  const float* b = t.panel;
  const size_t stride = t.a_stride;
  for (size_t k = 0; k < t.depth; ++k, b += kPanel) {
    const Vec b0 = Load(b), b1 = Load(b + kWidth);
    __builtin_prefetch(b + kPrefetch, 0, 2);
    __builtin_prefetch(b + kPrefetch + kWidth, 0, 2);
    KERNEL_UNROLL
    for (int r = 0; r < kTileRows; ++r) {
      const Vec x = Set(a[r * stride + k]);
      sum[r][0] = Fma(x, b0, sum[r][0]);
      sum[r][1] = Fma(x, b1, sum[r][1]);
    }
  }
  KERNEL_UNROLL
  for (int r = 0; r < kTileRows; ++r) {
    Store(t.c + r * t.c_stride, sum[r][0]);
    Store(t.c + r * t.c_stride + kWidth, sum[r][1]);
  }
}

template <int kTileRows>
KERNEL_INLINE void MultiplyRows(const Tile& tile, size_t rows) {
  if constexpr (kTileRows > 0) {
    if (rows == kTileRows) return MultiplyTile<kTileRows>(tile);
    MultiplyRows<kTileRows - 1>(tile, rows);
  }
}

// The last panel when `columns` of it exist only: works on a copy of the tile.
void MultiplyNarrow(Tile tile, size_t rows, size_t columns) {
  float copy[kRows * kPanel] = {};
  for (size_t r = 0; r < rows; ++r) {
    __builtin_memcpy(copy + r * kPanel, tile.start + r * tile.start_stride,
                     columns * sizeof(float));
  }
  float* c = tile.c;
  tile.start = tile.c = copy;
  tile.start_stride = kPanel;
  const size_t c_stride = tile.c_stride;
  tile.c_stride = kPanel;
  MultiplyRows<kRows>(tile, rows);
  for (size_t r = 0; r < rows; ++r) {
    __builtin_memcpy(c + r * c_stride, copy + r * kPanel, columns * sizeof(float));
  }
}

// One block of rows and of depth against one panel. The rows are spread evenly over the tiles: two
// tiles of 8 are faster than one of 14 and one of 2.
void MultiplyPanel(const Product& p, Tile tile, size_t rows, size_t columns) {
  for (size_t tiles = (rows + kRows - 1) / kRows; tiles > 0; --tiles) {
    const size_t n = (rows + tiles - 1) / tiles;
    if (columns >= kPanel) {
      MultiplyRows<kRows>(tile, n);
    } else {
      MultiplyNarrow(tile, n, columns);
    }
    tile.a += n * p.a_stride;
    tile.c += n * p.c_stride;
    tile.start += n * tile.start_stride;
    rows -= n;
  }
}

void Multiply(const Product& p) {
  static const float kZeros[kPanel] = {};
  for (size_t row = 0; row < p.rows; row += kBlockRows) {
    const size_t rows = p.rows - row < kBlockRows ? p.rows - row : kBlockRows;
    for (size_t column = 0; column < p.columns; column += kPanel) {
      for (size_t k = 0; k < p.depth; k += kBlockDepth) {
        const size_t depth = p.depth - k < kBlockDepth ? p.depth - k : kBlockDepth;
        float* c = p.c + row * p.c_stride + column;
        const float* bias = p.bias != nullptr ? p.bias + column : kZeros;
        MultiplyPanel(p,
                      {.a = p.a + row * p.a_stride + k,
                       .a_stride = p.a_stride,
                       .panel = p.panels + column * p.depth + k * kPanel,
                       .depth = depth,
                       .start = k == 0 ? bias : c,
                       .start_stride = k == 0 ? 0 : p.c_stride,
                       .c = c,
                       .c_stride = p.c_stride},
                      rows, p.columns - column);
      }
    }
  }
}

// ---- element by element -------------------------------------------------------------------------

void Gelu(float* x, size_t size) {
  for (size_t i = 0; i < size; i += kWidth) {
    StoreUpTo(x + i, ExactGelu(LoadUpTo(x + i, size - i, 0)), size - i);
  }
}

// g·σ(g) = max(g, 0) - a·e^-a / (1 + e^-a) with a = |g|.
void Gate(float* x, const float* gate, size_t size) {
  for (size_t i = 0; i < size; i += kWidth) {
    const Vec g = LoadUpTo(gate + i, size - i, 0), a = Max(g, -g), e = Exp(-a);
    const Vec silu = Max(g, Set(0.0f)) - a * e / (Set(1.0f) + e);
    StoreUpTo(x + i, LoadUpTo(x + i, size - i, 0) * silu, size - i);
  }
}

void Softmax(float* x, size_t size, float scale) {
  constexpr float kLowest = -3.4e38f;
  Vec max = Set(kLowest);
  for (size_t i = 0; i < size; i += kWidth) max = Max(max, LoadUpTo(x + i, size - i, kLowest));
  const Vec top = Set(Maximum(max)), scales = Set(scale);
  Vec sum = Set(0);
  for (size_t i = 0; i < size; i += kWidth) {
    const Vec e = Exp((LoadUpTo(x + i, size - i, kLowest) - top) * scales);
    sum = sum + e;  // lanes beyond the end add e^-87: nothing beside the 1 of the maximum
    StoreUpTo(x + i, e, size - i);
  }
  const Vec inverse = Set(1.0f / Sum(sum));
  for (size_t i = 0; i < size; i += kWidth) {
    StoreUpTo(x + i, LoadUpTo(x + i, size - i, 0) * inverse, size - i);
  }
}

// x = x + residual; returns its mean. Two of each sum: one would wait for itself.
template <bool kWhole>
KERNEL_INLINE float AddResidual(float* x, const float* residual, size_t size) {
  Vec sum[2] = {Set(0), Set(0)};
  size_t i = 0;
  for (; i + 2 * kWidth <= size; i += 2 * kWidth) {
    const Vec v = Load(x + i) + Load(residual + i);
    const Vec w = Load(x + i + kWidth) + Load(residual + i + kWidth);
    Store(x + i, v);
    Store(x + i + kWidth, w);
    sum[0] = sum[0] + v;
    sum[1] = sum[1] + w;
  }
  for (; i < size; i += kWidth) {
    const size_t left = size - i;
    const Vec v = LoadPart<kWhole>(x + i, left, 0) + LoadPart<kWhole>(residual + i, left, 0);
    StorePart<kWhole>(x + i, v, left);
    sum[0] = sum[0] + v;
  }
  return Sum(sum[0] + sum[1]) / static_cast<float>(size);
}

template <bool kWhole>
KERNEL_INLINE float Variance(const float* x, size_t size, float mean) {
  const Vec means = Set(mean);
  Vec squares[2] = {Set(0), Set(0)};
  size_t i = 0;
  for (; i + 2 * kWidth <= size; i += 2 * kWidth) {
    const Vec v = Load(x + i) - means, w = Load(x + i + kWidth) - means;
    squares[0] = Fma(v, v, squares[0]);
    squares[1] = Fma(w, w, squares[1]);
  }
  for (; i < size; i += kWidth) {
    const Vec v = LoadPart<kWhole>(x + i, size - i, mean) - means;
    squares[0] = Fma(v, v, squares[0]);
  }
  return Sum(squares[0] + squares[1]) / static_cast<float>(size);
}

template <bool kWhole>
void LayerNormOf(const LayerNormRow& row) {
  // Copied, because a write to x could change `row` for all the compiler knows.
  float* const x = row.x;
  const float *const gain = row.gain, *const bias = row.bias;
  const size_t size = row.size;
  const float mean = AddResidual<kWhole>(x, row.residual, size),
              variance = Variance<kWhole>(x, size, mean);
  const Vec means = Set(mean), scale = Set(1.0f / __builtin_sqrtf(variance + row.epsilon));
  for (size_t i = 0; i < size; i += kWidth) {
    const size_t left = size - i;
    const Vec v = Fma((LoadPart<kWhole>(x + i, left, mean) - means) * scale,
                      LoadPart<kWhole>(gain + i, left, 0), LoadPart<kWhole>(bias + i, left, 0));
    StorePart<kWhole>(x + i, v, left);
  }
}

void LayerNorm(const LayerNormRow& row) {
  row.size % kWidth == 0 ? LayerNormOf<true>(row) : LayerNormOf<false>(row);
}
