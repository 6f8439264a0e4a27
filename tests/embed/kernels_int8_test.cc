#include "embed/kernels_int8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
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
    for (uint8_t& x : a) x = static_cast<uint8_t>(rng.Below(256));
    for (int8_t& x : w) x = static_cast<int8_t>(static_cast<int>(rng.Below(255)) - 127);
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

// Adding pairs of products in 16 bits would stop at 32,767 where 2 · 255 · 127 is 64,770.
TEST_P(Int8KernelsTest, NeverSaturates) {
  for (int sign : {1, -1}) {
    for (size_t depth : {4, 384, 4096, 65536}) {
      Case c(kernels_, 15, depth, 33);
      std::ranges::fill(c.a, uint8_t{255});
      std::ranges::fill(c.w, static_cast<int8_t>(127 * sign));
      c.Fill(kernels_);
      std::ranges::fill(c.a_scales, ByteScale{1, 0});
      std::ranges::fill(c.scale, 1.0f);
      const Int8Weights weights = c.Weights();
      std::vector<float> y(15 * 33);
      Int8Product product = c.Product(weights);
      product.c = y.data();
      product.c_stride = 33;
      kernels_.multiply(product);
      const auto exact = static_cast<float>(sign * 255 * 127 * static_cast<int64_t>(depth));
      for (float value : y) ASSERT_EQ(value, exact) << depth;
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
  Rng rng(5);
  std::vector<float> x(kInt8Rotation);
  for (float& value : x) value = rng.Float() - 0.5f;
  x[kInt8Rotation / 3] = 40;
  std::vector<uint8_t> q(x.size());
  const ByteScale s = kernels_.quantise(x.data(), x.size(), x.data(), q.data());
  double squares = 0;
  for (size_t i = 0; i < x.size(); ++i) squares += std::pow(s.scale * q[i] + s.least - x[i], 2);
  // The matrix makes all √kInt8Rotation longer, errors too, and there are kInt8Rotation of them.
  const double error = std::sqrt(squares) / kInt8Rotation, unrotated = 40.0 / 255 / std::sqrt(12);
  EXPECT_LT(error, unrotated / 4);
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
