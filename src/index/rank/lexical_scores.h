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
  // 0..1: share of the query's idf that occurs in the chunk, in any field.
  double Coverage(World& world, size_t segment, uint32_t chunk) const;
  // The same for each line of a text, by the words in it.
  std::vector<float> LineWeights(std::string_view text) const;

 private:
  std::vector<float> idf_;                 // by term
  std::vector<std::string> terms_;
  std::vector<std::vector<float>> scores_;  // by segment, by chunk
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_LEXICAL_SCORES_H_
