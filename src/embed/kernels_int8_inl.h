// The int8 kernels, written once over vector types. Each kernels_int8_*.cc includes this text after
// kernels_vec_inl.h, which says why it looks as it does, and after defining
//   IntVec (as wide as Vec), kRows and kColumns (of a tile, in rows and in vectors: so many
//   accumulators fit the registers), kLevels and kTogether (Int8Kernels has them),
//   LoadInts(p), Broadcast(p) (4 bytes to every lane),
//   Dot(u, s, sum) for arrays of 1 and of kTogether vectors: adds to each lane of sum the products
//   of its 4 unsigned and 4 signed bytes of each, exact,
//   ToFloat(v), StoreBytes(p, v): kWidth floats to the nearest of 0 to 255, FastGelu(v),
//   MixLanes(v): a vector's lanes through a Hadamard matrix of kWidth.

constexpr size_t kPanel = kColumns * kWidth;
constexpr size_t kBlockRows = 8 * kRows;  // rows of A kept in the cache while B passes by
constexpr size_t kPrefetch = 4096;        // bytes ahead in B, see there
static_assert(kTogether <= 2);            // so that one group at most is left at the end

struct Int8Tile {
  const uint8_t* a;
  size_t a_stride;
  const ByteScale* a_scales;
  const int8_t* panel;
  size_t depth;
  const float *scale, *sum, *bias;  // of the panel's columns
  void* c;
  size_t c_stride;
};

// What becomes of a vector of results.
struct KeepFloat {
  using Element = float;
  static Element* Target(const Int8Product& p) { return p.c; }
  static KERNEL_INLINE void Put(float* c, Vec v) { Store(c, v); }
};
struct ApplyGelu {
  using Element = float;
  static Element* Target(const Int8Product& p) { return p.c; }
  static KERNEL_INLINE void Put(float* c, Vec v) { Store(c, FastGelu(v)); }
};

template <int kTileRows, class Output>
KERNEL_INLINE void FinishTile(const Int8Tile& t, IntVec (&sum)[kTileRows][kColumns]) {
  auto* c = static_cast<typename Output::Element*>(t.c);
  KERNEL_UNROLL
  for (int column = 0; column < kColumns; ++column) {
    const size_t at = column * kWidth;
    const Vec scale = Load(t.scale + at), sums = Load(t.sum + at), bias = Load(t.bias + at);
    KERNEL_UNROLL
    for (int r = 0; r < kTileRows; ++r) {
      const Vec start = Fma(Set(t.a_scales[r].least), sums, bias);
      const Vec products = ToFloat(sum[r][column]) * Set(t.a_scales[r].scale);
      Output::Put(c + r * t.c_stride + at, Fma(products, scale, start));
    }
  }
}

// Adds the products of kGroups groups of depths from k on.
template <int kGroups, int kTileRows>
KERNEL_INLINE void AddGroups(const uint8_t* const (&a)[(kTileRows + 2) / 3], size_t stride,
                               size_t k, const int8_t* b, IntVec (&sum)[kTileRows][kColumns]) {
  IntVec weights[kColumns][kGroups];
  KERNEL_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    KERNEL_UNROLL
    for (int column = 0; column < kColumns; ++column) {
      const int8_t* const from = b + (g * kColumns + column) * kInt8Group * kWidth;
      weights[column][g] = LoadInts(from);
      if (kWidth == 16 || column % 2 == 0) __builtin_prefetch(from + kPrefetch, 0, 2);
    }
  }
  KERNEL_UNROLL
  for (int r = 0; r < kTileRows; ++r) {
    IntVec x[kGroups];
    KERNEL_UNROLL
    for (int g = 0; g < kGroups; ++g) {
      x[g] = Broadcast(a[r / 3] + r % 3 * stride + k + g * kInt8Group);
    }
    KERNEL_UNROLL
    for (int column = 0; column < kColumns; ++column) Dot(x, weights[column], &sum[r][column]);
  }
}

// kTileRows rows by one panel of columns: every accumulator stays in a register for the whole
// depth.
template <int kTileRows, class Output>
void Int8MultiplyTile(const Int8Tile& t) {
  IntVec sum[kTileRows][kColumns] = {};
  const int8_t* b = t.panel;
  const size_t stride = t.a_stride;
  const uint8_t* a[(kTileRows + 2) / 3];  // every third row: the others are an addition away
  KERNEL_UNROLL
  for (int r = 0; r < kTileRows; r += 3) a[r / 3] = t.a + r * stride;
  size_t k = 0;
  constexpr size_t kStep = kTogether * kInt8Group;
  for (; k + kStep <= t.depth; k += kStep, b += kStep * kPanel) {
    AddGroups<kTogether, kTileRows>(a, stride, k, b, sum);
  }
  if (kTogether > 1 && k < t.depth) AddGroups<1, kTileRows>(a, stride, k, b, sum);
  FinishTile<kTileRows, Output>(t, sum);
}

template <int kTileRows, class Output>
KERNEL_INLINE void Int8MultiplyRows(const Int8Tile& tile, size_t rows) {
  if constexpr (kTileRows > 0) {
    if (rows == kTileRows) return Int8MultiplyTile<kTileRows, Output>(tile);
    Int8MultiplyRows<kTileRows - 1, Output>(tile, rows);
  }
}

// The last panel when `columns` of it exist only: by way of a copy.
template <class Output>
void Int8MultiplyNarrow(Int8Tile tile, size_t rows, size_t columns) {
  using Element = typename Output::Element;
  Element copy[kRows * kPanel];
  Element* c = static_cast<Element*>(tile.c);
  const size_t c_stride = tile.c_stride;
  tile.c = copy;
  tile.c_stride = kPanel;
  Int8MultiplyRows<kRows, Output>(tile, rows);
  for (size_t r = 0; r < rows; ++r) {
    __builtin_memcpy(c + r * c_stride, copy + r * kPanel, columns * sizeof(Element));
  }
}

// One block of rows against one panel, the rows spread evenly over the tiles.
template <class Output>
void Int8MultiplyPanel(Int8Tile tile, size_t rows, size_t columns) {
  for (size_t tiles = (rows + kRows - 1) / kRows; tiles > 0; --tiles) {
    const size_t n = (rows + tiles - 1) / tiles;
    if (columns >= kPanel) {
      Int8MultiplyRows<kRows, Output>(tile, n);
    } else {
      Int8MultiplyNarrow<Output>(tile, n, columns);
    }
    tile.a += n * tile.a_stride;
    tile.a_scales += n;
    tile.c = static_cast<typename Output::Element*>(tile.c) + n * tile.c_stride;
    rows -= n;
  }
}

template <class Output>
void Int8Multiply(const Int8Product& p) {
  const Int8Weights& w = *p.weights;
  for (size_t row = 0; row < p.rows; row += kBlockRows) {
    const size_t rows = p.rows - row < kBlockRows ? p.rows - row : kBlockRows;
    for (size_t column = 0; column < w.columns; column += kPanel) {
      Int8MultiplyPanel<Output>({.a = p.a + row * p.a_stride,
                                 .a_stride = p.a_stride,
                                 .a_scales = p.a_scales + row,
                                 .panel = w.panels + column * w.depth,
                                 .depth = w.depth,
                                 .scale = w.scale + column,
                                 .sum = w.sum + column,
                                 .bias = w.bias + column,
                                 .c = Output::Target(p) + row * p.c_stride + column,
                                 .c_stride = p.c_stride},
                                rows, w.columns - column);
    }
  }
}

// ---- row by row ---------------------------------------------------------------------------------

KERNEL_INLINE ByteScale QuantiseWithin(const float* x, size_t size, float least, float most,
                                       uint8_t* q) {
  constexpr float kMost = kLevels;
  const float range = most - least;
  const Vec inverse = Set(range > 0 ? kMost / range : 0.0f), low = Set(least);
  size_t i = 0;
  for (; i + kWidth <= size; i += kWidth) StoreBytes(q + i, (Load(x + i) - low) * inverse);
  if (i < size) {
    uint8_t bytes[kWidth];
    StoreBytes(bytes, (LoadUpTo(x + i, size - i, least) - low) * inverse);
    for (; i < size; ++i) q[i] = bytes[i % kWidth];
  }
  for (; i % kInt8Group != 0; ++i) q[i] = 0;
  return {range / kMost, least};
}

// Two of everything that is summed up, or compared: one would wait for itself.
struct Extremes {
  Vec least[2], most[2];

  KERNEL_INLINE Extremes(float high, float low)
      : least{Set(high), Set(high)}, most{Set(low), Set(low)} {}
  template <int kWhich>
  KERNEL_INLINE void Add(Vec v) {
    least[kWhich] = Min(least[kWhich], v);
    most[kWhich] = Max(most[kWhich], v);
  }
  KERNEL_INLINE float Least() const { return -Maximum(-Min(least[0], least[1])); }
  KERNEL_INLINE float Most() const { return Maximum(Max(most[0], most[1])); }
};

// One stage of a Hadamard transform between neighbouring vectors: sums and differences of those
// kStep apart.
template <int kStep>
KERNEL_INLINE void MixVectors(Vec (&v)[kInt8Rotation / kWidth]) {
  if constexpr (kStep > 0) {
    KERNEL_UNROLL
    for (int i = 0; i < static_cast<int>(kInt8Rotation / kWidth); ++i) {
      if ((i & kStep) != 0) continue;
      const Vec sum = v[i] + v[i + kStep];
      v[i + kStep] = v[i] - v[i + kStep];
      v[i] = sum;
    }
    MixVectors<kStep / 2>(v);
  }
}

KERNEL_INLINE void RotateBlock(const float* x, float* rotated, Extremes* extremes) {
  Vec v[kInt8Rotation / kWidth];
  KERNEL_UNROLL
  for (size_t i = 0; i < kInt8Rotation / kWidth; ++i) v[i] = Load(x + i * kWidth);
  MixVectors<static_cast<int>(kInt8Rotation / kWidth / 2)>(v);
  KERNEL_UNROLL
  for (size_t i = 0; i < kInt8Rotation / kWidth; i += 2) {
    const Vec a = MixLanes(v[i]), b = MixLanes(v[i + 1]);
    Store(rotated + i * kWidth, a);
    Store(rotated + (i + 1) * kWidth, b);
    extremes->Add<0>(a);
    extremes->Add<1>(b);
  }
}

ByteScale Quantise(const float* x, size_t size, float* rotated, uint8_t* q) {
  Extremes extremes(3.4e38f, -3.4e38f);
  size_t i = 0;
  for (; i + kInt8Rotation <= size; i += kInt8Rotation) RotateBlock(x + i, rotated + i, &extremes);
  for (; i < size; i += kWidth) {
    const Vec v = LoadUpTo(x + i, size - i, x[i]);
    StoreUpTo(rotated + i, v, size - i);
    extremes.Add<0>(v);
  }
  return QuantiseWithin(rotated, size, extremes.Least(), extremes.Most(), q);
}
