#include "api/service.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>
#include <utility>

#include "api/backup.h"
#include "api/cache_keys.h"
#include "api/commits_withheld.h"
#include "api/follow_settings.h"
#include "api/follow_up.h"
#include "api/form_passages.h"
#include "api/identity/identity_providers.h"
#include "api/token_vectors.h"
#include "api/webhook.h"
#include "chunker/language.h"
#include "codelore/crash_point.h"
#include "codelore/utf8.h"
#include "embed/bert_scorer.h"
#include "gloss/korean.h"
#include "index/embedded_index.h"
#include "index/query/query_parser.h"
#include "index/store/rocks_store.h"
#include "ingest/document_store.h"
#include "ingest/git_location.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxQuestionBytes = 8192;
constexpr size_t kAnswerBytes = 8192;  // what a kept answer takes, about

// Of 256 threads: three floods leave some to the others. Waiting costs less than being refused and asking again at once.
constexpr size_t kWaitingOfATenant = 80;

// A passage fits a question if its similarity and half of its coverage make so much together. Where there is no
// similarity to go by, for the chunk has no vector yet, coverage alone has to do. Measured on questions with and without
// an answer: bench/runs/2026-11-21/ask_threshold.md.
struct Threshold {
  double fit, coverage;
};
constexpr Threshold kEnglish = {0.58, 0.65};
// Read by a word list (gloss/korean.h), which leaves some words out.
constexpr Threshold kKorean = {0.48, 0.3};
// In another script, which the built-in encoder cannot read: endings of words, bigrams of their own, keep coverage low.
constexpr double kLeastCoverageOfBigrams = 0.2;

Status CheckQuestion(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return InvalidArgument("the query is empty");
  if (text.size() > kMaxQuestionBytes) {
    return InvalidArgument("the query has " + std::to_string(text.size()) + " bytes; at most " +
                           std::to_string(kMaxQuestionBytes) + " are allowed");
  }
  return IsValidUtf8(text) ? OkStatus() : InvalidArgument("the query is not valid UTF-8");
}

Passage ToPassage(const NamedHit& named) {
  const Hit& hit = named.hit;
  return {.citation = named.citation,
          .path = hit.path,
          .language = hit.language,
          .kind = hit.kind,
          .symbol = hit.symbol,
          .scope = hit.scope,
          .signature = hit.signature,
          .text = hit.text,
          .start_line = hit.start_line,
          .line_weights = hit.line_weights,
          .coverage = hit.coverage,
          .similarity = hit.similarity};
}

// At least half of its letters are not Latin ones.
bool IsForeign(std::string_view question) {
  size_t latin = 0, other = 0;
  for (size_t i = 0; i < question.size(); ++i) {
    auto byte = static_cast<uint8_t>(question[i]);
    if (std::isalpha(byte)) ++latin;
    if (byte >= 0xCD && !IsUtf8Continuation(question[i])) ++other;  // Greek and beyond; Latin letters end at U+024F
  }
  return other > 0 && other >= latin;
}

bool Fits(const Hit& hit, std::string_view question) {
  const bool korean = gloss::HasHangul(question), foreign = IsForeign(question);
  if (foreign && !korean) return hit.coverage >= kLeastCoverageOfBigrams;
  const Threshold& least = foreign ? kKorean : kEnglish;
  return hit.similarity != 0 ? hit.similarity + hit.coverage / 2 >= least.fit : hit.coverage >= least.coverage;
}

struct FileNamed {
  SourceId source;
  std::string path;
  std::string commit = {};  // of a citation
};

// What "SOURCE:PATH" or "SOURCE@COMMIT:PATH#L1-L2" may mean. Names, commits (the time, for a folder) and paths can hold
// colons, so there may be several.
std::vector<FileNamed> FilesNamed(std::string_view text, const std::vector<acl::VisibleSource>& visible) {
  constexpr size_t kMaxTries = 16;
  std::vector<FileNamed> files;
  for (const acl::VisibleSource& source : visible) {
    if (!text.starts_with(source.name) || text.size() == source.name.size()) continue;
    std::string_view rest = text.substr(source.name.size());
    bool commit = rest[0] == '@';
    if (!commit && rest[0] != ':') continue;
    for (size_t colon = rest.find(':'); colon != std::string_view::npos && files.size() < kMaxTries; colon = rest.find(':', colon + 1)) {
      std::string_view path = rest.substr(colon + 1);
      std::string of(commit ? rest.substr(1, colon - 1) : "");
      files.push_back({source.id, std::string(path), of});
      if (size_t lines = path.rfind("#L"); lines != std::string_view::npos) files.push_back({source.id, std::string(path.substr(0, lines)), of});
      if (!commit) break;
    }
  }
  return files;
}

// The branch that a citation's commit is the tip of; none when it is the default one, or has moved on.
std::vector<std::string> BranchAt(const Index& index, SourceId source, const std::string& commit) {
  auto state = index.StateOf(source);
  if (!state.ok() || commit.empty() || state->revision == commit) return {};
  auto at = std::ranges::find(state->others, commit, &BranchState::revision);
  return at == state->others.end() ? std::vector<std::string>() : std::vector<std::string>{at->name};
}

IdentityOptions WithTrust(IdentityOptions options, const std::shared_ptr<const TlsContext>& trust) {
  options.trust = trust;
  return options;
}

}  // namespace

std::string DefaultSourceName(std::string_view location) {
  while (location.size() > 1 && location.ends_with('/')) location.remove_suffix(1);
  std::string_view name = location.substr(location.find_last_of("/:") + 1);
  if (name.ends_with(".git") && name.size() > 4) name.remove_suffix(4);
  return std::string(name);
}

std::string CitationOf(std::string_view source, const Hit& hit) {
  return CitedPath(source, hit.revision, hit.path) + "#L" + std::to_string(hit.start_line) + "-L" +
         std::to_string(hit.end_line);
}

Service::Service() : fair_share_({.waiting = kWaitingOfATenant}) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::Open(const ServiceOptions& options) {
  std::error_code error;
  std::string folder = std::filesystem::absolute(options.data_folder, error).string();  // git runs in another folder
  if (error || options.data_folder.empty()) return InvalidArgument("'" + options.data_folder + "' is no data folder");
  ASSIGN_OR_RETURN(auto networks, ingest::NetworkPolicy::Parse(options.allowed_networks));
  std::unique_ptr<Service> service(new Service());
  service->data_folder_ = folder;
  service->threads_ = options.threads;
  ASSIGN_OR_RETURN(service->store_, index::OpenRocksStore(folder + "/store"));
  ASSIGN_OR_RETURN(service->audit_, AuditLog::Open(folder + "/audit"));  // the store's lock makes this the one process
  service->quotas_ = std::make_unique<Quotas>(options.quotas);
  ASSIGN_OR_RETURN(service->directory_, acl::Directory::Open(*service->store_));
  ASSIGN_OR_RETURN(service->identity_providers_, IdentityProviders::Open(*service->directory_, WithTrust(options.identity, options.trust)));
  service->permission_mirror_ = std::make_unique<PermissionMirror>(*service->store_, *service->directory_, *service->audit_, networks, options.trust);
  ASSIGN_OR_RETURN(service->index_, index::OpenEmbeddedIndex(folder + "/segments", *service->store_));
  ASSIGN_OR_RETURN(service->encoders_, Encoders::Open(*service->store_, *service->index_, *service->directory_,
                                                      {.model = options.model, .precision = options.precision, .fixed = options.fixed_model, .trust = options.trust,
                                                       .packed_folder = folder + "/packed"}));
  if (!options.reranker_folder.empty()) {
    ASSIGN_OR_RETURN(auto model, embed::ModelFolder::Open(options.reranker_folder));
    ASSIGN_OR_RETURN(service->reranker_, embed::BertScorer::Open(std::move(model), {.precision = options.precision, .packed_folder = folder + "/packed"}));
  }
  service->indexer_ = std::make_unique<ingest::Indexer>(
      *service->index_, *service->directory_, [encoders = service->encoders_.get()] { return encoders->serving(); },
      ingest::IndexerOptions{.repositories_folder = folder + "/repositories", .documents = service->store_.get(), .threads = options.threads, .networks = networks});
  RETURN_IF_ERROR(service->FinishRemovals());
  ASSIGN_OR_RETURN(service->generators_, Generators::Open(options.generators, options.trust));
  ASSIGN_OR_RETURN(service->sessions_, Sessions::Open(*service->store_));
  service->feedback_ = std::make_unique<FeedbackLog>(*service->store_);
  service->answers_.SetLimit(size_t{options.cached_answers} * kAnswerBytes);
  return service;
}

Result<SearchRequest> Service::MakeRequest(const Viewer& viewer, const SearchQuestion& question) const {
  RETURN_IF_ERROR(CheckQuestion(question.text));
  SearchRequest request{.text = question.text, .syntax = question.syntax,
                        .canonical_language = [](std::string_view name) { return std::string(chunker::CanonicalLanguage(name)); },
                        .mode = question.mode, .limit = question.limit,
                        .offset = question.offset, .per_file = question.per_file};
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  for (const acl::VisibleSource& source : visible) request.source_names.emplace_back(source.id, source.name);
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, {question.sources, question.paths, question.languages, question.branch}));
  return request;
}

Result<Encoding> Service::EncodeQuery(const Viewer& viewer, const SearchRequest& request, const TextEncoder& encoder) const {
  if (request.mode == SearchMode::kLexical) return Encoding();
  ASSIGN_OR_RETURN(index::ParsedQuery query, index::ParseQuery(request.text, request.syntax));
  std::string ranked = index::RankedTextOf(request.text, query);
  if (ranked.empty()) return Encoding();
  const std::string key = std::string(encoder.info().fingerprint.view()) + KeyOfText(viewer, ranked);
  if (auto kept = vectors_.Find(key)) return *kept;
  std::vector<std::string_view> texts = {ranked};
  ASSIGN_OR_RETURN(auto encodings, encoder.Encode(texts, {.role = TextRole::kQuery, .sparse = encoder.info().has_sparse}));
  auto encoding = std::make_shared<const Encoding>(std::move(encodings[0]));
  vectors_.Keep(key, encoding, encoding->dense.size() * sizeof(float) + encoding->sparse.size() * sizeof(encoding->sparse[0]));
  return *encoding;
}

Result<SearchReply> Service::SearchIndex(const Viewer& viewer, SearchRequest request, const TextEncoder& encoder) const {
  auto vector = EncodeQuery(viewer, request, encoder);
  // Only of an encoder elsewhere. What it said is for who looks after it (model verify), not for everyone.
  const bool without_vector = vector.status().code() == StatusCode::kUnavailable;
  if (without_vector && request.mode == SearchMode::kVector) return Unavailable("the encoder does not answer; try again, or search with mode lexical");
  if (without_vector) vector = Encoding();
  RETURN_IF_ERROR(vector.status());
  request.token_weights = std::move(vector->sparse);
  ASSIGN_OR_RETURN(SearchResult result, index_->Search(viewer, request, vector->dense, encoder.info().fingerprint));
  SearchReply reply{.hits = {}, .chunks = result.chunks, .chunks_with_vectors = result.chunks_with_vectors,
                    .notes = std::move(result.notes), .read_as = std::move(result.read_as)};
  reply.encoder_silent = without_vector;
  if (without_vector) reply.notes.push_back("the encoder does not answer: this was found by words, not by meaning");
  WithholdCommits(*directory_, viewer, result.hits);
  for (Hit& hit : result.hits) {
    auto found = directory_->SourceName(viewer, hit.source);
    if (!found.ok() && found.status().code() == StatusCode::kNotFound) continue;  // removed in this moment
    ASSIGN_OR_RETURN(std::string name, std::move(found));
    std::string citation = CitationOf(name, hit);
    std::string link = ingest::DocumentLink(*store_, hit.source, hit.path);
    reply.hits.push_back({std::move(hit), std::move(name), std::move(citation), std::move(link)});
  }
  ASSIGN_OR_RETURN(reply.seen, NameSeen(viewer, std::move(result.seen)));
  return reply;
}

Result<SearchReply> Service::SearchRescored(const Viewer& viewer, SearchRequest request, size_t rescore, const TextEncoder& encoder) const {
  if (!encoder.info().has_token_head) {
    return InvalidArgument("the model " + encoder.info().name + " has no head for token vectors (colbert_linear.pt), so hits cannot be scored again by them; leave 'rescore' out");
  }
  const size_t first = request.offset, last = first + request.limit;
  request.offset = 0;
  request.limit = std::max(last, rescore);
  ASSIGN_OR_RETURN(index::ParsedQuery query, index::ParseQuery(request.text, request.syntax));
  const std::string ranked = index::RankedTextOf(request.text, query);
  ASSIGN_OR_RETURN(SearchReply reply, SearchIndex(viewer, std::move(request), encoder));
  if (!ranked.empty()) RETURN_IF_ERROR(ScoreByTokenVectors(encoder, ranked, rescore, reply.hits));
  reply.hits.resize(std::min(reply.hits.size(), last));
  reply.hits.erase(reply.hits.begin(), reply.hits.begin() + static_cast<ptrdiff_t>(std::min(first, reply.hits.size())));
  return reply;
}

Result<SearchReply> Service::Search(const Viewer& viewer, const SearchQuestion& question) const {
  const uint64_t generation = index_->Generation();  // before what it stands for
  ASSIGN_OR_RETURN(SearchRequest request, MakeRequest(viewer, question));
  const std::shared_ptr<const TextEncoder> encoder = encoders_->serving();  // its vectors stay while it is held
  const std::string key = WorldKey(viewer, generation) + std::string(encoder->info().fingerprint.view()) + KeyOfRequest(request) + std::to_string(question.rescore);
  if (auto kept = results_.Find(key)) return *kept;
  ASSIGN_OR_RETURN(SearchReply reply, question.rescore > 0 ? SearchRescored(viewer, request, question.rescore, *encoder) : SearchIndex(viewer, request, *encoder));
  if (reply.encoder_silent) return reply;
  size_t bytes = 0;
  for (const NamedHit& named : reply.hits) bytes += 1024 + 2 * named.hit.text.size() + named.hit.line_weights.size() * sizeof(float);
  results_.Keep(key, std::make_shared<const SearchReply>(reply), bytes);
  return reply;
}

Result<FileReply> Service::NameFiles(const Viewer& viewer, FileResult result) const {
  FileReply reply{.files = {}, .notes = std::move(result.notes)};
  WithholdCommits(*directory_, viewer, result.files);
  for (FoundFile& file : result.files) {
    auto found = directory_->SourceName(viewer, file.source);
    if (!found.ok() && found.status().code() == StatusCode::kNotFound) continue;  // removed in this moment
    ASSIGN_OR_RETURN(std::string name, std::move(found));
    std::string citation = CitedPath(name, file.revision, file.path);
    reply.files.push_back({std::move(file), std::move(name), std::move(citation)});
  }
  return reply;
}

Result<FileReply> Service::FindFiles(const Viewer& viewer, const FileQuestion& question) const {
  if (!question.text.empty()) RETURN_IF_ERROR(CheckQuestion(question.text));
  FileNameRequest request{.text = question.text, .filter = {}, .limit = question.limit, .offset = question.offset};
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, {question.sources, question.paths, question.languages, question.branch}));
  ASSIGN_OR_RETURN(FileResult result, index_->FindFiles(viewer, request));
  return NameFiles(viewer, std::move(result));
}

Result<FileReply> Service::FindSimilarFiles(const Viewer& viewer, const FileQuestion& question) const {
  RETURN_IF_ERROR(CheckQuestion(question.text));
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  SimilarFilesRequest request{.source = {}, .path = {}, .filter = {}, .limit = question.limit};
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, {question.sources, question.paths, question.languages, question.branch}));
  const std::shared_ptr<const TextEncoder> encoder = encoders_->serving();
  for (FileNamed& named : FilesNamed(question.text, visible)) {
    request.source = named.source;
    request.path = std::move(named.path);
    if (question.branch.empty()) request.filter.branches = BranchAt(*index_, named.source, named.commit);
    auto result = index_->FindSimilarFiles(viewer, request, encoder->info().fingerprint);
    if (result.ok()) return NameFiles(viewer, std::move(*result));
    if (result.status().code() != StatusCode::kNotFound) return result.status();
  }
  return NotFound("there is no file '" + question.text + "' that you may read; name it as SOURCE:PATH");
}

Result<AnswerSummary> Service::Ask(const Viewer& viewer, const AskQuestion& question, std::stop_token stop,
                                   const AnswerSink& sink) const {
  const uint64_t generation = index_->Generation();
  std::string search_text = question.search_text.empty() ? SearchTextOf(question.text, question.history) : question.search_text;
  // What a chat client packs into a question (open files, logs) comes before the question itself.
  if (search_text.size() > kMaxQuestionBytes) search_text = Utf8Suffix(search_text, kMaxQuestionBytes);
  ASSIGN_OR_RETURN(SearchReply reply,
                   Search(viewer, {.text = search_text, .sources = question.sources, .paths = question.paths,
                                   .languages = question.languages, .limit = question.passages, .per_file = 2, .branch = question.branch}));
  if (sink.seen) sink.seen(reply.seen);
  std::erase_if(reply.hits, [&](const NamedHit& named) { return !Fits(named.hit, question.text); });
  RETURN_IF_ERROR(AddFormPassages(*this, viewer, question, Fits, &reply.hits));
  sink.citations(reply.hits);
  std::vector<Passage> passages;
  for (const NamedHit& hit : reply.hits) passages.push_back(ToPassage(hit));
  AnswerRequest request{.question = question.text, .passages = passages, .history = question.history, .sampling = question.sampling, .tools = question.tools};
  AnswerChoice choice{.name = question.generator, .teams = question.teams, .asker = viewer.name(), .adapter = question.adapter,
                      .all_adapters = question.all_adapters};
  if (sink.prompt) {
    ASSIGN_OR_RETURN(auto prompt, generators_->PromptFor(choice, request));
    sink.prompt(prompt);
  }
  TokenMeter meter(*quotas_, viewer.tenant(), viewer.name());
  AnswerSink counted = sink;
  counted.piece = [&](const AnswerPiece& piece) {
    meter.Count(piece.text);
    sink.piece(piece);
  };
  auto answered = Generate(choice, request, WorldKey(viewer, generation), stop, counted);
  bool quoted = answered.ok() ? answered->generator == "extractive" : !generators_->Model("").ok();
  if (quoted) meter.Settle(0);
  if (!quoted && answered.ok() && answered->usage.answer_tokens != 0) meter.Settle(answered->usage.answer_tokens);
  return answered;
}

// A model's answer to the same prompt over the same world is kept, where an operator wants that.
Result<AnswerSummary> Service::Generate(const AnswerChoice& choice, const AnswerRequest& request, const std::string& world,
                                        std::stop_token stop, const AnswerSink& sink) const {
  if (!answers_.enabled() || request.tools != nullptr) return generators_->Answer(choice, request, stop, sink.piece);
  ASSIGN_OR_RETURN(auto prompt, generators_->PromptFor(choice, request));
  if (prompt.empty()) return generators_->Answer(choice, request, stop, sink.piece);  // quoting is quick
  const std::string key = world + std::to_string(generators_->adapter_changes()) + KeyOfPrompt(choice, request, prompt);
  if (auto kept = answers_.Find(key)) {
    for (const AnswerPiece& piece : kept->pieces) sink.piece(piece);
    return kept->summary;
  }
  auto stored = std::make_shared<StoredAnswer>();
  size_t bytes = 1024;
  auto summary = generators_->Answer(choice, request, stop, [&](const AnswerPiece& piece) {
    bytes += sizeof piece + piece.text.size() + piece.supports.size() * sizeof(Support);
    stored->pieces.push_back(piece);
    sink.piece(piece);
  });
  if (!summary.ok() || stop.stop_requested() || summary->route == "fallback") return summary;  // it is another's answer, for now
  stored->summary = *summary;
  answers_.Keep(key, stored, bytes);
  return summary;
}

bool Service::MayOpen(const Viewer& viewer, SourceId source, const std::string& path) const {
  if (!directory_->SourceName(viewer, source).ok()) return false;
  // Who may read a path is the same on every branch; the default one may lack it.
  return index_->ReadFile(viewer, source, path).ok() || index_->ReadFile(viewer, source, path, "*").ok();
}

Result<CitedFile> Service::FindCited(const Viewer& viewer, const std::string& text) const {
  RETURN_IF_ERROR(CheckQuestion(text));
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  for (FileNamed& named : FilesNamed(text, visible)) {
    if (!MayOpen(viewer, named.source, named.path)) continue;
    ASSIGN_OR_RETURN(std::string name, directory_->SourceName(viewer, named.source));
    return CitedFile{named.source, std::move(name), std::move(named.path)};
  }
  return NotFound("there is no file '" + text + "' that you may read; name it as SOURCE:PATH");
}

Result<GrepReply> Service::Grep(const Viewer& viewer, const GrepQuestion& question) const {
  ExactRequest request{.pattern = question.pattern, .regex = question.regex, .fold = question.fold, .filter = {},
                       .limit = question.limit, .context = question.context, .count_only = question.count_only};
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  ASSIGN_OR_RETURN(request.filter, MakeFilter(viewer, {question.sources, question.paths, question.languages, question.branch}));
  GrepReply reply;
  ASSIGN_OR_RETURN(reply.result, index_->SearchExact(viewer, request));
  WithholdCommits(*directory_, viewer, reply.result.files);
  std::erase_if(reply.result.files, [&](const ExactFile& file) {
    auto at = std::ranges::find(visible, file.source, &acl::VisibleSource::id);
    if (at != visible.end()) reply.sources.push_back(at->name);
    return at == visible.end();
  });
  ASSIGN_OR_RETURN(reply.seen, NameSeen(viewer, std::move(reply.result.seen)));
  return reply;
}

Result<std::vector<NamedStatus>> Service::Describe(const Viewer& viewer) const {
  ASSIGN_OR_RETURN(auto sources, directory_->VisibleSources(viewer));
  std::vector<NamedStatus> report;
  for (const acl::VisibleSource& source : sources) {
    auto described = index_->Describe(viewer, source.id, encoders_->serving()->info().fingerprint);
    if (!described.ok() && described.status().code() == StatusCode::kNotFound) continue;  // removed in this moment
    ASSIGN_OR_RETURN(auto status, std::move(described));
    WithholdCommits(*directory_, viewer, source.id, status.state);
    report.push_back({source.name, std::move(status)});
  }
  return report;
}

Result<SourceSummary> Service::SummarizeSource(const Viewer& viewer, const std::string& name) const {
  ASSIGN_OR_RETURN(auto sources, directory_->VisibleSources(viewer));
  auto at = std::ranges::find(sources, name, &acl::VisibleSource::name);
  auto summary = at == sources.end() ? Result<SourceSummary>(NotFound("")) : index_->Summarize(viewer, at->id, encoders_->serving()->info().fingerprint);
  if (!summary.ok() && summary.status().code() == StatusCode::kNotFound) return NotFound("there is no source of that name that you may read");
  if (summary.ok()) WithholdCommits(*directory_, viewer, at->id, summary->state);
  return summary;
}

Result<FoundSource> Service::FindOrAddSource(TenantId tenant, const std::string& location, const std::string& name,
                                             const std::string& branch) {
  if (!branch.empty()) RETURN_IF_ERROR(ingest::ValidateBranch(branch));
  ASSIGN_OR_RETURN(ingest::Location found, ingest::ResolveLocation(location));
  ASSIGN_OR_RETURN(auto sources, directory_->ListSources(tenant));
  std::string wanted = name.empty() ? DefaultSourceName(found.text) : name;
  for (const acl::Source& source : sources) {
    if (source.location == found.text && (name.empty() || source.name == name)) {
      if (branch.empty() || branch == source.branch) return FoundSource{source};
      return InvalidArgument("source '" + source.name + "' stands for another branch; add it under another name");
    }
    if (source.name == wanted) {
      return InvalidArgument("source '" + wanted + "' exists and stands for " + (source.location.empty() ? "pushed documents" : source.location) +
                             "; choose another name with --name");
    }
  }
  ASSIGN_OR_RETURN(acl::Source source, directory_->AddSource({.tenant = tenant, .name = wanted, .location = found.text, .branch = branch, .kind = found.kind}));
  return FoundSource{std::move(source), /*added=*/true};
}

Result<FoundSource> Service::FindOrAddDocuments(TenantId tenant, const std::string& name) {
  ASSIGN_OR_RETURN(auto sources, directory_->ListSources(tenant));
  for (const acl::Source& source : sources) {
    if (source.name != name) continue;
    if (source.kind == acl::SourceKind::kDocuments) return FoundSource{source};
    return InvalidArgument("source '" + name + "' exists and stands for " + source.location);
  }
  ASSIGN_OR_RETURN(acl::Source source, directory_->AddSource({.tenant = tenant, .name = name, .location = "", .branch = "",
                                                              .kind = acl::SourceKind::kDocuments}));
  return FoundSource{std::move(source), /*added=*/true};
}

Result<ingest::IndexReport> Service::IndexSource(const acl::Source& source, std::stop_token stop,
                                                 const std::function<void(const ingest::IndexProgress&)>& progress) {
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(*store_, source.id));
  const Status spent = ResourceExhausted("the tenant's bytes to index are used up for now; what is indexed stays, and the rest follows");
  bool counts = source.kind != acl::SourceKind::kDocuments;  // those were counted when they came
  if (counts && quotas_->IndexBytesWait(source.tenant) != 0) return spent;
  std::stop_source enough;
  std::stop_callback forward(stop, [&] { enough.request_stop(); });
  if (!counts) {
    std::lock_guard lock(documents_mutex_);
    RETURN_IF_ERROR(ingest::MaskDocuments(*store_, source.id, settings.masking));
  }
  uint64_t seen = 0;
  auto counted = [&](const ingest::IndexProgress& now) {
    if (counts && now.bytes_done > seen) {
      quotas_->SpendIndexBytes(source.tenant, now.bytes_done - seen);
      seen = now.bytes_done;
      if (quotas_->IndexBytesWait(source.tenant) != 0) enough.request_stop();
    }
    progress(now);
  };
  auto report = indexer_->Run(source, {.token = settings.token, .generation = settings.generation, .masking = settings.masking,
                                                .also = settings.also}, enough.get_token(), counted);
  if (!report.ok() && enough.stop_requested() && !stop.stop_requested()) return spent;
  return report;
}

Result<bool> Service::HasNews(SourceId id, std::stop_token stop) const {
  ASSIGN_OR_RETURN(acl::Source source, directory_->FindSource(id));
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(*store_, id));
  return indexer_->HasNews(source, {.token = settings.token, .also = settings.also}, std::move(stop));
}

bool Service::IsIndexed(SourceId source) const {
  auto state = index_->StateOf(source);
  return state.ok() && !state->revision.empty();
}

Status Service::LinkTo(const std::string& folder) const { return index_->LinkTo(folder + "/segments", folder + "/store"); }

Status Service::RemoveSource(TenantId tenant, const std::string& name) {
  ASSIGN_OR_RETURN(acl::Source source, directory_->FindSource(tenant, name));
  ASSIGN_OR_RETURN(auto partitions, directory_->PartitionsOf(source.id));
  RETURN_IF_ERROR(directory_->RemoveSource(source.id));  // from here on nobody sees it
  CrashPoint("source-hidden");
  RETURN_IF_ERROR(index_->RemoveSource(source.id, partitions));
  CrashPoint("source-index-removed");
  RETURN_IF_ERROR(EraseFollowSettings(*store_, source.id));
  RETURN_IF_ERROR(EraseMirrorSettings(*store_, source.id));
  RETURN_IF_ERROR(ForgetAllDeliveries(*store_, source.id));
  RETURN_IF_ERROR(ingest::EraseDocuments(*store_, source.id));
  indexer_->RemoveMirror(source.id);
  return OkStatus();
}

// Removes what sources whose removal was cut off have left.
Status Service::FinishRemovals() {
  RemoveBackupLinks(data_folder_);
  std::vector<SourceId> present;
  ASSIGN_OR_RETURN(auto tenants, directory_->ListTenants());
  for (const acl::Tenant& tenant : tenants) {
    ASSIGN_OR_RETURN(auto sources, directory_->ListSources(tenant.id));
    for (const acl::Source& source : sources) present.push_back(source.id);
  }
  indexer_->KeepMirrors(present);
  ASSIGN_OR_RETURN(auto removed, index_->KeepSources(present));
  for (SourceId source : removed) {
    RETURN_IF_ERROR(EraseFollowSettings(*store_, source));
    RETURN_IF_ERROR(EraseMirrorSettings(*store_, source));
    RETURN_IF_ERROR(ForgetAllDeliveries(*store_, source));
  }
  return ingest::KeepDocuments(*store_, present);
}

bool Service::HoldsAnything(SourceId source) const {
  auto state = index_->StateOf(source);
  return !state.ok() || !state->revision.empty() || !state->target_revision.empty();
}

}  // namespace codelore::api
