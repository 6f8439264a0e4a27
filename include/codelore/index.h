// Index: what the write path commits to and the read path searches. DESIGN: partitions of immutable segments,
// changed by atomic commits, read through snapshots.
//
// The embedded implementation is in index/embedded_index.h; one on a distributed engine may stand beside it:
// partition ids are its routing and filter key. Implementations are thread-safe: any number of readers run
// beside one writer, each read over one snapshot.
#ifndef CODELORE_INDEX_H_
#define CODELORE_INDEX_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "codelore/chunk.h"
#include "codelore/encoder.h"
#include "codelore/ids.h"
#include "codelore/status.h"
#include "codelore/viewer.h"

namespace codelore {

// ---- branches ------------------------------------------------------------------------------------------

// The branches of a source share its files: each file says which of them hold it. Bit 0 is the default branch, the one
// that searches see unless they ask for another.
using BranchSet = uint64_t;
inline constexpr uint32_t kMaxBranches = 64;
inline constexpr BranchSet kDefaultBranch = 1;

// What the index knows of a branch besides the default one.
struct BranchState {
  uint32_t bit = 0;
  std::string name;             // of a tag with "tags/" before it
  std::string revision;         // as in SourceState; while it is empty no search sees the branch
  std::string target_revision;
  int64_t updated_unix_ms = 0;
  std::string walk;
  uint64_t files = 0;
};

// ---- the ledger: what became of every file -----------------------------------------------------------

// Values are stored: append only.
enum class FileState : uint8_t { kIndexed = 0, kSkipped = 1, kFailed = 2 };

struct FileRecord {
  std::string path;
  FileState state = FileState::kIndexed;
  // Skipped or failed: why ("binary", "vendored", "larger than 2 MiB"). Indexed: how it was treated, if in
  // an unusual way ("decoded from euc-kr", "by lines: syntax too deep").
  std::string reason;
  std::string language;
  std::string version;  // the source's name for these bytes (git object id): equal means unchanged
  PartitionId partition;
  uint64_t size_bytes = 0;
  uint32_t chunks = 0;
  // Set by the index for indexed files: the hash of the stored text and the segment that holds the file.
  Hash256 blob;
  SegmentId segment;
  BranchSet branches = kDefaultBranch;  // that hold the file in this version; a path has a record for each version
};

// What the index knows of a source. `revision` is the commit id (or the time of a folder's scan).
struct SourceState {
  std::string branch;
  std::string revision;         // the last one indexed completely; empty before that
  std::string target_revision;  // the one being indexed now; empty when there is none
  int64_t updated_unix_ms = 0;  // when `revision` was completed
  // How `revision` was walked: a later walk in the same way may look at the differences alone. Empty: it may not.
  std::string walk;
  uint64_t files = 0;  // records in the ledger, as that walk left it
  std::vector<BranchState> others = {};     // besides the default branch, by bit
  std::vector<std::string> left_out = {};   // branches that are asked for and one too many; the first 100
};

// ---- writing -----------------------------------------------------------------------------------------

struct NewFile {
  std::string path;
  std::string text;  // UTF-8, decoded and masked
  ChunkedFile chunked;
};

// A file that another branch holds in the same version.
struct SharedFile {
  std::string path;
  uint32_t from = 0;  // that branch's bit
};

// Of one branch: what others hold stays as it is.
struct PartitionChange {
  PartitionId partition;
  std::vector<NewFile> add;         // a path the partition holds already is replaced
  std::vector<std::string> remove;  // paths
  std::vector<SharedFile> share = {};
};

// All of it becomes visible and durable at once, or none of it.
struct IndexCommit {
  TenantId tenant;
  SourceId source;
  std::string revision;  // what the added files stand for
  std::vector<PartitionChange> partitions;
  std::vector<FileRecord> ledger;       // added or changed records; of their branches the next line tells
  uint32_t branch = 0;                  // the bit of the branch that all of this is about
  std::vector<std::string> ledger_gone; // paths whose records end
  std::vector<SharedFile> ledger_share = {};
  SourceState state;
};

struct EmbedProgress {
  uint64_t chunks_total = 0;
  uint64_t chunks_done = 0;     // with a vector, from the cache or the encoder
  uint64_t chunks_encoded = 0;  // by the encoder, in this call
  uint64_t tokens_encoded = 0;
};

// ---- reading -----------------------------------------------------------------------------------------

enum class SearchMode { kHybrid, kLexical, kVector };

struct SearchFilter {
  std::vector<SourceId> sources;       // any of; empty: all
  std::vector<std::string> paths;      // globs (glob.h), any of; empty: all
  std::vector<std::string> languages;  // any of; empty: all
  // Names of branches, * for any characters, any of; an empty name, and no names: every source's default branch. Sources
  // without such a branch are left out.
  std::vector<std::string> branches = {};
};

// How a search text is read. Operators: "phrase", /regex/, sym: repo: path: lang: branch:, -term, OR, ( ).
enum class QuerySyntax {
  kPlain,  // words only
  kAuto,   // operators where they are unmistakable
  kQuery,  // operators everywhere; what is malformed is an error
};

struct SearchRequest {
  std::string text;
  QuerySyntax syntax = QuerySyntax::kPlain;
  // The canonical name of a language that a user may write; empty: there is none. For lang:.
  std::function<std::string(std::string_view)> canonical_language;
  // Names of the viewer's sources: a word of the text that names one says where to look, not what for.
  std::vector<std::pair<SourceId, std::string>> source_names;
  SearchMode mode = SearchMode::kHybrid;
  SearchFilter filter;
  size_t limit = 10;
  size_t offset = 0;
  size_t per_file = 1;  // at most so many chunks of one file; 0: no limit
  // The text's lexical weights under the encoder whose vector comes with the request (Encoding::sparse); empty: it has none.
  std::vector<std::pair<uint32_t, float>> token_weights = {};
};

// Why a hit stands where it stands. Only for those who may debug.
struct HitExplanation {
  double lexical = 0;  // BM25F of the chunk
  double dense = 0;    // cosine of the chunk
  uint32_t lexical_rank = 0;  // from 1; 0: not among that leg's candidates
  uint32_t dense_rank = 0;
  double token_weights = 0;  // inner product of the encoder's lexical weights
  uint32_t token_weights_rank = 0;
  double token_vectors = 0;  // MaxSim over token vectors, of hits that were scored again
  std::vector<std::pair<std::string, double>> signals;   // name, contribution to the score
  std::vector<std::pair<std::string, double>> features;  // name, raw value, before any weight
};

struct Hit {
  SourceId source;
  std::string revision;
  std::string branch;  // of those searched
  std::vector<std::string> branches;  // all that hold the file as it is here, the default one first
  std::string path;
  std::string language;
  ChunkKind kind = ChunkKind::kLines;
  std::string symbol;
  std::string scope;
  std::string signature;
  uint32_t start_line = 1;
  uint32_t end_line = 1;
  std::string text;  // the whole chunk
  // For each line of `text`: 0..1, share of the query terms' weight (idf) that occurs in it.
  std::vector<float> line_weights;
  double score = 0;  // comparable within one result only
  // How well it fits on an absolute scale, for deciding whether it fits at all.
  double coverage = 0;    // 0..1: share of the query terms' weight (idf) that occurs in the chunk
  double similarity = 0;  // cosine of query and chunk; 0 without vectors
  HitExplanation why;
};

// Which commit of a branch an answer looked at.
struct SeenBranch {
  SourceId source;
  std::string branch, revision;
  bool updating = false;  // a newer one is being indexed
};

struct SearchResult {
  std::vector<Hit> hits;
  std::vector<SeenBranch> seen;  // of the viewer's sources, those that were searched; by source
  // Without hits: why, one sentence each, as far as the viewer's own world tells.
  std::vector<std::string> notes;
  std::string read_as;  // the query, if it was read as more than words
  // How much of the visible, filtered world has vectors of the query's encoder: below `chunks`, search by
  // meaning is not complete yet.
  uint64_t chunks = 0;
  uint64_t chunks_with_vectors = 0;
};

// ---- finding files, rather than text -------------------------------------------------------------------

struct FoundFile {
  SourceId source;
  std::string revision;
  std::string branch;
  std::string path;
  std::string language;
  std::vector<std::string> reasons;  // why it is here, in words, strongest first
};

struct FileNameRequest {
  // Words, abbreviations or a part of a path: "user service controller", "usc", "src/user". Empty: every file, by path.
  std::string text;
  SearchFilter filter;
  size_t limit = 10;
  size_t offset = 0;
};

struct SimilarFilesRequest {
  SourceId source;  // of the file that others are to be like
  std::string path;
  SearchFilter filter;
  size_t limit = 10;
};

struct FileResult {
  std::vector<FoundFile> files;  // best first
  std::vector<std::string> notes;  // without files: why
};

// A whole file as it is indexed.
struct FileText {
  std::string revision, branch, language;
  std::string text;  // UTF-8
};

// ---- exact and regex search ------------------------------------------------------------------------------

// kSmart: case counts if the pattern has a capital letter.
enum class CaseMode { kSmart, kSensitive, kInsensitive };

// Matches lie within one line; "^" and "$" are the line's. Of the limits, reaching one is told in the answer.
struct ExactRequest {
  std::string pattern;
  bool regex = false;  // RE2 syntax; otherwise the pattern is text
  CaseMode fold = CaseMode::kSmart;
  SearchFilter filter;
  size_t limit = 100;       // lines with a match, of all files; with count_only: files
  size_t context = 0;       // lines before and behind each
  bool count_only = false;  // no lines
  uint64_t max_matches = 10'000;      // counting ends there
  uint64_t max_bytes = 4ull << 30;    // of text read
  uint32_t max_milliseconds = 2'000;
};

struct ExactLine {
  uint32_t number = 1;
  std::string text;                 // without its line break; of a long line a part
  uint32_t column = 0;              // where `text` begins in the line, in bytes
  bool cut = false;                 // `text` is not the whole line
  std::vector<ByteSpan> matches;    // in `text`; none: a line of context
};

struct ExactFile {
  SourceId source;
  std::string revision, branch, path, language;
  uint64_t matches = 0;  // in all of it, as far as they were counted
  bool defines = false;  // it defines what the pattern matches
  std::vector<ExactLine> lines;  // ascending
};

struct ExactResult {
  std::vector<SeenBranch> seen;  // as in SearchResult
  std::vector<ExactFile> files;  // source before tests and examples, definitions first, then by matches and path
  uint64_t matches = 0, files_with_matches = 0;
  // True: these are all there are. False: there are at least so many, and `incomplete` says what ended the counting.
  bool complete = true;
  std::string incomplete;
};

// What the segments that are open say of a source: as quick to give for a large one as for a small one.
struct SourceSummary {
  SourceState state;
  uint64_t files_indexed = 0;
  uint64_t chunks = 0, chunks_with_vectors = 0;
  uint64_t index_bytes = 0, segments = 0;
};

struct SourceStatus {
  SourceState state;
  uint64_t files_indexed = 0, files_skipped = 0, files_failed = 0;
  std::vector<std::pair<std::string, uint64_t>> skipped_by_reason;  // most frequent first
  std::vector<std::pair<std::string, uint64_t>> indexed_by_language;
  std::vector<FileRecord> failed;  // the first 100
  uint64_t chunks = 0, chunks_with_vectors = 0;
  uint64_t text_bytes = 0, index_bytes = 0, segments = 0;
};

// What the index knows of one file.
struct FileInsight {
  FileRecord record;
  SourceState state;
  std::string branch, revision;  // asked about
  std::vector<std::string> branches;  // that hold the file in this version
  uint32_t chunks_with_vectors = 0;
};

// symbols.h
struct SymbolRequest;
struct SymbolResult;
struct ReferenceRequest;
struct ReferenceResult;
struct FileOutline;

// What there is of one encoder's vectors, and of how many chunks in all.
struct VectorSpace {
  Hash256 encoder;
  uint64_t chunks_with_vectors = 0;  // of files that are not deleted
  uint64_t bytes = 0;
};
struct VectorSpaces {
  uint64_t chunks = 0;
  std::vector<VectorSpace> spaces;

  uint64_t CountOf(const Hash256& encoder) const {
    for (const VectorSpace& space : spaces) {
      if (space.encoder == encoder) return space.chunks_with_vectors;
    }
    return 0;
  }
};

class Index {
 public:
  virtual ~Index() = default;

  virtual Status Commit(const IndexCommit& commit) = 0;

  // Another number whenever what readers see may be another; while it is the same, a viewer's question has the same answer.
  virtual uint64_t Generation() const = 0;

  // Gives every chunk of `partitions` a vector of `encoder`, cached ones first, on `threads` threads, and
  // commits segment by segment. Calls `progress` now and then, from one thread at a time. Stops early, with
  // kUnavailable, keeping what is done, when `stop` is requested.
  virtual Status Embed(TenantId tenant, std::span<const PartitionId> partitions, const TextEncoder& encoder,
                       int threads, std::stop_token stop,
                       const std::function<void(const EmbedProgress&)>& progress) = 0;

  // For who looks after the models: of all partitions of all tenants.
  virtual VectorSpaces ListVectorSpaces() const = 0;
  // Ends the vectors of these encoders, the cached ones of `tenants` too. Nothing may be encoding with them any more. Cut
  // off, it can be done again.
  virtual Status DropVectors(std::span<const TenantId> tenants, std::span<const Hash256> encoders) = 0;

  // Makes few segments of many small ones, and of those that are mostly deleted files. Readers notice nothing. Stops
  // early, with kUnavailable, when `stop` is requested.
  virtual Status Merge(std::span<const PartitionId> partitions, std::stop_token stop) = 0;

  // Makes a branch that holds what `like`, a bit, holds; it is the one in state.others that the index does not know yet.
  virtual Status AddBranch(SourceId source, uint32_t like, const SourceState& state) = 0;
  // Ends branches; what only they hold goes. `state` no longer has them.
  virtual Status DropBranches(SourceId source, BranchSet branches, const SourceState& state) = 0;

  // Ends a source: all its partitions, its ledger, its state.
  virtual Status RemoveSource(SourceId source, std::span<const PartitionId> partitions) = 0;

  // Removes texts and cached vectors (of this encoder; of others all) that no file has needed for `age`: what is of no use is
  // noted with the time, and goes in a later call. How many went. kUnavailable when stopped.
  virtual Result<uint64_t> CollectGarbage(int64_t now_unix_ms, std::chrono::milliseconds age, const Hash256& encoder,
                                          const std::stop_token& stop) = 0;

  // Ends all other sources, as far as there is anything of them; gives those.
  virtual Result<std::vector<SourceId>> KeepSources(const std::vector<SourceId>& sources) = 0;

  // Everything as it is at one moment: segments as files that share their bytes with the live ones, in `segments_folder`;
  // the store's copy at `store_folder`. Neither may exist; both must lie in the file system of the originals.
  virtual Status LinkTo(const std::string& segments_folder, const std::string& store_folder) const = 0;

  // For the write path: what the ledger holds, in path order, until visit returns false: a record for each version.
  virtual Status ScanLedger(SourceId source, const std::function<bool(const FileRecord&)>& visit) const = 0;
  // For the write path: the records of some paths, in all their versions, in any order.
  virtual Result<std::vector<FileRecord>> FindRecords(SourceId source, const std::vector<std::string>& paths) const = 0;
  virtual Result<SourceState> StateOf(SourceId source) const = 0;

  // `query_vector` has the encoder's dimension, or is empty: then the dense leg is skipped.
  virtual Result<SearchResult> Search(const Viewer& viewer, const SearchRequest& request,
                                      std::span<const float> query_vector,
                                      const Hash256& encoder_fingerprint) const = 0;

  // Definitions and references by name: symbols.h. kInvalidArgument for a name that is none.
  virtual Result<SymbolResult> FindSymbols(const Viewer& viewer, const SymbolRequest& request) const = 0;
  virtual Result<ReferenceResult> FindReferences(const Viewer& viewer, const ReferenceRequest& request) const = 0;
  // kNotFound, always in the same words, unless the viewer may read a file of that path.
  // `branch` empty: the default one.
  virtual Result<FileOutline> OutlineOf(const Viewer& viewer, SourceId source, const std::string& path,
                                        const std::string& branch = {}) const = 0;
  // likewise.
  virtual Result<FileText> ReadFile(const Viewer& viewer, SourceId source, const std::string& path,
                                    const std::string& branch = {}) const = 0;
  // Files by their names. kInvalidArgument when the text has neither letters nor digits.
  virtual Result<FileResult> FindFiles(const Viewer& viewer, const FileNameRequest& request) const = 0;
  // Files like one, by content and by name. kNotFound when the viewer may not read that one, or there is none.
  virtual Result<FileResult> FindSimilarFiles(const Viewer& viewer, const SimilarFilesRequest& request,
                                              const Hash256& encoder_fingerprint) const = 0;
  // kInvalidArgument for a pattern that cannot be searched for: it says what is wrong, and where.
  virtual Result<ExactResult> SearchExact(const Viewer& viewer, const ExactRequest& request) const = 0;

  // kNotFound unless the ledger has the file and the viewer may read it, or could if it were indexed.
  virtual Result<FileInsight> Explain(const Viewer& viewer, SourceId source, const std::string& path, const Hash256& encoder_fingerprint,
                                      const std::string& branch = {}) const = 0;

  // Both: kNotFound unless the viewer may read the source's partitions.
  virtual Result<SourceSummary> Summarize(const Viewer& viewer, SourceId source, const Hash256& encoder_fingerprint) const = 0;
  // Reads the source's whole ledger.
  virtual Result<SourceStatus> Describe(const Viewer& viewer, SourceId source,
                                        const Hash256& encoder_fingerprint) const = 0;
};

}  // namespace codelore

#endif  // CODELORE_INDEX_H_
