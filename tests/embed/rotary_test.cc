#include "embed/rotary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "embed/corpus.h"

namespace codelore::embed {
namespace {

constexpr AttentionShape kShape = {.heads = 2, .head_size = 8};
constexpr size_t kStride = 3 * 16;

std::vector<float> Random(size_t tokens) {
  Rng rng(tokens);
  std::vector<float> values(tokens * kStride);
  for (float& value : values) value = rng.Float();
  return values;
}

std::vector<float> Apply(RotaryTable* table, const Rotary& rotary, std::vector<float> values,
                         std::vector<uint32_t> lengths) {
  table->Apply(rotary, kShape, lengths, {values.data(), kStride});
  return values;
}

TEST(RotaryTest, TurnsPairsOfQueriesAndKeysAndLeavesValues) {
  const std::vector<float> before = Random(300);
  RotaryTable table;
  const std::vector<float> after = Apply(&table, {.base = 1000}, before, {300});
  for (size_t token = 0; token < 300; ++token) {
    for (size_t j = 0; j < kStride; ++j) {
      const size_t at = token * kStride + j, i = j % 8;
      const double angle =
          static_cast<double>(token) * std::pow(1000.0, -2.0 * static_cast<double>(i % 4) / 8);
      const double turned = i < 4 ? before[at] * std::cos(angle) - before[at + 4] * std::sin(angle)
                                  : before[at] * std::cos(angle) + before[at - 4] * std::sin(angle);
      ASSERT_NEAR(after[at], j < 32 ? turned : before[at], 2e-5) << token << " " << j;
    }
  }
}

TEST(RotaryTest, CountsEachTextFromItsStart) {
  RotaryTable table;
  const std::vector<float> values = Random(12);
  const auto both = Apply(&table, {.base = 1000}, values, {5, 7});
  const std::vector<float> second(values.begin() + 5 * kStride, values.end());
  const auto alone = Apply(&table, {.base = 1000}, second, {7});
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), both.begin() + 5 * kStride));
}

TEST(RotaryTest, StretchesTheBaseOfLongTextsWhereverTheyStand) {
  const Rotary rotary = {.base = 1000, .scaling = 2, .trained_positions = 6};
  RotaryTable table, other;
  const std::vector<float> values = Random(20);
  const auto both = Apply(&table, rotary, values, {8, 6, 6});
  const std::vector<float> first(values.begin(), values.begin() + 8 * kStride);
  const auto alone = Apply(&other, rotary, first, {8});
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), both.begin()));
  EXPECT_NE(alone, Apply(&other, {.base = 1000}, first, {8}));
  const std::vector<float> second(values.begin() + 8 * kStride, values.begin() + 14 * kStride);
  const auto shorter = Apply(&other, {.base = 1000}, second, {6});
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), both.begin() + 8 * kStride));
}

TEST(RotaryTest, DoesTheSameInBfloat16) {
  RotaryTable table;
  std::vector<float> values = Random(9);
  std::vector<uint16_t> packed;
  for (float& value : values) {
    packed.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
    value = std::bit_cast<float>(static_cast<uint32_t>(packed.back()) << 16);
  }
  const std::vector<uint32_t> lengths = {9};
  table.ApplyBfloat16({.base = 1000}, kShape, lengths, packed.data());
  const auto exact = Apply(&table, {.base = 1000}, values, {9});
  for (size_t i = 0; i < exact.size(); ++i) {
    EXPECT_NEAR(std::bit_cast<float>(static_cast<uint32_t>(packed[i]) << 16), exact[i],
                0.004 * std::abs(exact[i]) + 1e-6);
  }
}

}  // namespace
}  // namespace codelore::embed
