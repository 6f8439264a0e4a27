#include "api/source_operations.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "api/json_request.h"
#include "api/source_json.h"
#include "api/time_text.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string_view KindName(acl::SourceKind kind) {
  if (kind == acl::SourceKind::kDocuments) return "documents";
  return kind == acl::SourceKind::kGit ? "git" : "folder";
}

}  // namespace
Result<std::string> DescribeSources(OperationContext& context) {
  ASSIGN_OR_RETURN(Viewer viewer, ManagementViewer(context));
  ASSIGN_OR_RETURN(auto report, context.service.Describe(viewer));
  Json sources = Json::array();
  bool administrator = context.caller.role >= Role::kAdministrator;
  for (const NamedStatus& named : report) {
    sources.push_back(Json::parse(StatusJson(named)));
    if (!administrator) continue;
    ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(context.caller.tenant, named.source));
    sources.back()["location"] = source.location;
    if (context.queue == nullptr) continue;
    if (auto job = context.queue->StateOf(source.id)) sources.back()["indexing"] = Json::parse(JobJson(*job));
  }
  return Dump({{"version", CODELORE_VERSION},
               {"encoder", {{"name", context.service.encoder()->info().name}, {"dimension", context.service.encoder()->info().dimension}}},
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
  auto report = IndexNow(context, source);
  if (!report.ok() && found.added && !service.HoldsAnything(source.id)) {
    (void)service.RemoveSource(context.caller.tenant, source.name).ok();  // as if it had never been named
  }
  return report;
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
      if (context.caller.role >= Role::kAdministrator) entry["location"] = full.location;
      entry["kind"] = KindName(full.kind);
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

namespace {

Result<std::string> ReadersJson(OperationContext& context, const acl::Source& source) {
  ASSIGN_OR_RETURN(auto principals, context.service.directory().PrincipalsOf(source.id));
  return Dump({{"source", source.name}, {"readers", principals}});
}

}  // namespace

Result<std::string> GrantSource(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"principal"}));
  std::string principal = json.String("principal", {.required = true, .max_bytes = 256});
  RETURN_IF_ERROR(json.status());
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.Grant(source.id, principal));
  return ReadersJson(context, source);
}

Result<std::string> RevokeSource(OperationContext& context) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.Revoke(source.id, context.Param("principal")));
  return ReadersJson(context, source);
}

Result<std::string> ListGrants(OperationContext& context) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  ASSIGN_OR_RETURN(auto grants, directory.GrantsOf(source.id));
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  Json list = Json::array();
  for (const acl::GrantRecord& grant : grants) {
    bool counts = grant.origin.empty() || now < grant.valid_until_unix_ms;
    list.push_back({{"principal", grant.principal}, {"origin", grant.origin.empty() ? "by hand" : grant.origin}, {"counts", counts}});
    if (grant.origin.empty()) continue;
    list.back()["last_verified_at"] = TimeText(grant.verified_unix_ms);
    list.back()["counts_until"] = TimeText(grant.valid_until_unix_ms);
  }
  return Dump({{"source", source.name}, {"grants", list}});
}

}  // namespace codelore::api
