// SegmentScorer: the chunks of one segment that belong among the k best, without looking at all.
//
// A query's lists are split, by their largest possible contributions, into those that together cannot lift a chunk
// over the k-th best so far ("optional") and the rest ("essential"): a chunk without an essential term is never looked
// at (MaxScore, Turtle and Flood, 1995; with per-block bounds, Ding and Suel, SIGIR 2011). With one essential list its
// blocks are skipped by their largest impacts, and the impacts of the others compared before a document is decoded.
// With several, windows of chunks are added up in an array; the split is refined in each.
#ifndef CODELORE_INDEX_RANK_SEGMENT_SCORER_H_
#define CODELORE_INDEX_RANK_SEGMENT_SCORER_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "index/lexical/bm25f.h"
#include "index/lexical/postings.h"
#include "index/rank/world.h"

namespace codelore::index {

// The k best so far. A chunk enters only if it is better than the worst of k: chunks come in order of place, so an
// equal score is not enough.
class BestChunks {
 public:
  struct Item {
    uint32_t score, segment, ordinal;
  };
  // At least k chunks must be known to score more than `floor`.
  explicit BestChunks(size_t k, uint32_t floor = 0) : k_(k), threshold_(floor) { items_.reserve(k); }

  // Scores must exceed this.
  uint32_t threshold() const { return threshold_; }
  void Add(const Item& item);
  std::vector<Item> TakeSorted();

 private:
  const size_t k_;
  uint32_t threshold_;
  std::vector<Item> items_;  // a heap with the worst in front
};

// A term of the query in a segment.
struct ScoredList {
  PostingsReader postings;
  const ContributionTable* table = nullptr;  // by impact, ascending
  uint32_t largest = 0;                      // contribution of any posting
};

// Holds scratch: use one for all segments of a query. Not thread-safe.
class SegmentScorer {
 public:
  explicit SegmentScorer(BestChunks& best) : best_(best), sums_(kWindow) {}

  void Run(uint32_t segment, VisibleSegment& visible, std::span<const ScoredList> lists);

 private:
  static constexpr uint32_t kWindow = 2048;  // chunks; their sums stay in the first-level cache
  static constexpr uint32_t kSparse = 256;   // postings in a window that are cheaper kept track of than looked for

  struct Candidate {
    uint32_t chunk, score;
  };
  struct List : ScoredList {
    uint32_t block = 0;  // the first that may reach the window
    uint32_t bound = 0;  // largest contribution within the window
    uint32_t decoded = kNoDocument;  // which block the array holds
    uint32_t count = 0;
    std::array<uint32_t, kBlockSize> documents;  // behind `count`: kNoDocument

    // Of one block, which has no header: it is decoded once and looked into.
    bool IsShort() const { return postings.document_count() < kBlockSize; }
    void Decode(uint32_t wanted);
    // At least the first document of a block.
    uint32_t FirstDocumentBound(uint32_t of_block) const {
      return of_block == 0 ? 0 : postings.LastDocument(of_block - 1) + 1;
    }
    uint32_t LargestIn(uint32_t of_block) const {
      return IsShort() ? largest : std::min(largest, (*table)[postings.LargestImpact(of_block)]);
    }
    // In the decoded block, the first document that is at least `target`; the last place if there is none.
    uint32_t Seek(uint32_t target) const;
    // The next document is not before this one; kNoDocument: there is none. Moves `block`.
    uint32_t NextBound(uint32_t from);
    // Sets block and bound for a window that starts at or behind the one before.
    void Enter(uint32_t begin, uint32_t end);
    // Adds the contributions to candidates at or behind those of the call before, drops those that stay below `least`,
    // and returns how many are left.
    size_t AddTo(std::span<Candidate> candidates, uint32_t least);
  };

  // Lists sorted by bound; the first `optional` cannot lift a chunk over the threshold together.
  struct Split {
    std::span<List* const> lists;
    size_t optional = 0;
    uint32_t optional_bound = 0;
    bool all() const { return optional == lists.size(); }
  };
  static Split SplitByBound(std::span<List* const> lists, uint32_t threshold, uint32_t List::*bound);

  void RunWindow(uint32_t begin, uint32_t end);
  void RunOne(const Split& split, uint32_t begin, uint32_t end, bool refine);
  void CollectBlock(const Split& split, uint32_t block, uint32_t begin, uint32_t end, uint32_t optional_bound);
  uint32_t AddUp(List& list, uint32_t begin, uint32_t end);
  void CollectTouched(const Split& split, uint32_t begin, uint32_t end);
  void CollectDense(const Split& split, uint32_t begin, uint32_t end);
  // Keeps a candidate for Complete if it has at least `least`.
  void Keep(uint32_t chunk, uint32_t score, uint32_t least) {
    candidates_[candidate_count_] = {chunk, score};
    candidate_count_ += score >= least;
  }
  void Complete(const Split& split, uint32_t optional_bound);

  BestChunks& best_;
  std::vector<uint32_t> sums_;                     // of a window; all 0 between windows
  std::array<uint64_t, kWindow / 64> touched_{};   // likewise
  std::array<Candidate, kWindow + 1> candidates_;
  size_t candidate_count_ = 0;
  std::vector<List> lists_;
  std::vector<List*> by_largest_, by_bound_;
  VisibleSegment* visible_ = nullptr;
  uint32_t segment_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_SEGMENT_SCORER_H_
