#include "api/source_operations.h"

#include <array>
#include <nlohmann/json.hpp>

#include "api/json_request.h"
#include "api/time_text.h"
#include "ingest/git_location.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

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

Json JobJson(const JobState& job) {
  static constexpr std::array<std::string_view, 4> kPhases = {"waiting", "running", "done", "failed"};
  return {{"state", kPhases[static_cast<size_t>(job.phase)]}, {"progress", ProgressJson(job.progress)}, {"error", job.error}};
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

// Who looks after a tenant sees that its sources are there and how they do, whether they may read them or not.
Result<Viewer> ManagementViewer(const OperationContext& context) {
  if (context.caller.role == Role::kReader) return context.caller.viewer;
  return context.service.directory().OperatorViewer(context.caller.tenant);
}

// Over HTTP a path means one on the server's disk. Who looks after the default tenant is taken to look after the
// machine as well; who looks after another must not read what lies beside it.
Status CheckLocation(const OperationContext& context, const std::string& location) {
  if (context.caller.role == Role::kOperator) return OkStatus();
  RETURN_IF_ERROR(ingest::ValidateLocation(location));
  if (ingest::IsRemote(location) && !ingest::IsFileUrl(location)) return OkStatus();
  ASSIGN_OR_RETURN(TenantId own, context.service.directory().FindTenant(acl::kDefaultTenant));
  if (context.caller.tenant != own) return PermissionDenied("only URLs of other machines can be indexed here, no paths");
  bool absolute = location.starts_with('/') || ingest::IsRemote(location);
  return absolute ? OkStatus() : InvalidArgument("a path on the server must be absolute, not '" + location + "'");
}

}  // namespace

Result<std::string> DescribeSources(OperationContext& context) {
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
    if (auto job = context.queue->StateOf(source.id)) sources.back()["indexing"] = JobJson(*job);
  }
  return Dump({{"version", CODELORE_VERSION},
               {"encoder", {{"name", context.service.encoder().name}, {"dimension", context.service.encoder().dimension}}},
               {"sources", sources}});
}

Result<std::string> IndexLocation(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"location", "name"}));
  std::string location = json.String("location", {.required = true, .max_bytes = 4096});
  std::string name = json.String("name", {.max_bytes = 128});
  RETURN_IF_ERROR(json.status());
  RETURN_IF_ERROR(CheckLocation(context, location));
  Service& service = context.service;
  ASSIGN_OR_RETURN(auto found, service.FindOrAddSource(context.caller.tenant, location, name));
  const acl::Source& source = found.source;
  if (context.queue != nullptr) {
    RETURN_IF_ERROR(context.queue->Submit(source.id));
    return Dump({{"source", source.name}, {"accepted", true}});
  }
  auto progress = [&](const ingest::IndexProgress& p) {
    if (context.emit) (void)context.emit("progress", Dump(ProgressJson(p)));
  };
  auto report = service.IndexSource(source, context.stop, progress);
  if (!report.ok() && found.added && !service.HoldsAnything(source.id)) {
    (void)service.RemoveSource(context.caller.tenant, source.name).ok();  // as if it had never been named
  }
  if (!report.ok()) return report.status();
  return Dump(ReportJson(source.name, *report));
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
  ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(context.caller.tenant, name));
  if (context.queue != nullptr) RETURN_IF_ERROR(context.queue->Cancel(source.id));
  RETURN_IF_ERROR(context.service.RemoveSource(context.caller.tenant, name));
  return Dump({{"removed", name}});
}

Result<std::string> GrantSource(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"principal"}));
  std::string principal = json.String("principal", {.required = true, .max_bytes = 256});
  RETURN_IF_ERROR(json.status());
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.Grant(source.id, principal));
  ASSIGN_OR_RETURN(auto principals, directory.PrincipalsOf(source.id));
  return Dump({{"source", source.name}, {"readers", principals}});
}

Result<std::string> RevokeSource(OperationContext& context) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.Revoke(source.id, context.Param("principal")));
  ASSIGN_OR_RETURN(auto principals, directory.PrincipalsOf(source.id));
  return Dump({{"source", source.name}, {"readers", principals}});
}

}  // namespace codelore::api
