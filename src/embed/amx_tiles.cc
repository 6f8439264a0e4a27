#include "embed/amx_tiles.h"

#include <algorithm>
#include <cstring>

namespace codelore::embed {

bool EmulatedTiles::Fault(const char* why) {
  if (fault_ == nullptr) fault_ = why;
  return false;
}

bool EmulatedTiles::Usable(int tile) {
  if (fault_ != nullptr) return false;
  if (!configured_) return Fault("#UD: tiles are not configured");
  if (tile < 0 || tile >= static_cast<int>(kTiles)) return Fault("#UD: no such tile");
  return config_.rows[tile] != 0 || Fault("#UD: the tile is not configured");
}

void EmulatedTiles::Configure(const TileConfig& config) {
  if (fault_ != nullptr) return;
  if (config.palette != 1) return void(Fault("#GP: palette"));  // 0 would release: ask for that
  for (uint8_t byte : config.reserved) {
    if (byte != 0) return void(Fault("#GP: reserved bytes"));
  }
  for (size_t i = 0; i < 16; ++i) {
    const size_t rows = config.rows[i], bytes = config.row_bytes[i];
    if (i >= kTiles && (rows != 0 || bytes != 0)) return void(Fault("#GP: more tiles than there are"));
    if (rows > kMaxRows || bytes > kMaxRowBytes) return void(Fault("#GP: a tile is too large"));
    if ((rows == 0) != (bytes == 0)) return void(Fault("#GP: rows without bytes, or bytes without rows"));
  }
  if (config.start_row >= kMaxRows) return void(Fault("#GP: start row"));
  config_ = config;
  configured_ = true;
  std::memset(data_, 0, sizeof data_);
}

void EmulatedTiles::Release() {
  configured_ = false;
  std::memset(data_, 0, sizeof data_);
}

void EmulatedTiles::Zero(int tile) {
  if (!Usable(tile)) return;
  std::memset(data_[tile], 0, sizeof data_[tile]);
  config_.start_row = 0;
}

void EmulatedTiles::Load(int tile, const void* from, size_t stride) {
  if (!Usable(tile)) return;
  const auto* const bytes = static_cast<const uint8_t*>(from);
  if (config_.start_row == 0) std::memset(data_[tile], 0, sizeof data_[tile]);
  for (size_t row = config_.start_row; row < config_.rows[tile]; ++row) {
    std::memcpy(data_[tile][row], bytes + row * stride, config_.row_bytes[tile]);
    std::memset(data_[tile][row] + config_.row_bytes[tile], 0, kMaxRowBytes - config_.row_bytes[tile]);
  }
  config_.start_row = 0;
}

void EmulatedTiles::Store(int tile, void* to, size_t stride) {
  if (!Usable(tile)) return;
  for (size_t row = config_.start_row; row < config_.rows[tile]; ++row) {
    std::memcpy(static_cast<uint8_t*>(to) + row * stride, data_[tile][row], config_.row_bytes[tile]);
  }
  config_.start_row = 0;
}

void EmulatedTiles::DotUnsignedSigned(int sum, int u, int s) {
  if (!Usable(sum) || !Usable(u) || !Usable(s)) return;
  if (sum == u || sum == s || u == s) return void(Fault("#UD: a tile is named twice"));
  const TileConfig& c = config_;
  if (c.row_bytes[sum] % 4 != 0 || c.row_bytes[u] % 4 != 0 || c.row_bytes[s] % 4 != 0) return void(Fault("#UD: rows of no whole four bytes"));
  if (c.rows[sum] != c.rows[u] || c.row_bytes[u] / 4 != c.rows[s] || c.row_bytes[sum] != c.row_bytes[s]) {
    return void(Fault("#UD: shapes that do not fit"));
  }
  for (size_t m = 0; m < c.rows[sum]; ++m) {
    uint32_t sums[kMaxRowBytes / 4];  // unsigned, because it wraps around
    std::memcpy(sums, data_[sum][m], kMaxRowBytes);
    for (size_t k = 0; k < c.row_bytes[u] / size_t{4}; ++k) {
      for (size_t n = 0; n < c.row_bytes[sum] / size_t{4}; ++n) {
        for (size_t i = 0; i < 4; ++i) {
          sums[n] += static_cast<uint32_t>(int{data_[u][m][4 * k + i]} * static_cast<int8_t>(data_[s][k][4 * n + i]));
        }
      }
    }
    std::memcpy(data_[sum][m], sums, c.row_bytes[sum]);
    std::memset(data_[sum][m] + c.row_bytes[sum], 0, kMaxRowBytes - c.row_bytes[sum]);
  }
  for (size_t m = c.rows[sum]; m < kMaxRows; ++m) std::memset(data_[sum][m], 0, kMaxRowBytes);
  config_.start_row = 0;
}

}  // namespace codelore::embed
