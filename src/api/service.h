// Service: everything a data folder can do, without HTTP and without JSON. The command line and the server stand on
// it alike.
//
// Thread-safe. Reads take a Viewer and see its partitions only; what changes things is for callers that may
// (operations.h checks).
#ifndef CODELORE_API_SERVICE_H_
#define CODELORE_API_SERVICE_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "api/audit_log.h"
#include "api/encoders.h"
#include "api/feedback.h"
#include "api/fair_share.h"
#include "api/forge/permission_mirror.h"
#include "api/generators.h"
#include "api/identity/identity_options.h"
#include "api/lru_cache.h"
#include "api/metrics.h"
#include "api/quotas.h"
#include "api/sessions.h"
#include "codelore/generator.h"
#include "codelore/index.h"
#include "codelore/store.h"
#include "codelore/symbols.h"
#include "codelore/text_pair_scorer.h"
#include "embed/precision.h"
#include "ingest/indexer.h"

namespace codelore::api {

struct ServiceOptions {
  std::string data_folder;
  int threads = 2;  // for indexing: reading and chunking, then encoding
  std::vector<GeneratorConfig> generators = {};  // besides the extractive one; the first is the default
  std::string model = {};  // of the encoder; empty: the one on record, see Encoders
  bool fixed_model = false;  // see Encoders::Options
  std::string reranker_folder = {};  // of a sequence classification model; empty: none
  std::optional<embed::Precision> precision = {};  // of both; without it: what is fastest on this processor
  std::vector<std::string> allowed_networks = {};  // see NetworkPolicy
  QuotaLimits quotas = {};  // of callers with tokens; index bytes of everybody
  IdentityOptions identity = {};  // who else vouches for callers
  uint32_t cached_answers = 0;  // of models; 0: each question is answered anew
  std::shared_ptr<const TlsContext> trust = {};  // of https servers that we ask; none: the system's authorities
};

inline constexpr size_t kMaxBranchBytes = 260;  // of a branch's name; "tags/" may stand before one of 255

struct SearchQuestion {
  std::string text;
  SearchMode mode = SearchMode::kHybrid;
  QuerySyntax syntax = QuerySyntax::kPlain;
  std::vector<std::string> sources;    // names; empty: all the viewer sees
  std::vector<std::string> paths;      // globs
  std::vector<std::string> languages;  // names or aliases
  size_t limit = 10;
  size_t offset = 0;
  size_t per_file = 1;
  std::string branch = {};  // empty: each source's default branch
  size_t rescore = 0;       // so many of the best are scored again by their token vectors
};

struct NamedHit {
  Hit hit;
  std::string source;    // its name
  std::string citation;  // source@commit:path#Lx-Ly
  std::string link = {};  // of a pushed document: where it lives
};

// Which commit of a branch an answer looked at, and whether something newer is on its way.
struct NamedSeen {
  SeenBranch seen;
  std::string source;
};

struct SearchReply {
  std::vector<NamedHit> hits;
  uint64_t chunks = 0, chunks_with_vectors = 0;  // see SearchResult
  std::vector<std::string> notes;                 // likewise
  std::string read_as;
  bool encoder_silent = false;  // it is elsewhere and does not answer: found by words only
  std::vector<NamedSeen> seen = {};               // by name
};

struct FileQuestion {
  std::string text;  // a name, empty: all files; for FindSimilar "SOURCE:PATH" or a citation
  std::vector<std::string> sources, paths, languages;  // as in SearchQuestion
  size_t limit = 10;
  size_t offset = 0;  // not for FindSimilar
  std::string branch = {};
};

struct NamedFile {
  FoundFile file;
  std::string source;    // its name
  std::string citation;  // source@commit:path
};

struct FileReply {
  std::vector<NamedFile> files;
  std::vector<std::string> notes;  // see FileResult
};

struct GrepQuestion {
  std::string pattern;
  bool regex = false;
  CaseMode fold = CaseMode::kSmart;
  std::vector<std::string> sources, paths, languages;
  size_t limit = 100;
  size_t context = 0;
  bool count_only = false;
  std::string branch = {};
};

struct GrepReply {
  ExactResult result;
  std::vector<std::string> sources;  // names, beside result.files
  std::vector<NamedSeen> seen = {};
};

struct AskQuestion {
  std::string text;
  std::vector<std::string> sources, paths, languages;
  size_t passages = 8;
  std::vector<ChatMessage> history = {};  // earlier turns, oldest first
  std::string generator = {};             // its name; empty: chosen by its settings
  Sampling sampling = {};
  std::string search_text = {};           // empty: made of text and history
  std::vector<std::string> teams = {};    // of the asker, for choosing a generator and an adapter
  std::string adapter = {};               // see AnswerChoice, as for the next
  bool all_adapters = false;
  const ToolUse* tools = nullptr;
  std::string branch = {};
};

// The parts of an answer as they become known, each called on the asking thread.
struct AnswerSink {
  std::function<void(const std::vector<NamedHit>&)> citations;  // once, first; their order gives the [n] marks
  std::function<void(const std::vector<NamedSeen>&)> seen = {};  // once, before the citations
  std::function<void(const AnswerPiece&)> piece;
  std::function<void(const std::vector<ChatMessage>&)> prompt = {};  // asked for: what a model is sent
};

// Where to look, in words: names of sources, path globs, names or aliases of languages; empty: everywhere.
struct Scope {
  std::vector<std::string> sources, paths, languages;
  std::string branch = {};  // empty: each source's default branch
};

// What symbols.h answers, with the names of the sources in it.
template <typename Found>
struct WithSources {
  Found found;
  std::map<SourceId, std::string> sources;
};

struct FoundSource {
  acl::Source source;
  bool added = false;  // just now
};

struct NamedStatus {
  std::string source;
  SourceStatus status;
};

class IdentityProviders;
// A file as a citation names it.
struct CitedFile {
  SourceId id;
  std::string source, path;
};

struct StoredAnswer {
  std::vector<AnswerPiece> pieces;
  AnswerSummary summary;
};

class Service {
 public:
  // Opens or creates the data folder.
  static Result<std::unique_ptr<Service>> Open(const ServiceOptions& options);
  ~Service();

  Result<SearchReply> Search(const Viewer& viewer, const SearchQuestion& question) const;
  Result<FileReply> FindFiles(const Viewer& viewer, const FileQuestion& question) const;
  // One and the same kNotFound for a file that is not there and one the viewer may not read.
  Result<FileReply> FindSimilarFiles(const Viewer& viewer, const FileQuestion& question) const;
  Result<AnswerSummary> Ask(const Viewer& viewer, const AskQuestion& question, std::stop_token stop,
                            const AnswerSink& sink) const;
  // The request's filter is made of `scope`.
  Result<WithSources<SymbolResult>> FindSymbols(const Viewer& viewer, SymbolRequest request, const Scope& scope) const;
  Result<WithSources<ReferenceResult>> FindReferences(const Viewer& viewer, ReferenceRequest request, const Scope& scope) const;
  // kNotFound, in the same words, for a source and for a file that the viewer may not read or that there is not.
  // `branch` empty: the default one.
  Result<FileOutline> OutlineOf(const Viewer& viewer, const std::string& source, const std::string& path,
                                const std::string& branch = {}) const;
  // likewise.
  Result<FileText> ReadFile(const Viewer& viewer, const std::string& source, const std::string& path,
                            const std::string& branch = {}) const;
  // The same kNotFound for all that is not there or not to be read.
  Result<FileInsight> ExplainFile(const Viewer& viewer, const std::string& source, const std::string& path,
                                  const std::string& branch = {}) const;
  // The file that "SOURCE:PATH" or a citation names; kNotFound as for ReadFile.
  Result<CitedFile> FindCited(const Viewer& viewer, const std::string& text) const;
  // Whether there is such a file now, and the viewer may read it.
  bool MayOpen(const Viewer& viewer, SourceId source, const std::string& path) const;
  Result<GrepReply> Grep(const Viewer& viewer, const GrepQuestion& question) const;
  Result<std::vector<NamedStatus>> Describe(const Viewer& viewer) const;  // by name

  // kNotFound, in the same words, for a source that there is not and one the viewer may not see.
  Result<SourceSummary> SummarizeSource(const Viewer& viewer, const std::string& name) const;

  // The source at this location, added if there is none: `name` (or one made from the location) in `tenant`.
  Result<FoundSource> FindOrAddSource(TenantId tenant, const std::string& location, const std::string& name,
                                      const std::string& branch = "");
  // The source of pushed documents of this name, added if there is none.
  Result<FoundSource> FindOrAddDocuments(TenantId tenant, const std::string& name);
  Result<ingest::IndexReport> IndexSource(const acl::Source& source, std::stop_token stop,
                                          const std::function<void(const ingest::IndexProgress&)>& progress);
  Result<bool> HasNews(SourceId source, std::stop_token stop) const;  // see Indexer::HasNews
  bool IsIndexed(SourceId source) const;  // completely, at least once
  Status RemoveSource(TenantId tenant, const std::string& name);
  // What the ledger holds of a source, by path, until `visit` returns false. For who looks after it.
  Status ScanLedger(SourceId source, const std::function<bool(const FileRecord&)>& visit) const { return index_->ScanLedger(source, visit); }
  // Texts and vectors that nothing has referred to for `age` are gone afterwards; how many.
  Result<uint64_t> CollectGarbage(int64_t now_unix_ms, std::chrono::milliseconds age, const std::stop_token& stop) {
    if (encoders_->Report().building) return uint64_t{0};  // its vectors have no segment yet
    return index_->CollectGarbage(now_unix_ms, age, encoders_->serving()->info().fingerprint, stop);
  }
  bool HoldsAnything(SourceId source) const;  // false until a first commit, even an unfinished one

  // Everything as it is at one moment, but for mirrors, as files in `folder`, which must lie in the data folder's file
  // system and not exist: they share their bytes with the live ones.
  Status LinkTo(const std::string& folder) const;
  const std::string& data_folder() const { return data_folder_; }
  int threads() const { return threads_; }  // for indexing

  KeyValueStore& store() { return *store_; }
  acl::Directory& directory() { return *directory_; }
  // What questions are encoded by, now: it may be another one later.
  std::shared_ptr<const TextEncoder> encoder() const { return encoders_->serving(); }
  Encoders& encoders() { return *encoders_; }
  const Encoders& encoders() const { return *encoders_; }
  const TextPairScorer* reranker() const { return reranker_.get(); }  // none: not configured
  AuditLog& audit() { return *audit_; }
  Quotas& quotas() { return *quotas_; }
  FairShare& fair_share() { return fair_share_; }
  std::mutex& documents_mutex() { return documents_mutex_; }  // held by who writes pushed documents
  PermissionMirror& permission_mirror() { return *permission_mirror_; }
  IdentityProviders& identity_providers() { return *identity_providers_; }
  Metrics& metrics() { return metrics_; }
  const Generators& generators() const { return *generators_; }
  Sessions& sessions() { return *sessions_; }
  FeedbackLog& feedback() { return *feedback_; }
  struct CacheHits {
    uint64_t vectors = 0, results = 0, answers = 0;
  };
  CacheHits cache_hits() const { return {vectors_.hits(), results_.hits(), answers_.hits()}; }
  ingest::Indexer& indexer() { return *indexer_; }

 private:
  Service();
  Status FinishRemovals();
  // From names to ids. kNotFound for a source that the viewer does not see.
  Result<SearchFilter> MakeFilter(const Viewer& viewer, const Scope& scope) const;
  Result<std::map<SourceId, std::string>> SourceNames(const Viewer& viewer) const;
  // kNotFound when no source that the filter lets pass has such a branch.
  Status ChooseBranch(const Viewer& viewer, const std::string& branch, SearchFilter& filter) const;
  Result<std::vector<NamedSeen>> NameSeen(const Viewer& viewer, std::vector<SeenBranch> seen) const;
  Result<FileReply> NameFiles(const Viewer& viewer, FileResult result) const;
  Result<SearchRequest> MakeRequest(const Viewer& viewer, const SearchQuestion& question) const;
  // The text's vector and lexical weights, without any where there is nothing to encode.
  Result<Encoding> EncodeQuery(const Viewer& viewer, const SearchRequest& request, const TextEncoder& encoder) const;
  Result<SearchReply> SearchIndex(const Viewer& viewer, SearchRequest request, const TextEncoder& encoder) const;
  // Of a question that asks for it: SearchIndex, and the best hits scored again.
  Result<SearchReply> SearchRescored(const Viewer& viewer, SearchRequest request, size_t rescore, const TextEncoder& encoder) const;
  Result<AnswerSummary> Generate(const AnswerChoice& choice, const AnswerRequest& request, const std::string& world,
                                 std::stop_token stop, const AnswerSink& sink) const;

  std::string data_folder_;
  int threads_ = 1;
  Metrics metrics_;
  FairShare fair_share_;
  std::mutex documents_mutex_;
  // In the order they are opened; each needs those above it.
  std::unique_ptr<KeyValueStore> store_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<Quotas> quotas_;
  std::unique_ptr<acl::Directory> directory_;
  std::unique_ptr<IdentityProviders> identity_providers_;
  std::unique_ptr<PermissionMirror> permission_mirror_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<Encoders> encoders_;
  std::unique_ptr<TextPairScorer> reranker_;
  std::unique_ptr<ingest::Indexer> indexer_;
  std::unique_ptr<Generators> generators_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<FeedbackLog> feedback_;
  // What is kept is found by all that it depends on, a viewer's partitions among it: so whatever changes is seen at once.
  mutable LruCache<Encoding> vectors_{8 << 20};
  mutable LruCache<SearchReply> results_{32 << 20};
  mutable LruCache<StoredAnswer> answers_{0};
};

// The last part of a path or URL, without ".git".
std::string DefaultSourceName(std::string_view location);

// source@revision:path#Lstart-Lend
std::string CitationOf(std::string_view source, const Hit& hit);

}  // namespace codelore::api

#endif  // CODELORE_API_SERVICE_H_
