// SparseSearch: the visible chunks with the highest inner product of the encoder's lexical weights, and those of given ones.
//
// Exact: the postings of all the question's tokens are added up, per visible segment; nothing of other segments is read.
#ifndef CODELORE_INDEX_RANK_SPARSE_SEARCH_H_
#define CODELORE_INDEX_RANK_SPARSE_SEARCH_H_

#include <span>
#include <vector>

#include "index/rank/lexical_search.h"
#include "index/rank/world.h"

namespace codelore::index {

class SparseSearch {
 public:
  // `query` by rising token id, borrowed; empty: nothing is found, and nothing is looked at.
  SparseSearch(World& world, std::span<const TokenWeight> query, const Hash256& encoder)
      : world_(world), query_(query), encoder_(encoder) {}

  // The k allowed chunks with the highest positive product, best first.
  std::vector<ChunkRef> Best(size_t k);
  // Of a chunk of a segment; 0 for those without weights. After Best.
  float Score(uint32_t segment, uint32_t chunk) const;

 private:
  World& world_;
  const std::span<const TokenWeight> query_;
  const Hash256 encoder_;
  std::vector<std::vector<float>> products_;  // by segment and chunk; empty where there are no weights
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SPARSE_SEARCH_H_
