#include "index/exact/trigram_postings.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "codelore/coding.h"
#include "index/lexical/varint.h"

namespace codelore::index {
namespace {

constexpr size_t kTrigramWords = (size_t{1} << 24) / 64;
constexpr uint32_t kGroupEntries = 32;

// Numbers the trigrams that occur from 0, in order.
class TrigramRanks {
 public:
  TrigramRanks(const std::vector<uint32_t>& trigrams, std::vector<uint64_t>& bits) : bits_(bits), before_(kTrigramWords) {
    for (uint32_t trigram : trigrams) bits[trigram / 64] |= uint64_t{1} << trigram % 64;
    for (size_t i = 0; i < kTrigramWords; ++i) {
      before_[i] = count_;
      count_ += static_cast<uint32_t>(std::popcount(bits_[i]));
    }
  }
  uint32_t count() const { return count_; }
  uint32_t Of(uint32_t trigram) const {
    uint64_t below = bits_[trigram / 64] & ((uint64_t{1} << trigram % 64) - 1);
    return before_[trigram / 64] + static_cast<uint32_t>(std::popcount(below));
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t i = 0; i < kTrigramWords; ++i) {
      for (uint64_t word = bits_[i]; word != 0; word &= word - 1) {
        visit(static_cast<uint32_t>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
      }
    }
  }

 private:
  const std::vector<uint64_t>& bits_;
  std::vector<uint32_t> before_;
  uint32_t count_ = 0;
};

// Appends the size and the list. `list` is room to work in.
void AppendList(const uint32_t* begin, const uint32_t* end, uint32_t block_count, std::string& list, std::string& out) {
  list.clear();
  uint32_t next = 0;
  for (const uint32_t* at = begin; at < end; ++at) {
    AppendVarint(*at - next, list);
    next = *at + 1;
  }
  size_t bitmap_bytes = (block_count + 7) / 8;
  if (list.size() <= bitmap_bytes) {
    AppendVarint(static_cast<uint32_t>(list.size()), out);
    out += list;
    return;
  }
  AppendVarint(0, out);
  size_t bitmap = out.size();
  out.resize(bitmap + bitmap_bytes);
  for (const uint32_t* at = begin; at < end; ++at) out[bitmap + *at / 8] |= static_cast<char>(1 << *at % 8);
}

}  // namespace

void TrigramBuilder::AddBlock(std::string_view text) {
  if (seen_.empty()) seen_.resize(kTrigramWords);
  size_t begin = trigrams_.size();
  ForEachTrigram(text, [&](uint32_t trigram) {
    uint64_t& word = seen_[trigram / 64];
    uint64_t bit = uint64_t{1} << trigram % 64;
    if ((word & bit) != 0) return;
    word |= bit;
    trigrams_.push_back(trigram);
  });
  for (size_t i = begin; i < trigrams_.size(); ++i) seen_[trigrams_[i] / 64] = 0;
  ends_.push_back(trigrams_.size());
}

std::string TrigramBuilder::Finish() {
  if (seen_.empty()) seen_.resize(kTrigramWords);
  TrigramRanks ranks(trigrams_, seen_);
  // Sorted by counting: how many blocks each trigram has, where its list begins, then the blocks in order.
  std::vector<size_t> begin(ranks.count() + size_t{1});
  for (uint32_t trigram : trigrams_) ++begin[ranks.Of(trigram) + 1];
  for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<uint32_t> blocks(trigrams_.size());
  std::vector<size_t> next(begin.begin(), begin.end() - 1);
  size_t at = 0;
  for (uint32_t block = 0; block < ends_.size(); ++block) {
    for (; at < ends_[block]; ++at) blocks[next[ranks.Of(trigrams_[at])]++] = block;
  }
  ByteWriter groups;
  std::string data, list;
  auto block_count = static_cast<uint32_t>(ends_.size());
  uint32_t rank = 0, before = 0;
  ranks.ForEach([&](uint32_t trigram) {
    if (rank % kGroupEntries == 0) {
      groups.Fixed(trigram).Fixed(static_cast<uint32_t>(data.size()));
      before = trigram;
    }
    AppendVarint(trigram - before, data);
    AppendList(blocks.data() + begin[rank], blocks.data() + begin[rank + 1], block_count, list, data);
    before = trigram;
    ++rank;
  });
  uint32_t group_count = (ranks.count() + kGroupEntries - 1) / kGroupEntries;
  return ByteWriter().Fixed(block_count).Fixed(group_count).Raw(groups.view()).Raw(data).Take();
}

Result<TrigramReader> TrigramReader::Open(std::string_view section) {
  ByteReader input(section);
  TrigramReader reader;
  reader.block_count_ = input.Fixed<uint32_t>();
  reader.group_count_ = input.Fixed<uint32_t>();
  reader.groups_ = input.Raw(uint64_t{reader.group_count_} * sizeof(Group));
  if (!input.ok()) return Corruption("trigrams: cut off");
  reader.data_ = section.substr(2 * sizeof(uint32_t) + reader.groups_.size());
  uint32_t first = 0;
  for (size_t i = 0; i < reader.group_count_; ++i) {
    Group group = reader.GroupAt(i);
    if (group.begin > reader.data_.size() || group.first < first) return Corruption("trigrams: bad group");
    first = group.first;
  }
  return reader;
}

TrigramReader::Group TrigramReader::GroupAt(size_t index) const {
  Group group;
  std::memcpy(&group, groups_.data() + index * sizeof group, sizeof group);
  return group;
}

TrigramReader::List TrigramReader::Find(uint32_t trigram) const {
  size_t low = 0, high = group_count_;  // the last group that begins at or before the trigram
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (GroupAt(middle).first <= trigram) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return {};
  Group group = GroupAt(low - 1);
  const char* at = data_.data() + group.begin;
  const char* end = data_.data() + data_.size();
  uint32_t here = group.first, gap = 0, size = 0;
  for (uint32_t i = 0; i < kGroupEntries; ++i) {
    if (!ReadVarint(at, end, gap) || !ReadVarint(at, end, size)) return {};
    here += gap;
    size_t bytes = size == 0 ? (block_count_ + 7) / 8 : size;
    if (here > trigram || bytes > static_cast<size_t>(end - at)) return {};
    if (here == trigram) return {.bytes = {at, bytes}, .bitmap = size == 0};
    at += bytes;
  }
  return {};
}

void TrigramReader::Collect(const List& list, BlockSet& blocks) const {
  if (list.bitmap) return blocks.AddBitmap(list.bytes.data());
  uint64_t block = 0;
  uint32_t gap = 0;
  const char* end = list.bytes.data() + list.bytes.size();
  for (const char* at = list.bytes.data(); at < end; ++block) {
    if (!ReadVarint(at, end, gap) || (block += gap) >= block_count_) return;
    blocks.Add(static_cast<uint32_t>(block));
  }
}

void BlockSet::AddBitmap(const char* bytes) {
  for (size_t i = 0; i < words_.size(); ++i) {
    uint64_t word = 0;
    size_t rest = (size_ + 7) / 8 - i * 8;
    std::memcpy(&word, bytes + i * 8, std::min<size_t>(rest, 8));
    words_[i] |= word;
  }
  if (size_ % 64 != 0) words_.back() &= ~uint64_t{0} >> (64 - size_ % 64);
}

size_t BlockSet::Count() const {
  size_t count = 0;
  for (uint64_t word : words_) count += static_cast<size_t>(std::popcount(word));
  return count;
}

}  // namespace codelore::index
