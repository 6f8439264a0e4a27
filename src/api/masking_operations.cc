#include "api/masking_operations.h"

#include <nlohmann/json.hpp>

#include "api/follow_settings.h"
#include "api/json_request.h"
#include "api/source_json.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPolicies[] = {"mask", "secrets", "off", "refuse"};  // in the order of ingest::Masking
constexpr size_t kMaxFiles = 10'000;  // of one answer
constexpr std::string_view kMark = "masked: ";
constexpr std::string_view kRefused = "secrets or personal data";

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

Result<std::string> SetMasking(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"policy"}));
  std::string policy = json.Choice("policy", {kPolicies[0], kPolicies[1], kPolicies[2], kPolicies[3]});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(context.caller.tenant, context.Param("source")));
  KeyValueStore& store = context.service.store();
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(store, source.id));
  for (size_t i = 0; i < std::size(kPolicies); ++i) {
    if (policy == kPolicies[i]) settings.masking = static_cast<ingest::Masking>(i);
  }
  RETURN_IF_ERROR(WriteFollowSettings(store, source.id, settings));
  return IndexNow(context, source);
}

Result<std::string> ListFindings(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(context.caller.tenant, context.Param("source")));
  ASSIGN_OR_RETURN(FollowSettings settings, ReadFollowSettings(context.service.store(), source.id));
  Json files = Json::array();
  uint64_t total = 0;
  RETURN_IF_ERROR(context.service.ScanLedger(source.id, [&](const FileRecord& record) {
    size_t at = record.reason.find(kMark);
    bool refused = record.reason == kRefused;
    if (at == std::string::npos && !refused) return true;
    ++total;
    if (files.size() < kMaxFiles) {
      files.push_back({{"path", record.path}, {"skipped", refused}, {"found", refused ? "" : record.reason.substr(at + kMark.size())}});
    }
    return true;
  }));
  return Dump({{"source", source.name}, {"policy", kPolicies[static_cast<size_t>(settings.masking)]}, {"total", total}, {"files", files}});
}

}  // namespace codelore::api
