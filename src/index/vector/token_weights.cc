#include "index/vector/token_weights.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

constexpr std::string_view kMagic = "CLTW";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 20;
constexpr uint32_t kLeastExponent = 127 - 16;  // of 2^-16, as float32 writes it
constexpr float kLeast = 1.0f / 65536;

// The bits of a float32 without its sign and its last 12, counted from 2^-16.
uint16_t CodeOf(float weight) {
  const uint32_t code = ((std::bit_cast<uint32_t>(weight) + (1u << 11)) >> 12) - (kLeastExponent << 11);
  return static_cast<uint16_t>(std::min<uint32_t>(code, UINT16_MAX));
}
float WeightOf(uint16_t code) { return std::bit_cast<float>((code + (kLeastExponent << 11)) << 12); }

struct Postings {
  std::vector<uint32_t> rows;
  std::vector<uint16_t> codes;
};

template <typename T>
std::string_view BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

std::string EncodeWeights(std::span<const TokenWeight> weights) {
  auto kept = [](const TokenWeight& each) { return each.second >= kLeast; };
  ByteWriter row;
  row.Varint(static_cast<uint64_t>(std::ranges::count_if(weights, kept)));
  uint32_t before = 0;
  for (const TokenWeight& each : weights) {
    if (!kept(each)) continue;
    row.Varint(each.first - before).Fixed(CodeOf(each.second));
    before = each.first;
  }
  return row.Take();
}

bool DecodeWeights(std::string_view row, std::vector<TokenWeight>& weights) {
  ByteReader in(row);
  const size_t count = in.Count(3);
  uint64_t id = 0;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t step = in.Varint();
    if (step > UINT32_MAX || (i > 0 && step == 0)) return false;
    id += step;
    if (id > UINT32_MAX) return false;
    weights.emplace_back(static_cast<uint32_t>(id), WeightOf(in.Fixed<uint16_t>()));
  }
  return in.done();
}

std::string BuildTokenWeights(std::span<const std::string_view> rows) {
  std::map<uint32_t, Postings> tokens;
  uint32_t postings = 0;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    std::vector<TokenWeight> weights;
    if (!DecodeWeights(rows[row], weights)) continue;
    for (auto [id, weight] : weights) {
      Postings& list = tokens[id];
      list.rows.push_back(row);
      list.codes.push_back(CodeOf(weight));
      ++postings;
    }
  }
  ByteWriter out;
  out.Raw(kMagic).Fixed(kVersion).Fixed(static_cast<uint32_t>(rows.size())).Fixed(static_cast<uint32_t>(tokens.size())).Fixed(postings);
  for (const auto& [id, list] : tokens) out.Fixed(id);
  uint32_t first = 0;
  for (const auto& [id, list] : tokens) {
    out.Fixed(first);
    first += static_cast<uint32_t>(list.rows.size());
  }
  out.Fixed(first);
  for (const auto& [id, list] : tokens) out.Raw(BytesOf(list.rows));
  for (const auto& [id, list] : tokens) out.Raw(BytesOf(list.codes));
  return out.Take();
}

Result<TokenWeights> TokenWeights::Open(std::string_view bytes, uint32_t rows) {
  ByteReader in(bytes);
  const bool magic = in.Raw(kMagic.size()) == kMagic;
  const auto version = in.Fixed<uint32_t>(), own_rows = in.Fixed<uint32_t>(), tokens = in.Fixed<uint32_t>(), postings = in.Fixed<uint32_t>();
  if (!in.ok() || !magic || version != kVersion || own_rows != rows) return Corruption("token weights: header of an unknown kind");
  if (bytes.size() != kHeaderBytes + 8 * uint64_t{tokens} + 4 + 6 * uint64_t{postings}) return Corruption("token weights: wrong size");
  TokenWeights weights;
  weights.rows_ = rows;
  weights.ids_ = in.Raw(size_t{tokens} * 4);
  weights.first_ = in.Raw(size_t{tokens} * 4 + 4);
  weights.posting_rows_ = in.Raw(size_t{postings} * 4);
  weights.posting_weights_ = in.Raw(size_t{postings} * 2);
  for (uint32_t i = 0; i < tokens; ++i) {
    const auto [begin, end] = weights.PostingsOf(i);
    const bool rising = i == 0 || weights.Number(weights.ids_, i - 1) < weights.Number(weights.ids_, i);
    if (begin >= end || end > postings || !rising) return Corruption("token weights: not in order");
  }
  return weights;
}

uint32_t TokenWeights::Number(std::string_view array, size_t i) const {
  uint32_t value = 0;
  std::memcpy(&value, array.data() + 4 * i, 4);
  return value;
}

float TokenWeights::WeightAt(size_t posting) const {
  uint16_t code = 0;
  std::memcpy(&code, posting_weights_.data() + 2 * posting, 2);
  return WeightOf(code);
}

std::pair<uint32_t, uint32_t> TokenWeights::PostingsOf(size_t token) const {
  return {Number(first_, token), Number(first_, token + 1)};
}

void TokenWeights::AddProducts(std::span<const TokenWeight> query, std::span<float> products) const {
  size_t low = 0;  // ids before it are below the query's
  for (auto [id, weight] : query) {
    size_t high = ids_.size() / 4;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      Number(ids_, middle) < id ? low = middle + 1 : high = middle;
    }
    if (low == ids_.size() / 4) return;
    if (Number(ids_, low) != id) continue;
    const auto [begin, end] = PostingsOf(low);
    for (uint32_t i = begin; i < end; ++i) {
      const uint32_t row = Number(posting_rows_, i);
      if (row < products.size()) products[row] += weight * WeightAt(i);
    }
  }
}

std::vector<std::string> TokenWeights::Rows() const {
  std::vector<std::vector<TokenWeight>> rows(rows_);
  for (size_t token = 0; token < ids_.size() / 4; ++token) {
    const auto [begin, end] = PostingsOf(token);
    for (uint32_t i = begin; i < end; ++i) {
      const uint32_t row = Number(posting_rows_, i);
      if (row < rows_) rows[row].emplace_back(Number(ids_, token), WeightAt(i));
    }
  }
  std::vector<std::string> encoded;
  for (const auto& row : rows) encoded.push_back(EncodeWeights(row));
  return encoded;
}

}  // namespace codelore::index
