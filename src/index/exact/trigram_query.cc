#include "index/exact/trigram_query.h"

#include <algorithm>
#include <utility>

namespace codelore::index {
namespace {

constexpr size_t kMaxSize = 400;  // trigrams and nodes of a query

}  // namespace

TrigramQuery TrigramQuery::Of(std::string_view text) {
  TrigramQuery query(Kind::kAnd);
  ForEachTrigram(text, [&](uint32_t trigram) { query.trigrams_.push_back(trigram); });
  if (query.trigrams_.empty()) return All();
  std::ranges::sort(query.trigrams_);
  auto rest = std::ranges::unique(query.trigrams_);
  query.trigrams_.erase(rest.begin(), rest.end());
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
  std::ranges::sort(trigrams_);
  auto rest = std::ranges::unique(trigrams_);
  trigrams_.erase(rest.begin(), rest.end());
  for (TrigramQuery& child : other.children_) children_.push_back(std::move(child));
}

size_t TrigramQuery::Size() const {
  size_t size = 1 + trigrams_.size();
  for (const TrigramQuery& child : children_) size += child.Size();
  return size;
}

BlockSet TrigramQuery::Evaluate(const TrigramReader& trigrams) const {
  BlockSet result(trigrams.block_count(), kind_ == Kind::kAll || kind_ == Kind::kAnd);
  if (kind_ == Kind::kAll || kind_ == Kind::kNone) return result;
  for (uint32_t trigram : trigrams_) {
    if (kind_ == Kind::kOr) {
      trigrams.Collect(trigram, result);
      continue;
    }
    BlockSet blocks(trigrams.block_count());
    trigrams.Collect(trigram, blocks);
    result.Intersect(blocks);
    if (result.Empty()) return result;
  }
  for (const TrigramQuery& child : children_) {
    if (kind_ == Kind::kOr) {
      result.Unite(child.Evaluate(trigrams));
    } else {
      result.Intersect(child.Evaluate(trigrams));
    }
  }
  return result;
}

std::string TrigramQuery::ToString() const {
  if (kind_ == Kind::kAll) return "all";
  if (kind_ == Kind::kNone) return "none";
  std::string text, between = kind_ == Kind::kAnd ? " & " : " | ";
  for (uint32_t trigram : trigrams_) {
    char bytes[] = {static_cast<char>(trigram >> 16), static_cast<char>(trigram >> 8), static_cast<char>(trigram)};
    text += (text.empty() ? "" : between) + '"' + std::string(bytes, 3) + '"';
  }
  for (const TrigramQuery& child : children_) text += (text.empty() ? "" : between) + child.ToString();
  return "(" + text + ")";
}

}  // namespace codelore::index
