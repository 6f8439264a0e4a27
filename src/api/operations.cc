#include "api/operations.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/audit_operations.h"
#include "api/backup.h"
#include "api/document_operations.h"
#include "api/file_operations.h"
#include "api/follow_operations.h"
#include "api/grep_operation.h"
#include "api/json_request.h"
#include "api/masking_operations.h"
#include "api/rule_operations.h"
#include "api/search_operations.h"
#include "api/source_operations.h"
#include "api/symbol_operations.h"
#include "api/time_text.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// ---- tokens and tenants ----------------------------------------------------------------------------------

Result<TenantId> TenantOf(OperationContext& context, const std::string& name) {
  if (name.empty()) return context.caller.tenant;
  acl::Directory& directory = context.service.directory();
  if (context.caller.role == Role::kOperator) return directory.FindTenant(name);
  auto found = directory.FindTenant(name);
  if (!found.ok() || *found != context.caller.tenant) return NotFound("there is no tenant '" + name + "' that you look after");
  return *found;
}

Result<std::string> CreateToken(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"tenant", "user", "teams", "administrator", "expires_in_days"}));
  std::string tenant = json.String("tenant", {.max_bytes = 128});
  acl::NewToken token;
  token.user = json.String("user", {.required = true, .max_bytes = 128});
  token.teams = json.Strings("teams");
  token.administrator = json.Boolean("administrator", false);
  int64_t days = json.Integer("expires_in_days", {.min = 0, .max = 3650, .otherwise = 0});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(token.tenant, TenantOf(context, tenant));
  if (days > 0) {
    auto expires = std::chrono::system_clock::now() + std::chrono::hours(24 * days);
    token.expires_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(expires.time_since_epoch()).count();
  }
  ASSIGN_OR_RETURN(acl::CreatedToken created, context.service.directory().CreateToken(token));
  return Dump({{"id", created.id.value}, {"token", created.text}, {"user", token.user}, {"teams", token.teams},
               {"administrator", token.administrator}, {"expires_at", TimeText(token.expires_unix_ms)}});
}

Result<std::string> ListTokens(OperationContext& context) {
  ASSIGN_OR_RETURN(auto tokens, context.service.directory().ListTokens(context.caller.tenant));
  Json list = Json::array();
  for (const acl::Token& token : tokens) {
    list.push_back({{"id", token.id.value}, {"user", token.user}, {"teams", token.teams},
                    {"administrator", token.administrator}, {"created_at", TimeText(token.created_unix_ms)},
                    {"expires_at", TimeText(token.expires_unix_ms)}});
  }
  return Dump({{"tokens", list}});
}

Result<std::string> RevokeToken(OperationContext& context) {
  std::string id = context.Param("id");
  if (id.empty() || id.size() > 10 || id.find_first_not_of("0123456789") != std::string::npos) {
    return InvalidArgument("a token is revoked by its number, see the list of tokens");
  }
  acl::TokenId token{static_cast<uint32_t>(std::strtoull(id.c_str(), nullptr, 10))};
  RETURN_IF_ERROR(context.service.directory().RevokeToken(context.caller.tenant, token));
  return Dump({{"revoked", token.value}});
}

Result<std::string> CreateTenant(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"name"}));
  std::string name = json.String("name", {.required = true, .max_bytes = 128});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(TenantId tenant, context.service.directory().CreateTenant(name));
  return Dump({{"id", tenant.value}, {"name", name}});
}

Result<std::string> ListTenants(OperationContext& context) {
  ASSIGN_OR_RETURN(auto tenants, context.service.directory().ListTenants());
  Json list = Json::array();
  for (const acl::Tenant& tenant : tenants) list.push_back({{"id", tenant.id.value}, {"name", tenant.name}});
  return Dump({{"tenants", list}});
}

// A backup holds every tenant, so who looks after the machine makes it (see CheckLocation).
Result<std::string> MakeBackup(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"folder"}));
  std::string folder = json.String("folder", {.required = true, .max_bytes = 4096});
  RETURN_IF_ERROR(json.status());
  if (context.caller.role != Role::kOperator) {
    ASSIGN_OR_RETURN(TenantId own, context.service.directory().FindTenant(acl::kDefaultTenant));
    if (context.caller.tenant != own) return PermissionDenied("a backup holds every tenant; the default tenant's administrators make it");
    if (!folder.starts_with('/')) return InvalidArgument("a path on the server must be absolute, not '" + folder + "'");
  }
  ASSIGN_OR_RETURN(BackupReport report, BackUp(context.service, folder));
  return Dump({{"folder", folder}, {"files", report.files}, {"bytes", report.bytes}});
}

constexpr Role kReader = Role::kReader, kAdministrator = Role::kAdministrator, kOperator = Role::kOperator;

constexpr Operation kOperations[] = {
    {"search", "POST", "/v1/search", kReader, false, "Search code and documents", SearchOperation},
    {"ask", "POST", "/v1/ask", kReader, true, "Answer a question with citations", AskOperation},
    {"symbols", "POST", "/v1/symbols", kReader, false, "Find definitions by name", SymbolsOperation},
    {"references", "POST", "/v1/references", kReader, false, "Find where a name is used, and who calls it", ReferencesOperation},
    {"outline", "POST", "/v1/outline", kReader, false, "List what a file defines", OutlineOperation},
    {"files", "POST", "/v1/files", kReader, false, "Find files by name, or list them", FilesOperation},
    {"read", "POST", "/v1/read", kReader, false, "Read a file's text, or some lines of it", ReadOperation},
    {"similar", "POST", "/v1/similar", kReader, false, "Find files like one", SimilarOperation},
    {"why", "POST", "/v1/why", kReader, false, "Why a file is found, or is not", WhyOperation},
    {"grep", "POST", "/v1/grep", kReader, false, "Find text or a regular expression, line by line", GrepOperation},
    {"rerank", "POST", "/v1/rerank", kReader, false, "Order documents by how well they answer a query", RerankOperation},
    {"status", "GET", "/v1/status", kReader, false, "What is indexed, and how completely", DescribeSources},
    {"source.list", "GET", "/v1/sources", kReader, false, "List the sources you may read", ListSources},
    {"index", "POST", "/v1/sources", kAdministrator, false, "Index a repository or folder", IndexLocation},
    {"source.add", "PUT", "/v1/sources/:source", kAdministrator, false, "Add a source, or change how it is followed", AddSource},
    {"source.show", "GET", "/v1/sources/:source", kReader, false, "What is indexed of a source, and how it is followed", ShowSource},
    {"source.freshness", "GET", "/v1/sources/:source/freshness", kReader, false, "Which commit is indexed, and whether newer pushes are pending", SourceFreshness},
    {"document.list", "GET", "/v1/sources/:source/documents", kAdministrator, false, "List the documents pushed to a source", ListDocuments},
    {"document.change", "POST", "/v1/sources/:source/document", kAdministrator, false, "Push a document, or remove one", ChangeDocument, 24 << 20},
    {"source.sync", "POST", "/v1/sources/:source/sync", kAdministrator, false, "Bring a source up to date now", SyncSource},
    {"source.masking", "POST", "/v1/sources/:source/masking", kAdministrator, false, "Say what happens to secrets and personal data in a source", SetMasking},
    {"source.findings", "GET", "/v1/sources/:source/findings", kAdministrator, false, "List where secrets and personal data were found, never what", ListFindings},
    {"source.reindex", "POST", "/v1/sources/:source/reindex", kAdministrator, false, "Index every file of a source again", ReindexSource},
    {"source.pause", "POST", "/v1/sources/:source/pause", kAdministrator, false, "Stop following a source", PauseSource},
    {"source.resume", "POST", "/v1/sources/:source/resume", kAdministrator, false, "Follow a source again", ResumeSource},
    {"source.remove", "DELETE", "/v1/sources/:source", kAdministrator, false, "Remove a source and its index", RemoveSource},
    {"grant", "POST", "/v1/sources/:source/grants", kAdministrator, false, "Let a principal read a source", GrantSource},
    {"revoke", "DELETE", "/v1/sources/:source/grants/:principal", kAdministrator, false, "Take a grant back", RevokeSource},
    {"rule.list", "GET", "/v1/sources/:source/rules", kAdministrator, false, "List a source's path rules", ListRules},
    {"rule.add", "POST", "/v1/sources/:source/rules", kAdministrator, false, "Let only some principals read files at a path", AddRule},
    {"rule.remove", "POST", "/v1/sources/:source/rules/remove", kAdministrator, false, "Take a path rule back", RemoveRule},
    {"audit.list", "POST", "/v1/audit", kAdministrator, false, "Read the tenant's audit log", ListAudit},
    {"token.create", "POST", "/v1/tokens", kAdministrator, false, "Make a token; its text is shown once", CreateToken},
    {"token.list", "GET", "/v1/tokens", kAdministrator, false, "List tokens, without their text", ListTokens},
    {"token.revoke", "DELETE", "/v1/tokens/:id", kAdministrator, false, "Revoke a token", RevokeToken},
    {"backup", "POST", "/v1/backup", kAdministrator, false, "Copy everything to a new folder on the server", MakeBackup},
    {"tenant.create", "POST", "/v1/tenants", kOperator, false, "Add a tenant", CreateTenant},
    {"tenant.list", "GET", "/v1/tenants", kOperator, false, "List tenants", ListTenants},
};

}  // namespace

Result<Caller> MakeLocalCaller(Service& service, const std::string& tenant_name, const std::vector<std::string>& as) {
  acl::Directory& directory = service.directory();
  ASSIGN_OR_RETURN(TenantId tenant, directory.FindTenant(tenant_name.empty() ? acl::kDefaultTenant : tenant_name));
  if (as.empty()) {
    ASSIGN_OR_RETURN(Viewer viewer, directory.OperatorViewer(tenant));
    return Caller{tenant, Role::kOperator, std::move(viewer)};
  }
  std::string user;
  std::vector<std::string> teams;
  for (const std::string& principal : as) {
    if (principal.starts_with("user:") && user.empty()) {
      user = principal.substr(5);
    } else if (principal.starts_with("team:")) {
      teams.push_back(principal.substr(5));
    } else {
      return InvalidArgument("--as takes one user:NAME and any number of team:NAME, not '" + principal + "'");
    }
  }
  if (user.empty()) return InvalidArgument("--as needs a user:NAME");
  ASSIGN_OR_RETURN(Viewer viewer, directory.ViewerForUser(tenant, user, teams));
  return Caller{tenant, Role::kReader, std::move(viewer)};
}

std::string OperationContext::Param(std::string_view name) const {
  auto at = std::ranges::find(input.params, name, &std::pair<std::string, std::string>::first);
  return at == input.params.end() ? "" : at->second;
}

std::span<const Operation> Operations() { return kOperations; }

const Operation& OperationNamed(std::string_view name) {
  auto at = std::ranges::find(kOperations, name, &Operation::name);
  assert(at != std::end(kOperations));
  return *at;
}

Result<std::string> Run(const Operation& operation, OperationContext& context) {
  if (context.caller.role < operation.needs) {
    RecordDenial(operation, context);
    return PermissionDenied(operation.needs == Role::kOperator
                                ? "this is done on the server's machine, with --data"
                                : "this needs an administrator");
  }
  auto result = operation.run(context);
  RETURN_IF_ERROR(RecordRun(operation, context, result.status()));
  return result;
}

}  // namespace codelore::api
