// Exhaustive BM25F: a score for every chunk of the world. Simple on purpose: it is also the oracle for anything
// that skips.
#ifndef CODELORE_INDEX_RANK_LEXICAL_SCORES_H_
#define CODELORE_INDEX_RANK_LEXICAL_SCORES_H_

#include <vector>

#include "index/rank/query.h"
#include "index/rank/world.h"

namespace codelore::index {

class LexicalScores {
 public:
  LexicalScores(World& world, const QueryTerms& query);

  // 0 for chunks without a term of the query. Deleted and filtered chunks have scores too: ask the world.
  float Score(size_t segment, uint32_t chunk) const {
    return scores_[segment].empty() ? 0 : scores_[segment][chunk];
  }
  const std::vector<float>& Scores(size_t segment) const { return scores_[segment]; }  // empty: all are 0
  // Bit t (of 64): the chunk has the query's term t.
  uint64_t Matches(size_t segment, uint32_t chunk) const { return matches_[segment].empty() ? 0 : matches_[segment][chunk]; }
  double CoverageOf(uint64_t matches) const;
  double idf_sum() const { return idf_sum_; }
  // The same for each line of a text, by the words in it.
  std::vector<float> LineWeights(std::string_view text) const;

 private:
  std::vector<float> idf_;  // by term
  double idf_sum_ = 0;
  std::vector<std::string> terms_;
  std::vector<std::vector<uint64_t>> matches_;  // by segment, by chunk
  std::vector<std::vector<float>> scores_;  // by segment, by chunk
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_LEXICAL_SCORES_H_
