#include "index/vector/token_weights.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace codelore::index {
namespace {

using Row = std::vector<TokenWeight>;

std::vector<Row> RandomRows(std::mt19937& random, uint32_t rows, uint32_t vocabulary) {
  std::vector<Row> made(rows);
  for (Row& row : made) {
    std::map<uint32_t, float> weights;
    for (uint32_t n = random() % 30; n > 0; --n) weights[random() % vocabulary] = 0.000244140625f * static_cast<float>(1 + random() % 40000);
    row.assign(weights.begin(), weights.end());
  }
  return made;
}

std::string Build(const std::vector<Row>& rows) {
  std::vector<std::string> encoded;
  for (const Row& row : rows) encoded.push_back(EncodeWeights(row));
  const std::vector<std::string_view> views(encoded.begin(), encoded.end());
  return BuildTokenWeights(views);
}

TEST(TokenWeightsTest, KeepsRowsToAFourThousandthAndThenForEver) {
  std::mt19937 random(1);
  for (const Row& row : RandomRows(random, 200, 250'002)) {
    Row once, twice;
    ASSERT_TRUE(DecodeWeights(EncodeWeights(row), once));
    ASSERT_EQ(once.size(), row.size());
    for (size_t i = 0; i < row.size(); ++i) {
      EXPECT_EQ(once[i].first, row[i].first);
      EXPECT_NEAR(once[i].second, row[i].second, row[i].second / 4095);
    }
    ASSERT_TRUE(DecodeWeights(EncodeWeights(once), twice));
    EXPECT_EQ(once, twice);
  }
}

TEST(TokenWeightsTest, TakesExtremes) {
  const Row row = {{0, 1e-9f}, {5, 1.0f / 65536}, {6, 1}, {7, 65504}, {8, 1e30f}, {UINT32_MAX, 0.5f}};
  Row back;
  ASSERT_TRUE(DecodeWeights(EncodeWeights(row), back));
  ASSERT_EQ(back.size(), 5u);  // what is too small is left out
  EXPECT_EQ(back[0], row[1]);
  EXPECT_EQ(back[1], row[2]);
  EXPECT_EQ(back[2], row[3]);
  EXPECT_GT(back[3].second, 65504);  // the greatest there is
  EXPECT_EQ(back[4], row[5]);
}

TEST(TokenWeightsTest, AddsUpLikeTheNaiveLoop) {
  std::mt19937 random(2);
  const auto rows = RandomRows(random, 300, 100);
  const std::string bytes = Build(rows);
  const TokenWeights weights = TokenWeights::Open(bytes, 300).value();
  for (const Row& query : RandomRows(random, 50, 120)) {
    std::vector<float> products(300);
    weights.AddProducts(query, products);
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::map<uint32_t, float> row(rows[i].begin(), rows[i].end());
      double expected = 0;
      for (auto [id, weight] : query) {
        if (row.contains(id)) expected += double{weight} * row.at(id);
      }
      EXPECT_NEAR(products[i], expected, expected / 4000 + 1e-9);
    }
  }
}

TEST(TokenWeightsTest, GivesItsRowsBack) {
  std::mt19937 random(3);
  const auto rows = RandomRows(random, 100, 60);
  const std::string bytes = Build(rows);
  const auto back = TokenWeights::Open(bytes, 100).value().Rows();
  ASSERT_EQ(back.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(back[i], EncodeWeights(rows[i]));
}

TEST(TokenWeightsTest, RefusesOrSurvivesDamage) {
  std::mt19937 random(4);
  const std::string bytes = Build(RandomRows(random, 20, 30));
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(TokenWeights::Open(bytes.substr(0, size), 20).ok());
  EXPECT_FALSE(TokenWeights::Open(bytes, 21).ok());
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    auto opened = TokenWeights::Open(damaged, 20);
    if (!opened.ok()) continue;
    std::vector<float> products(20);
    opened->AddProducts(std::vector<TokenWeight>{{3, 1}, {9, 1}, {29, 1}}, products);
    (void)opened->Rows();
  }
}

TEST(TokenWeightsTest, RefusesRowsThatAreNone) {
  Row weights;
  for (std::string_view row : {std::string_view(), std::string_view("\1", 1), std::string_view("\2\5ab\0ab", 7), std::string_view("\0x", 2),
                               std::string_view("\xff\xff\xff\xff\xff\xff\1\1\1\1", 10)}) {
    EXPECT_FALSE(DecodeWeights(row, weights));
  }
}

}  // namespace
}  // namespace codelore::index
