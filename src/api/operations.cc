#include "api/operations.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/json_request.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxLimit = 100, kMaxOffset = 1000;

// Bytes that are no UTF-8 (names from a repository can hold anything) become U+FFFD.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// ---- shapes ----------------------------------------------------------------------------------------------

std::string TimeText(int64_t unix_ms) {
  if (unix_ms == 0) return "";
  std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// Numbers (from 1) of the lines that carry most of the question, at most five, ascending.
Json MatchLines(const Hit& hit) {
  std::vector<std::pair<float, uint32_t>> lines;
  for (uint32_t i = 0; i < hit.line_weights.size(); ++i) {
    if (hit.line_weights[i] > 0) lines.emplace_back(-hit.line_weights[i], hit.start_line + i);
  }
  std::ranges::sort(lines);
  if (lines.size() > 5) lines.resize(5);
  std::vector<uint32_t> numbers;
  for (auto [weight, number] : lines) numbers.push_back(number);
  std::ranges::sort(numbers);
  return numbers;
}

Json HitJson(const NamedHit& named, size_t rank) {
  const Hit& hit = named.hit;
  return {{"rank", rank},
          {"source", named.source},
          {"commit", hit.revision},
          {"branch", hit.branch},
          {"path", hit.path},
          {"language", hit.language},
          {"kind", ChunkKindName(hit.kind)},
          {"symbol", hit.symbol},
          {"scope", hit.scope},
          {"start_line", hit.start_line},
          {"end_line", hit.end_line},
          {"snippet", hit.text},
          {"match_lines", MatchLines(hit)},
          {"citation", named.citation}};
}

Json ExplanationJson(const Hit& hit) {
  Json signals = Json::object();
  for (const auto& [name, amount] : hit.why.signals) signals[name] = amount;
  return {{"score", hit.score},
          {"coverage", hit.coverage},
          {"lexical", {{"rank", hit.why.lexical_rank}, {"score", hit.why.lexical}}},
          {"vector", {{"rank", hit.why.dense_rank}, {"score", hit.why.dense}}},
          {"signals", signals}};
}

Json CitationsJson(const std::vector<NamedHit>& hits) {
  Json citations = Json::array();
  for (size_t i = 0; i < hits.size(); ++i) {
    Json citation = HitJson(hits[i], i + 1);
    citation.erase("rank");
    Json numbered = {{"n", i + 1}};
    numbered.update(citation);
    citations.push_back(std::move(numbered));
  }
  return citations;
}

Json VectorsJson(const EmbedProgress& vectors) {
  return {{"chunks_total", vectors.chunks_total},
          {"chunks_done", vectors.chunks_done},
          {"chunks_encoded", vectors.chunks_encoded},
          {"tokens_encoded", vectors.tokens_encoded}};
}

Json ProgressJson(const ingest::IndexProgress& progress) {
  static constexpr std::array<std::string_view, 5> kStages = {"fetching", "listing", "text", "vectors", "done"};
  return {{"stage", kStages[static_cast<size_t>(progress.stage)]},
          {"files_total", progress.files_total},
          {"files_done", progress.files_done},
          {"bytes_done", progress.bytes_done},
          {"vectors", VectorsJson(progress.vectors)}};
}

Json ReportJson(const std::string& source, const ingest::IndexReport& report) {
  const ingest::IndexTimes& times = report.times;
  return {{"source", source},
          {"branch", report.branch},
          {"commit", report.revision},
          {"files",
           {{"seen", report.files_seen},
            {"changed", report.files_changed},
            {"unchanged", report.files_unchanged},
            {"removed", report.files_removed},
            {"indexed", report.files_indexed},
            {"skipped", report.files_skipped},
            {"failed", report.files_failed}}},
          {"bytes_read", report.bytes_read},
          {"vectors", VectorsJson(report.vectors)},
          {"seconds",
           {{"fetch", times.fetch},
            {"list", times.list},
            {"read", times.read},
            {"parse", times.parse},
            {"commit", times.commit},
            {"vectors", times.vectors},
            {"total", times.total}}}};
}

Json StatusJson(const NamedStatus& named) {
  const SourceStatus& status = named.status;
  Json skipped = Json::object(), languages = Json::object(), failed = Json::array();
  for (const auto& [reason, count] : status.skipped_by_reason) skipped[reason] = count;
  for (const auto& [language, count] : status.indexed_by_language) languages[language] = count;
  for (const FileRecord& record : status.failed) failed.push_back({{"path", record.path}, {"reason", record.reason}});
  return {{"source", named.source},
          {"branch", status.state.branch},
          {"commit", status.state.revision},
          {"updated_at", TimeText(status.state.updated_unix_ms)},
          {"files",
           {{"seen", status.files_indexed + status.files_skipped + status.files_failed},
            {"indexed", status.files_indexed},
            {"skipped", status.files_skipped},
            {"failed", status.files_failed}}},
          {"skipped_by_reason", skipped},
          {"languages", languages},
          {"failed", failed},
          {"chunks", status.chunks},
          {"chunks_with_vectors", status.chunks_with_vectors},
          {"text_bytes", status.text_bytes},
          {"index_bytes", status.index_bytes},
          {"segments", status.segments}};
}

// ---- reading ---------------------------------------------------------------------------------------------

Result<std::string> Search(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body,
                                                 {"query", "mode", "sources", "paths", "languages", "limit", "offset", "explain"}));
  SearchQuestion question;
  question.text = json.String("query", {.required = true});
  std::string mode = json.Choice("mode", {"hybrid", "lexical", "vector"});
  question.mode = mode == "lexical" ? SearchMode::kLexical : mode == "vector" ? SearchMode::kVector : SearchMode::kHybrid;
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  question.limit = static_cast<size_t>(json.Integer("limit", {.min = 1, .max = kMaxLimit, .otherwise = 10}));
  question.offset = static_cast<size_t>(json.Integer("offset", {.min = 0, .max = kMaxOffset, .otherwise = 0}));
  bool explain = json.Boolean("explain", false);
  RETURN_IF_ERROR(json.status());
  if (explain && context.caller.role == Role::kReader) {
    return PermissionDenied("'explain' shows scores and is for administrators");
  }
  ASSIGN_OR_RETURN(SearchReply reply, context.service.Search(context.caller.viewer, question));
  Json hits = Json::array();
  for (const NamedHit& named : reply.hits) {
    hits.push_back(HitJson(named, question.offset + hits.size() + 1));
    if (explain) hits.back()["why"] = ExplanationJson(named.hit);
  }
  return Dump({{"query", question.text},
               {"mode", mode},
               {"hits", hits},
               {"vectors_complete", reply.chunks_with_vectors == reply.chunks}});
}

Result<std::string> Ask(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"question", "sources", "paths", "languages", "stream"}));
  AskQuestion question;
  question.text = json.String("question", {.required = true});
  question.sources = json.Strings("sources");
  question.paths = json.Strings("paths");
  question.languages = json.Strings("languages");
  (void)json.Boolean("stream", false);
  RETURN_IF_ERROR(json.status());
  std::stop_source gone;  // the listener left
  std::stop_callback forward(context.stop, [&] { gone.request_stop(); });
  auto emit = [&](std::string_view event, const Json& data) {
    if (context.emit && !context.emit(event, Dump(data))) gone.request_stop();
  };
  Json citations = Json::array();
  std::string text;
  AnswerSink sink;
  sink.citations = [&](const std::vector<NamedHit>& hits) {
    citations = CitationsJson(hits);
    emit("citations", {{"citations", citations}});
  };
  sink.piece = [&](const AnswerPiece& piece) {
    text += piece.text;
    Json supports = Json::array();
    for (const Support& support : piece.supports) {
      supports.push_back({{"n", support.passage + 1}, {"start_line", support.start_line}, {"end_line", support.end_line}});
    }
    emit("text", {{"text", piece.text}, {"supports", supports}});
  };
  ASSIGN_OR_RETURN(AnswerSummary summary, context.service.Ask(context.caller.viewer, question, gone.get_token(), sink));
  emit("done", {{"found", summary.found}, {"generator", summary.generator}});
  return Dump({{"question", question.text},
               {"found", summary.found},
               {"answer", text},
               {"citations", citations},
               {"generator", summary.generator}});
}

// Who looks after a tenant sees that its sources are there and how they do, whether they may read them or not.
Result<Viewer> ManagementViewer(const OperationContext& context) {
  if (context.caller.role == Role::kReader) return context.caller.viewer;
  return context.service.directory().OperatorViewer(context.caller.tenant);
}

Result<std::string> DescribeAll(OperationContext& context) {
  ASSIGN_OR_RETURN(Viewer viewer, ManagementViewer(context));
  ASSIGN_OR_RETURN(auto report, context.service.Describe(viewer));
  Json sources = Json::array();
  bool administrator = context.caller.role != Role::kReader;
  for (const NamedStatus& named : report) {
    sources.push_back(StatusJson(named));
    if (!administrator) continue;
    ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(context.caller.tenant, named.source));
    sources.back()["location"] = source.location;
    if (context.queue == nullptr) continue;
    if (auto job = context.queue->StateOf(source.id)) {
      sources.back()["indexing"] = {{"running", job->running}, {"progress", ProgressJson(job->progress)}, {"error", job->error}};
    }
  }
  return Dump({{"version", CODELORE_VERSION},
               {"encoder", {{"name", context.service.encoder().name}, {"dimension", context.service.encoder().dimension}}},
               {"sources", sources}});
}

// ---- sources ---------------------------------------------------------------------------------------------

Result<std::string> IndexLocation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"location", "name"}));
  std::string location = json.String("location", {.required = true, .max_bytes = 4096});
  std::string name = json.String("name", {.max_bytes = 128});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(acl::Source source, context.service.FindOrAddSource(context.caller.tenant, location, name));
  if (context.queue != nullptr) {
    RETURN_IF_ERROR(context.queue->Submit(source.id));
    return Dump({{"source", source.name}, {"accepted", true}});
  }
  auto progress = [&](const ingest::IndexProgress& p) {
    if (context.emit) (void)context.emit("progress", Dump(ProgressJson(p)));
  };
  ASSIGN_OR_RETURN(auto report, context.service.IndexSource(source, context.stop, progress));
  return Dump(ReportJson(source.name, report));
}

Result<std::string> ListSources(OperationContext& context) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(Viewer viewer, ManagementViewer(context));
  ASSIGN_OR_RETURN(auto visible, directory.VisibleSources(viewer));
  Json sources = Json::array();
  for (const acl::VisibleSource& source : visible) {
    Json entry = {{"name", source.name}};
    if (context.caller.role != Role::kReader) {
      ASSIGN_OR_RETURN(acl::Source full, directory.FindSource(context.caller.tenant, source.name));
      ASSIGN_OR_RETURN(auto principals, directory.PrincipalsOf(source.id));
      entry["location"] = full.location;
      entry["kind"] = full.kind == acl::SourceKind::kGit ? "git" : "folder";
      entry["readers"] = principals;
    }
    sources.push_back(std::move(entry));
  }
  return Dump({{"sources", sources}});
}

Result<std::string> RemoveSource(OperationContext& context) {
  std::string name = context.Param("source");
  RETURN_IF_ERROR(context.service.RemoveSource(context.caller.tenant, name));
  return Dump({{"removed", name}});
}

Result<std::string> Grant(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"principal"}));
  std::string principal = json.String("principal", {.required = true, .max_bytes = 256});
  RETURN_IF_ERROR(json.status());
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.Grant(source.id, principal));
  ASSIGN_OR_RETURN(auto principals, directory.PrincipalsOf(source.id));
  return Dump({{"source", source.name}, {"readers", principals}});
}

Result<std::string> Revoke(OperationContext& context) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.Revoke(source.id, context.Param("principal")));
  ASSIGN_OR_RETURN(auto principals, directory.PrincipalsOf(source.id));
  return Dump({{"source", source.name}, {"readers", principals}});
}

// ---- tokens and tenants ----------------------------------------------------------------------------------

Result<TenantId> TenantOf(OperationContext& context, const std::string& name) {
  if (name.empty()) return context.caller.tenant;
  acl::Directory& directory = context.service.directory();
  if (context.caller.role == Role::kOperator) return directory.FindTenant(name);
  auto found = directory.FindTenant(name);
  if (!found.ok() || *found != context.caller.tenant) return NotFound("there is no tenant '" + name + "' that you look after");
  return *found;
}

Result<std::string> CreateToken(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"tenant", "user", "teams", "administrator", "expires_in_days"}));
  std::string tenant = json.String("tenant", {.max_bytes = 128});
  acl::NewToken token;
  token.user = json.String("user", {.required = true, .max_bytes = 128});
  token.teams = json.Strings("teams");
  token.administrator = json.Boolean("administrator", false);
  int64_t days = json.Integer("expires_in_days", {.min = 0, .max = 3650, .otherwise = 0});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(token.tenant, TenantOf(context, tenant));
  if (days > 0) {
    auto expires = std::chrono::system_clock::now() + std::chrono::hours(24 * days);
    token.expires_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(expires.time_since_epoch()).count();
  }
  ASSIGN_OR_RETURN(acl::CreatedToken created, context.service.directory().CreateToken(token));
  return Dump({{"id", created.id.value}, {"token", created.text}, {"user", token.user}, {"teams", token.teams},
               {"administrator", token.administrator}, {"expires_at", TimeText(token.expires_unix_ms)}});
}

Result<std::string> ListTokens(OperationContext& context) {
  ASSIGN_OR_RETURN(auto tokens, context.service.directory().ListTokens(context.caller.tenant));
  Json list = Json::array();
  for (const acl::Token& token : tokens) {
    list.push_back({{"id", token.id.value}, {"user", token.user}, {"teams", token.teams},
                    {"administrator", token.administrator}, {"created_at", TimeText(token.created_unix_ms)},
                    {"expires_at", TimeText(token.expires_unix_ms)}});
  }
  return Dump({{"tokens", list}});
}

Result<std::string> RevokeToken(OperationContext& context) {
  std::string id = context.Param("id");
  if (id.empty() || id.size() > 10 || id.find_first_not_of("0123456789") != std::string::npos) {
    return InvalidArgument("a token is revoked by its number, see the list of tokens");
  }
  acl::TokenId token{static_cast<uint32_t>(std::strtoull(id.c_str(), nullptr, 10))};
  RETURN_IF_ERROR(context.service.directory().RevokeToken(context.caller.tenant, token));
  return Dump({{"revoked", token.value}});
}

Result<std::string> CreateTenant(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"name"}));
  std::string name = json.String("name", {.required = true, .max_bytes = 128});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(TenantId tenant, context.service.directory().CreateTenant(name));
  return Dump({{"id", tenant.value}, {"name", name}});
}

Result<std::string> ListTenants(OperationContext& context) {
  ASSIGN_OR_RETURN(auto tenants, context.service.directory().ListTenants());
  Json list = Json::array();
  for (const acl::Tenant& tenant : tenants) list.push_back({{"id", tenant.id.value}, {"name", tenant.name}});
  return Dump({{"tenants", list}});
}

constexpr Role kReader = Role::kReader, kAdministrator = Role::kAdministrator, kOperator = Role::kOperator;

constexpr Operation kOperations[] = {
    {"search", "POST", "/v1/search", kReader, false, "Search code and documents", Search},
    {"ask", "POST", "/v1/ask", kReader, true, "Answer a question with citations", Ask},
    {"status", "GET", "/v1/status", kReader, false, "What is indexed, and how completely", DescribeAll},
    {"source.list", "GET", "/v1/sources", kReader, false, "List the sources you may read", ListSources},
    {"index", "POST", "/v1/sources", kAdministrator, false, "Index a repository or folder", IndexLocation},
    {"source.remove", "DELETE", "/v1/sources/:source", kAdministrator, false, "Remove a source and its index", RemoveSource},
    {"grant", "POST", "/v1/sources/:source/grants", kAdministrator, false, "Let a principal read a source", Grant},
    {"revoke", "DELETE", "/v1/sources/:source/grants/:principal", kAdministrator, false, "Take a grant back", Revoke},
    {"token.create", "POST", "/v1/tokens", kAdministrator, false, "Make a token; its text is shown once", CreateToken},
    {"token.list", "GET", "/v1/tokens", kAdministrator, false, "List tokens, without their text", ListTokens},
    {"token.revoke", "DELETE", "/v1/tokens/:id", kAdministrator, false, "Revoke a token", RevokeToken},
    {"tenant.create", "POST", "/v1/tenants", kOperator, false, "Add a tenant", CreateTenant},
    {"tenant.list", "GET", "/v1/tenants", kOperator, false, "List tenants", ListTenants},
};

}  // namespace

Result<Caller> MakeLocalCaller(Service& service, const std::string& tenant_name, const std::vector<std::string>& as) {
  acl::Directory& directory = service.directory();
  ASSIGN_OR_RETURN(TenantId tenant, directory.FindTenant(tenant_name.empty() ? acl::kDefaultTenant : tenant_name));
  if (as.empty()) {
    ASSIGN_OR_RETURN(Viewer viewer, directory.OperatorViewer(tenant));
    return Caller{tenant, Role::kOperator, std::move(viewer)};
  }
  std::string user;
  std::vector<std::string> teams;
  for (const std::string& principal : as) {
    if (principal.starts_with("user:") && user.empty()) {
      user = principal.substr(5);
    } else if (principal.starts_with("team:")) {
      teams.push_back(principal.substr(5));
    } else {
      return InvalidArgument("--as takes one user:NAME and any number of team:NAME, not '" + principal + "'");
    }
  }
  if (user.empty()) return InvalidArgument("--as needs a user:NAME");
  ASSIGN_OR_RETURN(Viewer viewer, directory.ViewerForUser(tenant, user, teams));
  return Caller{tenant, Role::kReader, std::move(viewer)};
}

std::string OperationContext::Param(std::string_view name) const {
  auto at = std::ranges::find(input.params, name, &std::pair<std::string, std::string>::first);
  return at == input.params.end() ? "" : at->second;
}

std::span<const Operation> Operations() { return kOperations; }

const Operation& OperationNamed(std::string_view name) {
  auto at = std::ranges::find(kOperations, name, &Operation::name);
  assert(at != std::end(kOperations));
  return *at;
}

Result<std::string> Run(const Operation& operation, OperationContext& context) {
  if (context.caller.role < operation.needs) {
    return PermissionDenied(operation.needs == Role::kOperator
                                ? "this is done on the server's machine, with --data"
                                : "this needs an administrator's token");
  }
  return operation.run(context);
}

}  // namespace codelore::api
