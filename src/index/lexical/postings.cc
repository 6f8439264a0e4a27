#include "index/lexical/postings.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "index/lexical/varint.h"

namespace codelore::index {
namespace {

constexpr size_t kHeaderBytes = 9;
size_t HeadersSize(uint32_t document_count) {
  return document_count < kBlockSize ? 0 : (size_t{document_count} + kBlockSize - 1) / kBlockSize * kHeaderBytes;
}
constexpr size_t kLanes = 4;
constexpr size_t kPerLane = kBlockSize / kLanes;

// Value i stands in lane i % 4; a lane is a bit stream in 32-bit words, and the words of the lanes alternate.
size_t PackedBytes(uint32_t width) { return kBlockSize * width / 8; }

void Pack(const std::array<uint32_t, kBlockSize>& values, uint32_t width, std::string& out) {
  std::array<uint32_t, kBlockSize> words{};
  for (size_t i = 0; i < kBlockSize; ++i) {
    size_t lane = i % kLanes, bit = i / kLanes * width;
    size_t word = bit / 32, shift = bit % 32;
    words[word * kLanes + lane] |= values[i] << shift;
    if (shift + width > 32) words[(word + 1) * kLanes + lane] |= values[i] >> (32 - shift);
  }
  out.append(reinterpret_cast<const char*>(words.data()), PackedBytes(width));
}

using LaneVector = uint32_t __attribute__((vector_size(16)));

template <uint32_t kWidth>
void Unpack(const char* packed, uint32_t* values) {
  constexpr uint32_t kMask = kWidth == 32 ? ~0u : (1u << kWidth) - 1;
  LaneVector word{};
  for (uint32_t i = 0; i < kPerLane; ++i) {
    uint32_t bit = i * kWidth, shift = bit % 32;
    if (kWidth > 0 && shift == 0) std::memcpy(&word, packed + bit / 32 * sizeof word, sizeof word);
    LaneVector value = word >> shift;
    if (kWidth > 0 && shift + kWidth > 32) {
      std::memcpy(&word, packed + (bit / 32 + 1) * sizeof word, sizeof word);
      value |= word << (32 - shift);
    }
    value &= kMask;
    std::memcpy(values + i * kLanes, &value, sizeof value);
  }
}

// Gaps minus 1 to documents, four at a time.
void AddGaps(uint32_t previous, std::array<uint32_t, kBlockSize>& values) {
  constexpr LaneVector kZero{};
  LaneVector before = kZero + previous;
  for (uint32_t i = 0; i < kBlockSize; i += kLanes) {
    LaneVector sums;
    std::memcpy(&sums, values.data() + i, sizeof sums);
    sums += 1;
    sums += __builtin_shufflevector(sums, kZero, 4, 0, 1, 2);
    sums += __builtin_shufflevector(sums, kZero, 4, 5, 0, 1);
    LaneVector documents = sums + before;
    std::memcpy(values.data() + i, &documents, sizeof documents);
    before += __builtin_shufflevector(sums, sums, 3, 3, 3, 3);
  }
}

using UnpackFunction = void (*)(const char*, uint32_t*);
template <size_t... kWidths>
constexpr std::array<UnpackFunction, 33> MakeUnpackTable(std::index_sequence<kWidths...>) {
  return {&Unpack<kWidths>...};
}
constexpr auto kUnpack = MakeUnpackTable(std::make_index_sequence<33>());

uint32_t ReadU32(std::string_view bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void EncodeBlock(std::span<const Posting> block, uint32_t previous, std::string& data) {
  std::array<uint32_t, kBlockSize> gaps{};
  uint32_t all = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    gaps[i] = block[i].document - previous - 1;
    previous = block[i].document;
    all |= gaps[i];
  }
  if (block.size() == kBlockSize) {
    auto width = static_cast<uint32_t>(std::bit_width(all));
    data += static_cast<char>(width);
    Pack(gaps, width, data);
  } else {
    for (size_t i = 0; i < block.size(); ++i) AppendVarint(gaps[i], data);
  }
  for (const Posting& posting : block) data += static_cast<char>(posting.impact);
}

}  // namespace

void EncodePostings(std::span<const Posting> postings, std::string& out) {
  if (postings.size() < kBlockSize) return EncodeBlock(postings, kNoDocument, out);
  std::string headers, data;
  uint32_t previous = kNoDocument;  // -1
  while (!postings.empty()) {
    auto block = postings.first(std::min<size_t>(kBlockSize, postings.size()));
    EncodeBlock(block, previous, data);
    previous = block.back().document;
    Impact largest = std::ranges::max_element(block, {}, &Posting::impact)->impact;
    auto end = static_cast<uint32_t>(data.size());
    headers.append(reinterpret_cast<const char*>(&previous), 4);
    headers.append(reinterpret_cast<const char*>(&end), 4);
    headers += static_cast<char>(largest);
    postings = postings.subspan(block.size());
  }
  out += headers;
  out += data;
}

PostingsReader::PostingsReader(std::string_view list, uint32_t document_count) : document_count_(document_count) {
  headers_ = list.substr(0, HeadersSize(document_count));
  data_ = list.substr(headers_.size());
}

uint32_t PostingsReader::FindBlock(uint32_t target, uint32_t from) const {
  uint32_t count = block_count();
  if (from >= count || LastDocument(from) >= target) return from;
  uint32_t step = 1, low = from;  // gallop, then halve; LastDocument(low) < target
  while (low + step < count && LastDocument(low + step) < target) {
    low += step;
    step *= 2;
  }
  uint32_t high = std::min(low + step, count);
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    (LastDocument(middle) < target ? low : high) = middle;
  }
  return high;
}

const Impact* PostingsReader::Impacts(uint32_t block) const {
  size_t end = headers_.empty() ? data_.size() : Header(block, 4);
  return reinterpret_cast<const Impact*>(data_.data()) + end - CountIn(block);
}

uint32_t PostingsReader::DecodeDocuments(uint32_t block, std::array<uint32_t, kBlockSize>& documents) const {
  size_t begin = block == 0 ? 0 : Header(block - 1, 4);
  uint32_t previous = block == 0 ? kNoDocument : LastDocument(block - 1);
  uint32_t count = CountIn(block);
  const char* at = data_.data() + begin;
  if (count == kBlockSize) {
    auto width = static_cast<uint8_t>(*at++);
    kUnpack[width](at, documents.data());
    AddGaps(previous, documents);
    return count;
  }
  for (uint32_t i = 0; i < count; ++i) {
    ReadVarint(at, data_.data() + data_.size(), documents[i]);
    documents[i] = previous += documents[i] + 1;
  }
  return count;
}

uint32_t PostingsReader::Decode(uint32_t block, std::array<uint32_t, kBlockSize>& documents,
                                std::array<Impact, kBlockSize>& impacts) const {
  uint32_t count = DecodeDocuments(block, documents);
  std::memcpy(impacts.data(), Impacts(block), count);
  return count;
}

namespace {

// How many bytes a block of `count` postings takes; more than `bytes` has if it is malformed.
size_t BlockBytes(std::string_view bytes, uint32_t count) {
  if (bytes.empty()) return 1;
  if (count == kBlockSize) {
    auto width = static_cast<uint8_t>(bytes[0]);
    return width > 32 ? bytes.size() + 1 : 1 + PackedBytes(width) + count;
  }
  const char* at = bytes.data();
  uint32_t gap;
  for (uint32_t i = 0; i < count; ++i) {
    if (!ReadVarint(at, bytes.data() + bytes.size(), gap)) return bytes.size() + 1;
  }
  return static_cast<size_t>(at - bytes.data()) + count;
}

}  // namespace

Status ValidatePostings(std::string_view list, uint32_t document_count, uint32_t document_limit) {
  auto damaged = [](const char* what) { return Corruption(std::string("postings: ") + what); };
  size_t headers_size = HeadersSize(document_count);
  if (document_count == 0 || document_count > document_limit || list.size() < headers_size) {
    return damaged("more documents than bytes");
  }
  PostingsReader reader(list, document_count);
  std::string_view data = list.substr(headers_size);
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  size_t begin = 0;
  uint64_t next_document = 0;
  for (uint32_t block = 0; block < reader.block_count(); ++block) {
    size_t end = headers_size == 0 ? data.size() : ReadU32(list, block * kHeaderBytes + 4);
    if (end <= begin || end > data.size()) return damaged("a block ends outside the list");
    uint32_t count = std::min(kBlockSize, document_count - block * kBlockSize);
    if (BlockBytes(data.substr(begin, end - begin), count) != end - begin) return damaged("a block has the wrong size");
    reader.Decode(block, documents, impacts);
    for (uint32_t i = 0; i < count; ++i) {
      if (documents[i] < next_document || documents[i] >= document_limit) return damaged("documents do not ascend");
      next_document = uint64_t{documents[i]} + 1;
    }
    if (headers_size > 0 && (documents[count - 1] != reader.LastDocument(block) ||
                             *std::max_element(impacts.begin(), impacts.begin() + count) != reader.LargestImpact(block))) {
      return damaged("a block header is wrong");
    }
    begin = end;
  }
  return begin == data.size() ? OkStatus() : damaged("bytes behind the last block");
}

}  // namespace codelore::index
