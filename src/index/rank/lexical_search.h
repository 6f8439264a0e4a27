// LexicalSearch: BM25F over the visible segments: the best chunks without looking at all, and the scores of given
// ones.
// Best skips what cannot be among them: see segment_scorer.h. Scores are whole numbers, so its result is exactly that
// of scoring every chunk.
#ifndef CODELORE_INDEX_RANK_LEXICAL_SEARCH_H_
#define CODELORE_INDEX_RANK_LEXICAL_SEARCH_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "index/lexical/bm25f.h"
#include "index/rank/query.h"
#include "index/rank/world.h"

namespace codelore::index {

struct ChunkRef {
  uint32_t segment = 0;  // in the world
  uint32_t ordinal = 0;
  float score = 0;
};

// Best first: by score, then by place.
inline bool IsBetter(const ChunkRef& a, const ChunkRef& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.segment != b.segment ? a.segment < b.segment : a.ordinal < b.ordinal;
}

struct ChunkMatch {
  float score = 0;
  uint64_t terms = 0;  // bit t: the chunk has term t (of the first 64)
};

struct LexicalScores {
  std::vector<ChunkMatch> chunks;
  std::vector<float> files;  // of each file that the chunks are of, in their order
};

class BestChunks;
struct ScoredList;

// How many chunks of files that still exist have the term: deleted text leaves no trace in the statistics.
uint64_t LiveDocumentFrequency(World& world, const std::string& term);

class LexicalSearch {
 public:
  LexicalSearch(World& world, const QueryTerms& query);

  // The k best allowed chunks with at least one term, best first.
  std::vector<ChunkRef> Best(size_t k);
  // The same by scoring every chunk: the oracle.
  std::vector<ChunkRef> BestExhaustively(size_t k);

  // Scores of chunks of one segment, given in ascending order, and of their files as if each were one text: a term's
  // weighted frequencies in a file's given chunks are added up, and divided by 1 + ln of how many chunks these are, for
  // a long file has more of everything.
  LexicalScores Score(uint32_t segment, std::span<const uint32_t> chunks) const;

  double Idf(size_t term) const { return idf_[term]; }
  double idf_sum() const { return idf_sum_; }  // over concepts
  // 0..1: share of the query's idf in the terms whose bits are set. Of terms for one concept the best one counts.
  double Coverage(uint64_t terms) const;
  // The same for each line of a text.
  std::vector<float> LineWeights(std::string_view text) const;

 private:
  const FoundTerm& Found(size_t segment, size_t term) const { return found_[term * segments_.size() + segment]; }
  PostingsReader PostingsOf(size_t segment, size_t term) const {
    return segments_[segment]->List(Found(segment, term).index);
  }
  void SumConcepts(const QueryTerms& query, const std::vector<bool>& found_anywhere);
  uint32_t Floor(size_t k) const;
  std::vector<uint32_t> Bounds() const;
  void Run(std::span<const uint32_t> order, const std::vector<uint32_t>& bounds, BestChunks& best);
  void FetchLists(size_t segment, std::vector<ScoredList>& lists) const;

  World& world_;
  std::vector<std::string> terms_;
  std::vector<double> idf_;                           // by term
  std::vector<uint32_t> concepts_;                    // by term, from 0 without a gap
  std::vector<double> weights_;                       // by term: idf times the query's weight
  std::vector<ContributionTable> contributions_;      // by term
  std::vector<const LexicalReader*> segments_;        // of world_
  std::vector<FoundTerm> found_;                      // by term, then by segment
  double idf_sum_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_LEXICAL_SEARCH_H_
