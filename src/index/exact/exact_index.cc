#include "index/exact/exact_index.h"

#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>
#include <utility>

#include "codelore/coding.h"
#include "index/rank/path_kind.h"

namespace codelore::index {
namespace {

// Measured (bench/runs/2026-11-21/exact.md): smaller blocks make postings larger and compress worse, larger ones cost
// more to read for each candidate.
constexpr size_t kBlockBytes = 4 << 10;
constexpr size_t kLeastBytes = kBlockBytes / 4;  // what would be left is taken along
constexpr int kCompressionLevel = 3;             // as small as level 9 by a hundredth, in half the time
constexpr uint64_t kMaxRatio = 255;              // of LZ4

// How much of `rest` the next block takes: whole lines.
size_t BlockSize(std::string_view rest) {
  if (rest.size() <= kBlockBytes + kLeastBytes) return rest.size();
  size_t line = rest.rfind('\n', kBlockBytes - 1);
  if (line == std::string_view::npos || line < kBlockBytes / 2) line = rest.find('\n', kBlockBytes);
  if (line == std::string_view::npos || rest.size() - line <= kLeastBytes) return rest.size();
  return line + 1;
}

}  // namespace

void ExactIndexBuilder::AddFile(std::string_view path, std::string_view text) {
  auto secondary = static_cast<uint32_t>(IsSecondaryPath(path) ? 1 : 0);
  uint32_t line = 1;
  for (size_t begin = 0; begin < text.size();) {
    std::string_view block = text.substr(begin, BlockSize(text.substr(begin)));
    rows_.push_back({.stored = data_.size(),
                     .file = file_count_,
                     .begin = static_cast<uint32_t>(begin),
                     .first_line = line,
                     .secondary = secondary});
    AddBlock(block);
    line += static_cast<uint32_t>(std::ranges::count(block, '\n'));
    begin += block.size();
  }
  ++file_count_;
}

void ExactIndexBuilder::AddBlock(std::string_view text) {
  trigrams_.AddBlock(text);
  packed_.resize(text.size());  // no room for more: it is stored as it is then
  int packed = text.size() > LZ4_MAX_INPUT_SIZE ? 0
                                                : LZ4_compress_HC(text.data(), packed_.data(), static_cast<int>(text.size()),
                                                                  static_cast<int>(text.size()) - 1, kCompressionLevel);
  data_ += packed > 0 ? std::string_view(packed_.data(), static_cast<size_t>(packed)) : text;
}

ExactSections ExactIndexBuilder::Finish() {
  std::string head = ByteWriter().Fixed<uint64_t>(rows_.size()).Take();
  head.append(reinterpret_cast<const char*>(rows_.data()), rows_.size() * sizeof(TextBlockRow));
  return {trigrams_.Finish(), std::move(data_.insert(0, head))};
}

Result<ExactIndex> ExactIndex::Open(std::string_view trigrams, std::string_view text, const std::vector<uint32_t>& file_sizes) {
  ExactIndex index;
  ASSIGN_OR_RETURN(index.trigrams_, TrigramReader::Open(trigrams));
  ByteReader input(text);
  auto count = input.Fixed<uint64_t>();
  if (!input.ok() || count > (text.size() - sizeof count) / sizeof(TextBlockRow)) return Corruption("text: cut off");
  index.rows_ = {reinterpret_cast<const TextBlockRow*>(text.data() + sizeof count), count};
  index.data_ = text.substr(sizeof count + count * sizeof(TextBlockRow));
  if (index.trigrams_.block_count() != count) return Corruption("text: not as many blocks as its trigrams have");
  uint32_t block = 0;
  for (uint32_t file = 0; file < file_sizes.size(); ++file) {
    index.first_block_.push_back(block);
    for (uint64_t begin = 0; begin < file_sizes[file]; ++block) {
      if (block == count || index.rows_[block].file != file || index.rows_[block].begin != begin) return Corruption("text: bad block");
      bool last = block + 1 == count;
      uint64_t end = last || index.rows_[block + 1].file != file ? file_sizes[file] : index.rows_[block + 1].begin;
      uint64_t stored_end = last ? index.data_.size() : index.rows_[block + 1].stored, stored = index.rows_[block].stored;
      if (end <= begin || end > file_sizes[file]) return Corruption("text: bad block");
      bool fits = stored < stored_end && stored_end <= index.data_.size() && (end - begin) / kMaxRatio <= stored_end - stored;
      if (!fits) return Corruption("text: bad block");
      index.sizes_.push_back(static_cast<uint32_t>(end - begin));
      begin = end;
    }
  }
  index.first_block_.push_back(block);
  return block == count ? Result<ExactIndex>(std::move(index)) : Corruption("text: blocks without a file");
}

Result<std::string_view> ExactIndex::Read(uint32_t block, std::string& buffer) const {
  uint64_t begin = rows_[block].stored, end = block + 1 < rows_.size() ? rows_[block + 1].stored : data_.size();
  std::string_view stored = data_.substr(begin, end - begin);
  if (stored.size() == sizes_[block]) return stored;
  if (buffer.size() < sizes_[block]) buffer.resize(sizes_[block]);
  auto size = static_cast<int>(sizes_[block]);
  if (LZ4_decompress_safe(stored.data(), buffer.data(), static_cast<int>(stored.size()), size) != size) {
    return Corruption("text: block " + std::to_string(block) + " does not unpack");
  }
  return std::string_view(buffer).substr(0, sizes_[block]);
}

}  // namespace codelore::index
