#include "index/rank/sparse_search.h"

#include <algorithm>

namespace codelore::index {

std::vector<ChunkRef> SparseSearch::Best(size_t k) {
  std::vector<ChunkRef> best;  // a heap with the worst in front
  products_.assign(query_.empty() ? 0 : world_.segments().size(), {});
  for (uint32_t s = 0; s < products_.size(); ++s) {
    VisibleSegment& segment = world_.segments()[s];
    const VectorIndex* vectors = segment.live().VectorsOf(encoder_);
    if (vectors == nullptr || vectors->token_weights() == nullptr) continue;
    products_[s].assign(vectors->rows(), 0.0f);
    vectors->token_weights()->AddProducts(query_, products_[s]);
    for (RowRange range : segment.AllowedRanges()) {
      for (uint32_t row = range.begin; row < std::min(range.end, vectors->rows()); ++row) {
        const ChunkRef ref{s, row, products_[s][row]};
        if (ref.score <= 0 || (best.size() == k && !IsBetter(ref, best.front()))) continue;
        if (best.size() == k) {
          std::ranges::pop_heap(best, IsBetter);
          best.pop_back();
        }
        best.push_back(ref);
        std::ranges::push_heap(best, IsBetter);
      }
    }
  }
  std::ranges::sort(best, IsBetter);
  return best;
}

float SparseSearch::Score(uint32_t segment, uint32_t chunk) const {
  if (products_.empty() || chunk >= products_[segment].size()) return 0;
  return products_[segment][chunk];
}

}  // namespace codelore::index
