#include "api/rule_operations.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "acl/codeowners.h"
#include "api/json_request.h"
#include "api/source_json.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxPathBytes = 1024, kMaxPrincipals = 64, kMaxCodeownersBytes = 3 << 20;

Result<std::string> RulesJson(OperationContext& context, SourceId id) {
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(id));
  ASSIGN_OR_RETURN(auto rules, directory.RulesOf(id));
  Json list = Json::array();
  for (const auto& rule : rules) {
    list.push_back({{"path", rule.pattern}, {"readers", rule.principals}, {"origin", rule.order == 0 ? "by hand" : "imported"}});
  }
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

// Where forges look for it, in their order.
constexpr const char* kCodeownersPaths[] = {".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS", ".gitea/CODEOWNERS"};

Result<std::string> IndexedCodeowners(OperationContext& context, const acl::Source& source) {
  ASSIGN_OR_RETURN(Viewer viewer, context.service.directory().OperatorViewer(source.tenant));  // the text stays in here
  for (const char* path : kCodeownersPaths) {
    auto file = context.service.ReadFile(viewer, source.name, path);
    if (file.ok()) return std::move(file->text);
    if (file.status().code() != StatusCode::kNotFound) return file.status();
  }
  return NotFound("source '" + source.name + "' has no CODEOWNERS file that is indexed");
}

// Owners by what they are here; `unknown` gets those who are nobody.
Result<std::vector<acl::ImportedRule>> RulesOfOwners(OperationContext& context, const std::vector<acl::OwnedPath>& paths, std::set<std::string>& unknown) {
  std::vector<acl::ImportedRule> rules;
  for (const acl::OwnedPath& path : paths) {
    acl::ImportedRule rule{.pattern = path.pattern, .exact = path.exact, .principals = {}};
    for (const std::string& owner : path.owners) {
      std::string principal = acl::PrincipalOfOwner(owner);
      ASSIGN_OR_RETURN(bool known, context.service.directory().IsKnown(context.caller.tenant, principal));
      if (known) rule.principals.push_back(std::move(principal));
      else unknown.insert(owner);
    }
    rules.push_back(std::move(rule));
  }
  return rules;
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

Result<std::string> ImportRules(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"text", "from_repository"}));
  std::string text = json.String("text", {.max_bytes = kMaxCodeownersBytes});
  bool from_repository = json.Boolean("from_repository", false), has_text = json.Has("text");
  RETURN_IF_ERROR(json.status());
  if (from_repository == has_text) return InvalidArgument("give the text of a CODEOWNERS file, or from_repository; an empty text takes the imported rules out");
  acl::Directory& directory = context.service.directory();
  ASSIGN_OR_RETURN(acl::Source source, directory.FindSource(context.caller.tenant, context.Param("source")));
  if (from_repository) {
    ASSIGN_OR_RETURN(text, IndexedCodeowners(context, source));
  }
  auto paths = acl::ParseCodeowners(text);
  if (!paths.ok()) return paths.status().In("CODEOWNERS");
  std::set<std::string> unknown;
  ASSIGN_OR_RETURN(auto rules, RulesOfOwners(context, *paths, unknown));
  RETURN_IF_ERROR(directory.ImportRules(source.id, std::move(rules)));
  ASSIGN_OR_RETURN(std::string now, SortNow(context, source.id));
  Json reply = Json::parse(now);
  reply["unknown_owners"] = unknown;
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace codelore::api
