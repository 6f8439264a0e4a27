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

bool Contains(const PostingsReader& postings, uint32_t document) {
  uint32_t block = postings.FindBlock(document, 0);
  if (block >= postings.block_count()) return false;
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  uint32_t count = postings.Decode(block, documents, impacts);
  return std::binary_search(documents.begin(), documents.begin() + count, document);
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
    : terms_(query.terms), scores_(world.segments().size()) {
  const auto& saturation = SaturationTable();
  for (size_t t = 0; t < query.terms.size(); ++t) {
    std::vector<PostingsReader> lists;
    uint64_t document_frequency = 0;
    for (VisibleSegment& segment : world.segments()) {
      lists.push_back(segment.reader().lexical().Find(query.terms[t]));
      document_frequency += LiveDocumentFrequency(segment.live(), lists.back());
    }
    idf_.push_back(InverseDocumentFrequency(world.live_chunks(), document_frequency));
    float weight = idf_.back() * query.weights[t];
    for (size_t s = 0; s < lists.size(); ++s) {
      if (lists[s].document_count() == 0) continue;
      std::vector<float>& scores = scores_[s];
      if (scores.empty()) scores.resize(world.segments()[s].reader().chunk_count());
      ForEachPosting(lists[s], [&](uint32_t chunk, Impact impact) { scores[chunk] += weight * saturation[impact]; });
    }
  }
}

double LexicalScores::Coverage(World& world, size_t segment, uint32_t chunk) const {
  double covered = 0, all = 0;
  for (size_t t = 0; t < terms_.size(); ++t) {
    all += idf_[t];
    if (Contains(world.segments()[segment].reader().lexical().Find(terms_[t]), chunk)) covered += idf_[t];
  }
  return all > 0 ? covered / all : 0;
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
