#include "index/rank/lexical_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "index/analysis/analyzer.h"
#include "index/rank/segment_scorer.h"

namespace codelore::index {
namespace {

constexpr size_t kFewSegments = 64;
constexpr size_t kSegmentsProbed = 16;
constexpr size_t kFetchedTogether = 8;

template <typename Visit>
void ForEachPosting(const PostingsReader& postings, Visit visit) {
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  for (uint32_t block = 0; block < postings.block_count(); ++block) {
    uint32_t count = postings.Decode(block, documents, impacts);
    for (uint32_t i = 0; i < count; ++i) visit(documents[i], impacts[i]);
  }
}

uint64_t LiveDocumentFrequencyIn(const LiveSegment& segment, const PostingsReader& postings) {
  if (segment.file_deleted.empty()) return postings.document_count();
  uint64_t count = 0;
  ForEachPosting(postings, [&](uint32_t chunk, Impact) { count += !segment.FileDeleted(segment.reader->chunk(chunk).file); });
  return count;
}

// Adds impacts that as many chunks are sure to have: a short list's, or the largest of each block.
void CountBestImpacts(const PostingsReader& postings, std::array<uint32_t, 256>& chunks) {
  if (postings.document_count() < kBlockSize) {
    const Impact* impacts = postings.Impacts(0);
    for (uint32_t i = 0; i < postings.document_count(); ++i) ++chunks[impacts[i]];
    return;
  }
  for (uint32_t block = 0; block < postings.block_count(); ++block) ++chunks[postings.LargestImpact(block)];
}

std::vector<ChunkRef> ToRefs(BestChunks& best) {
  std::vector<ChunkRef> refs;
  for (const BestChunks::Item& item : best.TakeSorted()) {
    refs.push_back({item.segment, item.ordinal, static_cast<float>(item.score * kScoreUnit)});
  }
  return refs;
}

// Adds up a term's frequencies in the chunks of each file, then the terms.
class FileSums {
 public:
  FileSums(std::span<const uint32_t> chunks, const SegmentReader& reader) {
    uint32_t last = UINT32_MAX;
    for (uint32_t chunk : chunks) {
      if (uint32_t file = reader.chunk(chunk).file; file != last) {
        counts_.push_back(0);
        last = file;
      }
      ++counts_.back();
      file_of_.push_back(static_cast<uint32_t>(counts_.size() - 1));
    }
    weighted_.resize(counts_.size());
    scores_.resize(counts_.size());
  }

  // The term at hand has this impact in the i-th chunk.
  void Add(size_t i, Impact impact) { weighted_[file_of_[i]] += WeightedTable()[impact]; }
  void EndTerm(double weight) {
    for (size_t f = 0; f < weighted_.size(); ++f) {
      if (weighted_[f] == 0) continue;
      scores_[f] += static_cast<float>(weight) * Saturated(weighted_[f] / (1 + std::log(static_cast<float>(counts_[f]))));
      weighted_[f] = 0;
    }
  }
  std::vector<float> TakeScores() { return std::move(scores_); }

 private:
  std::vector<uint32_t> file_of_;  // by chunk
  std::vector<uint32_t> counts_;   // by file: its chunks
  std::vector<float> weighted_, scores_;
};

}  // namespace

uint64_t LiveDocumentFrequency(World& world, const std::string& term) {
  uint64_t frequency = 0;
  for (const VisibleSegment& segment : world.segments()) {
    auto found = segment.reader().lexical().Find(term);
    if (found.postings.document_count() > 0) frequency += LiveDocumentFrequencyIn(segment.live(), found.postings);
  }
  return frequency;
}

LexicalSearch::LexicalSearch(World& world, const QueryTerms& query)
    : world_(world), terms_(query.terms), found_(query.terms.size() * world.segments().size()) {
  for (const VisibleSegment& segment : world.segments()) segments_.push_back(&segment.reader().lexical());
  LexicalReader::FindInAll(segments_, terms_, found_);
  std::vector<bool> found_anywhere;  // by term
  for (size_t t = 0; t < terms_.size(); ++t) {
    uint64_t document_frequency = 0;
    for (size_t s = 0; s < segments_.size(); ++s) {
      const FoundTerm& found = Found(s, t);
      const LiveSegment& live = world.segments()[s].live();
      if (found.document_count == 0) continue;
      document_frequency += live.file_deleted.empty() ? found.document_count : LiveDocumentFrequencyIn(live, PostingsOf(s, t));
    }
    idf_.push_back(InverseDocumentFrequency(world.live_chunks(), document_frequency));
    found_anywhere.push_back(document_frequency > 0);
    weights_.push_back(idf_.back() * static_cast<double>(query.weights[t]));
    contributions_.push_back(MakeContributions(weights_.back()));
  }
  SumConcepts(query, found_anywhere);
}

// A concept counts with its best term that exists, or with its rarest one if none does.
void LexicalSearch::SumConcepts(const QueryTerms& query, const std::vector<bool>& found_anywhere) {
  std::unordered_map<uint32_t, uint32_t> numbers;
  std::vector<std::array<double, 2>> best;  // of those that exist, and of all
  for (size_t t = 0; t < terms_.size(); ++t) {
    auto [at, added] = numbers.try_emplace(query.concepts.empty() ? static_cast<uint32_t>(t) : query.concepts[t], static_cast<uint32_t>(best.size()));
    if (added) best.push_back({});
    concepts_.push_back(at->second);
    auto& [existing, any] = best[at->second];
    any = std::max(any, idf_[t]);
    if (found_anywhere[t]) existing = std::max(existing, idf_[t]);
  }
  for (auto [existing, any] : best) idf_sum_ += existing > 0 ? existing : any;
}

// A score that k chunks are known to exceed, from what one term's best postings give. Where a term is in many segments
// their largest impacts have to do: looking at each one's postings would cost more than it saves.
uint32_t LexicalSearch::Floor(size_t k) const {
  std::vector<size_t> largest_first(terms_.size());
  std::iota(largest_first.begin(), largest_first.end(), 0);
  std::ranges::sort(largest_first, std::ranges::greater(), [&](size_t t) { return contributions_[t][255]; });
  uint32_t floor = 0;
  for (size_t t : largest_first) {
    if (contributions_[t][255] <= floor) break;
    bool by_segment = segments_.size() > kFewSegments;
    std::array<uint32_t, 256> chunks{};  // with this impact
    for (size_t s = 0; s < segments_.size(); ++s) {
      const FoundTerm& found = Found(s, t);
      if (found.document_count == 0 || !world_.segments()[s].AllowsAll()) continue;
      if (by_segment) {
        ++chunks[found.largest_impact];
      } else {
        CountBestImpacts(PostingsOf(s, t), chunks);
      }
    }
    size_t impact = 255;
    for (size_t sum = chunks[255]; impact > 0 && sum < k; sum += chunks[impact]) --impact;
    if (impact > 0 && contributions_[t][impact] > 0) floor = std::max(floor, contributions_[t][impact] - 1);
  }
  return floor;
}

// Most that a chunk of each segment can have.
std::vector<uint32_t> LexicalSearch::Bounds() const {
  std::vector<uint32_t> bounds(segments_.size());
  for (size_t t = 0; t < terms_.size(); ++t) {
    for (size_t s = 0; s < segments_.size(); ++s) {
      if (Found(s, t).document_count > 0) bounds[s] += contributions_[t][Found(s, t).largest_impact];
    }
  }
  return bounds;
}

// Scores segments in the order given, those that may still have one of the best. The lists of a few at a time are
// fetched from memory while the ones before are scored.
void LexicalSearch::Run(std::span<const uint32_t> order, const std::vector<uint32_t>& bounds, BestChunks& best) {
  SegmentScorer scorer(best);
  std::array<std::vector<ScoredList>, kFetchedTogether> lists;
  std::array<uint32_t, kFetchedTogether> segments;
  for (size_t next = 0; next < order.size();) {
    size_t count = 0;
    for (; next < order.size() && count < kFetchedTogether; ++next) {
      if (bounds[order[next]] <= best.threshold()) continue;
      segments[count++] = order[next];
      for (size_t t = 0; t < terms_.size(); ++t) {
        if (const FoundTerm& found = Found(order[next], t); found.document_count > 0) segments_[order[next]]->Prefetch(found.index);
      }
    }
    for (size_t i = 0; i < count; ++i) FetchLists(segments[i], lists[i]);
    for (size_t i = 0; i < count; ++i) scorer.Run(segments[i], world_.segments()[segments[i]], lists[i]);
  }
}

void LexicalSearch::FetchLists(size_t segment, std::vector<ScoredList>& lists) const {
  lists.clear();
  for (size_t t = 0; t < terms_.size(); ++t) {
    const FoundTerm& found = Found(segment, t);
    if (found.document_count == 0) continue;
    lists.push_back({PostingsOf(segment, t), &contributions_[t], contributions_[t][found.largest_impact]});
    lists.back().postings.Prefetch();
  }
}

std::vector<ChunkRef> LexicalSearch::Best(size_t k) {
  if (k == 0) return {};
  std::vector<uint32_t> bounds = Bounds(), order(segments_.size());
  std::iota(order.begin(), order.end(), 0);
  uint32_t floor = Floor(k);
  if (order.size() > kFewSegments) {  // the most promising ones' k-th best score is a floor, too
    std::vector<uint32_t> promising(kSegmentsProbed);
    std::ranges::partial_sort_copy(order, promising, [&](uint32_t a, uint32_t b) { return bounds[a] > bounds[b]; });
    BestChunks best(k, floor);
    Run(promising, bounds, best);
    floor = std::max(floor, best.threshold() - (best.threshold() > 0));
  }
  BestChunks best(k, floor);
  Run(order, bounds, best);
  return ToRefs(best);
}

std::vector<ChunkRef> LexicalSearch::BestExhaustively(size_t k) {
  BestChunks best(k);
  for (uint32_t s = 0; s < segments_.size() && k > 0; ++s) {
    std::vector<uint32_t> sums(world_.segments()[s].reader().chunk_count());
    for (size_t t = 0; t < terms_.size(); ++t) {
      if (Found(s, t).document_count == 0) continue;
      const ContributionTable& table = contributions_[t];
      ForEachPosting(PostingsOf(s, t), [&](uint32_t chunk, Impact impact) { sums[chunk] += table[impact]; });
    }
    for (uint32_t chunk = 0; chunk < sums.size(); ++chunk) {
      if (sums[chunk] > best.threshold() && world_.segments()[s].AllowsChunk(chunk)) best.Add({sums[chunk], s, chunk});
    }
  }
  return ToRefs(best);
}

LexicalScores LexicalSearch::Score(uint32_t segment, std::span<const uint32_t> chunks) const {
  LexicalScores scores{.chunks = std::vector<ChunkMatch>(chunks.size()), .files = {}};
  std::vector<uint32_t> sums(chunks.size());
  FileSums files(chunks, world_.segments()[segment].reader());
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  for (size_t t = 0; t < terms_.size(); ++t) {
    if (Found(segment, t).document_count == 0) continue;
    const PostingsReader postings = PostingsOf(segment, t);
    const ContributionTable& table = contributions_[t];
    uint32_t block = 0;
    for (size_t i = 0; i < chunks.size();) {
      block = postings.FindBlock(chunks[i], block);
      if (block >= postings.block_count()) break;
      uint32_t count = postings.Decode(block, documents, impacts);
      for (uint32_t at = 0; i < chunks.size() && chunks[i] <= documents[count - 1]; ++i) {
        while (documents[at] < chunks[i]) ++at;
        if (documents[at] != chunks[i]) continue;
        sums[i] += table[impacts[at]];
        files.Add(i, impacts[at]);
        if (t < 64) scores.chunks[i].terms |= uint64_t{1} << t;
      }
      ++block;
    }
    files.EndTerm(weights_[t]);
  }
  for (size_t i = 0; i < chunks.size(); ++i) scores.chunks[i].score = static_cast<float>(sums[i] * kScoreUnit);
  scores.files = files.TakeScores();
  return scores;
}

double LexicalSearch::Coverage(uint64_t terms) const {
  std::array<double, 64> best{};  // by concept: there are no more of them than terms
  for (size_t t = 0; t < std::min<size_t>(64, idf_.size()); ++t) {
    if (terms >> t & 1) best[concepts_[t]] = std::max(best[concepts_[t]], idf_[t]);
  }
  return idf_sum_ > 0 ? std::reduce(best.begin(), best.end()) / idf_sum_ : 0;
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
