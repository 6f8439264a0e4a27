#include "index/rank/segment_scorer.h"

#include <bit>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace codelore::index {
namespace {

// Bit i: impacts[i] >= least, of 64.
uint64_t AtLeast(const Impact* impacts, Impact least) {
  uint64_t mask = 0;
#ifdef __SSE2__
  const __m128i bound = _mm_set1_epi8(static_cast<char>(least));
  for (int i = 0; i < 4; ++i) {
    __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(impacts + i * 16));
    __m128i hits = _mm_cmpeq_epi8(_mm_max_epu8(values, bound), values);
    mask |= static_cast<uint64_t>(static_cast<uint16_t>(_mm_movemask_epi8(hits))) << (i * 16);
  }
#else
  for (int i = 0; i < 64; ++i) mask |= uint64_t{impacts[i] >= least} << i;
#endif
  return mask;
}

// Bit i: sums[i] >= least, of 16.
uint32_t AtLeast(const uint32_t* sums, uint32_t least) {
#ifdef __SSE2__
  const __m128i bound = _mm_set1_epi32(static_cast<int>(least) - 1);
  auto hits = [&](int i) { return _mm_cmpgt_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(sums + i * 4)), bound); };
  __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(hits(0), hits(1)), _mm_packs_epi32(hits(2), hits(3)));
  return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
#else
  uint32_t mask = 0;
  for (int i = 0; i < 16; ++i) mask |= uint32_t{sums[i] >= least} << i;
  return mask;
#endif
}

// What the essential terms must give at least, when the optional ones give at most `rest`.
uint32_t LeastFor(uint32_t threshold, uint32_t rest) { return threshold >= rest ? threshold - rest + 1 : 1; }

}  // namespace

void BestChunks::Add(const Item& item) {
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
  if (items_.size() == k_) threshold_ = std::max(threshold_, items_.front().score);
}

std::vector<BestChunks::Item> BestChunks::TakeSorted() {
  std::ranges::sort(items_, [](const Item& a, const Item& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.segment != b.segment ? a.segment < b.segment : a.ordinal < b.ordinal;
  });
  return std::move(items_);
}

void SegmentScorer::List::Decode(uint32_t wanted) {
  if (decoded == wanted) return;
  count = postings.DecodeDocuments(wanted, documents);
  std::fill(documents.begin() + count, documents.end(), kNoDocument);
  decoded = wanted;
}

uint32_t SegmentScorer::List::Seek(uint32_t target) const {
  uint32_t at = 0;  // halves without a branch: where they lead cannot be predicted
  for (uint32_t half = kBlockSize / 2; half > 0; half /= 2) at += documents[at + half - 1] < target ? half : 0;
  return at;
}

uint32_t SegmentScorer::List::NextBound(uint32_t from) {
  if (IsShort()) {
    Decode(0);
    uint32_t next = documents[Seek(from)];
    return next >= from ? next : kNoDocument;
  }
  block = postings.FindBlock(from, block);
  if (block >= postings.block_count()) return kNoDocument;
  return decoded == block ? documents[Seek(from)] : std::max(from, FirstDocumentBound(block));
}

void SegmentScorer::List::Enter(uint32_t begin, uint32_t end) {
  if (IsShort()) {
    bound = NextBound(begin) < end ? largest : 0;
    return;
  }
  block = postings.FindBlock(begin, block);
  Impact impact = 0;
  bool any = false;
  for (uint32_t b = block; b < postings.block_count(); ++b) {
    if (FirstDocumentBound(b) >= end) break;
    impact = std::max(impact, postings.LargestImpact(b));
    any = true;
    if (postings.LastDocument(b) >= end - 1) break;
  }
  bound = any ? std::min((*table)[impact], largest) : 0;
}

size_t SegmentScorer::List::AddTo(std::span<Candidate> candidates, uint32_t least) {
  size_t kept = 0, i = 0;
  uint32_t last = 0, block_bound = 0;  // of `block`
  const Impact* impacts = nullptr;
  for (; i < candidates.size(); ++i) {
    Candidate candidate = candidates[i];
    if (candidate.chunk > last || i == 0) {
      if (!IsShort()) block = postings.FindBlock(candidate.chunk, block);
      if (block >= postings.block_count()) break;
      last = postings.LastDocument(block);
      block_bound = LargestIn(block);
      impacts = postings.Impacts(block);
    }
    if (candidate.score + block_bound < least) continue;
    Decode(block);
    uint32_t at = Seek(candidate.chunk);
    if (documents[at] == candidate.chunk) candidate.score += (*table)[impacts[at]];
    candidates[kept] = candidate;
    kept += candidate.score >= least;
  }
  for (; i < candidates.size(); ++i) {  // behind the end of the list
    candidates[kept] = candidates[i];
    kept += candidates[kept].score >= least;
  }
  return kept;
}

SegmentScorer::Split SegmentScorer::SplitByBound(std::span<List* const> lists, uint32_t threshold, uint32_t List::*bound) {
  Split split{.lists = lists};
  while (!split.all() && split.optional_bound + lists[split.optional]->*bound <= threshold) {
    split.optional_bound += lists[split.optional++]->*bound;
  }
  return split;
}

void SegmentScorer::Run(uint32_t segment, VisibleSegment& visible, std::span<const ScoredList> lists) {
  uint32_t all = 0;
  for (const ScoredList& list : lists) all += list.largest;
  if (all <= best_.threshold()) return;
  segment_ = segment;
  visible_ = &visible;
  if (lists_.size() < lists.size()) lists_.resize(lists.size());
  by_largest_.clear();
  for (size_t i = 0; i < lists.size(); ++i) {
    static_cast<ScoredList&>(lists_[i]) = lists[i];
    lists_[i].block = 0;
    lists_[i].decoded = kNoDocument;
    by_largest_.push_back(&lists_[i]);
  }
  std::ranges::sort(by_largest_, {}, [](const List* list) { return list->largest; });
  by_bound_ = by_largest_;

  uint32_t chunks = visible.reader().chunk_count();
  for (uint32_t begin = 0; begin < chunks;) {
    Split split = SplitByBound(by_largest_, best_.threshold(), &List::largest);
    if (split.all()) return;
    if (split.optional + 1 == split.lists.size()) return RunOne(split, begin, chunks, true);
    uint32_t next = kNoDocument;
    for (size_t i = split.optional; i < split.lists.size(); ++i) next = std::min(next, split.lists[i]->NextBound(begin));
    if (next == kNoDocument) return;
    begin = next;
    uint32_t end = std::min(chunks, begin + kWindow);
    RunWindow(begin, end);
    begin = end;
  }
}

void SegmentScorer::RunWindow(uint32_t begin, uint32_t end) {
  for (List* list : by_bound_) list->Enter(begin, end);
  std::ranges::sort(by_bound_, {}, [](const List* list) { return list->bound; });
  Split split = SplitByBound(by_bound_, best_.threshold(), &List::bound);
  if (split.all()) return;
  if (split.optional + 1 == split.lists.size()) return RunOne(split, begin, end, false);
  uint32_t postings = 0;
  for (size_t i = split.optional; i < split.lists.size(); ++i) postings += AddUp(*split.lists[i], begin, end);
  if (postings < kSparse) {
    CollectTouched(split, begin, end);
  } else {
    CollectDense(split, begin, end);
  }
}

// With `refine`, bounds of the optional lists are for the whole segment and are taken again for each block.
void SegmentScorer::RunOne(const Split& split, uint32_t begin, uint32_t end, bool refine) {
  List& list = *split.lists.back();
  uint32_t blocks = list.postings.block_count();
  if (refine) {
    for (List* each : split.lists) each->bound = each->largest;
  }
  for (uint32_t block = list.IsShort() ? 0 : list.postings.FindBlock(begin, list.block); block < blocks; ++block) {
    uint32_t first = std::max(begin, list.FirstDocumentBound(block));
    if (first >= end) return;
    uint32_t largest = list.LargestIn(block), optional_bound = split.optional_bound;
    if (largest + optional_bound <= best_.threshold()) continue;
    if (refine && !list.IsShort() && split.optional > 0) {
      uint32_t behind = std::min(end, list.postings.LastDocument(block) + 1);
      optional_bound = 0;
      for (size_t i = 0; i < split.optional; ++i) {
        split.lists[i]->Enter(first, behind);
        optional_bound += split.lists[i]->bound;
      }
      if (largest + optional_bound <= best_.threshold()) continue;
    }
    CollectBlock(split, block, begin, end, optional_bound);
  }
}

void SegmentScorer::CollectBlock(const Split& split, uint32_t block, uint32_t begin, uint32_t end, uint32_t optional_bound) {
  List& list = *split.lists.back();
  const ContributionTable& table = *list.table;
  uint32_t least = LeastFor(best_.threshold(), optional_bound);
  auto least_impact = std::lower_bound(table.begin(), table.end(), least) - table.begin();
  if (least_impact > 255) return;
  const Impact* impacts = list.postings.Impacts(block);
  uint32_t count = list.postings.CountIn(block);
  for (uint32_t base = 0; base < count; base += 64) {
    uint64_t mask = 0;
    if (count - base >= 64) {
      mask = AtLeast(impacts + base, static_cast<Impact>(least_impact));
    } else {
      for (uint32_t i = base; i < count; ++i) mask |= uint64_t{impacts[i] >= least_impact} << (i - base);
    }
    if (mask != 0) list.Decode(block);
    for (; mask != 0; mask &= mask - 1) {
      uint32_t at = base + static_cast<uint32_t>(std::countr_zero(mask)), chunk = list.documents[at];
      if (chunk >= begin && chunk < end) Keep(chunk, table[impacts[at]], least);
    }
  }
  Complete(split, optional_bound);
}

// How many postings were added; beyond kSparse the chunks are not marked any more.
uint32_t SegmentScorer::AddUp(List& list, uint32_t begin, uint32_t end) {
  const ContributionTable& table = *list.table;
  uint32_t added = 0;
  for (uint32_t b = list.IsShort() ? 0 : list.block; b < list.postings.block_count(); ++b) {
    if (list.FirstDocumentBound(b) >= end) break;
    list.Decode(b);
    const Impact* impacts = list.postings.Impacts(b);
    uint32_t first = list.documents[0] >= begin ? 0 : list.Seek(begin);
    uint32_t last = list.documents[list.count - 1] < end ? list.count : list.Seek(end);
    for (uint32_t i = first; i < last; ++i) sums_[list.documents[i] - begin] += table[impacts[i]];
    added += last - first;
    if (added >= kSparse) continue;
    for (uint32_t i = first; i < last; ++i) {
      uint32_t at = list.documents[i] - begin;
      touched_[at / 64] |= uint64_t{1} << at % 64;
    }
  }
  return added;
}

void SegmentScorer::CollectTouched(const Split& split, uint32_t begin, uint32_t end) {
  uint32_t least = LeastFor(best_.threshold(), split.optional_bound);
  for (uint32_t word = 0; word * 64 < end - begin; ++word) {
    for (uint64_t mask = std::exchange(touched_[word], 0); mask != 0; mask &= mask - 1) {
      uint32_t at = word * 64 + static_cast<uint32_t>(std::countr_zero(mask));
      Keep(begin + at, std::exchange(sums_[at], 0), least);
    }
  }
  Complete(split, split.optional_bound);
}

void SegmentScorer::CollectDense(const Split& split, uint32_t begin, uint32_t end) {
  uint32_t least = LeastFor(best_.threshold(), split.optional_bound);
  for (uint32_t base = 0; base < end - begin; base += 16) {
    for (uint32_t mask = AtLeast(sums_.data() + base, least); mask != 0; mask &= mask - 1) {
      uint32_t at = base + static_cast<uint32_t>(std::countr_zero(mask));
      Keep(begin + at, sums_[at], least);
    }
  }
  std::fill(sums_.begin(), sums_.begin() + (end - begin), 0u);
  touched_.fill(0);
  Complete(split, split.optional_bound);
}

// Candidates have the scores of the essential terms; the optional ones follow, those that may give most first.
void SegmentScorer::Complete(const Split& split, uint32_t optional_bound) {
  std::span<Candidate> left(candidates_.data(), std::exchange(candidate_count_, 0));
  for (size_t i = split.optional; i > 0 && !left.empty(); --i) {
    List& list = *split.lists[i - 1];
    optional_bound -= list.bound;
    left = left.first(list.AddTo(left, LeastFor(best_.threshold(), optional_bound)));
  }
  for (const Candidate& each : left) {
    if (each.score > best_.threshold() && visible_->AllowsChunk(each.chunk)) best_.Add({each.score, segment_, each.chunk});
  }
}

}  // namespace codelore::index
