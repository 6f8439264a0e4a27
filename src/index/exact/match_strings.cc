#include "index/exact/match_strings.h"

#include <algorithm>
#include <utility>

namespace codelore::index {
namespace {

using Strings = std::vector<std::string>;

constexpr size_t kMaxStrings = 20, kMaxExactBytes = 4096, kMaxRequired = 8;

void SortUnique(Strings& strings) {
  std::ranges::sort(strings);
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
}

Strings Union(Strings a, const Strings& b) {
  a.insert(a.end(), b.begin(), b.end());
  SortUnique(a);
  return a;
}

Strings Cross(const Strings& a, const Strings& b) {
  Strings product;
  for (const std::string& left : a) {
    for (const std::string& right : b) product.push_back(left + right);
  }
  SortUnique(product);
  return product;
}

size_t Bytes(const Strings& strings) {
  size_t bytes = 0;
  for (const std::string& text : strings) bytes += text.size();
  return bytes;
}

std::string CommonPrefix(const Strings& sorted) {
  const std::string &first = sorted.front(), &last = sorted.back();
  return {first.begin(), std::ranges::mismatch(first, last).in1};
}

size_t Shortest(const Strings& strings) {
  return strings.empty() ? 0 : std::ranges::min(strings, {}, &std::string::size).size();
}

// The first or last bytes of each: two are all that a trigram across a border needs, fewer keep the set small.
void Shorten(Strings& strings, bool front) {
  for (size_t keep = 2;; --keep) {
    for (std::string& text : strings) {
      if (text.size() > keep) text = front ? text.substr(0, keep) : text.substr(text.size() - keep);
    }
    SortUnique(strings);
    if (strings.size() <= kMaxStrings || keep == 0) return;
  }
}

}  // namespace

MatchStrings MatchStrings::Exactly(Strings strings) {
  MatchStrings result;
  SortUnique(strings);
  result.is_exact_ = true;
  result.can_be_empty_ = strings.empty() || strings.front().empty();
  result.exact_ = std::move(strings);
  return result;
}

MatchStrings MatchStrings::AnyCharacter() {
  MatchStrings result;
  result.prefix_ = result.suffix_ = {""};
  return result;
}

MatchStrings MatchStrings::Anything() {
  MatchStrings result = AnyCharacter();
  result.can_be_empty_ = true;
  return result;
}

MatchStrings MatchStrings::Concatenation(MatchStrings a, MatchStrings b) {
  if (a.is_exact_ && b.is_exact_) {
    bool small = a.exact_.size() * b.exact_.size() <= kMaxStrings &&
                 Bytes(a.exact_) * b.exact_.size() + Bytes(b.exact_) * a.exact_.size() <= kMaxExactBytes;
    if (small) {
      MatchStrings result = Exactly(Cross(a.exact_, b.exact_));
      return result;
    }
    a.Forget();
    b.Forget();
  }
  MatchStrings result;
  result.can_be_empty_ = a.can_be_empty_ && b.can_be_empty_;
  result.match_ = TrigramQuery::And(a.match_, b.match_);
  result.prefix_ = a.is_exact_ ? Cross(a.exact_, b.prefix_) : a.can_be_empty_ ? Union(a.prefix_, b.is_exact_ ? b.exact_ : b.prefix_) : a.prefix_;
  result.suffix_ = b.is_exact_ ? Cross(a.suffix_, b.exact_) : b.can_be_empty_ ? Union(b.suffix_, a.is_exact_ ? a.exact_ : a.suffix_) : b.suffix_;
  if (!a.is_exact_ && !b.is_exact_) {
    result.match_ = TrigramQuery::And(std::move(result.match_), TrigramQuery::OfAny(Cross(a.suffix_, b.prefix_)));
  }
  result.Require(a.Required());
  result.Require(b.Required());
  result.Require(result.prefix_);  // of "\w+_t" they have "_t", which a and b, taken character by character, have not
  result.Require(result.suffix_);
  result.Trim();
  return result;
}

MatchStrings MatchStrings::Alternation(MatchStrings a, MatchStrings b) {
  if (a.is_exact_ && b.is_exact_ && a.exact_.size() + b.exact_.size() <= kMaxStrings) {
    return Exactly(Union(std::move(a.exact_), b.exact_));
  }
  a.Forget();
  b.Forget();
  MatchStrings result;
  result.can_be_empty_ = a.can_be_empty_ || b.can_be_empty_;
  result.match_ = TrigramQuery::Or(std::move(a.match_), std::move(b.match_));
  result.prefix_ = Union(std::move(a.prefix_), b.prefix_);
  result.suffix_ = Union(std::move(a.suffix_), b.suffix_);
  if (!a.required_.empty() && !b.required_.empty()) result.Require(Union(a.required_, b.required_));
  result.Trim();
  return result;
}

MatchStrings MatchStrings::OneOrMore(MatchStrings a) {
  a.Forget();
  return a;
}

MatchStrings MatchStrings::Repeated(const MatchStrings& a, int min, int max) {
  constexpr int kMaxCopies = 3;
  if (max == 0) return Exactly({""});
  if (min == 0) return max == 1 ? Alternation(a, Exactly({""})) : Anything();
  MatchStrings result = a;
  int copies = std::min(min, kMaxCopies);
  for (int i = 1; i < copies; ++i) result = Concatenation(std::move(result), a);
  if (max == min && min <= kMaxCopies) return result;
  return min == 1 ? OneOrMore(std::move(result)) : Concatenation(std::move(result), Anything());
}

void MatchStrings::Forget() {
  if (!is_exact_) return;
  Required();
  is_exact_ = false;
  prefix_ = suffix_ = std::move(exact_);
  exact_.clear();
  Trim();
}

void MatchStrings::Trim() {
  match_ = TrigramQuery::And(std::move(match_), TrigramQuery::OfAny(prefix_));
  if (suffix_ != prefix_) match_ = TrigramQuery::And(std::move(match_), TrigramQuery::OfAny(suffix_));
  Shorten(prefix_, /*front=*/true);
  Shorten(suffix_, /*front=*/false);
}

// Keeps the better of the two: the longer, since it is rarer.
void MatchStrings::Require(Strings texts) {
  if (texts.size() > kMaxRequired) return;
  size_t before = Shortest(required_), now = Shortest(texts);
  if (now > before || (now == before && now > 0 && texts.size() < required_.size())) required_ = std::move(texts);
}

const Strings& MatchStrings::Required() {
  if (is_exact_ && !exact_.empty()) {
    Require({CommonPrefix(exact_)});
    Require(exact_);
  }
  return required_;
}

TrigramQuery MatchStrings::Condition() {
  Forget();
  return match_;
}

}  // namespace codelore::index
