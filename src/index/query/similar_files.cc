#include "index/query/similar_files.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include "codelore/utf8.h"
#include "index/analysis/analyzer.h"
#include "index/blobs.h"
#include "index/query/file_name.h"
#include "index/rank/dense_search.h"
#include "index/rank/lexical_search.h"
#include "index/rank/provenance.h"

namespace codelore::index {
namespace {

constexpr size_t kCandidateChunks = 400;  // of each kind of likeness
constexpr size_t kMaxTextBytes = 256 << 10;  // read for its words
constexpr size_t kMaxTerms = 32;
constexpr double kByMeaning = 1.0, kByWords = 0.7, kByName = 0.6;
constexpr double kCompanions = 1.5;  // likeness of the names of a file and its test, where equal names have 1
// Below this share of the best a likeness is not worth a word.
constexpr double kReason = 0.5;

struct Place {
  uint32_t segment = 0, file = 0;
  auto operator<=>(const Place&) const = default;
};

struct Likeness {
  double meaning = 0, words = 0, name = 0;
};

// Parts of stems that say what a file is for, not what about.
bool IsRole(std::string_view part) {
  static constexpr std::array<std::string_view, 8> kRoles = {"test", "tests", "spec", "bench", "benchmark", "impl", "mock", "stories"};
  return std::ranges::find(kRoles, part) != kRoles.end();
}

class SimilarSearch {
 public:
  SimilarSearch(const KeyValueStore& store, World& world, Place origin, const Hash256& encoder)
      : store_(store), world_(world), origin_(origin), encoder_(encoder) {}

  Status Run() {
    AddByMeaning();
    RETURN_IF_ERROR(AddByWords());
    AddByName();
    likenesses_.erase(origin_);
    return OkStatus();
  }

  std::vector<std::pair<double, Place>> Best(size_t limit) const {
    std::vector<std::pair<double, Place>> best;
    for (const auto& [place, likeness] : likenesses_) best.emplace_back(Score(likeness), place);
    std::ranges::sort(best, [this](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first > b.first;
      return std::pair(PathOf(a.second), a.second) < std::pair(PathOf(b.second), b.second);
    });
    best.resize(std::min(best.size(), limit));
    return best;
  }

  std::vector<std::string> Reasons(Place place) const {
    const Likeness& likeness = likenesses_.at(place);
    std::vector<std::string> reasons;
    if (likeness.name >= kReason) reasons.push_back("name");
    if (likeness.meaning >= kReason) reasons.push_back("meaning");
    if (likeness.words >= kReason) reasons.push_back("words");
    return reasons;
  }

 private:
  const SegmentReader& ReaderOf(Place place) const { return world_.segments()[place.segment].reader(); }
  std::string_view PathOf(Place place) const { return ReaderOf(place).StringsOf(ReaderOf(place).file(place.file)).path; }
  static double Score(const Likeness& likeness) {
    return kByMeaning * likeness.meaning + kByWords * likeness.words + kByName * likeness.name;
  }

  // Mean direction of the file's chunks; empty without vectors.
  std::vector<float> MeanOf(Place place) const {
    const VectorIndex* vectors = world_.segments()[place.segment].live().VectorsOf(encoder_);
    if (vectors == nullptr) return {};
    std::vector<float> mean(vectors->dimension());
    const FileRow& row = ReaderOf(place).file(place.file);
    bool any = false;
    for (uint32_t i = 0; i < row.chunk_count; ++i) any = vectors->AddRow(row.first_chunk + i, mean) || any;
    double length = 0;
    for (float x : mean) length += double{x} * x;
    if (!any || length == 0) return {};
    for (float& x : mean) x = static_cast<float>(x / std::sqrt(length));
    return mean;
  }

  void AddByMeaning() {
    std::vector<float> mean = MeanOf(origin_);
    if (mean.empty()) return;
    std::map<Place, double> cosines;
    for (const ChunkRef& ref : DenseSearch(world_, mean, encoder_).Best(kCandidateChunks)) {
      Place place{ref.segment, world_.segments()[ref.segment].reader().chunk(ref.ordinal).file};
      if (cosines.contains(place)) continue;
      std::vector<float> other = MeanOf(place);
      double cosine = 0;
      for (size_t i = 0; i < other.size() && other.size() == mean.size(); ++i) cosine += double{mean[i]} * other[i];
      cosines[place] = cosine;
    }
    double best = 1e-9;
    for (const auto& [place, cosine] : cosines) best = std::max(best, cosine);
    for (const auto& [place, cosine] : cosines) likenesses_[place].meaning = std::max(0.0, cosine / best);
  }

  // The file's words that say most: often here, seldom elsewhere, but somewhere else too.
  Result<QueryTerms> TellingTerms() const {
    const VisibleSegment& segment = world_.segments()[origin_.segment];
    ASSIGN_OR_RETURN(std::string text, ReadBlob(store_, segment.partition().tenant, ReaderOf(origin_).file(origin_.file).blob));
    std::unordered_map<std::string, double> counts;
    Analyzer().Analyze(Utf8Prefix(text, kMaxTextBytes), [&](const Token& token) { counts[std::string(token.term)] += 1; });
    std::vector<std::pair<double, std::string>> telling;
    for (const auto& [term, count] : counts) {
      uint64_t frequency = LiveDocumentFrequency(world_, term);
      double idf = InverseDocumentFrequency(world_.live_chunks(), frequency);
      if (frequency > 1 && term.size() > 2) telling.emplace_back(-(1 + std::log(count)) * idf, term);
    }
    size_t keep = std::min(kMaxTerms, telling.size());
    std::partial_sort(telling.begin(), telling.begin() + static_cast<ptrdiff_t>(keep), telling.end());
    QueryTerms terms;
    for (size_t i = 0; i < keep; ++i) {
      terms.terms.push_back(telling[i].second);
      terms.weights.push_back(1);
    }
    return terms;
  }

  Status AddByWords() {
    ASSIGN_OR_RETURN(QueryTerms terms, TellingTerms());
    if (terms.terms.empty()) return OkStatus();
    std::map<Place, double> scores;
    for (const ChunkRef& ref : LexicalSearch(world_, terms).Best(kCandidateChunks)) {
      Place place{ref.segment, world_.segments()[ref.segment].reader().chunk(ref.ordinal).file};
      scores[place] = std::max(scores[place], double{ref.score});
    }
    scores.erase(origin_);
    double best = 1e-9;
    for (const auto& [place, score] : scores) best = std::max(best, score);
    for (const auto& [place, score] : scores) likenesses_[place].words = score / best;
    return OkStatus();
  }

  static std::vector<std::string> TopicsOf(const FileName& name) {
    std::vector<std::string> topics(name.parts().begin(), name.parts().begin() + static_cast<ptrdiff_t>(name.stem_parts()));
    std::erase_if(topics, IsRole);
    std::ranges::sort(topics);
    topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
    return topics;
  }

  // Shared parts of the stems over all parts; roles ("test") apart.
  void AddByName() {
    FileName name;
    name.Read(PathOf(origin_));
    const std::vector<std::string> topics = TopicsOf(name);
    const size_t stem_parts = name.stem_parts();
    for (uint32_t s = 0; s < world_.segments().size() && !topics.empty(); ++s) {
      VisibleSegment& segment = world_.segments()[s];
      for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
        if (!segment.Allows(file)) continue;
        name.Read(PathOf({s, file}));
        std::vector<std::string> others = TopicsOf(name), both;
        std::ranges::set_intersection(topics, others, std::back_inserter(both));
        if (both.empty()) continue;
        // A file and its test belong together.
        bool companions = topics == others && name.stem_parts() != stem_parts;
        double likeness = companions ? kCompanions : static_cast<double>(both.size()) / static_cast<double>(topics.size() + others.size() - both.size());
        if (likeness >= kReason || likenesses_.contains({s, file})) likenesses_[{s, file}].name = likeness;
      }
    }
  }

  const KeyValueStore& store_;
  World& world_;
  const Place origin_;
  const Hash256& encoder_;
  std::map<Place, Likeness> likenesses_;
};

bool FindOrigin(World& world, const SimilarFilesRequest& request, Place& origin) {
  for (uint32_t s = 0; s < world.segments().size(); ++s) {
    VisibleSegment& segment = world.segments()[s];
    if (segment.partition().source != request.source) continue;
    for (uint32_t file = 0; file < segment.reader().file_count(); ++file) {
      if (segment.live().FileDeleted(file)) continue;
      if (segment.reader().StringsOf(segment.reader().file(file)).path != request.path) continue;
      origin = {s, file};
      return true;
    }
  }
  return false;
}

// Lets a search pass what the filter lets pass, except for the file itself.
void ApplyFilter(World& world, const Snapshot& snapshot, const Viewer& viewer, const SearchFilter& filter, Place origin) {
  World filtered(snapshot, viewer, filter);
  std::map<SegmentId, VisibleSegment*> passing;
  for (VisibleSegment& segment : filtered.segments()) passing[segment.live().entry.id] = &segment;
  for (uint32_t s = 0; s < world.segments().size(); ++s) {
    VisibleSegment& segment = world.segments()[s];
    auto at = passing.find(segment.live().entry.id);
    std::vector<uint8_t> flags(segment.reader().file_count());
    for (uint32_t file = 0; file < flags.size(); ++file) {
      flags[file] = at != passing.end() && at->second->Allows(file) && Place{s, file} != origin;
    }
    segment.Restrict(flags);
  }
}

}  // namespace

Result<FileResult> FindSimilar(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                               const SimilarFilesRequest& request, const Hash256& encoder_fingerprint) {
  SearchFilter everything;
  everything.branches = request.filter.branches;
  World world(snapshot, viewer, everything);
  Place origin;
  if (!FindOrigin(world, request, origin)) return NotFound("there is no such file that you may read");
  ApplyFilter(world, snapshot, viewer, request.filter, origin);
  SimilarSearch search(store, world, origin, encoder_fingerprint);
  RETURN_IF_ERROR(search.Run());
  FileResult result;
  for (const auto& [score, place] : search.Best(request.limit)) {
    const VisibleSegment& segment = world.segments()[place.segment];
    FileStrings strings = segment.reader().StringsOf(segment.reader().file(place.file));
    Provenance provenance = ProvenanceOf(snapshot, segment, place.file);
    result.files.push_back({.source = provenance.source, .revision = std::move(provenance.revision),
                            .branch = std::move(provenance.branch), .path = std::string(strings.path),
                            .language = std::string(strings.language), .reasons = search.Reasons(place)});
  }
  if (result.files.empty()) result.notes.push_back("no other file that passes the filters is like it");
  return result;
}

}  // namespace codelore::index
