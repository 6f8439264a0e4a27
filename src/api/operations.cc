#include "api/operations.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/adapter_operations.h"
#include "api/audit_operations.h"
#include "api/backup.h"
#include "api/document_operations.h"
#include "api/file_operations.h"
#include "api/follow_operations.h"
#include "api/grep_operation.h"
#include "api/json_request.h"
#include "api/masking_operations.h"
#include "api/model_operations.h"
#include "api/people_operations.h"
#include "api/rule_operations.h"
#include "api/search_operations.h"
#include "api/session_operations.h"
#include "api/source_operations.h"
#include "api/symbol_operations.h"
#include "api/token_operations.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A backup holds every tenant, so who looks after all of them makes it.
Result<std::string> MakeBackup(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"folder", "incremental_from"}));
  BackupOptions options{.folder = json.String("folder", {.required = true, .max_bytes = 4096}),
                        .incremental_from = json.String("incremental_from", {.max_bytes = 4096})};
  RETURN_IF_ERROR(json.status());
  for (const std::string& path : {options.folder, options.incremental_from}) {
    if (context.caller.role != Role::kOperator && !path.empty() && !path.starts_with('/')) {
      return InvalidArgument("a path on the server must be absolute, not '" + path + "'");
    }
  }
  ASSIGN_OR_RETURN(BackupReport report, BackUp(context.service, options));
  Json reply = {{"folder", options.folder}, {"files", report.files}, {"bytes", report.bytes}};
  if (!options.incremental_from.empty()) reply.update({{"linked_files", report.linked_files}, {"linked_bytes", report.linked_bytes}});
  return Dump(reply);
}

constexpr Role kReader = Role::kReader, kAuditor = Role::kAuditor, kAdministrator = Role::kAdministrator, kPlatform = Role::kPlatform;

constexpr Operation kOperations[] = {
    {"search", "POST", "/v1/search", kReader, false, "Search code and documents", SearchOperation},
    {"ask", "POST", "/v1/ask", kReader, true, "Answer a question with citations", AskOperation},
    {"session.create", "POST", "/v1/sessions", kReader, false, "Begin a conversation that is kept", CreateSession},
    {"session.list", "GET", "/v1/sessions", kReader, false, "List your conversations", ListSessions},
    {"session.show", "GET", "/v1/sessions/:session", kReader, false, "Show a conversation, as far as you may read it now", ShowSession},
    {"session.delete", "DELETE", "/v1/sessions/:session", kReader, false, "Delete a conversation", RemoveSession},
    {"feedback", "POST", "/v1/feedback", kReader, false, "Say whether an answer was good, and what it should have cited", GiveFeedback},
    {"feedback.list", "GET", "/v1/feedback", kAdministrator, false, "Read feedback, also as evaluation data", ListFeedback},
    {"feedback.delete", "DELETE", "/v1/feedback/:feedback", kAdministrator, false, "Delete a feedback", RemoveFeedback},
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
    {"grant.list", "GET", "/v1/sources/:source/grants", kAuditor, false, "List a source's grants, and since when they are known to hold", ListGrants},
    {"rule.list", "GET", "/v1/sources/:source/rules", kAuditor, false, "List a source's path rules", ListRules},
    {"rule.add", "POST", "/v1/sources/:source/rules", kAdministrator, false, "Let only some principals read files at a path", AddRule},
    {"rule.remove", "POST", "/v1/sources/:source/rules/remove", kAdministrator, false, "Take a path rule back", RemoveRule},
    {"rule.import", "POST", "/v1/sources/:source/rules/import", kAdministrator, false, "Make path rules of a CODEOWNERS file", ImportRules},
    {"user.list", "GET", "/v1/users", kAuditor, false, "List users with a record, and what they may do", ListUsers},
    {"user.create", "POST", "/v1/users", kAdministrator, false, "Add a user or a service account", CreateUser},
    {"user.show", "GET", "/v1/users/:user", kAuditor, false, "Which teams a user is in, and which sources they may read", ShowUser},
    {"user.set", "POST", "/v1/users/:user", kAdministrator, false, "Change a user's role, or disable them", SetUser},
    {"user.remove", "DELETE", "/v1/users/:user", kAdministrator, false, "Remove a user with all tokens, memberships and grants", RemoveUser},
    {"team.list", "GET", "/v1/teams", kAuditor, false, "List teams and their members", ListTeams},
    {"team.create", "POST", "/v1/teams", kAdministrator, false, "Add a team", CreateTeam},
    {"team.remove", "DELETE", "/v1/teams/:team", kAdministrator, false, "Remove a team with its memberships and grants", RemoveTeam},
    {"team.add", "POST", "/v1/teams/:team/members", kAdministrator, false, "Put a user or a team into a team", AddMember},
    {"team.drop", "DELETE", "/v1/teams/:team/members/:principal", kAdministrator, false, "Take a user or a team out of a team", DropMember},
    {"audit.list", "POST", "/v1/audit", kAuditor, false, "Read the tenant's audit log", ListAudit},
    {"token.create", "POST", "/v1/tokens", kAdministrator, false, "Make a token; its text is shown once", CreateToken},
    {"token.rotate", "POST", "/v1/tokens/:id/rotate", kAdministrator, false, "Replace a token; the old one lives on for a while", RotateToken},
    {"token.list", "GET", "/v1/tokens", kAuditor, false, "List tokens, without their text", ListTokens},
    {"token.revoke", "DELETE", "/v1/tokens/:id", kAdministrator, false, "Revoke a token", RevokeToken},
    {"backup", "POST", "/v1/backup", kPlatform, false, "Copy everything to a new folder on the server", MakeBackup},
    {"model.list", "GET", "/v1/encoder", kPlatform, false, "Which model's vectors are searched, and which are being built", ListEncoders},
    {"model.use", "POST", "/v1/encoder", kPlatform, false, "Change the encoder's model; the old one serves until the new one is complete", UseEncoder},
    {"model.verify", "POST", "/v1/encoder/verify", kPlatform, false, "Compare the model's files with what they were", VerifyEncoder},
    {"adapter.list", "GET", "/v1/adapters", kReader, false, "List the adapters of models that you may choose", ListAdapters},
    {"adapter.set", "POST", "/v1/adapters", kPlatform, false, "Load a LoRA adapter, or put another in its place", SetAdapter},
    {"adapter.remove", "DELETE", "/v1/adapters/:adapter", kPlatform, false, "Unload a LoRA adapter", RemoveAdapter},
    {"tenant.create", "POST", "/v1/tenants", kPlatform, false, "Add a tenant", CreateTenant},
    {"tenant.list", "GET", "/v1/tenants", kPlatform, false, "List tenants", ListTenants},
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
  ASSIGN_OR_RETURN(teams, directory.TeamsOfUser(tenant, user, teams));
  return Caller{.tenant = tenant, .role = Role::kReader, .viewer = std::move(viewer), .still = {}, .teams = std::move(teams)};
}

std::string_view RoleName(Role role) {
  constexpr std::string_view kNames[] = {"member", "auditor", "administrator", "platform", "operator"};
  return kNames[static_cast<size_t>(role)];
}

Result<Role> RoleNamed(std::string_view name) {
  for (Role role : {Role::kReader, Role::kAuditor, Role::kAdministrator, Role::kPlatform}) {
    if (RoleName(role) == name) return role;
  }
  return InvalidArgument("a role is member, auditor, administrator or platform, not '" + std::string(name) + "'");
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
    return PermissionDenied(operation.needs == kPlatform   ? "this needs a platform administrator"
                            : operation.needs == kAuditor ? "this needs an auditor or an administrator"
                                                          : "this needs an administrator");
  }
  auto result = operation.run(context);
  RETURN_IF_ERROR(RecordRun(operation, context, result.status()));
  return result;
}

}  // namespace codelore::api
