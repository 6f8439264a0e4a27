#include "api/document_operations.h"

#include <chrono>
#include <ctime>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/follow_settings.h"
#include "api/protocols/base64.h"
#include "api/source_json.h"
#include "api/time_text.h"
#include "ingest/document_store.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

int64_t NowUnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Unix seconds of "2026-12-31" or "2026-12-31T08:00:00Z"; -1 for anything else.
int64_t ParseDate(const std::string& text) {
  std::tm utc{};
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    utc = {};
    const char* end = strptime(text.c_str(), form, &utc);
    if (end != nullptr && *end == '\0') return timegm(&utc);
  }
  return -1;
}

}  // namespace

Result<int64_t> ParseExpiry(std::string_view text, int64_t now_unix_ms) {
  if (text.empty()) return int64_t{0};
  int64_t expires = 0;
  if (text.find('-') != std::string_view::npos) {
    expires = ParseDate(std::string(text)) * 1000;
  } else if (auto seconds = ParsePollInterval(text); seconds.ok()) {
    expires = now_unix_ms + int64_t{*seconds} * 1000;
  }
  if (expires > now_unix_ms) return expires;
  return InvalidArgument("expires: a time to come is written 2026-12-31, 2026-12-31T08:00:00Z, or from now on as 12h or 30d (at most 30d)");
}

Result<acl::Source> DocumentSource(Service& service, TenantId tenant, std::string_view name) {
  ASSIGN_OR_RETURN(acl::Source source, service.directory().FindSource(tenant, name));
  if (source.kind == acl::SourceKind::kDocuments) return source;
  return InvalidArgument("source '" + source.name + "' is indexed from its location; add one of the kind 'documents'");
}

Result<bool> AddDocumentChange(SourceId source, ingest::Masking masking, JsonRequest& json, WriteBatch& batch) {
  constexpr size_t kMaxEncoded = ingest::kMaxOfficeDocumentBytes / 3 * 4 + 4;
  ingest::NewDocument document{.path = json.String("path", {.required = true, .max_bytes = 1024}), .bytes = {}};
  std::string bytes = json.String("text", {.max_bytes = ingest::kMaxDocumentBytes});
  std::string encoded = json.String("base64", {.max_bytes = kMaxEncoded});
  document.link = json.String("link", {.max_bytes = ingest::kMaxDocumentLinkBytes});
  std::string expires = json.String("expires", {.max_bytes = 32});
  bool remove = json.Boolean("delete", false);
  RETURN_IF_ERROR(json.status());
  RETURN_IF_ERROR(ingest::ValidateDocumentPath(document.path));
  if (json.Has("text") + json.Has("base64") + remove != 1) return InvalidArgument("give one of 'text', 'base64' and \"delete\": true");
  if (remove) {
    ingest::EraseDocument(source, document.path, batch);
    return false;
  }
  if (json.Has("base64")) {
    auto decoded = DecodeBase64(encoded);
    if (!decoded) return InvalidArgument("field 'base64' is not base64 with padding");
    bytes = std::move(*decoded);
  }
  ASSIGN_OR_RETURN(document.expires_unix_ms, ParseExpiry(expires, NowUnixMs()));
  RETURN_IF_ERROR(ingest::ValidateDocumentLink(document.link));
  RETURN_IF_ERROR(ingest::ValidateDocumentSize(document.path, bytes.size()));
  document.bytes = bytes;
  ingest::PutDocument(source, document, masking, batch);
  return true;
}

Result<std::string> ListDocuments(OperationContext& context) {
  constexpr size_t kMaxListed = 10'000;
  ASSIGN_OR_RETURN(acl::Source source, DocumentSource(context.service, context.caller.tenant, context.Param("source")));
  Json documents = Json::array();
  bool complete = true;
  RETURN_IF_ERROR(ingest::ForEachDocument(context.service.store(), source.id, [&](const ingest::DocumentInfo& info) {
    complete = documents.size() < kMaxListed;
    if (complete) {
      documents.push_back({{"path", info.path}, {"size_bytes", info.size_bytes}, {"link", info.link}, {"expires_at", TimeText(info.expires_unix_ms)}});
    }
    return complete;
  }));
  return Json({{"source", source.name}, {"documents", documents}, {"complete", complete}}).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> ChangeDocument(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {std::begin(kDocumentFields), std::end(kDocumentFields)}));
  ASSIGN_OR_RETURN(acl::Source source, DocumentSource(context.service, context.caller.tenant, context.Param("source")));
  std::string path = json.String("path", {.required = true, .max_bytes = 1024});
  if (json.Boolean("delete", false) && !ingest::HasDocument(context.service.store(), source.id, path)) {
    return NotFound("there is no document '" + path + "' in source '" + source.name + "'");
  }
  if (uint32_t seconds = context.service.quotas().IndexBytesWait(source.tenant); seconds != 0) {
    return ResourceExhausted("the tenant's bytes to index are used up; try again in " + std::to_string(seconds) + " seconds");
  }
  context.service.quotas().SpendIndexBytes(source.tenant, context.input.body.size());
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(context.service.store(), source.id));
  SubmitOptions options{.wake_parked = true};
  ASSIGN_OR_RETURN(bool put, AddDocumentChange(source.id, settings.masking, json, options.also));
  Json reply = {{"source", source.name}, {"path", path}, {"put", put ? 1 : 0}, {"removed", put ? 0 : 1}, {"accepted", context.queue != nullptr}};
  if (context.queue != nullptr) {
    std::lock_guard lock(context.service.documents_mutex());
    RETURN_IF_ERROR(context.queue->Submit(source.id, options));  // document and job in one batch
  } else {
    {
      std::lock_guard lock(context.service.documents_mutex());
      RETURN_IF_ERROR(context.service.store().Write(options.also));
    }
    RETURN_IF_ERROR(IndexNow(context, source).status());
  }
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::api
