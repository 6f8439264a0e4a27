#include "index/rank/search.h"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>

#include "index/query/query_condition.h"
#include "index/rank/dense_search.h"
#include "index/rank/hit.h"
#include "index/rank/lexical_search.h"
#include "index/rank/path_kind.h"
#include "index/rank/provenance.h"
#include "index/rank/query.h"
#include "index/rank/score.h"
#include "index/rank/signals.h"
#include "index/rank/sparse_search.h"
#include "index/rank/world.h"

namespace codelore::index {
namespace {

// How many chunks of each leg make their files candidates: enough for the first pages, several for each hit of later
// ones. More than this costs time and changes nothing (400 instead of 100: .0004 nDCG@10).
size_t CandidatesFor(const SearchRequest& request) { return std::max<size_t>(150, 4 * (request.offset + request.limit)); }

struct ScoredChunkOfFile {
  uint32_t ordinal = 0;
  double lexical = 0;  // BM25F
  double dense = 0;    // cosine
  double sparse = 0;   // inner product of lexical weights
  double score = 0;    // of the chunk beside its siblings
  uint64_t terms = 0;  // of the question, that it has
};

struct RankedFile {
  uint32_t segment = 0;
  uint32_t file = 0;
  std::vector<ScoredChunkOfFile> chunks;  // best first
  FileFeatures features;
  FileScore score;
};

// Sum of the second to fourth largest values at 1/2, 1/4, 1/8.
double Coherence(std::vector<double> values) {
  std::ranges::sort(values, std::greater<>());
  double sum = 0, share = 0.5;
  for (size_t i = 1; i < values.size() && i < 4; ++i, share /= 2) sum += values[i] * share;
  return sum;
}

// "v3" asks for folders of that name.
std::vector<uint32_t> VersionsAsked(const std::vector<QueryWord>& words) {
  std::vector<uint32_t> versions;
  for (const QueryWord& word : words) {
    if (auto version = VersionNumber(word.lower)) versions.push_back(*version);
  }
  return versions;
}

// The names of sources, and their parts: "telescope.nvim" -> telescope.nvim, telescope, nvim.
std::vector<std::string> WordsOf(const std::vector<std::pair<SourceId, std::string>>& source_names) {
  std::vector<std::string> words;
  for (const auto& [id, name] : source_names) {
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    words.push_back(lower);
    for (size_t begin = 0; begin < lower.size();) {
      size_t end = std::min(lower.find_first_of(".-_/ ", begin), lower.size());
      if (end > begin) words.push_back(lower.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return words;
}

class Ranker {
 public:
  Ranker(World& world, const QueryCondition& condition, const SearchRequest& request, std::span<const float> query_vector,
         const Hash256& encoder)
      : world_(world), condition_(condition), mode_(request.mode), candidates_(CandidatesFor(request)), terms_(AnalyzeQuery(request.text, WordsOf(request.source_names))), lexical_(world, terms_),
        dense_(world, request.mode == SearchMode::kLexical ? std::span<const float>() : query_vector, encoder),
        sparse_(world, mode_ == SearchMode::kHybrid ? std::span<const TokenWeight>(request.token_weights) : std::span<const TokenWeight>(), encoder),
        signals_(terms_, [this](const std::string& term) { return Idf(term); }) {}

  std::vector<RankedFile> Rank() {
    if (mode_ != SearchMode::kVector) lexical_best_ = lexical_.Best(candidates_);
    if (mode_ != SearchMode::kLexical) dense_best_ = dense_.Best(candidates_);
    sparse_best_ = sparse_.Best(candidates_);
    DescribeQuery();
    std::vector<RankedFile> files = Candidates();
    ScoreChunks(files);
    for (RankedFile& file : files) DescribeFile(file);
    CompareWithSiblings(files);
    CompareWholeFiles(files);
    if (mode_ == SearchMode::kHybrid) CompareVectors(files);
    for (RankedFile& file : files) file.score = condition_.lists_only() ? Listed(file) : ScoreFile(mode_, query_, file.features);
    std::ranges::sort(files, [&](const RankedFile& a, const RankedFile& b) {
      if (a.score.value != b.score.value) return a.score.value > b.score.value;
      return PathOf(a) < PathOf(b);
    });
    return files;
  }

  HitExplanation Explain(const RankedFile& file, const ScoredChunkOfFile& chunk) const {
    HitExplanation why;
    why.lexical = chunk.lexical;
    why.dense = chunk.dense;
    why.lexical_rank = RankIn(lexical_best_, file.segment, chunk.ordinal);
    why.dense_rank = RankIn(dense_best_, file.segment, chunk.ordinal);
    why.token_weights = chunk.sparse;
    why.token_weights_rank = RankIn(sparse_best_, file.segment, chunk.ordinal);
    why.signals = file.score.parts;
    for (auto [name, value] : file.features.Named()) why.features.emplace_back(name, value);
    for (auto [name, value] : {std::pair("q_idf_sum", query_.idf_sum), std::pair("q_best_lexical", query_.best_lexical),
                               std::pair("q_best_lexical_file", query_.best_lexical_file), std::pair("q_best_dense", query_.best_dense), std::pair("q_dense_mean", query_.dense_mean), std::pair("q_lexical_separation", query_.lexical_separation),
                               std::pair("q_dense_deviation", query_.dense_deviation),
                               std::pair("q_symbol_like", query_.symbol_like ? 1.0 : 0.0)}) {
      why.features.emplace_back(name, value);
    }
    return why;
  }

  // As if the chunk were the best one of its file: what ranks chunks, not files. Files share what they have besides.
  FileScore ScoreAlone(const RankedFile& file, const ScoredChunkOfFile& chunk, bool explain) const {
    if (condition_.lists_only()) return file.score;
    FileFeatures features = file.features;
    features.lexical = chunk.lexical;
    features.coverage = Coverage(chunk);
    features.dense = std::max(0.0, chunk.dense);
    features.sparse = chunk.sparse;
    QueryFeatures query = query_;
    query.passages = true;
    return ScoreFile(mode_, query, features, explain);
  }
  float Evidence(const RankedFile& file, const ScoredChunkOfFile& chunk) const {
    return condition_.Evidence(file.segment, chunk.ordinal);
  }

  double Coverage(const ScoredChunkOfFile& chunk) const { return lexical_.Coverage(chunk.terms); }
  std::vector<float> LineWeights(std::string_view text) const { return lexical_.LineWeights(text); }

 private:
  static uint32_t RankIn(const std::vector<ChunkRef>& leg, uint32_t segment, uint32_t ordinal) {
    auto at = std::ranges::find_if(leg, [&](const ChunkRef& ref) { return ref.segment == segment && ref.ordinal == ordinal; });
    return at == leg.end() ? 0 : static_cast<uint32_t>(at - leg.begin()) + 1;
  }

  const SegmentReader& ReaderOf(const RankedFile& file) const { return world_.segments()[file.segment].reader(); }
  std::string_view PathOf(const RankedFile& file) const {
    return ReaderOf(file).StringsOf(ReaderOf(file).file(file.file)).path;
  }

  double Idf(const std::string& term) {
    auto [at, added] = idf_.try_emplace(term, 0.0);
    if (added) at->second = InverseDocumentFrequency(world_.live_chunks(), LiveDocumentFrequency(world_, term));
    return at->second;
  }

  void DescribeQuery() {
    query_.idf_sum = lexical_.idf_sum();
    query_.best_lexical = lexical_best_.empty() ? 0 : lexical_best_[0].score;
    query_.best_dense = dense_best_.empty() ? 0 : dense_best_[0].score;
    query_.best_sparse = sparse_best_.empty() ? 0 : sparse_best_[0].score;
    query_.dense_mean = dense_.mean();
    query_.dense_deviation = dense_.deviation();
    query_.symbol_like = terms_.symbol_like;
    query_.has_dense = !dense_best_.empty();
  }

  std::vector<RankedFile> Candidates() const {
    std::vector<RankedFile> files;
    std::map<std::pair<uint32_t, uint32_t>, size_t> seen;
    for (const auto* leg : {&lexical_best_, &dense_best_, &sparse_best_}) {
      for (const ChunkRef& ref : *leg) {
        uint32_t file = world_.segments()[ref.segment].reader().chunk(ref.ordinal).file;
        if (seen.emplace(std::pair(ref.segment, file), files.size()).second) {
          files.push_back({.segment = ref.segment, .file = file});
        }
      }
    }
    for (auto [segment, file] : condition_.Found()) {
      if (seen.emplace(std::pair(segment, file), files.size()).second) files.push_back({.segment = segment, .file = file});
    }
    return files;
  }

  // The score of a file when nothing ranks.
  static FileScore Listed(const RankedFile& file) {
    double value = file.features.secondary > 0 ? 0.5 : 1;
    return {value, {{"satisfies the conditions", value}}};
  }

  // Every chunk of every candidate, by both legs.
  void ScoreChunks(std::vector<RankedFile>& files) {
    std::ranges::sort(files, {}, [](const RankedFile& file) { return std::pair(file.segment, file.file); });
    for (size_t begin = 0; begin < files.size();) {
      size_t end = begin;
      std::vector<uint32_t> chunks;
      for (; end < files.size() && files[end].segment == files[begin].segment; ++end) {
        const FileRow& row = ReaderOf(files[end]).file(files[end].file);
        for (uint32_t i = 0; i < row.chunk_count; ++i) chunks.push_back(row.first_chunk + i);
      }
      uint32_t segment = files[begin].segment;
      const LexicalScores matches = lexical_.Score(segment, chunks);
      std::vector<float> cosines = dense_.Score(segment, chunks);
      size_t next = 0;
      for (size_t file = 0; begin < end; ++begin, ++file) {
        if (mode_ != SearchMode::kVector) files[begin].features.lexical_file = matches.files[file];
        for (uint32_t i = 0; i < ReaderOf(files[begin]).file(files[begin].file).chunk_count; ++i, ++next) {
          double lexical = mode_ == SearchMode::kVector ? 0 : matches.chunks[next].score;
          double sparse = sparse_.Score(segment, chunks[next]);
          files[begin].chunks.push_back({.ordinal = chunks[next], .lexical = lexical, .dense = cosines[next], .sparse = sparse,
                                         .score = ScoreChunk(mode_, query_, lexical, cosines[next], sparse),
                                         .terms = matches.chunks[next].terms});
        }
      }
    }
  }

  void DescribeFile(RankedFile& file) {
    const SegmentReader& reader = ReaderOf(file);
    std::vector<double> dense;
    std::vector<DefinedName> definitions;
    FileFeatures& features = file.features;
    const FileStrings strings = reader.StringsOf(reader.file(file.file));
    const bool prose = mode_ == SearchMode::kHybrid && (strings.language == "text" || IsProseLanguage(strings.language));
    double before = 0;
    for (const ScoredChunkOfFile& chunk : file.chunks) {
      if (chunk.lexical > features.lexical) {
        features.lexical = chunk.lexical;
        features.coverage = Coverage(chunk);
      }
      features.sparse = std::max(features.sparse, chunk.sparse);
      dense.push_back(std::max(0.0, prose && !dense.empty() ? Continued(chunk.dense, before) : chunk.dense));
      before = chunk.dense;
      auto names = reader.StringsOf(reader.chunk(chunk.ordinal)).definitions;
      definitions.insert(definitions.end(), names.begin(), names.end());
    }
    std::ranges::stable_sort(file.chunks, std::greater<>(), [&](const ScoredChunkOfFile& chunk) {
      return std::pair(condition_.Evidence(file.segment, chunk.ordinal), chunk.score);
    });
    features.dense = std::ranges::max(dense);
    features.dense_next = Coherence(dense);
    for (double d : dense) features.dense_file += d / static_cast<double>(dense.size());
    signals_.Read(strings.path, strings.language, definitions, features);
    if (features.prose > 0 && !MostlyCode(world_.segments()[file.segment].partition().source)) features.prose = 0;
  }

  void CompareWholeFiles(const std::vector<RankedFile>& files) {
    constexpr size_t kRank = 20;
    std::vector<double> scores;
    for (const RankedFile& file : files) scores.push_back(file.features.lexical_file);
    const size_t count = std::min(kRank, scores.size());
    std::ranges::partial_sort(scores, scores.begin() + static_cast<ptrdiff_t>(count), std::greater<>());
    const double best = scores.empty() ? 0 : scores[0];
    query_.best_lexical_file = best;
    query_.lexical_separation = count < kRank ? 1 : best > 0 ? 1 - scores[kRank - 1] / best : 0;
  }

  // The vectors of the best files' best chunks with each other.
  void CompareVectors(std::vector<RankedFile>& files) const {
    constexpr size_t kFiles = 100, kNeighbours = 5;
    std::vector<RankedFile*> best;
    for (RankedFile& file : files) {
      if (file.features.dense > 0) best.push_back(&file);
    }
    const size_t count = std::min(kFiles, best.size());
    std::ranges::partial_sort(best, best.begin() + static_cast<ptrdiff_t>(count), [&](const RankedFile* a, const RankedFile* b) {
      return a->features.dense != b->features.dense ? a->features.dense > b->features.dense : PathOf(*a) < PathOf(*b);
    });
    best.resize(count);
    std::vector<ChunkRef> chunks;
    for (const RankedFile* file : best) chunks.push_back({file->segment, std::ranges::max_element(file->chunks, {}, &ScoredChunkOfFile::dense)->ordinal, 0});
    const std::vector<double> crowding = dense_.Crowding(chunks, kNeighbours);
    for (size_t i = 0; i < count; ++i) best[i]->features.crowding = crowding[i];
  }

  // Documentation is what one looks for in a handbook, and beside the point in a source that is mostly code.
  bool MostlyCode(SourceId source) {
    auto [at, added] = mostly_code_.try_emplace(source, true);
    if (added) {
      uint64_t chunks = 0, prose = 0;
      for (const VisibleSegment& segment : world_.segments()) {
        if (segment.partition().source != source) continue;
        chunks += segment.live().live_chunks;
        prose += segment.live().live_prose_chunks;
      }
      at->second = prose * 2 < chunks;
    }
    return at->second;
  }

  // Features that depend on which other files are candidates.
  void CompareWithSiblings(std::vector<RankedFile>& files) const {
    std::map<std::string_view, uint32_t> newest;
    std::unordered_map<std::string_view, bool> implemented;  // telling name -> has an implementation
    for (const RankedFile& file : files) {
      if (auto version = FindVersionFolder(PathOf(file))) {
        uint32_t& number = newest[version->prefix];
        number = std::max(number, version->version);
      }
      if (!IsDeclaration(PathOf(file))) implemented[TellingName(PathOf(file))] = true;
    }
    const std::vector<uint32_t> asked = VersionsAsked(terms_.words);
    for (RankedFile& file : files) {
      if (auto version = FindVersionFolder(PathOf(file))) {
        bool meant = !asked.empty() ? std::ranges::find(asked, version->version) != asked.end()
                                    : version->version == newest[version->prefix] || signals_.Asked(AsksForLegacy);
        if (!meant) file.features.legacy = 1;
      }
      if (IsDeclaration(PathOf(file)) && implemented.contains(TellingName(PathOf(file)))) file.features.declaration = 1;
    }
  }

  World& world_;
  const QueryCondition& condition_;
  const SearchMode mode_;
  const size_t candidates_;
  QueryTerms terms_;
  LexicalSearch lexical_;
  DenseSearch dense_;
  SparseSearch sparse_;
  std::unordered_map<std::string, double> idf_;  // before signals_, which asks for it
  SignalReader signals_;
  std::unordered_map<SourceId, bool> mostly_code_;
  QueryFeatures query_;
  std::vector<ChunkRef> lexical_best_, dense_best_, sparse_best_;
};

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
    for (size_t c = 0; c < std::min(per_file, chunks.size()); ++c) {
      if (c > 0 && chunks[c].score <= 0) break;
      double share = c == 0 || chunks[0].score <= 0 ? 1 : 0.9 * std::min(1.0, chunks[c].score / chunks[0].score);
      places.push_back({f, c, files[f].score.value * share});
    }
  }
  std::ranges::stable_sort(places, std::greater<>(), &Place::score);
  return places;
}

// Without a limit per file chunks compete with each other, wherever they stand: a long file has many passages that are
// better than the best of another.
std::vector<Place> OrderChunks(const std::vector<RankedFile>& files, const Ranker& ranker) {
  std::vector<std::pair<float, Place>> found;  // those that satisfy conditions best go first
  for (size_t f = 0; f < files.size(); ++f) {
    const auto& chunks = files[f].chunks;
    for (size_t c = 0; c < chunks.size(); ++c) {
      if (c > 0 && chunks[c].score <= 0) continue;
      found.push_back({ranker.Evidence(files[f], chunks[c]), {f, c, ranker.ScoreAlone(files[f], chunks[c], false).value}});
    }
  }
  std::ranges::stable_sort(found, std::greater<>(), [](const auto& each) { return std::pair(each.first, each.second.score); });
  std::vector<Place> places;
  for (const auto& each : found) places.push_back(each.second);
  return places;
}

// Shows where the very bytes that were asked for stand: the best chunk with a match, its lines marked.
Status ShowExactMatch(const QueryCondition& condition, const SegmentReader& reader, const RankedFile& file, size_t& chunk,
                      std::vector<uint32_t>& lines) {
  ASSIGN_OR_RETURN(auto matches, condition.ExactMatches(file.segment, file.file));
  auto matches_in = [&](size_t c) {
    const ChunkRow& row = reader.chunk(file.chunks[c].ordinal);
    return std::ranges::any_of(matches, [&](auto match) { return match.first >= row.begin && match.first < row.end; });
  };
  for (size_t c = 0; c < file.chunks.size(); ++c) {
    if (!matches_in(c)) continue;
    chunk = c;
    break;
  }
  const ChunkRow& row = reader.chunk(file.chunks[chunk].ordinal);
  for (auto [begin, end] : matches) {
    if (begin >= row.begin && begin < row.end) lines.push_back(static_cast<uint32_t>(begin) - row.begin);
  }
  return OkStatus();
}

// `offsets` are places in the hit's text.
void MarkLines(const std::vector<uint32_t>& offsets, Hit& hit) {
  for (uint32_t offset : offsets) {
    auto line = static_cast<size_t>(std::count(hit.text.begin(), hit.text.begin() + offset, '\n'));
    if (line < hit.line_weights.size()) hit.line_weights[line] = 1;
  }
}

}  // namespace

Result<SearchResult> SearchSnapshot(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                    const SearchRequest& request, std::span<const float> query_vector,
                                    const Hash256& encoder_fingerprint) {
  SearchFilter filter = request.filter;
  if (filter.branches.empty()) {
    ASSIGN_OR_RETURN(ParsedQuery query, ParseQuery(request.text, request.syntax));
    filter.branches = BranchesAsked(query.tree);
  }
  World world(snapshot, viewer, filter);
  ASSIGN_OR_RETURN(std::unique_ptr<QueryCondition> condition, QueryCondition::Prepare(snapshot, store, request, world));
  Ranker ranker(world, *condition, condition->ranked(), query_vector, encoder_fingerprint);
  std::vector<RankedFile> files = ranker.Rank();
  SearchResult result;
  result.read_as = condition->ReadAs();
  result.chunks = world.live_chunks();
  result.seen = SeenBy(snapshot, viewer, filter);
  for (VisibleSegment& segment : world.segments()) {
    const VectorIndex* vectors = segment.live().VectorsOf(encoder_fingerprint);
    if (vectors != nullptr) result.chunks_with_vectors += std::min<uint64_t>(vectors->rows(), segment.live().live_chunks);
  }
  std::vector<Place> places = request.per_file == 0 ? OrderChunks(files, ranker) : OrderHits(files, request.per_file);
  for (size_t i = request.offset; i < places.size() && result.hits.size() < request.limit; ++i) {
    const RankedFile& file = files[places[i].file];
    VisibleSegment& segment = world.segments()[file.segment];
    size_t shown = places[i].chunk;
    std::vector<uint32_t> exact;
    if (condition->has_exact() && request.per_file == 1) {
      RETURN_IF_ERROR(ShowExactMatch(*condition, segment.reader(), file, shown, exact));
    }
    const ScoredChunkOfFile& chunk = file.chunks[shown];
    ASSIGN_OR_RETURN(Hit hit, MakeHit(store, snapshot, segment, segment.reader().chunk(chunk.ordinal)));
    hit.score = places[i].score;
    hit.coverage = ranker.Coverage(chunk);
    hit.similarity = chunk.dense;
    hit.line_weights = ranker.LineWeights(hit.text);
    MarkLines(exact, hit);
    hit.why = ranker.Explain(file, chunk);
    if (request.per_file == 0) hit.why.signals = ranker.ScoreAlone(file, chunk, true).parts;
    result.hits.push_back(std::move(hit));
  }
  ASSIGN_OR_RETURN(result.notes, condition->Notes(places.size(), !result.hits.empty()));
  return result;
}

}  // namespace codelore::index
