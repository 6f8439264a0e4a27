#include "index/rank/search.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "index/blobs.h"
#include "index/rank/lexical_scores.h"
#include "index/rank/query.h"
#include "index/rank/signals.h"
#include "index/rank/world.h"

namespace codelore::index {
namespace {

// How many chunks of each leg make their files candidates.
constexpr size_t kCandidates = 400;

// Weights of the file score; see ARCHITECTURE.md, "How is a result ranked?".
constexpr double kDenseForProse = 0.6, kDenseForSymbols = 0.1;
constexpr double kLexicalCoherence = 0.5, kDenseCoherence = 0.2;  // of a file's second to fourth chunk, at 1/2, 1/4, 1/8
constexpr double kSecondaryFactor = 0.5;

struct ScoredChunkOfFile {
  uint32_t ordinal = 0;
  double lexical = 0;  // BM25F
  double dense = 0;    // cosine
  double score = 0;    // of the chunk beside its siblings
};

struct RankedFile {
  size_t segment = 0;
  uint32_t file = 0;
  std::vector<ScoredChunkOfFile> chunks;  // best first
  std::vector<std::pair<std::string, double>> signals;
  double score = 0;
};

struct ChunkRef {
  size_t segment = 0;
  uint32_t ordinal = 0;
  float score = 0;
};

// The best chunks of a leg, best first; equal scores in order of place.
void KeepBest(std::vector<ChunkRef>& chunks) {
  auto better = [](const ChunkRef& a, const ChunkRef& b) {
    if (a.score != b.score) return a.score > b.score;
    return std::pair(a.segment, a.ordinal) < std::pair(b.segment, b.ordinal);
  };
  size_t keep = std::min(kCandidates, chunks.size());
  std::partial_sort(chunks.begin(), chunks.begin() + static_cast<ptrdiff_t>(keep), chunks.end(), better);
  chunks.resize(keep);
}

std::vector<ChunkRef> LexicalCandidates(World& world, const LexicalScores& lexical) {
  std::vector<ChunkRef> chunks;
  for (size_t s = 0; s < world.segments().size(); ++s) {
    const std::vector<float>& scores = lexical.Scores(s);
    for (uint32_t chunk = 0; chunk < scores.size(); ++chunk) {
      if (scores[chunk] > 0 && world.segments()[s].AllowsChunk(chunk)) chunks.push_back({s, chunk, scores[chunk]});
    }
  }
  KeepBest(chunks);
  return chunks;
}

std::vector<ChunkRef> DenseCandidates(World& world, std::span<const float> query, const Hash256& encoder) {
  std::vector<ChunkRef> chunks;
  for (size_t s = 0; s < world.segments().size(); ++s) {
    VisibleSegment& segment = world.segments()[s];
    const VectorIndex* vectors = segment.live().VectorsOf(encoder);
    if (vectors == nullptr || vectors->dimension() != query.size()) continue;
    for (const ScoredChunk& found :
         vectors->Search(query, kCandidates, [&](uint32_t chunk) { return segment.AllowsChunk(chunk); })) {
      chunks.push_back({s, found.ordinal, found.score});
    }
  }
  KeepBest(chunks);
  return chunks;
}

// Sum of the second to fourth largest values at 1/2, 1/4, 1/8.
double Coherence(std::vector<double> values) {
  std::ranges::sort(values, std::greater<>());
  double sum = 0, share = 0.5;
  for (size_t i = 1; i < values.size() && i < 4; ++i, share /= 2) sum += values[i] * share;
  return sum;
}

class Ranker {
 public:
  Ranker(World& world, const SearchRequest& request, std::span<const float> query_vector, const Hash256& encoder)
      : world_(world), request_(request), query_vector_(query_vector), encoder_(encoder),
        query_(AnalyzeQuery(request.text)), lexical_(world, query_),
        signals_(query_, [this](const std::string& term) { return Idf(term); }) {}

  std::vector<RankedFile> Rank() {
    if (request_.mode != SearchMode::kVector) lexical_best_ = LexicalCandidates(world_, lexical_);
    if (request_.mode != SearchMode::kLexical) dense_best_ = DenseCandidates(world_, query_vector_, encoder_);
    std::vector<RankedFile> files;
    std::map<std::pair<size_t, uint32_t>, size_t> seen;
    for (const auto* leg : {&lexical_best_, &dense_best_}) {
      for (const ChunkRef& ref : *leg) {
        uint32_t file = world_.segments()[ref.segment].reader().chunk(ref.ordinal).file;
        if (seen.emplace(std::pair(ref.segment, file), files.size()).second) {
          files.push_back({.segment = ref.segment, .file = file, .chunks = {}, .signals = {}});
        }
      }
    }
    for (RankedFile& file : files) ScoreFile(file);
    std::ranges::sort(files, [&](const RankedFile& a, const RankedFile& b) {
      if (a.score != b.score) return a.score > b.score;
      return PathOf(a) < PathOf(b);
    });
    return files;
  }

  std::string_view PathOf(const RankedFile& file) const {
    const SegmentReader& reader = world_.segments()[file.segment].reader();
    return reader.StringsOf(reader.file(file.file)).path;
  }

  HitExplanation Explain(const RankedFile& file, const ScoredChunkOfFile& chunk) const {
    HitExplanation why;
    why.lexical = chunk.lexical;
    why.dense = chunk.dense;
    auto rank_in = [&](const std::vector<ChunkRef>& leg) -> uint32_t {
      auto at = std::ranges::find_if(
          leg, [&](const ChunkRef& ref) { return ref.segment == file.segment && ref.ordinal == chunk.ordinal; });
      return at == leg.end() ? 0 : static_cast<uint32_t>(at - leg.begin()) + 1;
    };
    why.lexical_rank = rank_in(lexical_best_);
    why.dense_rank = rank_in(dense_best_);
    why.signals = file.signals;
    return why;
  }

  double Coverage(size_t segment, uint32_t chunk) { return lexical_.Coverage(world_, segment, chunk); }
  std::vector<float> LineWeights(std::string_view text) const { return lexical_.LineWeights(text); }

 private:
  double Idf(const std::string& term) {
    auto [at, added] = idf_.try_emplace(term, 0.0);
    if (added) {
      uint64_t frequency = 0;
      for (VisibleSegment& segment : world_.segments()) {
        frequency += segment.reader().lexical().Find(term).document_count();
      }
      at->second = InverseDocumentFrequency(world_.live_chunks(), std::min(frequency, world_.live_chunks()));
    }
    return at->second;
  }

  void ScoreFile(RankedFile& file) {
    ReadChunks(file);
    double best_lexical = lexical_best_.empty() ? 0 : lexical_best_[0].score;
    double best_dense = dense_best_.empty() ? 0 : dense_best_[0].score;
    double dense_weight = query_.symbol_like ? kDenseForSymbols : kDenseForProse;
    std::vector<double> lexical, dense;
    for (ScoredChunkOfFile& chunk : file.chunks) {
      double l = best_lexical > 0 ? chunk.lexical / best_lexical : 0;
      double d = best_dense > 0 ? std::max(0.0, chunk.dense / best_dense) : 0;
      lexical.push_back(l);
      dense.push_back(d);
      chunk.score = request_.mode == SearchMode::kVector ? d : l + dense_weight * d;
    }
    std::ranges::stable_sort(file.chunks, std::greater<>(), &ScoredChunkOfFile::score);
    if (request_.mode == SearchMode::kVector) {
      Add(file, "vector", std::ranges::max(dense));
      return;
    }
    Add(file, "lexical", std::ranges::max(lexical));
    Add(file, "lexical of further chunks", kLexicalCoherence * Coherence(lexical));
    if (request_.mode == SearchMode::kHybrid) {
      Add(file, "vector", dense_weight * std::ranges::max(dense));
      Add(file, "vector of further chunks", kDenseCoherence * Coherence(dense));
    }
    AddSignals(file);
  }

  void AddSignals(RankedFile& file) {
    const SegmentReader& reader = world_.segments()[file.segment].reader();
    std::vector<DefinedName> definitions;
    for (const ScoredChunkOfFile& chunk : file.chunks) {
      auto names = reader.StringsOf(reader.chunk(chunk.ordinal)).definitions;
      definitions.insert(definitions.end(), names.begin(), names.end());
    }
    FileSignals signals = signals_.Read(PathOf(file), definitions);
    Add(file, "file name", 0.2 * signals.stem_share + 0.5 * signals.stem_rarity + 0.3 * signals.stem_exact);
    Add(file, "definition", 0.2 * signals.defines_exact + 0.3 * signals.defines_type + 0.3 * signals.definition_cover);
    if (signals.secondary) Add(file, "test, example or vendored", (kSecondaryFactor - 1) * file.score);
  }

  static void Add(RankedFile& file, std::string name, double amount) {
    if (amount == 0) return;
    file.score += amount;
    file.signals.emplace_back(std::move(name), amount);
  }

  void ReadChunks(RankedFile& file) {
    VisibleSegment& segment = world_.segments()[file.segment];
    const FileRow& row = segment.reader().file(file.file);
    std::vector<uint32_t> ordinals(row.chunk_count);
    for (uint32_t i = 0; i < row.chunk_count; ++i) ordinals[i] = row.first_chunk + i;
    std::vector<float> cosines(ordinals.size());
    const VectorIndex* vectors = segment.live().VectorsOf(encoder_);
    if (request_.mode != SearchMode::kLexical && vectors != nullptr && vectors->dimension() == query_vector_.size()) {
      cosines = vectors->Scores(query_vector_, ordinals);
    }
    for (size_t i = 0; i < ordinals.size(); ++i) {
      double lexical = request_.mode == SearchMode::kVector ? 0 : lexical_.Score(file.segment, ordinals[i]);
      file.chunks.push_back({.ordinal = ordinals[i], .lexical = lexical, .dense = cosines[i]});
    }
  }

  World& world_;
  const SearchRequest& request_;
  std::span<const float> query_vector_;
  const Hash256& encoder_;
  QueryTerms query_;
  LexicalScores lexical_;
  SignalReader signals_;
  std::unordered_map<std::string, double> idf_;
  std::vector<ChunkRef> lexical_best_, dense_best_;
};

Result<Hit> MakeHit(const KeyValueStore& store, const Snapshot& snapshot, const VisibleSegment& segment,
                    const ChunkRow& chunk) {
  const SegmentReader& reader = segment.reader();
  const FileRow& file = reader.file(chunk.file);
  Hit hit;
  hit.source = segment.partition().source;
  if (auto state = snapshot.sources.find(hit.source); state != snapshot.sources.end()) {
    hit.branch = state->second.branch;
    hit.revision = state->second.revision;
  }
  // While an update is under way its files stand for the new revision, all others still for the old one.
  const std::string& own = segment.live().entry.revision;
  auto state = snapshot.sources.find(hit.source);
  if (hit.revision.empty() || (state != snapshot.sources.end() && own == state->second.target_revision)) hit.revision = own;
  FileStrings file_strings = reader.StringsOf(file);
  ChunkStrings strings = reader.StringsOf(chunk);
  hit.path = file_strings.path;
  hit.language = file_strings.language;
  hit.kind = static_cast<ChunkKind>(chunk.kind);
  hit.symbol = strings.symbol;
  hit.scope = strings.scope;
  hit.signature = strings.signature;
  hit.start_line = chunk.start_line;
  hit.end_line = chunk.end_line;
  ASSIGN_OR_RETURN(std::string text, ReadBlob(store, segment.partition().tenant, file.blob));
  if (chunk.end > text.size()) return Corruption("blob " + file.blob.ToHex() + " is shorter than its chunks");
  hit.text = text.substr(chunk.begin, chunk.end - chunk.begin);
  return hit;
}

struct Place {  // of a hit to be
  size_t file = 0;
  size_t chunk = 0;
  double score = 0;
};

// The files' best chunks, then their next ones as far as `per_file` allows, each at its share of the file's score.
std::vector<Place> OrderHits(const std::vector<RankedFile>& files, size_t per_file) {
  std::vector<Place> places;
  for (size_t f = 0; f < files.size(); ++f) {
    const auto& chunks = files[f].chunks;
    for (size_t c = 0; c < chunks.size() && (per_file == 0 || c < per_file); ++c) {
      if (c > 0 && chunks[c].score <= 0) break;
      double share = c == 0 || chunks[0].score <= 0 ? 1 : 0.9 * chunks[c].score / chunks[0].score;
      places.push_back({f, c, files[f].score * share});
    }
  }
  std::ranges::stable_sort(places, std::greater<>(), &Place::score);
  return places;
}

}  // namespace

Result<SearchResult> SearchSnapshot(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                    const SearchRequest& request, std::span<const float> query_vector,
                                    const Hash256& encoder_fingerprint) {
  World world(snapshot, viewer, request.filter);
  Ranker ranker(world, request, query_vector, encoder_fingerprint);
  std::vector<RankedFile> files = ranker.Rank();
  SearchResult result;
  result.chunks = world.live_chunks();
  for (VisibleSegment& segment : world.segments()) {
    const VectorIndex* vectors = segment.live().VectorsOf(encoder_fingerprint);
    if (vectors != nullptr) result.chunks_with_vectors += std::min<uint64_t>(vectors->rows(), segment.live().live_chunks);
  }
  std::vector<Place> places = OrderHits(files, request.per_file);
  for (size_t i = request.offset; i < places.size() && result.hits.size() < request.limit; ++i) {
    const RankedFile& file = files[places[i].file];
    const ScoredChunkOfFile& chunk = file.chunks[places[i].chunk];
    VisibleSegment& segment = world.segments()[file.segment];
    ASSIGN_OR_RETURN(Hit hit, MakeHit(store, snapshot, segment, segment.reader().chunk(chunk.ordinal)));
    hit.score = places[i].score;
    hit.coverage = ranker.Coverage(file.segment, chunk.ordinal);
    hit.similarity = chunk.dense;
    hit.line_weights = ranker.LineWeights(hit.text);
    hit.why = ranker.Explain(file, chunk);
    result.hits.push_back(std::move(hit));
  }
  return result;
}

}  // namespace codelore::index
