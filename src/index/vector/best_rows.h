// The best rows of a scan: k at most, those with the largest scores, of equal ones the first.
#ifndef CODELORE_INDEX_VECTOR_BEST_ROWS_H_
#define CODELORE_INDEX_VECTOR_BEST_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "index/vector/vector_index.h"

namespace codelore::index {

struct IsBetterRow {  // no function, so that it is inlined
  bool operator()(const ScoredChunk& a, const ScoredChunk& b) const {
    return a.score != b.score ? a.score > b.score : a.ordinal < b.ordinal;
  }
};

// Keeps up to twice as many and throws the worse half away when there is no more room: cheaper than a heap for the
// hundreds that are looked at again.
class BestRows {
 public:
  explicit BestRows(size_t k, float threshold = -std::numeric_limits<float>::infinity()) : k_(k), threshold_(threshold) {
    rows_.reserve(2 * k);
  }
  // Scores must exceed it.
  float threshold() const { return threshold_; }
  bool empty() const { return rows_.empty(); }
  void Add(uint32_t row, float score) {
    rows_.push_back({row, score});
    if (rows_.size() == 2 * k_) Shrink();
  }
  // The score of the k-th best so far, or of the last one.
  float ScoreOf(size_t k) {
    auto last = rows_.begin() + static_cast<ptrdiff_t>(std::min(k, rows_.size())) - 1;
    std::nth_element(rows_.begin(), last, rows_.end(), IsBetterRow());
    return last->score;
  }
  // Best first.
  std::vector<ScoredChunk> Take() {
    if (rows_.size() > k_) Shrink();
    std::sort(rows_.begin(), rows_.end(), IsBetterRow());
    return std::move(rows_);
  }

 private:
  // Rows come in ascending order, so that one with the worst score that is kept would not be.
  void Shrink() {
    std::nth_element(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(k_ - 1), rows_.end(), IsBetterRow());
    rows_.resize(k_);
    threshold_ = std::max(threshold_, rows_.back().score);
  }

  const size_t k_;
  std::vector<ScoredChunk> rows_;
  float threshold_;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_VECTOR_BEST_ROWS_H_
