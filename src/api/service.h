// Service: everything a data folder can do, without HTTP and without JSON. The command line and the server stand on
// it alike.
//
// Thread-safe. Reads take a Viewer and see its partitions only; what changes things is for callers that may
// (operations.h checks).
#ifndef CODELORE_API_SERVICE_H_
#define CODELORE_API_SERVICE_H_

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
#include "api/fair_share.h"
#include "api/forge/permission_mirror.h"
#include "api/generators.h"
#include "api/identity/identity_options.h"
#include "api/quotas.h"
#include "codelore/encoder.h"
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
  std::string model_folder = {};     // of the encoder, as Hugging Face has it; empty: the built-in one
  std::string reranker_folder = {};  // of a sequence classification model; empty: none
  std::optional<embed::Precision> precision = {};  // of both; without it: what is fastest on this processor
  std::vector<std::string> allowed_networks = {};  // see NetworkPolicy
  QuotaLimits quotas = {};  // of callers with tokens; index bytes of everybody
  IdentityOptions identity = {};  // who else vouches for callers
};

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
};

struct NamedHit {
  Hit hit;
  std::string source;    // its name
  std::string citation;  // source@commit:path#Lx-Ly
};

struct SearchReply {
  std::vector<NamedHit> hits;
  uint64_t chunks = 0, chunks_with_vectors = 0;  // see SearchResult
  std::vector<std::string> notes;                 // likewise
  std::string read_as;
};

struct FileQuestion {
  std::string text;  // a name, empty: all files; for FindSimilar "SOURCE:PATH" or a citation
  std::vector<std::string> sources, paths, languages;  // as in SearchQuestion
  size_t limit = 10;
  size_t offset = 0;  // not for FindSimilar
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
};

struct GrepReply {
  ExactResult result;
  std::vector<std::string> sources;  // names, beside result.files
};

struct AskQuestion {
  std::string text;
  std::vector<std::string> sources, paths, languages;
  size_t passages = 8;
  std::vector<ChatMessage> history = {};  // earlier turns, oldest first
  std::string generator = {};             // its name; empty: the default
  Sampling sampling = {};
};

// The parts of an answer as they become known, each called on the asking thread.
struct AnswerSink {
  std::function<void(const std::vector<NamedHit>&)> citations;  // once, first; their order gives the [n] marks
  std::function<void(const AnswerPiece&)> piece;
  std::function<void(const std::vector<ChatMessage>&)> prompt = {};  // asked for: what a model is sent
};

// Where to look, in words: names of sources, path globs, names or aliases of languages; empty: everywhere.
struct Scope {
  std::vector<std::string> sources, paths, languages;
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
  Result<FileOutline> OutlineOf(const Viewer& viewer, const std::string& source, const std::string& path) const;
  // likewise.
  Result<FileText> ReadFile(const Viewer& viewer, const std::string& source, const std::string& path) const;
  // The same kNotFound for all that is not there or not to be read.
  Result<FileInsight> ExplainFile(const Viewer& viewer, const std::string& source, const std::string& path) const;
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
  bool HoldsAnything(SourceId source) const;  // false until a first commit, even an unfinished one

  // Everything as it is at one moment, but for mirrors, as files in `folder`, which must lie in the data folder's file
  // system and not exist: they share their bytes with the live ones.
  Status LinkTo(const std::string& folder) const;
  const std::string& data_folder() const { return data_folder_; }

  KeyValueStore& store() { return *store_; }
  acl::Directory& directory() { return *directory_; }
  const EncoderInfo& encoder() const { return encoder_->info(); }
  const TextEncoder& text_encoder() const { return *encoder_; }
  const TextPairScorer* reranker() const { return reranker_.get(); }  // none: not configured
  AuditLog& audit() { return *audit_; }
  Quotas& quotas() { return *quotas_; }
  FairShare& fair_share() { return fair_share_; }
  std::mutex& documents_mutex() { return documents_mutex_; }  // held by who writes pushed documents
  PermissionMirror& permission_mirror() { return *permission_mirror_; }
  IdentityProviders& identity_providers() { return *identity_providers_; }
  const Generators& generators() const { return *generators_; }
  ingest::Indexer& indexer() { return *indexer_; }

 private:
  Service();
  Status FinishRemovals();
  // From names to ids. kNotFound for a source that the viewer does not see.
  Result<SearchFilter> MakeFilter(const Viewer& viewer, const Scope& scope) const;
  Result<std::map<SourceId, std::string>> SourceNames(const Viewer& viewer) const;
  Result<FileReply> NameFiles(const Viewer& viewer, FileResult result) const;
  Result<SearchRequest> MakeRequest(const Viewer& viewer, const SearchQuestion& question) const;

  std::string data_folder_;
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
  std::unique_ptr<TextEncoder> encoder_;
  std::unique_ptr<TextPairScorer> reranker_;
  std::unique_ptr<ingest::Indexer> indexer_;
  std::unique_ptr<Generators> generators_;
};

// The last part of a path or URL, without ".git".
std::string DefaultSourceName(std::string_view location);

// source@revision:path#Lstart-Lend
std::string CitationOf(std::string_view source, const Hit& hit);

}  // namespace codelore::api

#endif  // CODELORE_API_SERVICE_H_
