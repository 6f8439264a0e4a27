#include "embed/attention.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "embed/corpus.h"

namespace codelore::embed {
namespace {

struct Sample {
  AttentionShape shape;
  std::vector<uint32_t> lengths;
  std::vector<float> packed;  // [tokens, 3·hidden], exact in bfloat16

  size_t tokens() const { return packed.size() / (3 * shape.hidden()); }

  // softmax(Q·Kᵀ / √d)·V by the book.
  std::vector<double> Expected() const {
    const size_t hidden = shape.hidden(), size = shape.head_size;
    std::vector<double> context(tokens() * hidden, 0);
    size_t first = 0;
    for (uint32_t length : lengths) {
      for (size_t at = 0; at < length * shape.heads; ++at) {
        const size_t i = first + at / shape.heads, column = at % shape.heads * size;
        std::vector<double> weight(length, 0);
        double sum = 0, most = -1e30;
        for (size_t j = 0; j < length; ++j) {
          for (size_t d = column; d < column + size; ++d) {
            weight[j] += static_cast<double>(packed[i * 3 * hidden + d]) *
                         packed[(first + j) * 3 * hidden + hidden + d];
          }
          most = std::max(most, weight[j]);
        }
        for (double& w : weight) {
          sum += w = std::exp((w - most) / std::sqrt(static_cast<double>(size)));
        }
        for (size_t j = 0; j < length; ++j) {
          for (size_t d = column; d < column + size; ++d) {
            context[i * hidden + d] +=
                weight[j] / sum * packed[(first + j) * 3 * hidden + 2 * hidden + d];
          }
        }
      }
      first += length;
    }
    return context;
  }
};

Sample Make(AttentionShape shape, std::vector<uint32_t> lengths, float scale) {
  Rng rng(lengths.size());
  size_t tokens = 0;
  for (uint32_t length : lengths) tokens += length;
  Sample sample = {shape, std::move(lengths), std::vector<float>(tokens * 3 * shape.hidden())};
  for (float& x : sample.packed) {
    x = std::bit_cast<float>(std::bit_cast<uint32_t>(scale * rng.Float()) & 0xFFFF0000u);
  }
  return sample;
}

const std::vector<uint32_t> kLengths = {1, 2, 13, 14, 15, 16, 31, 32, 33, 100, 200};

TEST(AttentionTest, IsAsTheBookSays) {
  for (const AttentionShape shape : {AttentionShape{3, 16}, AttentionShape{2, 32}}) {
    for (float scale : {1.0f, 6.0f}) {
      Sample sample = Make(shape, kLengths, scale);
      const size_t hidden = shape.hidden();
      std::vector<float> context(sample.tokens() * hidden);
      AttentionState state;
      Attend(shape, {sample.packed.data(), 3 * hidden}, kLengths, {context.data(), hidden}, &state);
      const std::vector<double> expected = sample.Expected();
      for (size_t i = 0; i < context.size(); ++i)
        ASSERT_NEAR(context[i], expected[i], 2e-5 * scale) << i;
    }
  }
}

TEST(AttentionTest, IsAsTheBookSaysInBfloat16) {
  for (const AttentionShape shape : {AttentionShape{3, 32}, AttentionShape{2, 64}}) {
    if (!CanAttendBfloat16(shape)) GTEST_SKIP() << "not on this processor";
    for (float scale : {1.0f, 6.0f}) {
      const Sample sample = Make(shape, kLengths, scale);
      const size_t hidden = shape.hidden();
      std::vector<uint16_t> packed;
      for (float x : sample.packed)
        packed.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16));
      std::vector<float> context(sample.tokens() * hidden);
      AttentionState state;
      AttendBfloat16(shape, packed.data(), kLengths, {context.data(), hidden}, &state);
      const std::vector<double> expected = sample.Expected();
      // Exponentials lose at most 2^-9 of themselves, the values are exact.
      for (size_t i = 0; i < context.size(); ++i)
        ASSERT_NEAR(context[i], expected[i], 0.0025 * scale) << i;
    }
  }
}

TEST(AttentionTest, RefusesHeadsThatDoNotFillRegistersInBfloat16) {
  EXPECT_FALSE(CanAttendBfloat16({3, 16}));
  EXPECT_FALSE(CanAttendBfloat16({3, 48}));
}

}  // namespace
}  // namespace codelore::embed
