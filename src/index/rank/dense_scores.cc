#include "index/rank/dense_scores.h"

#include <cmath>
#include <numeric>

namespace codelore::index {

DenseScores::DenseScores(World& world, std::span<const float> query, const Hash256& encoder)
    : scores_(world.segments().size()) {
  double sum = 0, squares = 0;
  for (size_t s = 0; s < scores_.size(); ++s) {
    const VectorIndex* vectors = world.segments()[s].live().VectorsOf(encoder);
    if (query.empty() || vectors == nullptr || vectors->dimension() != query.size()) continue;
    std::vector<uint32_t> all(vectors->rows());
    std::iota(all.begin(), all.end(), 0u);
    scores_[s] = vectors->Scores(query, all);
    for (float score : scores_[s]) {
      sum += score;
      squares += double{score} * score;
    }
    count_ += all.size();
  }
  if (count_ == 0) return;
  mean_ = sum / static_cast<double>(count_);
  deviation_ = std::sqrt(std::max(1e-12, squares / static_cast<double>(count_) - mean_ * mean_));
}

}  // namespace codelore::index
