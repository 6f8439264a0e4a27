#include "embed/kernels.h"

#include <cblas.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "embed/corpus.h"

namespace codelore::embed {
namespace {

std::vector<float> Random(size_t size, float scale, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(size);
  for (float& value : values) value = scale * rng.Float();
  return values;
}

class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels_ = *GetParam();
};

INSTANTIATE_TEST_SUITE_P(All, KernelsTest,
                         testing::ValuesIn(AvailableKernels().begin(), AvailableKernels().end()),
                         [](const auto& set) { return std::string(set.param->name); });

struct Shape {
  size_t rows, depth, columns;
};

// C = A·Wᵀ + bias with kernels; rows of A and C lie apart, and the gaps of C must stay as they are.
void CheckProduct(const Kernels& kernels, const Shape& s, bool with_bias) {
  const size_t a_stride = s.depth + 3, c_stride = s.columns + 5;
  const std::vector<float> a = Random(s.rows * a_stride, 1, 1),
                           w = Random(s.columns * s.depth, 1, 2), bias = Random(s.columns, 1, 3);
  std::vector<float> panels(PackedSize(s.depth, s.columns, kernels.panel)), c(s.rows * c_stride, 7);
  Pack({.data = w.data(),
        .depth_stride = 1,
        .column_stride = s.depth,
        .depth = s.depth,
        .columns = s.columns},
       kernels.panel, panels.data());
  kernels.multiply({.a = a.data(),
                    .a_stride = a_stride,
                    .panels = panels.data(),
                    .bias = with_bias ? bias.data() : nullptr,
                    .c = c.data(),
                    .c_stride = c_stride,
                    .rows = s.rows,
                    .depth = s.depth,
                    .columns = s.columns});
  for (size_t i = 0; i < s.rows; ++i) {
    for (size_t j = 0; j < c_stride; ++j) {
      double sum = with_bias && j < s.columns ? bias[j] : 0;
      for (size_t k = 0; k < s.depth && j < s.columns; ++k)
        sum += static_cast<double>(a[i * a_stride + k]) * w[j * s.depth + k];
      const double expected = j < s.columns ? sum : 7;
      ASSERT_NEAR(c[i * c_stride + j], expected, 1e-6 * static_cast<double>(s.depth + 10))
          << i << "," << j << " of " << s.rows << "x" << s.depth << "x" << s.columns;
    }
  }
}

TEST_P(KernelsTest, MultipliesLikeTheNaiveLoop) {
  for (size_t rows = 1; rows <= 31; ++rows) CheckProduct(kernels_, {rows, 5, 33}, true);
  for (size_t columns : {1, 7, 8, 15, 16, 31, 32, 64, 100})
    CheckProduct(kernels_, {9, 17, columns}, columns % 2 == 0);
  for (size_t depth : {1, 2, 511, 512, 513, 1536}) CheckProduct(kernels_, {15, depth, 40}, true);
  CheckProduct(kernels_, {250, 64, 96}, true);
}

TEST_P(KernelsTest, MultipliesLikeBlas) {
  const size_t m = 300, k = 384, n = 1152;
  const std::vector<float> a = Random(m * k, 1, 4), w = Random(n * k, 1, 5);
  std::vector<float> panels(PackedSize(k, n, kernels_.panel)), c(m * n), expected(m * n);
  Pack({.data = w.data(), .depth_stride = 1, .column_stride = k, .depth = k, .columns = n},
       kernels_.panel, panels.data());
  kernels_.multiply({.a = a.data(),
                     .a_stride = k,
                     .panels = panels.data(),
                     .c = c.data(),
                     .c_stride = n,
                     .rows = m,
                     .depth = k,
                     .columns = n});
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a.data(), k, w.data(), k, 0,
              expected.data(), n);
  for (size_t i = 0; i < m * n; ++i) ASSERT_NEAR(c[i], expected[i], 1e-4) << i;
}

TEST_P(KernelsTest, GivesARowTheSameBitsAmongAnyOthers) {
  const size_t m = 70, k = 600, n = 50;
  const std::vector<float> a = Random(m * k, 1, 6), w = Random(n * k, 1, 7), bias = Random(n, 1, 8);
  std::vector<float> panels(PackedSize(k, n, kernels_.panel)), all(m * n), one(n);
  Pack({.data = w.data(), .depth_stride = 1, .column_stride = k, .depth = k, .columns = n},
       kernels_.panel, panels.data());
  Product product = {.a = a.data(),
                     .a_stride = k,
                     .panels = panels.data(),
                     .bias = bias.data(),
                     .c = all.data(),
                     .c_stride = n,
                     .rows = m,
                     .depth = k,
                     .columns = n};
  kernels_.multiply(product);
  product.rows = 1;
  product.c = one.data();
  for (size_t i = 0; i < m; ++i, product.a += k) {
    kernels_.multiply(product);
    ASSERT_TRUE(std::equal(one.begin(), one.end(), all.begin() + i * n)) << i;
  }
}

TEST_P(KernelsTest, GeluStaysWithinItsStatedError) {
  std::vector<float> x;
  for (int i = -120000; i <= 120000; ++i) x.push_back(static_cast<float>(i) * 1e-4f);
  for (float large : {-1e30f, -100.0f, 50.0f, 1e30f}) x.push_back(large);
  std::vector<float> y = x;
  kernels_.gelu(y.data(), y.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = 0.5 * x[i] * std::erfc(-static_cast<double>(x[i]) / std::sqrt(2.0));
    ASSERT_NEAR(y[i], exact, 1e-7 + 2e-7 * std::abs(x[i])) << x[i];
  }
}

TEST_P(KernelsTest, GateStaysWithinItsStatedError) {
  std::vector<float> gate;
  for (int i = -20000; i <= 20001; ++i) gate.push_back(static_cast<float>(i) * 1e-3f);
  for (float large : {-1e30f, -100.0f, 50.0f, 1e30f}) gate.push_back(large);
  std::vector<float> y(gate.size(), -0.7f);
  kernels_.gate(y.data(), gate.data(), y.size());
  for (size_t i = 0; i < gate.size(); ++i) {
    const double exact = -0.7 * gate[i] / (1 + std::exp(-static_cast<double>(gate[i])));
    ASSERT_NEAR(y[i], exact, 1e-6 * std::abs(0.7 * gate[i])) << gate[i];
  }
}

TEST_P(KernelsTest, SoftmaxIsTheExactOne) {
  for (size_t size : {1, 2, 7, 8, 16, 17, 33, 500}) {
    for (float scale : {0.01f, 0.177f, 3.0f}) {
      const std::vector<float> x = Random(size, 40, size);
      std::vector<float> y = x;
      y.push_back(7);
      kernels_.softmax(y.data(), size, scale);
      double max = -1e30, sum = 0;
      for (float v : x) max = std::max(max, static_cast<double>(v));
      for (float v : x) sum += std::exp((v - max) * scale);
      for (size_t i = 0; i < size; ++i) {
        const double d = (max - x[i]) * scale, exact = std::exp(-d) / sum;
        ASSERT_NEAR(y[i], exact, exact * (1e-6 + 1e-7 * d) + 2e-38) << size << " " << scale;
      }
      EXPECT_EQ(y[size], 7);
    }
  }
}

TEST_P(KernelsTest, SoftmaxOfEqualScoresIsEven) {
  for (float score : {0.0f, -3e37f, 1e30f}) {
    std::vector<float> y(21, score);
    kernels_.softmax(y.data(), y.size(), 0.2f);
    for (float v : y) EXPECT_NEAR(v, 1.0 / 21, 1e-8);
  }
}

TEST_P(KernelsTest, LayerNormIsTheExactOne) {
  for (size_t size : {1, 3, 8, 16, 31, 384, 1000}) {
    const std::vector<float> x = Random(size, 5, 10), residual = Random(size, 5, 11),
                             gain = Random(size, 2, 12), bias = Random(size, 2, 13);
    std::vector<float> y = x;
    y.push_back(7);
    kernels_.layer_norm({.x = y.data(),
                         .residual = residual.data(),
                         .gain = gain.data(),
                         .bias = bias.data(),
                         .size = size,
                         .epsilon = 1e-5f});
    double mean = 0, variance = 0;
    for (size_t i = 0; i < size; ++i)
      mean += (static_cast<double>(x[i]) + residual[i]) / static_cast<double>(size);
    for (size_t i = 0; i < size; ++i)
      variance +=
          std::pow(x[i] + static_cast<double>(residual[i]) - mean, 2) / static_cast<double>(size);
    for (size_t i = 0; i < size; ++i) {
      const double exact =
          (x[i] + static_cast<double>(residual[i]) - mean) / std::sqrt(variance + 1e-5) * gain[i] +
          bias[i];
      ASSERT_NEAR(y[i], exact, 2e-6 * (1 + std::abs(exact))) << size;
    }
    EXPECT_EQ(y[size], 7);
  }
}

TEST(PackTest, FillsTheLastPanelWithZeros) {
  const std::vector<float> source = {1, 2, 3, 4, 5, 6};  // 2 deep, 3 columns
  std::vector<float> panels(PackedSize(2, 3, 2), 9);
  Pack({.data = source.data(), .depth_stride = 3, .column_stride = 1, .depth = 2, .columns = 3}, 2,
       panels.data());
  EXPECT_EQ(panels, (std::vector<float>{1, 2, 4, 5, 3, 0, 6, 0}));
}

}  // namespace
}  // namespace codelore::embed
