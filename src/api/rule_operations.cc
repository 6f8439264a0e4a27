#include "api/rule_operations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/json_request.h"
#include "api/source_json.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxPathBytes = 1024, kMaxPrincipals = 64;

Result<std::string> RulesJson(OperationContext& context, SourceId id) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(id));
  ASSIGN_OR_RETURN(auto rules, directory.RulesOf(id));
  Json list = Json::array();
  for (const auto& rule : rules) list.push_back({{"path", rule.pattern}, {"readers", rule.principals}});
  bool sorted = std::ranges::all_of(source.partitions, [](const acl::LabelPartition& each) { return each.also.empty(); });
  return Json{{"source", source.name}, {"rules", list}, {"sorted", sorted}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> SortNow(OperationContext& context, SourceId id) {
  ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(id));
  bool sorted = std::ranges::all_of(source.partitions, [](const acl::LabelPartition& each) { return each.also.empty(); });
  // A run that fails leaves the stricter rights in force, and "sorted" false; the next one sorts.
  if (!sorted) (void)IndexNow(context, source).ok();
  return RulesJson(context, id);
}

}  // namespace

Result<std::string> ListRules(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(context.caller.tenant, context.Param("source")));
  return RulesJson(context, source.id);
}

Result<std::string> AddRule(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"path", "principals"}));
  std::string path = json.String("path", {.required = true, .max_bytes = kMaxPathBytes});
  std::vector<std::string> principals = json.Strings("principals", {.max_items = kMaxPrincipals, .max_bytes = 256});
  RETURN_IF_ERROR(json.status());
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.SetRule(source.id, path, std::move(principals)));
  return SortNow(context, source.id);
}

Result<std::string> RemoveRule(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"path"}));
  std::string path = json.String("path", {.required = true, .max_bytes = kMaxPathBytes});
  RETURN_IF_ERROR(json.status());
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  RETURN_IF_ERROR(directory.RemoveRule(source.id, path));
  return SortNow(context, source.id);
}

}  // namespace codelore::api
