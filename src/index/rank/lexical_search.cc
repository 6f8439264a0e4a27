#include "index/rank/lexical_search.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>

#include "index/analysis/analyzer.h"

namespace codelore::index {
namespace {

constexpr uint32_t kWindow = 2048;  // chunks; their sums stay in the first-level cache

template <typename Visit>
void ForEachPosting(const PostingsReader& postings, Visit visit) {
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  for (uint32_t block = 0; block < postings.block_count(); ++block) {
    uint32_t count = postings.Decode(block, documents, impacts);
    for (uint32_t i = 0; i < count; ++i) visit(documents[i], impacts[i]);
  }
}

// How many chunks of files that still exist have the term: deleted text leaves no trace in the statistics.
uint64_t LiveDocumentFrequency(const LiveSegment& segment, const PostingsReader& postings) {
  if (segment.file_deleted.empty()) return postings.document_count();
  uint64_t count = 0;
  ForEachPosting(postings, [&](uint32_t chunk, Impact) { count += !segment.FileDeleted(segment.reader->chunk(chunk).file); });
  return count;
}

}  // namespace

LexicalSearch::LexicalSearch(World& world, const QueryTerms& query)
    : world_(world), terms_(query.terms), by_segment_(world.segments().size()) {
  for (uint32_t t = 0; t < terms_.size(); ++t) {
    uint64_t hash = LexicalReader::HashOf(terms_[t]);
    uint64_t document_frequency = 0;
    for (size_t s = 0; s < by_segment_.size(); ++s) {
      VisibleSegment& segment = world.segments()[s];
      TermPostings postings = segment.reader().lexical().Find(terms_[t], hash);
      if (postings.postings.document_count() == 0) continue;
      document_frequency += LiveDocumentFrequency(segment.live(), postings.postings);
      by_segment_[s].push_back({t, postings});
    }
    idf_.push_back(InverseDocumentFrequency(world.live_chunks(), document_frequency));
    idf_sum_ += idf_.back();
    contributions_.push_back(MakeContributions(idf_.back() * static_cast<double>(query.weights[t])));
  }
}

// The k best so far. A chunk enters only if it is better than the worst of k: chunks come in order of place, so an
// equal score is not enough.
class LexicalSearch::Heap {
 public:
  struct Item {
    uint32_t score, segment, ordinal;
  };
  explicit Heap(size_t k) : k_(k) { items_.reserve(k); }

  // Scores must exceed this.
  uint32_t threshold() const { return items_.size() < k_ ? 0 : items_.front().score; }
  void Add(const Item& item) {
    auto better = [](const Item& a, const Item& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.segment != b.segment ? a.segment < b.segment : a.ordinal < b.ordinal;
    };
    if (items_.size() == k_) {
      std::pop_heap(items_.begin(), items_.end(), better);
      items_.pop_back();
    }
    items_.push_back(item);
    std::push_heap(items_.begin(), items_.end(), better);
  }
  std::vector<ChunkRef> Take() {
    std::vector<ChunkRef> best;
    for (const Item& item : items_) {
      best.push_back({item.segment, item.ordinal, static_cast<float>(item.score * kScoreUnit)});
    }
    std::ranges::sort(best, IsBetter);
    return best;
  }

 private:
  const size_t k_;
  std::vector<Item> items_;  // a heap with the worst in front
};

// One segment's part of Best.
class LexicalSearch::SegmentScorer {
 public:
  SegmentScorer(LexicalSearch& search, uint32_t segment, Heap& heap, std::array<uint32_t, kWindow>& sums)
      : visible_(search.world_.segments()[segment]), segment_(segment), heap_(heap), sums_(sums) {
    for (const SegmentTerm& term : search.by_segment_[segment]) {
      lists_.push_back({.postings = term.postings.postings, .table = &search.contributions_[term.term],
                        .largest = search.contributions_[term.term][term.postings.largest_impact]});
    }
    for (List& list : lists_) {
      if (list.IsShort()) list.Decode(0);
      by_bound_.push_back(&list);
    }
  }

  void Run() {
    uint32_t all = 0;
    for (const List& list : lists_) all += list.largest;
    if (all <= heap_.threshold()) return;
    uint32_t chunks = visible_.reader().chunk_count();
    for (uint32_t begin = 0; begin < chunks; begin += kWindow) RunWindow(begin, std::min(chunks, begin + kWindow));
  }

 private:
  struct List {
    PostingsReader postings;
    const ContributionTable* table = nullptr;
    uint32_t largest = 0;  // contribution of any posting
    uint32_t block = 0;    // the first that may reach the window
    uint32_t bound = 0;    // largest contribution within the window
    uint32_t decoded = kNoDocument;  // which block the arrays hold
    uint32_t count = 0;
    uint32_t cursor = 0;   // in the arrays, for Contribution
    std::array<uint32_t, kBlockSize> documents;
    std::array<Impact, kBlockSize> impacts;

    // Of one block, which has no header: it is decoded once and looked into.
    bool IsShort() const { return postings.document_count() < kBlockSize; }
    void Decode(uint32_t wanted) {
      if (decoded == wanted) return;
      count = postings.Decode(wanted, documents, impacts);
      decoded = wanted;
      cursor = 0;
    }
    uint32_t FirstDocumentBound(uint32_t of_block) const {
      return of_block == 0 ? 0 : postings.LastDocument(of_block - 1) + 1;
    }
  };

  // Sets block and bound for a window that starts at or behind the one before.
  static void Enter(List& list, uint32_t begin, uint32_t end) {
    if (list.IsShort()) {
      const uint32_t* first = list.documents.data();
      const uint32_t* last = first + list.count;
      const uint32_t* at = std::lower_bound(first, last, begin);
      list.bound = at != last && *at < end ? list.largest : 0;
      return;
    }
    list.block = list.postings.FindBlock(begin, list.block);
    Impact impact = 0;
    bool any = false;
    for (uint32_t b = list.block; b < list.postings.block_count() && list.FirstDocumentBound(b) < end; ++b) {
      impact = std::max(impact, list.postings.LargestImpact(b));
      any = true;
      if (impact == 255) break;
    }
    list.bound = any ? std::min((*list.table)[impact], list.largest) : 0;
  }

  void RunWindow(uint32_t begin, uint32_t end) {
    for (List& list : lists_) Enter(list, begin, end);
    std::ranges::sort(by_bound_, {}, [](const List* list) { return list->bound; });
    uint32_t threshold = heap_.threshold();
    size_t optional = 0;  // the first so many lists cannot lift a chunk over the threshold together
    uint32_t optional_bound = 0;
    while (optional < by_bound_.size() && optional_bound + by_bound_[optional]->bound <= threshold) {
      optional_bound += by_bound_[optional++]->bound;
    }
    if (optional == by_bound_.size()) return;
    std::fill(sums_.begin(), sums_.begin() + (end - begin), 0u);
    for (size_t i = optional; i < by_bound_.size(); ++i) AddUp(*by_bound_[i], begin, end);
    Collect(begin, end, optional, optional_bound);
  }

  void AddUp(List& list, uint32_t begin, uint32_t end) {
    const ContributionTable& table = *list.table;
    for (uint32_t b = list.block; b < list.postings.block_count() && list.FirstDocumentBound(b) < end; ++b) {
      list.Decode(b);
      uint32_t i = 0, last = list.count;
      while (i < last && list.documents[i] < begin) ++i;
      while (last > i && list.documents[last - 1] >= end) --last;
      for (; i < last; ++i) sums_[list.documents[i] - begin] += table[list.impacts[i]];
    }
  }

  void Collect(uint32_t begin, uint32_t end, size_t optional, uint32_t optional_bound) {
    for (size_t i = 0; i < optional; ++i) by_bound_[i]->cursor = 0;
    for (uint32_t i = 0; i < end - begin; ++i) {
      uint32_t threshold = heap_.threshold();
      uint32_t least = threshold >= optional_bound ? threshold - optional_bound + 1 : 1;
      i = NextAtLeast(i, end - begin, least);
      if (i >= end - begin) break;
      uint32_t score = sums_[i], rest = optional_bound;
      for (size_t o = optional; o > 0 && score + rest > threshold; --o) {
        rest -= by_bound_[o - 1]->bound;
        score += Contribution(*by_bound_[o - 1], begin + i);
      }
      if (score > threshold && visible_.AllowsChunk(begin + i)) heap_.Add({score, segment_, begin + i});
    }
  }

  // The first sum from `i` on that is at least `least`; at or behind `count` if there is none. Eight at a time.
  uint32_t NextAtLeast(uint32_t i, uint32_t count, uint32_t least) const {
    using Eight = int32_t __attribute__((vector_size(32)));
    for (; i < count && sums_[i] < least; ++i) {
      if (i % 8 != 0) continue;
      for (; i + 8 <= count; i += 8) {
        Eight values;
        std::memcpy(&values, sums_.data() + i, sizeof values);
        Eight hits = values >= static_cast<int32_t>(least);
        int32_t any = 0;
        for (int lane = 0; lane < 8; ++lane) any |= hits[lane];
        if (any != 0) break;
      }
      if (i < count && sums_[i] >= least) break;
    }
    return i;
  }

  // Of a chunk at or behind the one asked for before, within the window.
  static uint32_t Contribution(List& list, uint32_t chunk) {
    uint32_t block = list.decoded != kNoDocument && list.decoded >= list.block ? list.decoded : list.block;
    block = list.postings.FindBlock(chunk, block);
    if (block >= list.postings.block_count()) return 0;
    list.Decode(block);
    while (list.cursor < list.count && list.documents[list.cursor] < chunk) ++list.cursor;
    if (list.cursor == list.count || list.documents[list.cursor] != chunk) return 0;
    return (*list.table)[list.impacts[list.cursor]];
  }

  VisibleSegment& visible_;
  const uint32_t segment_;
  Heap& heap_;
  std::array<uint32_t, kWindow>& sums_;
  std::vector<List> lists_;
  std::vector<List*> by_bound_;
};

std::vector<ChunkRef> LexicalSearch::Best(size_t k) {
  Heap heap(k);
  if (k == 0) return {};
  auto sums = std::make_unique<std::array<uint32_t, kWindow>>();
  for (uint32_t s = 0; s < by_segment_.size(); ++s) {
    if (!by_segment_[s].empty()) SegmentScorer(*this, s, heap, *sums).Run();
  }
  return heap.Take();
}

std::vector<ChunkRef> LexicalSearch::BestExhaustively(size_t k) {
  Heap heap(k);
  for (uint32_t s = 0; s < by_segment_.size() && k > 0; ++s) {
    std::vector<uint32_t> sums(world_.segments()[s].reader().chunk_count());
    for (const SegmentTerm& term : by_segment_[s]) {
      const ContributionTable& table = contributions_[term.term];
      ForEachPosting(term.postings.postings, [&](uint32_t chunk, Impact impact) { sums[chunk] += table[impact]; });
    }
    for (uint32_t chunk = 0; chunk < sums.size(); ++chunk) {
      if (sums[chunk] > heap.threshold() && world_.segments()[s].AllowsChunk(chunk)) heap.Add({sums[chunk], s, chunk});
    }
  }
  return heap.Take();
}

std::vector<ChunkMatch> LexicalSearch::Score(uint32_t segment, std::span<const uint32_t> chunks) const {
  std::vector<ChunkMatch> matches(chunks.size());
  std::vector<uint32_t> sums(chunks.size());
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  for (const SegmentTerm& term : by_segment_[segment]) {
    const PostingsReader& postings = term.postings.postings;
    const ContributionTable& table = contributions_[term.term];
    uint32_t block = 0;
    for (size_t i = 0; i < chunks.size();) {
      block = postings.FindBlock(chunks[i], block);
      if (block >= postings.block_count()) break;
      uint32_t count = postings.Decode(block, documents, impacts);
      for (uint32_t at = 0; i < chunks.size() && chunks[i] <= documents[count - 1]; ++i) {
        while (documents[at] < chunks[i]) ++at;
        if (documents[at] != chunks[i]) continue;
        sums[i] += table[impacts[at]];
        if (term.term < 64) matches[i].terms |= uint64_t{1} << term.term;
      }
      ++block;
    }
  }
  for (size_t i = 0; i < chunks.size(); ++i) matches[i].score = static_cast<float>(sums[i] * kScoreUnit);
  return matches;
}

double LexicalSearch::Coverage(uint64_t terms) const {
  double covered = 0;
  for (size_t t = 0; t < std::min<size_t>(64, idf_.size()); ++t) {
    if (terms >> t & 1) covered += idf_[t];
  }
  return idf_sum_ > 0 ? covered / idf_sum_ : 0;
}

std::vector<float> LexicalSearch::LineWeights(std::string_view text) const {
  std::vector<float> weights;
  Analyzer analyzer;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    uint64_t seen = 0;
    analyzer.Analyze(text.substr(begin, end - begin), [&](const Token& token) {
      auto at = static_cast<size_t>(std::ranges::find(terms_, token.term) - terms_.begin());
      if (at < std::min<size_t>(64, terms_.size())) seen |= uint64_t{1} << at;
    });
    weights.push_back(static_cast<float>(Coverage(seen)));
    begin = end;
  }
  return weights;
}

}  // namespace codelore::index
