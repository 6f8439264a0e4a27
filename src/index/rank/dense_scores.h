// DenseScores: the cosine of every visible chunk with the question, and how these cosines are spread.
#ifndef CODELORE_INDEX_RANK_DENSE_SCORES_H_
#define CODELORE_INDEX_RANK_DENSE_SCORES_H_

#include <span>
#include <vector>

#include "index/rank/world.h"

namespace codelore::index {

class DenseScores {
 public:
  // No scores at all when the query has no vector or no segment has vectors of this encoder.
  DenseScores(World& world, std::span<const float> query, const Hash256& encoder);

  bool empty() const { return count_ == 0; }
  // 0 for chunks without a vector.
  float Score(size_t segment, uint32_t chunk) const {
    return chunk < scores_[segment].size() ? scores_[segment][chunk] : 0;
  }
  const std::vector<float>& Scores(size_t segment) const { return scores_[segment]; }
  double mean() const { return mean_; }
  double deviation() const { return deviation_; }

 private:
  std::vector<std::vector<float>> scores_;
  size_t count_ = 0;
  double mean_ = 0, deviation_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_DENSE_SCORES_H_
