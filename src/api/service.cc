#include "api/service.h"

#include <algorithm>
#include <utility>

#include "chunker/language.h"
#include "codelore/utf8.h"
#include "embed/bert_encoder.h"
#include "generate/extractive.h"
#include "index/embedded_index.h"
#include "index/store/rocks_store.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxQuestionBytes = 8192;

// A passage fits a question if its words cover this share of the question's weight, or its meaning is this close;
// measured on questions with and without an answer, see bench/runs.
constexpr double kLeastCoverage = 0.5;
constexpr double kLeastSimilarity = 0.42;

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

bool Fits(const NamedHit& named) {
  return named.hit.coverage >= kLeastCoverage || named.hit.similarity >= kLeastSimilarity;
}

// The last part of a path or URL, without ".git".
std::string NameFromLocation(std::string_view location) {
  while (location.size() > 1 && location.ends_with('/')) location.remove_suffix(1);
  std::string_view name = location.substr(location.find_last_of("/:") + 1);
  if (name.ends_with(".git") && name.size() > 4) name.remove_suffix(4);
  return std::string(name);
}

}  // namespace

std::string CitationOf(std::string_view source, const Hit& hit) {
  return std::string(source) + "@" + hit.revision + ":" + hit.path + "#L" + std::to_string(hit.start_line) + "-L" +
         std::to_string(hit.end_line);
}

Result<std::unique_ptr<Service>> Service::Open(const ServiceOptions& options) {
  std::unique_ptr<Service> service(new Service());
  ASSIGN_OR_RETURN(service->store_, index::OpenRocksStore(options.data_folder + "/store"));
  ASSIGN_OR_RETURN(service->directory_, acl::Directory::Open(*service->store_));
  ASSIGN_OR_RETURN(service->index_, index::OpenEmbeddedIndex(options.data_folder + "/segments", *service->store_));
  ASSIGN_OR_RETURN(service->encoder_, embed::BertEncoder::Open(embed::ModelFolder::BuiltIn()));
  service->indexer_ = std::make_unique<ingest::Indexer>(
      *service->index_, *service->directory_, *service->encoder_,
      ingest::IndexerOptions{.repositories_folder = options.data_folder + "/repositories", .threads = options.threads});
  service->generator_ = generate::MakeExtractiveGenerator();
  return service;
}

Result<SearchRequest> Service::MakeRequest(const Viewer& viewer, const SearchQuestion& question) const {
  RETURN_IF_ERROR(CheckQuestion(question.text));
  SearchRequest request{.text = question.text, .mode = question.mode, .limit = question.limit,
                        .offset = question.offset, .per_file = question.per_file};
  ASSIGN_OR_RETURN(auto visible, directory_->VisibleSources(viewer));
  for (const acl::VisibleSource& source : visible) request.source_names.emplace_back(source.id, source.name);
  if (!question.sources.empty()) {
    for (const std::string& name : question.sources) {
      auto at = std::ranges::find(visible, name, &acl::VisibleSource::name);
      if (at == visible.end()) return NotFound("there is no source '" + name + "' that you may read");
      request.filter.sources.push_back(at->id);
    }
  }
  request.filter.paths = question.paths;
  for (const std::string& language : question.languages) {
    std::string name(chunker::CanonicalLanguage(language));
    if (name.empty()) return InvalidArgument("'" + language + "' is not a language Codelore knows");
    request.filter.languages.push_back(std::move(name));
  }
  return request;
}

Result<SearchReply> Service::Search(const Viewer& viewer, const SearchQuestion& question) const {
  ASSIGN_OR_RETURN(SearchRequest request, MakeRequest(viewer, question));
  std::vector<float> vector;
  if (request.mode != SearchMode::kLexical) {
    std::vector<std::string_view> texts = {request.text};
    ASSIGN_OR_RETURN(auto encodings, encoder_->Encode(texts, {.role = TextRole::kQuery}));
    vector = std::move(encodings[0].dense);
  }
  ASSIGN_OR_RETURN(SearchResult result, index_->Search(viewer, request, vector, encoder_->info().fingerprint));
  SearchReply reply{.hits = {}, .chunks = result.chunks, .chunks_with_vectors = result.chunks_with_vectors};
  for (Hit& hit : result.hits) {
    ASSIGN_OR_RETURN(std::string name, directory_->SourceName(viewer, hit.source));
    std::string citation = CitationOf(name, hit);
    reply.hits.push_back({std::move(hit), std::move(name), std::move(citation)});
  }
  return reply;
}

Result<AnswerSummary> Service::Ask(const Viewer& viewer, const AskQuestion& question, std::stop_token stop,
                                   const AnswerSink& sink) const {
  ASSIGN_OR_RETURN(SearchReply reply,
                   Search(viewer, {.text = question.text, .sources = question.sources, .paths = question.paths,
                                   .languages = question.languages, .limit = question.passages, .per_file = 3}));
  std::erase_if(reply.hits, [](const NamedHit& hit) { return !Fits(hit); });
  sink.citations(reply.hits);
  std::vector<Passage> passages;
  for (const NamedHit& hit : reply.hits) passages.push_back(ToPassage(hit));
  return generator_->Answer(question.text, passages, stop, sink.piece);
}

Result<std::vector<NamedStatus>> Service::Describe(const Viewer& viewer) const {
  ASSIGN_OR_RETURN(auto sources, directory_->VisibleSources(viewer));
  std::vector<NamedStatus> report;
  for (const acl::VisibleSource& source : sources) {
    ASSIGN_OR_RETURN(auto status, index_->Describe(viewer, source.id, encoder_->info().fingerprint));
    report.push_back({source.name, std::move(status)});
  }
  return report;
}

Result<acl::Source> Service::FindOrAddSource(TenantId tenant, const std::string& location, const std::string& name) {
  ASSIGN_OR_RETURN(ingest::Location found, ingest::ResolveLocation(location));
  ASSIGN_OR_RETURN(auto sources, directory_->ListSources(tenant));
  std::string wanted = name.empty() ? NameFromLocation(found.text) : name;
  for (const acl::Source& source : sources) {
    if (source.location == found.text && (name.empty() || source.name == name)) return source;
    if (source.name == wanted) {
      return InvalidArgument("source '" + wanted + "' exists and stands for " + source.location +
                             "; choose another name with --name");
    }
  }
  return directory_->AddSource({.tenant = tenant, .name = wanted, .location = found.text, .kind = found.kind});
}

Result<ingest::IndexReport> Service::IndexSource(const acl::Source& source, std::stop_token stop,
                                                 const std::function<void(const ingest::IndexProgress&)>& progress) {
  return indexer_->Run(source, stop, progress);
}

Status Service::RemoveSource(TenantId tenant, const std::string& name) {
  ASSIGN_OR_RETURN(acl::Source source, directory_->FindSource(tenant, name));
  ASSIGN_OR_RETURN(auto partitions, directory_->PartitionsOf(source.id));
  RETURN_IF_ERROR(directory_->RemoveSource(source.id));  // from here on nobody sees it
  return index_->RemoveSource(source.id, partitions);
}

}  // namespace codelore::api
