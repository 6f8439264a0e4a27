#include "api/audit_operations.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "api/json_request.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

// Fields of a request's body that say what it changes. No text of queries, no addresses, no secrets.
constexpr const char* kRecordedFields[] = {"principal", "principals", "path", "user", "teams", "administrator", "role", "kind", "disabled", "team", "protocols", "sources",
                                           "expires_in_days", "overlap_hours", "from_repository", "tenant", "name", "model", "precision", "poll", "policy", "generator", "file", "scale", "sha256"};

// Of those that are secrets, that they were given.
constexpr const char* kMentionedFields[] = {"webhook_secret", "token"};

AuditEvent EventOf(const Operation& operation, const OperationContext& context, bool with_body) {
  AuditEvent event{.tenant = context.caller.tenant, .who = context.caller.viewer.name(), .what = std::string(operation.name),
                   .from = context.from.empty() ? "local" : context.from, .request = context.request};
  if (context.caller.role == Role::kOperator) event.who = "operator";
  event.about = context.input.params;
  if (!with_body) return event;
  Json body = Json::parse(context.input.body, nullptr, /*allow_exceptions=*/false);
  for (const char* field : kRecordedFields) {
    if (!body.is_object() || !body.contains(field)) continue;
    const Json& value = body[field];
    event.about.emplace_back(field, value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  for (const char* field : kMentionedFields) {
    bool given = body.is_object() && body.contains(field) && body[field].is_string() && body[field] != "";
    if (given) event.about.emplace_back(field, "given");
  }
  if (body.is_object() && body.contains("mirror") && body["mirror"].is_object()) {
    Json mirror = body["mirror"];
    if (mirror.contains("token")) mirror["token"] = "given";
    event.about.emplace_back("mirror", mirror.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return event;
}

}  // namespace

void RecordDenial(const Operation& operation, OperationContext& context) {
  AuditEvent event = EventOf(operation, context, /*with_body=*/false);
  event.result = "denied";
  (void)context.service.audit().AppendNoise(event).ok();  // the denial stands whether or not it is on record
}

Status RecordRun(const Operation& operation, OperationContext& context, const Status& outcome) {
  if (operation.needs == Role::kReader) {
    if (context.caller.role == Role::kReader) return OkStatus();
    AuditEvent event = EventOf(operation, context, /*with_body=*/false);
    event.about.clear();  // it stands for an hour of them
    return context.service.audit().AppendHourly(std::to_string(event.tenant.value) + " " + event.who, event);
  }
  AuditEvent event = EventOf(operation, context, /*with_body=*/true);
  if (!outcome.ok()) event.result = outcome.ToString();
  Status recorded = context.service.audit().Append(event);
  return recorded.ok() ? recorded : Unavailable("the change may have been made, but could not be put on record: " + recorded.message());
}

Result<std::string> ListAudit(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"since_unix_ms", "skip", "limit"}));
  AuditLog::Selection selection{.tenant = context.caller.tenant};
  selection.since_unix_ms = json.Integer("since_unix_ms", {.min = 0, .max = INT64_MAX, .otherwise = 0});
  selection.skip = static_cast<size_t>(json.Integer("skip", {.min = 0, .otherwise = 0}));
  selection.limit = static_cast<size_t>(json.Integer("limit", {.min = 1, .max = 1000, .otherwise = 100}));
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(auto lines, context.service.audit().List(selection));
  Json records = Json::array();
  for (const std::string& line : lines) {
    Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    for (const char* field : {"n", "previous", "hash", "tenant"}) record.erase(field);  // they tell of others' records
    records.push_back(std::move(record));
  }
  return Json{{"records", records}, {"next_skip", selection.skip + lines.size()}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::api
