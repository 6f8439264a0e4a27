#include "embed/amx_tiles.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace codelore::embed {
namespace {

TileConfig Shapes(std::initializer_list<std::pair<int, int>> rows_and_bytes) {
  TileConfig config;
  size_t tile = 0;
  for (const auto& [rows, bytes] : rows_and_bytes) {
    config.rows[tile] = static_cast<uint8_t>(rows);
    config.row_bytes[tile++] = static_cast<uint16_t>(bytes);
  }
  return config;
}

std::string FaultOf(const TileConfig& config, const std::function<void(EmulatedTiles&)>& work = {}) {
  EmulatedTiles tiles;
  tiles.Configure(config);
  if (work) work(tiles);
  return tiles.fault() != nullptr ? tiles.fault() : "";
}

TEST(EmulatedTilesTest, RefusesConfigurationsThatTheProcessorRefuses) {
  EXPECT_EQ(FaultOf(Shapes({{16, 64}, {1, 1}, {0, 0}})), "");
  EXPECT_NE(FaultOf(Shapes({{17, 64}})), "");
  EXPECT_NE(FaultOf(Shapes({{16, 65}})), "");
  EXPECT_NE(FaultOf(Shapes({{0, 64}})), "");
  EXPECT_NE(FaultOf(Shapes({{16, 0}})), "");
  EXPECT_NE(FaultOf(Shapes({{1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}})), "");
  TileConfig config = Shapes({{1, 4}});
  config.palette = 2;
  EXPECT_NE(FaultOf(config), "");
  config.palette = 1;
  config.reserved[13] = 1;
  EXPECT_NE(FaultOf(config), "");
}

TEST(EmulatedTilesTest, RefusesTilesThatDoNotFit) {
  const auto dot = [](EmulatedTiles& tiles) { tiles.DotUnsignedSigned(0, 1, 2); };
  EXPECT_EQ(FaultOf(Shapes({{3, 8}, {3, 16}, {4, 8}}), dot), "");
  EXPECT_NE(FaultOf(Shapes({{2, 8}, {3, 16}, {4, 8}}), dot), "");   // rows of sums and bytes
  EXPECT_NE(FaultOf(Shapes({{3, 8}, {3, 16}, {3, 8}}), dot), "");   // depth
  EXPECT_NE(FaultOf(Shapes({{3, 8}, {3, 16}, {4, 12}}), dot), "");  // columns
  EXPECT_NE(FaultOf(Shapes({{3, 6}, {3, 16}, {4, 6}}), dot), "");   // not by fours
  EXPECT_NE(FaultOf(Shapes({{4, 16}, {4, 16}, {4, 16}}), [](EmulatedTiles& tiles) { tiles.DotUnsignedSigned(0, 1, 1); }), "");
  EXPECT_NE(FaultOf(Shapes({{4, 16}}), [](EmulatedTiles& tiles) { tiles.Zero(1); }), "");
  EXPECT_NE(FaultOf(Shapes({{4, 16}}), [](EmulatedTiles& tiles) {
              tiles.Release();
              tiles.Zero(0);
            }), "");
}

TEST(EmulatedTilesTest, MultipliesBytes) {
  EmulatedTiles tiles;
  tiles.Configure(Shapes({{2, 8}, {2, 4}, {1, 8}}));
  const uint8_t u[] = {255, 1, 0, 0, 99, /*row*/ 2, 3, 4, 5, 99};
  const int8_t s[] = {-128, 1, 7, 7, /*column*/ 127, -1, 1, 2};
  int sums[] = {0, 0, -1, 0, 0, -1};
  tiles.Zero(0);
  tiles.Load(1, u, 5);
  tiles.Load(2, s, 8);
  for (int i = 0; i < 2; ++i) tiles.DotUnsignedSigned(0, 1, 2);
  tiles.Store(0, sums, 12);
  const std::vector<int> expected = {2 * (255 * -128 + 1), 2 * (255 * 127 - 1), -1, 2 * (-256 + 3 + 28 + 35), 2 * (254 - 3 + 4 + 10), -1};
  EXPECT_EQ(std::vector<int>(sums, sums + 6), expected);
  EXPECT_EQ(tiles.fault(), nullptr);
}

TEST(EmulatedTilesTest, WrapsAroundRatherThanSaturate) {
  EmulatedTiles tiles;
  tiles.Configure(Shapes({{1, 4}, {1, 4}, {1, 4}}));
  const int start = 2147483647, one = 1;
  int sum = 0;
  tiles.Load(0, &start, 4);
  tiles.Load(1, &one, 4);
  tiles.Load(2, &one, 4);
  tiles.DotUnsignedSigned(0, 1, 2);
  tiles.Store(0, &sum, 4);
  EXPECT_EQ(sum, -2147483647 - 1);
}

}  // namespace
}  // namespace codelore::embed
