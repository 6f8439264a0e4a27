// DenseSearch: the visible chunks closest in meaning, the cosines of given ones, and how all cosines are spread.
#ifndef CODELORE_INDEX_RANK_DENSE_SEARCH_H_
#define CODELORE_INDEX_RANK_DENSE_SEARCH_H_

#include <span>
#include <vector>

#include "index/rank/lexical_search.h"
#include "index/rank/world.h"

namespace codelore::index {

class DenseSearch {
 public:
  // `query` is borrowed; empty: nothing is found.
  DenseSearch(World& world, std::span<const float> query, const Hash256& encoder);

  // The k allowed chunks with the highest positive cosine, best first.
  std::vector<ChunkRef> Best(size_t k);
  // Cosines of chunks of one segment; 0 for those without a vector.
  std::vector<float> Score(uint32_t segment, std::span<const uint32_t> chunks) const;

  // How crowded it is around each of the chunks, all of which have vectors: its mean cosine with those `neighbours` of the others that
  // are nearest to it, above the mean of these. Chunks with equal codes, copies, count as one.
  std::vector<double> Crowding(std::span<const ChunkRef> chunks, size_t neighbours) const;

  // Of the cosines of all allowed chunks; known after Best.
  double mean() const { return mean_; }
  double deviation() const { return deviation_; }

 private:
  World& world_;
  const std::span<const float> query_;
  std::vector<const VectorIndex*> vectors_;  // by segment; null: none
  double mean_ = 0, deviation_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_DENSE_SEARCH_H_
