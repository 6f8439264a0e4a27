#include "index/rank/segment_scorer.h"

#include <bit>

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
  std::array<__m128i, 4> hits;
  for (size_t i = 0; i < 4; ++i) {
    hits[i] = _mm_cmpgt_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(sums + i * 4)), bound);
  }
  __m128i bytes = _mm_packs_epi16(_mm_packs_epi32(hits[0], hits[1]), _mm_packs_epi32(hits[2], hits[3]));
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
  decoded = wanted;
}

uint32_t SegmentScorer::List::NextBound(uint32_t from) {
  if (IsShort()) {
    Decode(0);
    uint32_t at = Seek(from);
    return at < count ? documents[at] : kNoDocument;
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

uint32_t SegmentScorer::List::Contribution(uint32_t chunk, uint32_t least) {
  if (!IsShort()) block = postings.FindBlock(chunk, block);
  if (block >= postings.block_count()) return 0;
  if (LargestIn(block) < least) return kTooLittle;
  Decode(block);
  uint32_t at = Seek(chunk);
  if (at == count || documents[at] != chunk) return 0;
  return (*table)[postings.Impacts(block)[at]];
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
      if (chunk < begin || chunk >= end) continue;
      Complete(split, chunk, table[impacts[at]], optional_bound);
    }
  }
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
  for (uint32_t word = 0; word * 64 < end - begin; ++word) {
    for (uint64_t mask = std::exchange(touched_[word], 0); mask != 0; mask &= mask - 1) {
      uint32_t at = word * 64 + static_cast<uint32_t>(std::countr_zero(mask));
      Complete(split, begin + at, std::exchange(sums_[at], 0), split.optional_bound);
    }
  }
}

void SegmentScorer::CollectDense(const Split& split, uint32_t begin, uint32_t end) {
  uint32_t least = LeastFor(best_.threshold(), split.optional_bound);
  for (uint32_t base = 0; base < end - begin; base += 16) {
    uint32_t mask = AtLeast(sums_.data() + base, least);
    if (mask == 0) continue;
    for (; mask != 0; mask &= mask - 1) {
      uint32_t at = base + static_cast<uint32_t>(std::countr_zero(mask));
      Complete(split, begin + at, sums_[at], split.optional_bound);
    }
    least = LeastFor(best_.threshold(), split.optional_bound);
  }
  std::fill(sums_.begin(), sums_.begin() + (end - begin), 0u);
  touched_.fill(0);
}

// `score` is that of the essential terms.
void SegmentScorer::Complete(const Split& split, uint32_t chunk, uint32_t score, uint32_t optional_bound) {
  uint32_t threshold = best_.threshold();
  for (size_t i = split.optional; i > 0 && score + optional_bound > threshold; --i) {
    List& list = *split.lists[i - 1];
    optional_bound -= list.bound;
    uint32_t contribution = list.Contribution(chunk, LeastFor(threshold, score + optional_bound));
    if (contribution == kTooLittle) return;
    score += contribution;
  }
  if (score + optional_bound > threshold && score > threshold && visible_->AllowsChunk(chunk)) {
    best_.Add({score, segment_, chunk});
  }
}

}  // namespace codelore::index
