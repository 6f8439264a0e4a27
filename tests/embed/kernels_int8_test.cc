#include "embed/kernels_int8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <span>
#include <vector>

#include "embed/corpus.h"
#include "embed/linear.h"

namespace codelore::embed {
namespace {

class Int8KernelsTest : public testing::TestWithParam<const Int8Kernels*> {
 protected:
  const Int8Kernels& kernels_ = *GetParam();
};

std::vector<const Int8Kernels*> AllKernels() {
  std::vector<const Int8Kernels*> all(AvailableInt8Kernels().begin(), AvailableInt8Kernels().end());
  if (EmulatedAmxInt8Kernels() != nullptr) all.push_back(EmulatedAmxInt8Kernels());
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Int8KernelsTest, testing::ValuesIn(AllKernels()),
                         [](const auto& set) { return std::string(set.param->name); });

// What the weights of one sign whose products are added in 16 bits may add up to.
int Room(const Int8Kernels& kernels) { return 32767 / kernels.levels; }

// Whether column j's weights keep to it.
bool Fit(const Int8Kernels& kernels, std::span<const int8_t> column) {
  for (size_t begin = 0; kernels.together > 1 && begin < column.size(); begin += 4 * kernels.together) {
    int positive[2] = {}, negative[2] = {};
    for (size_t k = begin; k < std::min(column.size(), begin + 4 * kernels.together); ++k) {
      int* const sums = column[k] > 0 ? positive : negative;  // by name: g++ 12 with UBSan adds to the wrong one else
      sums[k % 4 / 2] += std::abs(int{column[k]});
    }
    for (int sum : {positive[0], positive[1], negative[0], negative[1]}) {
      if (sum > Room(kernels)) return false;
    }
  }
  return true;
}

// Bytes A [rows, depth], weights W [columns, depth] and all that goes with them.
struct Case {
  size_t rows, depth, columns, a_stride;
  std::vector<uint8_t> a;
  std::vector<int8_t> w, panels;
  std::vector<ByteScale> a_scales;
  std::vector<float> scale, sum, bias;

  Case(const Int8Kernels& kernels, size_t m, size_t k, size_t n)
      : rows(m), depth(k), columns(n), a_stride(k + 12), a(m * a_stride), w(n * k) {
    Rng rng(m * 1000003 + k * 1009 + n);
    for (uint8_t& x : a) x = static_cast<uint8_t>(rng.Below(kernels.levels + 1));
    for (int8_t& x : w) x = static_cast<int8_t>(static_cast<int>(rng.Below(255)) - 127);
    for (size_t i = 0; kernels.together > 1 && i < w.size(); ++i) {  // all of any size would not fit
      const bool even_column = i / depth % 2 == 0, even_group = i % depth / 4 % 2 == 0;
      w[i] = static_cast<int8_t>(even_column ? w[i] / 2 : even_group ? w[i] : w[i] / 64);
    }
    for (size_t i = 0; i < m; ++i) a_scales.push_back({0.01f + rng.Float() * 0.005f, rng.Float()});
    Fill(kernels);
    for (size_t j = 0; j < n; ++j) bias[j] = rng.Float();
  }

  // Packs w; scales of 1/128, sums as they have to be.
  void Fill(const Int8Kernels& kernels) {
    const size_t panel = kernels.panel, padded = (columns + panel - 1) / panel * panel;
    panels.assign(padded * depth, 0);
    scale.assign(padded, 0.0078125f);
    sum.assign(padded, 0);
    bias.assign(padded, 0);
    for (size_t j = 0; j < columns; ++j) {
      for (size_t k = 0; k < depth; ++k) {
        panels[j / panel * panel * depth + k / 4 * 4 * panel + j % panel * 4 + k % 4] =
            w[j * depth + k];
        sum[j] += scale[j] * static_cast<float>(w[j * depth + k]);
      }
    }
  }

  Int8Weights Weights() const {
    return {panels.data(), scale.data(), sum.data(), bias.data(), depth, columns};
  }
  Int8Product Product(const Int8Weights& weights) const {
    return {.a = a.data(),
            .a_stride = a_stride,
            .a_scales = a_scales.data(),
            .weights = &weights,
            .rows = rows};
  }
  int64_t Dot(size_t i, size_t j) const {
    int64_t dot = 0;
    for (size_t k = 0; k < depth; ++k) dot += int{a[i * a_stride + k]} * w[j * depth + k];
    return dot;
  }
  double Expected(size_t i, size_t j) const {
    return static_cast<double>(a_scales[i].scale) * scale[j] * static_cast<double>(Dot(i, j)) +
           static_cast<double>(a_scales[i].least) * sum[j] + bias[j];
  }
};

void CheckProduct(const Int8Kernels& kernels, size_t m, size_t k, size_t n) {
  const Case c(kernels, m, k, n);
  const Int8Weights weights = c.Weights();
  const size_t stride = n + 5;
  std::vector<float> y(m * stride, 7), gelu = y;
  Int8Product product = c.Product(weights);
  product.c = y.data();
  product.c_stride = stride;
  kernels.multiply(product);
  product.c = gelu.data();
  kernels.multiply_gelu(product);
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < stride; ++j) {
      const double x = j < n ? c.Expected(i, j) : 7;
      ASSERT_NEAR(y[i * stride + j], x, 1e-5 * (1 + std::abs(x)))
          << i << "," << j << " of " << m << "x" << k << "x" << n;
      const double g = j < n ? 0.5 * x * std::erfc(-x / std::sqrt(2.0)) : 7;
      ASSERT_NEAR(gelu[i * stride + j], g, 3e-5 + 2e-5 * std::abs(g)) << i << "," << j;
    }
  }
}

TEST_P(Int8KernelsTest, MultipliesLikeTheNaiveLoop) {
  for (size_t rows = 1; rows <= 31; ++rows) CheckProduct(kernels_, rows, 8, 33);
  for (size_t columns : {1, 7, 8, 15, 16, 31, 32, 64, 100}) CheckProduct(kernels_, 9, 20, columns);
  for (size_t depth : {4, 384, 1536}) CheckProduct(kernels_, 15, depth, 40);
  CheckProduct(kernels_, 250, 64, 96);
}

// All rows and columns alike, in 64 bits and by the kernels.
void ExpectExact(const Int8Kernels& kernels, size_t depth, const std::function<int(size_t)>& weight,
                 const std::function<int(size_t)>& byte) {
  Case c(kernels, 15, depth, 33);
  for (size_t i = 0; i < c.w.size(); ++i) c.w[i] = static_cast<int8_t>(weight(i % depth));
  for (size_t i = 0; i < c.rows; ++i) {
    for (size_t k = 0; k < depth; ++k) c.a[i * c.a_stride + k] = static_cast<uint8_t>(byte(k));
  }
  ASSERT_TRUE(Fit(kernels, std::span(c.w).first(depth)));
  c.Fill(kernels);
  std::ranges::fill(c.a_scales, ByteScale{1, 0});
  std::ranges::fill(c.scale, 1.0f);
  const Int8Weights weights = c.Weights();
  std::vector<float> y(15 * 33);
  Int8Product product = c.Product(weights);
  product.c = y.data();
  product.c_stride = 33;
  kernels.multiply(product);
  const auto exact = static_cast<float>(c.Dot(0, 0));
  for (float value : y) ASSERT_EQ(value, exact) << depth;
}

// 16 bits end at 32,767: bytes of 8 bits would go beyond, 2 · 255 · 127, and 7 bits may with two pairs.
TEST_P(Int8KernelsTest, NeverSaturates) {
  const int most = kernels_.levels, room = Room(kernels_);
  const bool narrow = kernels_.together > 1;
  for (int sign : {1, -1}) {
    for (size_t depth : {4, 8, 12, 384, 4096, 65536}) {
      const auto full = [&](size_t) { return most; };
      // As heavy as they come: 127 and what is left of the room, either first, or all alike.
      const auto heavy = [&](size_t first) {
        return [=, rest = (room - 254) / 2](size_t k) { return sign * (narrow && k / 4 % 2 != first ? rest : 127); };
      };
      ExpectExact(kernels_, depth, heavy(0), full);
      ExpectExact(kernels_, depth, heavy(1), full);
      ExpectExact(kernels_, depth, [&](size_t) { return sign * (narrow ? room / 4 : 127); }, full);
      // Largest of both signs, bytes for all and for one of them.
      const auto both = [&](size_t k) { return k % 2 == 0 ? sign * 127 : -sign * 127; };
      ExpectExact(kernels_, depth, both, full);
      ExpectExact(kernels_, depth, both, [&](size_t k) { return k % 2 == 0 ? most : 0; });
    }
  }
}

TEST_P(Int8KernelsTest, GivesARowTheSameBitsAmongAnyOthers) {
  const Case c(kernels_, 70, 96, 50);
  const Int8Weights weights = c.Weights();
  std::vector<float> all(70 * 50), one(50);
  Int8Product product = c.Product(weights);
  product.c = all.data();
  product.c_stride = 50;
  kernels_.multiply(product);
  product.rows = 1;
  product.c = one.data();
  for (size_t i = 0; i < 70; ++i, product.a += c.a_stride, ++product.a_scales) {
    kernels_.multiply(product);
    ASSERT_TRUE(std::equal(one.begin(), one.end(), all.begin() + i * 50)) << i;
  }
}

// Of all of AMX but the tiles, which are Intel's pseudo code here, and of VNNI.
TEST(AmxKernelsTest, GivesTheBitsOfVnni) {
  const Int8Kernels* amx = EmulatedAmxInt8Kernels();
  if (amx == nullptr) GTEST_SKIP() << "no AVX-512 VNNI here";
  const auto vnni = std::ranges::find(AvailableInt8Kernels(), "avx512vnni", &Int8Kernels::name);
  ASSERT_NE(vnni, AvailableInt8Kernels().end());
  Rng rng(17);
  for (int i = 0; i < 200; ++i) {
    const Case c(*amx, 1 + rng.Below(70), 4 * (1 + rng.Below(60)), 1 + rng.Below(140));
    const Int8Weights weights = c.Weights();
    const size_t stride = c.columns + rng.Below(3);
    std::vector<float> expected(c.rows * stride, 7), found = expected;
    std::vector<uint16_t> expected16(c.rows * stride, 7), found16 = expected16;
    Int8Product product = c.Product(weights);
    product.c_stride = stride;
    for (auto multiply : {&Int8Kernels::multiply, &Int8Kernels::multiply_gelu}) {
      product.c = expected.data();
      ((*vnni)->*multiply)(product);
      product.c = found.data();
      (amx->*multiply)(product);
      ASSERT_EQ(found, expected) << c.rows << "x" << c.depth << "x" << c.columns;
    }
    product.c16 = expected16.data();
    (*vnni)->multiply_bfloat16(product);
    product.c16 = found16.data();
    amx->multiply_bfloat16(product);
    ASSERT_EQ(found16, expected16) << c.rows << "x" << c.depth << "x" << c.columns;
  }
}

TEST_P(Int8KernelsTest, RoundsToTheNearestBfloat16) {
  if (kernels_.multiply_bfloat16 == nullptr) GTEST_SKIP() << "none here";
  const Case c(kernels_, 20, 32, 70);
  const Int8Weights weights = c.Weights();
  std::vector<float> y(20 * 70);
  std::vector<uint16_t> rounded(20 * 70);
  Int8Product product = c.Product(weights);
  product.c = y.data();
  product.c16 = rounded.data();
  product.c_stride = 70;
  kernels_.multiply(product);
  kernels_.multiply_bfloat16(product);
  for (size_t i = 0; i < y.size(); ++i) {
    const float back = std::bit_cast<float>(uint32_t{rounded[i]} << 16);
    ASSERT_NEAR(back, y[i], std::abs(y[i]) / 256) << i;
  }
}

// Entry (i, j) of a Hadamard matrix is minus one to the number of bits that i and j share.
std::vector<double> Rotated(const std::vector<float>& x) {
  std::vector<double> rotated(x.begin(), x.end());
  for (size_t begin = 0; begin + kInt8Rotation <= x.size(); begin += kInt8Rotation) {
    for (size_t i = 0; i < kInt8Rotation; ++i) {
      double sum = 0;
      for (size_t j = 0; j < kInt8Rotation; ++j) {
        const double value = x[begin + j];
        sum += std::popcount(i & j) % 2 == 0 ? value : -value;
      }
      rotated[begin + i] = sum;
    }
  }
  return rotated;
}

TEST_P(Int8KernelsTest, QuantisesWhatItRotatedWithinHalfAStep) {
  for (size_t size : {1, 3, 4, 15, 16, 17, 127, 128, 130, 384, 1001}) {
    Rng rng(size);
    std::vector<float> x(size);
    for (float& value : x) value = 3 * rng.Float() + 0.5f;
    const std::vector<double> expected = Rotated(x);
    std::vector<uint8_t> q((size + 3) / 4 * 4 + 1, 77);
    std::vector<float> rotated(size);
    const ByteScale s = kernels_.quantise(x.data(), size, rotated.data(), q.data());
    EXPECT_EQ(*std::max_element(q.begin(), q.begin() + size), size > 1 ? kernels_.levels : 0);
    for (size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(rotated[i], expected[i], 1e-4) << size << "," << i;
      ASSERT_NEAR(s.scale * q[i] + s.least, rotated[i], s.scale * 0.501f) << size << "," << i;
    }
    for (size_t i = size; i + 1 < q.size(); ++i) EXPECT_EQ(q[i], 0) << size;
    EXPECT_EQ(q.back(), 77);
    EXPECT_EQ(s.least, *std::ranges::min_element(rotated));
    std::vector<uint8_t> in_place = q;
    (void)kernels_.quantise(x.data(), size, x.data(), in_place.data());
    EXPECT_EQ(in_place, q);
    EXPECT_EQ(x, rotated);
  }
}

TEST_P(Int8KernelsTest, QuantisesEqualNumbersExactly) {
  for (float value : {0.0f, -2.5f, 1e30f}) {
    std::vector<float> x(21, value);
    std::vector<uint8_t> q(24);
    const ByteScale s = kernels_.quantise(x.data(), x.size(), x.data(), q.data());
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(s.scale * q[i] + s.least, value);
  }
}

TEST_P(Int8KernelsTest, SpreadsALargeElementOverItsBlock) {
  constexpr int kBlocks = 20;
  Rng rng(5);
  double squares = 0;
  for (int block = 0; block < kBlocks; ++block) {
    std::vector<float> x(kInt8Rotation);
    for (float& value : x) value = rng.Float() - 0.5f;
    x[kInt8Rotation / 3] = 40;
    std::vector<uint8_t> q(x.size());
    const ByteScale s = kernels_.quantise(x.data(), x.size(), x.data(), q.data());
    for (size_t i = 0; i < x.size(); ++i) squares += std::pow(s.scale * q[i] + s.least - x[i], 2);
  }
  // The matrix makes all √kInt8Rotation longer, errors too, and there are kInt8Rotation of them.
  const double error = std::sqrt(squares / kBlocks) / kInt8Rotation;
  const double unrotated = 40.0 / kernels_.levels / std::sqrt(12);
  EXPECT_LT(error, unrotated / 4);
}

// Weights of one size are the heaviest there are: a column's steps are as long as its sums need.
TEST(Int8LinearTest, LeavesRoomForTheHeaviestWeights) {
  const size_t inputs = 100, outputs = 40;  // too few to be rotated
  const Int8Kernels& kernels = BestInt8Kernels();
  Rng rng(3);
  std::vector<float> weights(inputs * outputs), bias(outputs, 0);
  for (size_t j = 0; j < outputs; ++j) {
    const float sign = j % 2 == 0 ? 1 : -1;
    for (size_t k = 0; k < inputs; ++k) weights[j * inputs + k] = j < 4 ? sign : rng.Below(j) == 0 ? -sign : sign;
  }
  const Int8Linear linear(weights, bias);
  for (size_t j = 0; j < outputs; ++j) {  // what column j adds up to at most
    std::vector<float> x(inputs), y(outputs);
    std::vector<uint8_t> bytes(inputs);
    double exact = 0;
    for (size_t k = 0; k < inputs; ++k) {
      x[k] = k > 0 && weights[j * inputs + k] > 0 ? 1 : 0;
      exact += x[k] * weights[j * inputs + k];
    }
    ByteScale scale = kernels.quantise(x.data(), inputs, x.data(), bytes.data());
    linear.Apply({bytes.data(), inputs, &scale}, 1, {y.data(), outputs});
    EXPECT_NEAR(y[j], exact, 1e-3) << j;
  }
}

TEST(Int8LinearTest, IsCloseToTheFloatOne) {
  for (size_t inputs : {5, 48, 384}) {
    const size_t outputs = 70, rows = 9, padded = (inputs + 3) / 4 * 4;
    Rng rng(inputs);
    std::vector<float> weights(inputs * outputs), bias(outputs), x(rows * inputs), exact, rounded;
    for (auto* values : {&weights, &bias, &x})
      for (float& value : *values) value = rng.Float();
    exact.resize(rows * outputs);
    rounded.resize(rows * outputs);
    Linear(weights, bias).Apply({x.data(), inputs}, rows, {exact.data(), outputs});
    std::vector<uint8_t> bytes(rows * padded);
    std::vector<ByteScale> scales(rows);
    for (size_t i = 0; i < rows; ++i) {
      float* row = x.data() + i * inputs;
      scales[i] = BestInt8Kernels().quantise(row, inputs, row, bytes.data() + i * padded);
    }
    Int8Linear(weights, bias)
        .Apply({bytes.data(), padded, scales.data()}, rows, {rounded.data(), outputs});
    const double tolerance = 0.02 * std::sqrt(static_cast<double>(inputs));
    for (size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(rounded[i], exact[i], tolerance) << i;
  }
}

}  // namespace
}  // namespace codelore::embed
