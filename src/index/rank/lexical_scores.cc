#include "index/rank/lexical_scores.h"

#include <algorithm>
#include <numeric>

#include "index/analysis/analyzer.h"

namespace codelore::index {
namespace {

// Calls visit(document, impact) for every posting.
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

LexicalScores::LexicalScores(World& world, const QueryTerms& query)
    : terms_(query.terms), matches_(world.segments().size()), scores_(world.segments().size()) {
  const auto& saturation = SaturationTable();
  for (size_t t = 0; t < query.terms.size(); ++t) {
    std::vector<PostingsReader> lists;
    uint64_t document_frequency = 0;
    for (VisibleSegment& segment : world.segments()) {
      lists.push_back(segment.reader().lexical().Find(query.terms[t]));
      document_frequency += LiveDocumentFrequency(segment.live(), lists.back());
    }
    idf_.push_back(InverseDocumentFrequency(world.live_chunks(), document_frequency));
    idf_sum_ += idf_.back();
    float weight = idf_.back() * query.weights[t];
    for (size_t s = 0; s < lists.size(); ++s) {
      if (lists[s].document_count() == 0) continue;
      std::vector<float>& scores = scores_[s];
      std::vector<uint64_t>& matches = matches_[s];
      if (scores.empty()) {
        scores.resize(world.segments()[s].reader().chunk_count());
        matches.resize(scores.size());
      }
      ForEachPosting(lists[s], [&](uint32_t chunk, Impact impact) {
        scores[chunk] += weight * saturation[impact];
        if (t < 64) matches[chunk] |= uint64_t{1} << t;
      });
    }
  }
}

double LexicalScores::CoverageOf(uint64_t matches) const {
  double covered = 0;
  for (size_t t = 0; t < std::min<size_t>(64, idf_.size()); ++t) {
    if (matches >> t & 1) covered += idf_[t];
  }
  return idf_sum_ > 0 ? covered / idf_sum_ : 0;
}

std::vector<float> LexicalScores::LineWeights(std::string_view text) const {
  float all = std::accumulate(idf_.begin(), idf_.end(), 0.0f);
  std::vector<float> weights;
  Analyzer analyzer;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    std::vector<bool> seen(terms_.size());
    float weight = 0;
    analyzer.Analyze(text.substr(begin, end - begin), [&](const Token& token) {
      auto at = static_cast<size_t>(std::ranges::find(terms_, token.term) - terms_.begin());
      if (at == terms_.size() || seen[at]) return;
      seen[at] = true;
      weight += idf_[at];
    });
    weights.push_back(all > 0 ? weight / all : 0);
    begin = end;
  }
  return weights;
}

}  // namespace codelore::index
