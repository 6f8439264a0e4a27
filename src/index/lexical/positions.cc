#include "index/lexical/positions.h"

#include <algorithm>
#include <cstring>

#include "index/lexical/varint.h"

namespace codelore::index {

namespace {

// Reads a posting's first number; false when it is cut off. `more`: how many positions follow the first.
bool ReadFirst(const char*& at, const char* end, uint32_t& first, uint32_t& more) {
  more = 0;
  uint32_t value = 0;
  if (!ReadVarint(at, end, value)) return false;
  first = value >> 1;
  return (value & 1) == 0 || ReadVarint(at, end, more);
}

}  // namespace

void PositionsBuilder::Encode(std::span<const uint32_t> positions, std::string& out) {
  bool more = positions.size() > 1;
  AppendVarint(positions[0] << 1 | (more ? 1 : 0), out);
  if (more) AppendVarint(static_cast<uint32_t>(positions.size() - 1), out);
  for (size_t i = 1; i < positions.size(); ++i) AppendVarint(positions[i] - positions[i - 1], out);
}

void PositionsBuilder::Add(std::span<const uint32_t> positions) {
  Encode(positions, data_);
  EndPosting();
}

const char* PositionsBuilder::AddEncoded(const char* at, const char* end) {
  const char* begin = at;
  uint32_t first = 0, count = 0;
  ReadFirst(at, end, first, count);
  for (; count > 0 && at < end; ++at) count -= static_cast<uint8_t>(*at) < 0x80;  // the last byte of a varint
  data_.append(begin, at);
  EndPosting();
  return at;
}

void PositionsBuilder::Finish(std::string& out) {
  if (count_ >= kBlockSize) {
    if (count_ % kBlockSize != 0) ends_.push_back(static_cast<uint32_t>(data_.size()));
    out.append(reinterpret_cast<const char*>(ends_.data()), ends_.size() * sizeof(uint32_t));
  }
  out += data_;
  data_.clear();
  ends_.clear();
  count_ = 0;
}

PositionsReader::PositionsReader(std::string_view list, uint32_t document_count) {
  size_t blocks = document_count < kBlockSize ? 0 : (size_t{document_count} + kBlockSize - 1) / kBlockSize;
  size_t ends_size = std::min(blocks * sizeof(uint32_t), list.size());
  ends_ = list.substr(0, ends_size);
  data_ = list.substr(ends_size);
}

void PositionsReader::Read(uint32_t index, std::vector<uint32_t>& positions) const {
  positions.clear();
  uint32_t block = index / kBlockSize;
  uint32_t begin = 0;
  if (block > 0) {
    if (size_t{block} * sizeof begin > ends_.size()) return;
    std::memcpy(&begin, ends_.data() + (block - 1) * sizeof begin, sizeof begin);
  }
  const char* at = data_.data() + std::min<size_t>(begin, data_.size());
  const char* end = data_.data() + data_.size();
  uint32_t position = 0, count = 0, value = 0;
  for (uint32_t skip = index % kBlockSize; skip > 0; --skip) {
    if (!ReadFirst(at, end, position, count)) return;
    for (; count > 0; --count) {
      if (!ReadVarint(at, end, value)) return;
    }
  }
  if (!ReadFirst(at, end, position, count)) return;
  positions.push_back(position);
  for (; count > 0 && ReadVarint(at, end, value); --count) positions.push_back(position += value);
}

}  // namespace codelore::index
