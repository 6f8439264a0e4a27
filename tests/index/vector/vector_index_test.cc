#include "index/vector/vector_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "index/vector/int8_kernels.h"
#include "index/vector/coarse_scan.h"

namespace codelore::index {
namespace {

std::vector<float> RandomUnit(std::mt19937& random, size_t dimension) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimension);
  float length = 0;
  for (float& x : vector) {
    x = normal(random);
    length += x * x;
  }
  for (float& x : vector) x /= std::sqrt(length);
  return vector;
}

// A vector file in memory aligned as a mapped file is.
struct Made {
  std::shared_ptr<char> bytes;
  size_t size = 0;
  std::vector<std::vector<float>> vectors;
  std::shared_ptr<const VectorIndex> index;
};

Made Make(std::mt19937& random, uint32_t dimension, uint32_t rows) {
  Made made;
  std::vector<std::string> encoded;
  for (uint32_t i = 0; i < rows; ++i) {
    made.vectors.push_back(RandomUnit(random, dimension));
    encoded.push_back(EncodeRow(made.vectors.back()));
  }
  std::string file = BuildVectorFile(dimension, encoded);
  made.size = file.size();
  made.bytes.reset(static_cast<char*>(std::aligned_alloc(64, (file.size() + 63) / 64 * 64)), std::free);
  std::memcpy(made.bytes.get(), file.data(), file.size());
  made.index = VectorIndex::Open({made.bytes.get(), made.size}, made.bytes).value();
  return made;
}

float Dot(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST(Int8Kernels, AllGiveTheSameSumsAlsoAtTheExtremes) {
  std::mt19937 random(1);
  for (size_t dimension : {1u, 63u, 64u, 384u, 768u, 1000u, 4096u}) {
    size_t padded = PaddedBytes(dimension), rows = 13;
    std::vector<int8_t> query(padded), data(rows * padded);
    for (int extreme = 0; extreme < 3; ++extreme) {
      for (int8_t& x : query) x = static_cast<int8_t>(extreme == 0 ? random() % 255 - 127 : extreme == 1 ? 127 : -127);
      for (int8_t& x : data) x = static_cast<int8_t>(extreme == 0 ? random() % 255 - 127 : -127);
      std::vector<int32_t> expected(rows), dots(rows);
      AvailableInt8Kernels().back().dot_rows(query.data(), data.data(), padded, padded, rows, expected.data());
      for (const Int8Kernel& kernel : AvailableInt8Kernels()) {
        kernel.dot_rows(query.data(), data.data(), padded, padded, rows, dots.data());
        EXPECT_EQ(dots, expected) << kernel.name << " dimension " << dimension;
      }
    }
  }
}

TEST(Int8Kernels, AllGiveTheSameSumsOfTwoBitCodes) {
  std::mt19937 random(6);
  for (size_t dimension : {1u, 64u, 130u, 384u, 1000u, 4096u}) {
    size_t stride = CoarseBytes(dimension), rows = 40, count = 23;
    std::vector<int8_t> query(4 * stride);
    std::vector<uint8_t> data(rows * stride);
    std::vector<uint32_t> numbers(count + 1 + kRowsAhead);
    for (uint32_t& number : numbers) number = static_cast<uint32_t>(random() % rows);
    for (int extreme = 0; extreme < 3; ++extreme) {
      for (int8_t& x : query) x = static_cast<int8_t>(extreme == 0 ? random() % 255 - 127 : extreme == 1 ? 127 : -127);
      for (uint8_t& x : data) x = static_cast<uint8_t>(extreme == 0 ? random() : 255);
      std::vector<int32_t> expected(count), dots(count);
      AvailableInt8Kernels().back().dot_coarse(query.data(), data.data(), stride, numbers.data(), count, expected.data());
      EXPECT_TRUE(extreme != 1 || expected[0] == static_cast<int32_t>(4 * stride) * 127 * 3);
      for (const Int8Kernel& kernel : AvailableInt8Kernels()) {
        kernel.dot_coarse(query.data(), data.data(), stride, numbers.data(), count, dots.data());
        EXPECT_EQ(dots, expected) << kernel.name << " dimension " << dimension;
      }
    }
  }
}

TEST(CoarseScan, EstimatesCosinesOfAllAllowedRows) {
  std::mt19937 random(7);
  for (uint32_t dimension : {40u, 100u, 384u}) {
    const uint32_t count = 1500;
    std::string codes;
    std::vector<float> scales;
    std::vector<std::vector<float>> vectors;
    for (uint32_t i = 0; i < count; ++i) {
      vectors.push_back(RandomUnit(random, dimension));
      scales.push_back(EncodeCoarse(vectors.back(), codes));
    }
    CoarseRows rows{reinterpret_cast<const uint8_t*>(codes.data()), scales.data(), dimension};
    std::vector<RowRange> allowed = {{0, 1}, {3, 700}, {701, 702}, {900, count}};
    std::vector<float> query = vectors[5];
    ScoreSums sums;
    std::vector<EstimatedRow> all = ScanCoarse(rows, QuantizeInt8(query), allowed, count, 0, -1, &sums);
    EXPECT_EQ(all.size(), 1299u);
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, &EstimatedRow::row));
    EXPECT_EQ(sums.count, 1299u);
    double sum = 0, squares = 0, off = 0;
    for (auto [row, estimate] : all) {
      ScoreSums one;
      std::vector<RowRange> alone = {{row, row + 1}};
      EXPECT_EQ(ScanCoarse(rows, QuantizeInt8(query), alone, 1, 0, -1, &one), (std::vector<EstimatedRow>{{row, estimate}}));
      EXPECT_LE(estimate, one.sum);
      EXPECT_GT(estimate, one.sum - 1.0 / 256);
      double exact = Dot(query, vectors[row]);
      EXPECT_NEAR(one.sum, exact, 2 / std::sqrt(dimension));
      off += (one.sum - exact) * (one.sum - exact);
      sum += one.sum;
      squares += exact * exact;
    }
    EXPECT_NEAR(std::sqrt(sums.squares / 1299), std::sqrt(squares / 1299), .02 / std::sqrt(dimension));
    EXPECT_LT(std::sqrt(off / 1299), .45 / std::sqrt(dimension));
    EXPECT_NEAR(sums.sum, sum, 1e-3);
    // Those within the gap below the 40th best of all.
    const float gap = .05f;
    std::ranges::sort(all, std::greater(), &EstimatedRow::estimate);
    std::vector<EstimatedRow> expected, best = ScanCoarse(rows, QuantizeInt8(query), allowed, 40, gap, -1, nullptr);
    std::ranges::copy_if(all, std::back_inserter(expected), [&](const EstimatedRow& row) { return row.estimate >= all[39].estimate - 13.0f / 256; });
    std::ranges::sort(expected, {}, &EstimatedRow::row);
    EXPECT_EQ(best, expected);
    const auto near = ScanCoarse(rows, QuantizeInt8(query), allowed, 40, gap, .9f, nullptr);
    ASSERT_EQ(near.size(), 1u);
    EXPECT_EQ(near[0].row, 5u);
  }
}

TEST(VectorIndex, FindsWhatScoringEveryRowFinds) {
  std::mt19937 random(2);
  for (uint32_t dimension : {64u, 100u, 384u}) {
    Made made = Make(random, dimension, 3000);  // enough for the 2-bit codes
    double found = 0, all = 0;
    for (int round = 0; round < 50; ++round) {
      std::vector<float> query = RandomUnit(random, dimension);
      std::vector<RowRange> allowed = {{0, 3000}};
      if (round % 2 == 1) allowed = {{10, 20}, {100, 900}, {2990, 5000}};
      std::vector<std::pair<float, uint32_t>> exact;
      for (RowRange range : allowed) {
        for (uint32_t i = range.begin; i < std::min(3000u, range.end); ++i) exact.emplace_back(-Dot(query, made.vectors[i]), i);
      }
      std::ranges::sort(exact);
      std::vector<ScoredChunk> best = made.index->Search(query, 10, allowed);
      ASSERT_EQ(best.size(), 10u);
      for (size_t i = 0; i < 10; ++i) {
        EXPECT_NEAR(best[i].score, -exact[i].first, 2e-4);
        // Half precision may swap rows that are closer than it can tell.
        found += -Dot(query, made.vectors[best[i].ordinal]) <= exact[9].first + 2e-4f;
        ++all;
      }
    }
    EXPECT_EQ(found, all) << dimension;
  }
}

// As versions 3 and 4 were: with 64 bytes for 128 values where 32 are now, which nobody reads any more.
TEST(VectorIndex, OpensFilesThatHadFourBitCodes) {
  std::mt19937 random(8);
  const uint32_t dimension = 384, rows = 3000;
  Made made = Make(random, dimension, rows);
  std::string old(made.bytes.get(), made.size);
  old[4] = 3;
  old.insert(64 + rows * dimension * 3, rows * CoarseBytes(dimension), '\xAA');
  std::shared_ptr<char> bytes(static_cast<char*>(std::aligned_alloc(64, (old.size() + 63) / 64 * 64)), std::free);
  std::memcpy(bytes.get(), old.data(), old.size());
  auto index = VectorIndex::Open({bytes.get(), old.size()}, bytes).value();
  std::vector<RowRange> allowed = {{0, rows}};
  for (int round = 0; round < 20; ++round) {
    std::vector<float> query = RandomUnit(random, dimension);
    auto found = index->Search(query, 10, allowed), expected = made.index->Search(query, 10, allowed);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(std::pair(found[i].ordinal, found[i].score), std::pair(expected[i].ordinal, expected[i].score));
  }
}

TEST(VectorIndex, SumsUpWhatItLookedAt) {
  std::mt19937 random(3);
  Made made = Make(random, 384, 500);
  std::vector<float> query = RandomUnit(random, 384);
  ScoreSums sums;
  std::vector<RowRange> allowed = {{0, 200}, {300, 500}};
  made.index->Search(query, 5, allowed, &sums);
  EXPECT_EQ(sums.count, 400u);
  double sum = 0;
  for (RowRange range : allowed) {
    for (uint32_t i = range.begin; i < range.end; ++i) sum += Dot(query, made.vectors[i]);
  }
  EXPECT_NEAR(sums.sum / 400, sum / 400, 1e-3);
}

TEST(VectorIndex, HasNoVectorsOfNothing) {
  std::mt19937 random(4);
  Made made = Make(random, 64, 0);
  std::vector<RowRange> allowed = {{0, 10}};
  EXPECT_TRUE(made.index->Search(RandomUnit(random, 64), 10, allowed).empty());
  std::vector<uint32_t> rows = {0, 7};
  EXPECT_EQ(made.index->Scores(RandomUnit(random, 64), rows), (std::vector<float>{0, 0}));
}

TEST(VectorIndex, RefusesFilesOfTheWrongSizeOrKind) {
  std::mt19937 random(5);
  Made made = Make(random, 64, 7);
  std::string_view bytes(made.bytes.get(), made.size);
  for (size_t size = 0; size < bytes.size(); size += 37) EXPECT_FALSE(VectorIndex::Open(bytes.substr(0, size), nullptr).ok());
  std::string other(bytes);
  other[0] = 'X';
  EXPECT_FALSE(VectorIndex::Open(other, nullptr).ok());
}

}  // namespace
}  // namespace codelore::index
