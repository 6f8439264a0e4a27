#include "api/documents_route.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "api/authentication.h"
#include "api/document_operations.h"
#include "api/follow_settings.h"
#include "api/json_request.h"
#include "api/operations.h"
#include "ingest/document_store.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxBulkBytes = 16 << 20;
constexpr size_t kMaxBulkLines = 10'000;

int64_t NowUnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// What one request changes.
struct Edit {
  SourceId source;
  ingest::Masking masking = ingest::Masking::kAll;
  SubmitOptions options = {};
  size_t put = 0, removed = 0;
};

using Change = Status (*)(Service& service, const HttpRequest& request, Edit& edit);

Status PutOne(Service&, const HttpRequest& request, Edit& edit) {
  ingest::NewDocument document{.path = std::string(request.Param("path")), .bytes = request.body,
                               .link = std::string(request.Query("link").value_or(""))};
  ASSIGN_OR_RETURN(document.expires_unix_ms, ParseExpiry(request.Query("expires").value_or(""), NowUnixMs()));
  RETURN_IF_ERROR(ingest::ValidateDocumentPath(document.path));
  RETURN_IF_ERROR(ingest::ValidateDocumentLink(document.link));
  RETURN_IF_ERROR(ingest::ValidateDocumentSize(document.path, request.body.size()));
  ingest::PutDocument(edit.source, document, edit.masking, edit.options.also);
  ++edit.put;
  return OkStatus();
}

Status RemoveOne(Service& service, const HttpRequest& request, Edit& edit) {
  std::string path(request.Param("path"));
  RETURN_IF_ERROR(ingest::ValidateDocumentPath(path));
  if (!ingest::HasDocument(service.store(), edit.source, path)) return NotFound("there is no such document");
  ingest::EraseDocument(edit.source, path, edit.options.also);
  ++edit.removed;
  return OkStatus();
}

Status AddLine(std::string_view line, Edit& edit) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(line, {std::begin(kDocumentFields), std::end(kDocumentFields)}));
  ASSIGN_OR_RETURN(bool put, AddDocumentChange(edit.source, edit.masking, json, edit.options.also));
  ++(put ? edit.put : edit.removed);
  return OkStatus();
}

Status ChangeMany(Service&, const HttpRequest& request, Edit& edit) {
  std::string_view rest = request.body;
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    if (number > kMaxBulkLines) return InvalidArgument("more than " + std::to_string(kMaxBulkLines) + " lines; send several requests");
    RETURN_IF_ERROR(AddLine(line, edit).In("line " + std::to_string(number)));
  }
  return edit.options.also.empty() ? InvalidArgument("the body has no lines") : OkStatus();
}

// False: the tenant's quota does not let so many bytes in, now or ever, and the response says so.
bool TakeIndexBytes(Service& service, TenantId tenant, size_t bytes, HttpResponse& response) {
  uint64_t day = service.quotas().limits().tenant_index_bytes_per_day;
  if (day != 0 && bytes > day) {
    response.SetProblem({.http_status = 413, .detail = "that is more than the tenant may have indexed in a day"});
    return false;
  }
  uint32_t seconds = service.quotas().TakeIndexBytes(tenant, bytes);
  if (seconds == 0) return true;
  response.SetHeader("Retry-After", std::to_string(seconds));
  response.SetProblem({.http_status = 429, .detail = "the tenant's bytes to index are used up for now; try again later"});
  return false;
}

Status Apply(Service& service, IndexQueue& queue, const HttpRequest& request, Change change, HttpResponse& response) {
  auto caller = Authenticate(service, request, response, acl::Protocol::kRest);
  if (!caller.ok()) {
    RefuseCaller(caller.status(), response);
    return OkStatus();
  }
  AuditEvent event{.tenant = caller->tenant, .who = caller->viewer.name(), .what = "documents.change", .about = {{"source", std::string(request.Param("source"))}},
                   .from = request.peer, .request = request.id};
  if (caller->role < Role::kAdministrator) {
    event.result = "denied";
    (void)service.audit().AppendNoise(event).ok();  // the denial stands whether or not it is on record
    return PermissionDenied("this needs an administrator");
  }
  ASSIGN_OR_RETURN(acl::Source source, DocumentSource(service, caller->tenant, request.Param("source")));
  if (!TakeIndexBytes(service, source.tenant, request.body.size(), response)) return OkStatus();
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(service.store(), source.id));
  Edit edit{.source = source.id, .masking = settings.masking};
  RETURN_IF_ERROR(change(service, request, edit));
  edit.options.wake_parked = true;
  {
    std::lock_guard lock(service.documents_mutex());
    RETURN_IF_ERROR(queue.Submit(source.id, edit.options));  // documents and job in one batch, on disk before the answer
  }
  if (request.params.size() > 1) event.about.emplace_back("path", std::string(request.Param("path")));
  event.about.emplace_back("put", std::to_string(edit.put));
  event.about.emplace_back("removed", std::to_string(edit.removed));
  Status recorded = service.audit().Append(event);
  if (!recorded.ok()) return Unavailable("the change was made, but could not be put on record: " + recorded.message());
  response.SetStatus(202);
  nlohmann::ordered_json json = {{"source", source.name}, {"accepted", true}, {"put", edit.put}, {"removed", edit.removed}};
  response.SetBody(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), kJsonType);
  return OkStatus();
}

}  // namespace

void AddDocumentRoutes(HttpServer& server, Service& service, IndexQueue& queue) {
  auto add = [&](const char* method, const char* path, Change change, size_t max_bytes) {
    server.Handle(method, path,
                  [&service, &queue, change](const HttpRequest& request, HttpResponse& response) {
                    if (Status status = Apply(service, queue, request, change, response); !status.ok()) response.SetError(status);
                  },
                  {.max_body_bytes = max_bytes, .json_only = false});
  };
  add("PUT", "/v1/sources/:source/documents/:path", PutOne, ingest::kMaxOfficeDocumentBytes);
  add("DELETE", "/v1/sources/:source/documents/:path", RemoveOne, 1024);
  add("POST", "/v1/sources/:source/documents", ChangeMany, kMaxBulkBytes);
}

}  // namespace codelore::api
