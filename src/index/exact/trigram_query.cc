#include "index/exact/trigram_query.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace codelore::index {
namespace {

constexpr size_t kMaxSize = 400;  // trigrams and nodes of a query

// A guess at how rare a trigram is: the sum of its bytes' places in this order; bytes that are not in it are rarer.
constexpr std::string_view kFrequent = " etrinsaocdlp_u,fm)(0hgb.;1v\tkxy=-/\"2w*:>";

size_t RarityOf(uint32_t trigram) {
  size_t sum = 0;
  for (uint32_t byte : {trigram >> 16, trigram >> 8 & 0xFF, trigram & 0xFF}) {
    sum += std::min(kFrequent.find(static_cast<char>(byte)), kFrequent.size());
  }
  return sum;
}

void SortByRarity(std::vector<uint32_t>& trigrams) {
  std::ranges::sort(trigrams);
  trigrams.erase(std::unique(trigrams.begin(), trigrams.end()), trigrams.end());
  std::ranges::stable_sort(trigrams, std::greater<>(), RarityOf);
}

}  // namespace

TrigramQuery TrigramQuery::Of(std::string_view text) {
  TrigramQuery query(Kind::kAnd);
  ForEachTrigram(text, [&](uint32_t trigram) { query.trigrams_.push_back(trigram); });
  if (query.trigrams_.empty()) return All();
  SortByRarity(query.trigrams_);
  return query;
}

TrigramQuery TrigramQuery::OfAny(const std::vector<std::string>& texts) {
  TrigramQuery query = None();
  for (const std::string& text : texts) query = Or(std::move(query), Of(text));
  return query;
}

TrigramQuery TrigramQuery::And(TrigramQuery a, TrigramQuery b) {
  if (a.kind_ == Kind::kNone || b.kind_ == Kind::kAll) return a;
  if (b.kind_ == Kind::kNone || a.kind_ == Kind::kAll) return b;
  if (a.Size() + b.Size() > kMaxSize) return a.Size() >= b.Size() ? a : b;
  TrigramQuery query(Kind::kAnd);
  query.Take(std::move(a));
  query.Take(std::move(b));
  return query;
}

TrigramQuery TrigramQuery::Or(TrigramQuery a, TrigramQuery b) {
  if (a.kind_ == Kind::kAll || b.kind_ == Kind::kNone) return a;
  if (b.kind_ == Kind::kAll || a.kind_ == Kind::kNone) return b;
  if (a.Size() + b.Size() > kMaxSize) return All();
  TrigramQuery query(Kind::kOr);
  query.Take(std::move(a));
  query.Take(std::move(b));
  return query;
}

void TrigramQuery::Take(TrigramQuery other) {
  bool single = other.children_.empty() && other.trigrams_.size() == 1;
  if (other.kind_ != kind_ && !single) {
    children_.push_back(std::move(other));
    return;
  }
  trigrams_.insert(trigrams_.end(), other.trigrams_.begin(), other.trigrams_.end());
  SortByRarity(trigrams_);
  for (TrigramQuery& child : other.children_) children_.push_back(std::move(child));
}

size_t TrigramQuery::Size() const {
  size_t size = 1 + trigrams_.size();
  for (const TrigramQuery& child : children_) size += child.Size();
  return size;
}

BlockSet TrigramQuery::Evaluate(const TrigramReader& trigrams) const {
  if (kind_ == Kind::kAll) return BlockSet(trigrams.block_count(), true);
  return kind_ == Kind::kAnd ? EvaluateAll(trigrams) : EvaluateAny(trigrams);
}

BlockSet TrigramQuery::EvaluateAll(const TrigramReader& trigrams) const {
  std::vector<TrigramReader::List> lists;
  for (uint32_t trigram : trigrams_) {
    lists.push_back(trigrams.Find(trigram));
    if (lists.back().bytes.empty()) return BlockSet(trigrams.block_count());  // most segments end here, at the first
  }
  std::ranges::sort(lists, {}, [](const TrigramReader::List& list) { return list.bytes.size(); });
  BlockSet result(trigrams.block_count(), true), blocks(trigrams.block_count());
  for (size_t i = 0; i < lists.size(); ++i) {
    blocks.Clear();
    trigrams.Collect(lists[i], blocks);
    if (!result.Intersect(blocks)) return result;
    if (result.Count() < lists.size() - i) break;  // reading so few blocks costs less than the longer lists
  }
  for (const TrigramQuery& child : children_) {
    if (!result.Intersect(child.Evaluate(trigrams))) break;
  }
  return result;
}

BlockSet TrigramQuery::EvaluateAny(const TrigramReader& trigrams) const {
  BlockSet result(trigrams.block_count());
  for (uint32_t trigram : trigrams_) trigrams.Collect(trigrams.Find(trigram), result);
  for (const TrigramQuery& child : children_) result.Unite(child.Evaluate(trigrams));
  return result;
}

std::string TrigramQuery::ToString() const {
  if (kind_ == Kind::kAll) return "all";
  if (kind_ == Kind::kNone) return "none";
  std::string text, between = kind_ == Kind::kAnd ? " & " : " | ";
  std::vector<uint32_t> sorted = trigrams_;
  std::ranges::sort(sorted);
  for (uint32_t trigram : sorted) {
    char bytes[] = {static_cast<char>(trigram >> 16), static_cast<char>(trigram >> 8), static_cast<char>(trigram)};
    text += (text.empty() ? "" : between) + '"' + std::string(bytes, 3) + '"';
  }
  for (const TrigramQuery& child : children_) text += (text.empty() ? "" : between) + child.ToString();
  return "(" + text + ")";
}

}  // namespace codelore::index
