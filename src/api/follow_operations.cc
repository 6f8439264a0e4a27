#include "api/follow_operations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/follow_settings.h"
#include "api/follower.h"
#include "api/forge/mirror_request.h"
#include "api/json_request.h"
#include "api/source_json.h"
#include "api/time_text.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

constexpr size_t kLeastSecretBytes = 8, kMostSecretBytes = 512;
constexpr size_t kMaxPatterns = 64;  // of branches and of tags

struct NewSettings {
  std::string location, kind, branch, poll, token, webhook_secret;
  std::optional<ingest::RefPatterns> also = {};  // given: these are followed from now on
  bool mirror = false;  // said something of where permissions come from
};

// The first plain name is the default branch, unless there is one already; the others are followed besides.
Status ReadBranches(JsonRequest& json, NewSettings& wanted) {
  if (!json.Has("branches") && !json.Has("tags")) return OkStatus();
  ingest::RefPatterns also{.branches = json.Strings("branches", {.max_items = kMaxPatterns, .max_bytes = kMaxBranchBytes}),
                           .tags = json.Strings("tags", {.max_items = kMaxPatterns, .max_bytes = kMaxBranchBytes})};
  for (const auto* list : {&also.branches, &also.tags}) {
    for (const std::string& pattern : *list) RETURN_IF_ERROR(ingest::ValidateRefPattern(pattern).In("'" + pattern + "'"));
  }
  auto plain = std::ranges::find_if(also.branches, [](const std::string& name) { return name.find('*') == std::string::npos; });
  if (wanted.branch.empty() && plain != also.branches.end()) wanted.branch = *plain;
  std::erase(also.branches, wanted.branch);
  wanted.also = std::move(also);
  return OkStatus();
}


Result<NewSettings> ReadNewSettings(const OperationInput& input) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(input.body, {"location", "kind", "branch", "branches", "tags", "poll", "token", "webhook_secret", "mirror"}));
  NewSettings wanted;
  wanted.kind = json.Choice("kind", {"located", "documents"});
  bool documents = wanted.kind == "documents";
  wanted.location = json.String("location", {.required = !documents, .max_bytes = 4096});
  for (const char* field : {"location", "branch", "branches", "tags", "poll", "token", "webhook_secret", "mirror"}) {
    if (documents && json.Has(field)) json.Reject(field, "does not go with pushed documents");
  }
  wanted.branch = json.String("branch", {.max_bytes = 255});
  RETURN_IF_ERROR(ReadBranches(json, wanted));
  wanted.poll = json.String("poll", {.max_bytes = 16});
  wanted.token = json.String("token", {.max_bytes = 4096});
  wanted.webhook_secret = json.String("webhook_secret", {.max_bytes = kMostSecretBytes});
  wanted.mirror = json.Has("mirror");
  RETURN_IF_ERROR(json.status());
  if (!wanted.webhook_secret.empty() && wanted.webhook_secret.size() < kLeastSecretBytes) {
    return InvalidArgument("field 'webhook_secret' must have at least " + std::to_string(kLeastSecretBytes) + " bytes");
  }
  if (std::ranges::any_of(wanted.token, [](unsigned char c) { return c <= ' ' || c == 0x7F; })) {
    return InvalidArgument("field 'token' holds white space or control characters");
  }
  return wanted;
}

// Given once more, the newest secret stays the newest; another one takes its place and leaves it valid beside it.
void Rotate(std::vector<std::string>& secrets, const std::string& secret) {
  if (secret.empty()) return;
  std::erase(secrets, secret);
  secrets.insert(secrets.begin(), secret);
  if (secrets.size() > kMaxWebhookSecrets) secrets.resize(kMaxWebhookSecrets);
}

Json SettingsJson(const FollowSettings& settings) {
  return {{"poll_seconds", settings.poll_seconds},
          {"paused", settings.paused},
          {"branches", settings.also.branches},
          {"tags", settings.also.tags},
          {"webhook_secrets", settings.webhook_secrets.size()},
          {"has_token", !settings.token.empty()}};
}

Result<acl::Source> ManagedSource(const OperationContext& context) {
  return context.service.directory().FindSource(context.caller.tenant, context.Param("source"));
}

Result<std::string> ChangeSettings(OperationContext& context, const acl::Source& source,
                                   const std::function<void(FollowSettings&)>& change) {
  KeyValueStore& store = context.service.store();
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(store, source.id));
  change(settings);
  RETURN_IF_ERROR(WriteFollowSettings(store, source.id, settings));
  if (context.follower != nullptr) context.follower->Reload();
  return Dump({{"source", source.name}, {"following", SettingsJson(settings)}});
}

// What stands in the queue, or will when a server opens it.
std::string StateText(const OperationContext& context, const acl::Source& source, const std::optional<JobState>& job, bool paused) {
  bool recorded = false;
  if (context.queue == nullptr) recorded = IndexQueue::IsRecorded(context.service.store(), source.id);
  bool pending = recorded || (job && job->pending());
  if (paused) return "paused";
  if (!pending) return job && job->phase == JobPhase::kFailed ? "failed" : "current";
  return job ? std::string(PhaseName(job->phase)) : "waiting";
}

Result<std::string> AddDocumentSource(OperationContext& context) {
  ASSIGN_OR_RETURN(auto found, context.service.FindOrAddDocuments(context.caller.tenant, context.Param("source")));
  return Dump({{"source", found.source.name}, {"added", found.added}, {"accepted", false}, {"following", SettingsJson({.token = {}, .webhook_secrets = {}})}});
}

// What `context`'s request says of the mirror of `source`, if there is such a source.
Result<std::optional<MirrorSettings>> WantedMirror(OperationContext& context, const std::optional<acl::Source>& source, const std::string& location) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {JsonRequest::kAnyField}));
  std::optional<MirrorSettings> before;
  if (source) {
    ASSIGN_OR_RETURN(before, ReadMirrorSettings(context.service.store(), source->id));
  }
  return ReadMirrorRequest(json, before, location);
}

// Asks the forge at once: who configures it sees what comes of it.
Result<Json> ConfigureMirror(OperationContext& context, const acl::Source& source, const std::optional<MirrorSettings>& settings) {
  PermissionMirror& mirror = context.service.permission_mirror();
  RETURN_IF_ERROR(mirror.Configure(source.id, settings));
  if (context.permissions != nullptr) context.permissions->Reload();
  if (!settings) return Json{{"forge", "off"}};
  Json json = Json::parse(MirrorJson(*settings));
  json["error"] = mirror.Look(source.id, context.stop).message();
  ASSIGN_OR_RETURN(json["readers"], context.service.directory().PrincipalsOf(source.id));
  return json;
}

// Nothing for a source that is not mirrored.
Result<Json> ShowMirror(OperationContext& context, SourceId source) {
  ASSIGN_OR_RETURN(auto settings, ReadMirrorSettings(context.service.store(), source));
  if (!settings) return Json();
  Json json = Json::parse(MirrorJson(*settings));
  int64_t verified = 0;
  ASSIGN_OR_RETURN(auto grants, context.service.directory().GrantsOf(source));
  for (const acl::GrantRecord& grant : grants) verified = std::max(verified, grant.verified_unix_ms);
  json["last_verified"] = verified == 0 ? "" : TimeText(verified);
  if (context.permissions != nullptr) {
    PollState state = context.permissions->StateOf(source);
    json["last_look"] = {{"at", TimeText(state.looked_unix_ms)}, {"took_ms", state.took_ms}, {"failures", state.failures}, {"error", state.error}};
  }
  return json;
}

}  // namespace

Result<std::string> AddSource(OperationContext& context) {
  ASSIGN_OR_RETURN(NewSettings wanted, ReadNewSettings(context.input));
  if (wanted.kind == "documents") return AddDocumentSource(context);
  RETURN_IF_ERROR(CheckLocation(context, wanted.location));
  FollowSettings first{.poll_seconds = kDefaultPollSeconds, .token = {}, .webhook_secrets = {}};
  if (!wanted.poll.empty()) {
    ASSIGN_OR_RETURN(first.poll_seconds, ParsePollInterval(wanted.poll));
  }
  Service& service = context.service;
  if (wanted.also && !wanted.also->empty()) {
    ASSIGN_OR_RETURN(ingest::Location location, ingest::ResolveLocation(wanted.location));
    if (location.kind != acl::SourceKind::kGit) return InvalidArgument("a folder has no branches or tags");
  }
  std::optional<MirrorSettings> mirrored;
  if (wanted.mirror) {  // what is wrong with it is said before a source is added
    auto before = ManagedSource(context);
    ASSIGN_OR_RETURN(mirrored, WantedMirror(context, before.ok() ? std::optional(*before) : std::nullopt, wanted.location));
  }
  ASSIGN_OR_RETURN(auto found, service.FindOrAddSource(context.caller.tenant, wanted.location, context.Param("source"), wanted.branch));
  const acl::Source& source = found.source;
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(service.store(), source.id));
  if (found.added || !wanted.poll.empty()) settings.poll_seconds = first.poll_seconds;
  if (!wanted.token.empty()) settings.token = wanted.token;
  if (wanted.also) settings.also = *wanted.also;
  Rotate(settings.webhook_secrets, wanted.webhook_secret);
  RETURN_IF_ERROR(WriteFollowSettings(service.store(), source.id, settings));
  if (context.follower != nullptr) context.follower->Reload();
  if (context.queue != nullptr) {
    RETURN_IF_ERROR(context.queue->Submit(source.id, {.wake_parked = true}));
  } else {
    RETURN_IF_ERROR(IndexQueue::SubmitForLater(service.store(), source.id));
  }
  Json reply = {{"source", source.name}, {"added", found.added}, {"accepted", context.queue != nullptr}, {"following", SettingsJson(settings)}};
  if (wanted.mirror) {
    ASSIGN_OR_RETURN(reply["mirror"], ConfigureMirror(context, source, mirrored));
  }
  return Dump(reply);
}

Result<std::string> ShowSource(OperationContext& context) {
  ASSIGN_OR_RETURN(Viewer viewer, ManagementViewer(context));
  ASSIGN_OR_RETURN(SourceSummary summary, context.service.SummarizeSource(viewer, context.Param("source")));
  Json json = Json::parse(SummaryJson(context.Param("source"), summary));
  if (context.caller.role < Role::kAdministrator) return Dump(json);
  json["files"]["seen"] = summary.state.files;  // of all partitions
  ASSIGN_OR_RETURN(acl::Source source, ManagedSource(context));
  ASSIGN_OR_RETURN(auto principals, context.service.directory().PrincipalsOf(source.id));
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(context.service.store(), source.id));
  json["location"] = source.location;
  json["readers"] = principals;
  json["following"] = SettingsJson(settings);
  ASSIGN_OR_RETURN(Json mirror, ShowMirror(context, source.id));
  if (!mirror.is_null()) json["mirror"] = mirror;
  if (context.follower != nullptr) {
    PollState poll = context.follower->StateOf(source.id);
    json["last_look"] = {{"at", TimeText(poll.looked_unix_ms)}, {"took_ms", poll.took_ms}, {"failures", poll.failures}, {"error", poll.error}};
  }
  if (context.queue != nullptr) {
    if (auto job = context.queue->StateOf(source.id)) json["indexing"] = Json::parse(JobJson(*job));
  }
  return Dump(json);
}

Result<std::string> PauseSource(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Source source, ManagedSource(context));
  return ChangeSettings(context, source, [](FollowSettings& settings) { settings.paused = true; });
}

Result<std::string> ResumeSource(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Source source, ManagedSource(context));
  ASSIGN_OR_RETURN(std::string reply, ChangeSettings(context, source, [](FollowSettings& settings) { settings.paused = false; }));
  // Also what was pushed while nobody looked.
  if (context.queue != nullptr) RETURN_IF_ERROR(context.queue->Submit(source.id, {.wake_parked = true}));
  return reply;
}

Result<std::string> SyncSource(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Source source, ManagedSource(context));
  if (context.permissions != nullptr) (void)context.permissions->LookNow(source.id);  // one that is mirrored
  return IndexNow(context, source);
}

Result<std::string> ReindexSource(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Source source, ManagedSource(context));
  RETURN_IF_ERROR(ChangeSettings(context, source, [](FollowSettings& settings) { ++settings.generation; }).status());
  return IndexNow(context, source);
}

Result<std::string> SourceFreshness(OperationContext& context) {
  ASSIGN_OR_RETURN(Viewer viewer, ManagementViewer(context));
  // Before anything else is asked: whoever may not see the source gets the same answer as if there were none.
  RETURN_IF_ERROR(context.service.SummarizeSource(viewer, context.Param("source")).status());
  ASSIGN_OR_RETURN(acl::Source source, ManagedSource(context));
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(context.service.store(), source.id));
  // The queue first: what it says is over is in the summary.
  std::optional<JobState> job;
  if (context.queue != nullptr) job = context.queue->StateOf(source.id);
  ASSIGN_OR_RETURN(SourceSummary summary, context.service.SummarizeSource(viewer, context.Param("source")));
  PollState poll = context.follower != nullptr ? context.follower->StateOf(source.id) : PollState();
  if (!context.service.directory().ReadsWhole(viewer, source.id)) {  // a push may be of files that are hidden from them
    return Dump({{"source", source.name}, {"branch", summary.state.branch}, {"commit", ""}, {"updated_at", ""}, {"state", "current"}, {"pending", false},
                 {"pending_since", ""}, {"looked_at", ""}, {"branches", Json::parse(SummaryJson(source.name, summary))["branches"]},
                 {"branches_left_out", Json::array()}, {"chunks", summary.chunks}, {"chunks_with_vectors", summary.chunks_with_vectors}});
  }
  std::string state = StateText(context, source, job, settings.paused);
  bool current = state == "current" || state == "failed";
  return Dump({{"source", source.name},
               {"branch", summary.state.branch},
               {"commit", summary.state.revision},
               {"updated_at", TimeText(summary.state.updated_unix_ms)},
               {"state", state},
               {"pending", (job && job->pending()) || (!job && !current)},
               {"pending_since", job && job->pending() ? TimeText(job->since_unix_ms) : ""},
               {"looked_at", TimeText(poll.looked_unix_ms)},
               {"branches", Json::parse(SummaryJson(source.name, summary))["branches"]},
               {"branches_left_out", summary.state.left_out},
               {"chunks", summary.chunks},
               {"chunks_with_vectors", summary.chunks_with_vectors}});
}

}  // namespace codelore::api
