#include "api/source_json.h"

#include <array>
#include <nlohmann/json.hpp>

#include "api/model_operations.h"
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
            {"failed", report.files_failed},
            {"shared", report.files_shared}}},
          {"branches", report.branches},
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

Json BranchesJson(const SourceState& state) {
  Json branches = Json::array();
  if (!state.branch.empty()) {
    branches.push_back({{"name", state.branch}, {"commit", state.revision}, {"updated_at", TimeText(state.updated_unix_ms)}, {"default", true}});
  }
  for (const BranchState& branch : state.others) {
    branches.push_back({{"name", branch.name}, {"commit", branch.revision}, {"updated_at", TimeText(branch.updated_unix_ms)}, {"default", false}});
  }
  return branches;
}

}  // namespace

std::string_view PhaseName(JobPhase phase) {
  static constexpr std::array<std::string_view, 5> kPhases = {"waiting", "running", "done", "failed", "parked"};
  return kPhases[static_cast<size_t>(phase)];
}

std::string JobJson(const JobState& job) {
  return Dump({{"state", PhaseName(job.phase)},
          {"since", TimeText(job.since_unix_ms)},
          {"progress", ProgressJson(job.progress)},
          {"error", job.error},
          {"retry_at", TimeText(job.retry_unix_ms)}});
}

std::string StatusJson(const NamedStatus& named) {
  const SourceStatus& status = named.status;
  Json skipped = Json::object(), languages = Json::object(), failed = Json::array();
  for (const auto& [reason, count] : status.skipped_by_reason) skipped[reason] = count;
  for (const auto& [language, count] : status.indexed_by_language) languages[language] = count;
  for (const FileRecord& record : status.failed) failed.push_back({{"path", record.path}, {"reason", record.reason}});
  return Dump({{"source", named.source},
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
          {"segments", status.segments}});
}

std::string SeenJson(const OperationContext& context, const std::vector<NamedSeen>& seen) {
  constexpr size_t kMaxSeen = 100;
  Json list = Json::array();
  for (const NamedSeen& one : seen) {
    if (list.size() == kMaxSeen) break;
    bool pending = one.seen.updating;
    if (!context.service.directory().ReadsWhole(context.caller.viewer, one.seen.source)) {
      pending = false;  // a push may be of files that are hidden from them
    } else if (context.queue == nullptr) {
      pending = pending || IndexQueue::IsRecorded(context.service.store(), one.seen.source);
    } else if (auto job = context.queue->StateOf(one.seen.source)) {
      pending = pending || job->pending();
    }
    list.push_back({{"source", one.source}, {"branch", one.seen.branch}, {"commit", one.seen.revision}, {"pending", pending}});
  }
  return Dump(list);
}

std::string SummaryJson(const std::string& source, const SourceSummary& summary) {
  return Dump({{"source", source},
               {"branch", summary.state.branch},
               {"commit", summary.state.revision},
               {"branches", BranchesJson(summary.state)},
               {"branches_left_out", summary.state.left_out},
               {"updated_at", TimeText(summary.state.updated_unix_ms)},
               {"files", {{"indexed", summary.files_indexed}}},
               {"chunks", summary.chunks},
               {"chunks_with_vectors", summary.chunks_with_vectors},
               {"index_bytes", summary.index_bytes},
               {"segments", summary.segments}});
}

std::string VectorProgressJson(const EmbedProgress& progress) {
  return Dump(ProgressJson({.stage = ingest::IndexStage::kVectors, .vectors = progress}));
}

Result<Viewer> ManagementViewer(const OperationContext& context) {
  if (context.caller.role == Role::kReader) return context.caller.viewer;
  return context.service.directory().OperatorViewer(context.caller.tenant);
}

Status CheckLocation(const OperationContext& context, const std::string& location) {
  if (context.caller.role == Role::kOperator) return OkStatus();
  RETURN_IF_ERROR(ingest::ValidateLocation(location));
  if (ingest::IsRemote(location) && !ingest::IsFileUrl(location)) return OkStatus();
  ASSIGN_OR_RETURN(TenantId own, context.service.directory().FindTenant(acl::kDefaultTenant));
  if (context.caller.tenant != own) return PermissionDenied("only URLs of other machines can be indexed here, no paths");
  bool absolute = location.starts_with('/') || ingest::IsRemote(location);
  return absolute ? OkStatus() : InvalidArgument("a path on the server must be absolute, not '" + location + "'");
}

Result<std::string> IndexNow(OperationContext& context, const acl::Source& source) {
  if (context.queue != nullptr) {
    RETURN_IF_ERROR(context.queue->Submit(source.id, {.wake_parked = true}));
    return Dump({{"source", source.name}, {"accepted", true}});
  }
  auto progress = [&](const ingest::IndexProgress& p) {
    if (context.emit) (void)context.emit("progress", Dump(ProgressJson(p)));
  };
  ASSIGN_OR_RETURN(auto report, context.service.IndexSource(source, context.stop, progress));
  RETURN_IF_ERROR(IndexQueue::EraseRecorded(context.service.store(), source.id));
  RETURN_IF_ERROR(BuildModel(context));
  return Dump(ReportJson(source.name, report));
}

}  // namespace codelore::api
