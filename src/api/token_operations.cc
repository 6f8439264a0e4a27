#include "api/token_operations.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/json_request.h"
#include "api/time_text.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;
using acl::Protocol;

constexpr std::pair<std::string_view, Protocol> kProtocols[] = {
    {"rest", Protocol::kRest}, {"openai", Protocol::kOpenAi}, {"ollama", Protocol::kOllama}, {"mcp", Protocol::kMcp}};

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Who looks after one tenant works in it; who looks after all of them makes tokens for each.
Result<TenantId> TenantOf(OperationContext& context, const std::string& name) {
  if (name.empty()) return context.caller.tenant;
  auto found = context.service.directory().FindTenant(name);
  if (context.caller.role >= Role::kPlatform) return found;
  if (!found.ok() || *found != context.caller.tenant) return NotFound("there is no tenant '" + name + "' that you look after");
  return *found;
}

Result<uint8_t> ProtocolsNamed(const std::vector<std::string>& names) {
  uint8_t bits = 0;
  for (const std::string& name : names) {
    auto at = std::ranges::find(kProtocols, name, &std::pair<std::string_view, Protocol>::first);
    if (at == std::end(kProtocols)) return InvalidArgument("a protocol is rest, openai, ollama or mcp, not '" + name + "'");
    bits |= static_cast<uint8_t>(at->second);
  }
  return bits;
}

Status CheckRole(const OperationContext& context, Role role) {
  if (role <= context.caller.role) return OkStatus();
  return PermissionDenied("this needs the role " + std::string(RoleName(role)) + ", which is above yours");
}

// A platform administrator makes a tenant's first administrator, and is nobody in that tenant otherwise.
Status CheckForeign(const OperationContext& context, const acl::NewToken& token) {
  if (token.tenant == context.caller.tenant || context.caller.role == Role::kOperator) return OkStatus();
  if (token.role == Role::kAdministrator) return OkStatus();
  return PermissionDenied("in another tenant a platform administrator makes tokens for administrators only; they make the others");
}

Json TokenJson(const acl::Directory& directory, const acl::Token& token) {
  Json protocols = Json::array(), sources = Json::array();
  for (const auto& [name, protocol] : kProtocols) {
    if (token.scope.protocols != 0 && token.scope.Allows(protocol)) protocols.push_back(name);
  }
  for (SourceId id : token.scope.sources) {
    auto source = directory.FindSource(id);
    sources.push_back(source.ok() ? Json(source->name) : Json(nullptr));  // null: removed
  }
  Json json = {{"id", token.id.value}, {"user", token.user}, {"teams", token.teams}, {"role", RoleName(token.role)},
               {"administrator", token.role >= Role::kAdministrator}, {"protocols", protocols}};
  if (token.scope.some_sources) json["sources"] = sources;
  json.update({{"created_at", TimeText(token.created_unix_ms)}, {"expires_at", TimeText(token.expires_unix_ms)},
               {"last_used_at", TimeText(directory.LastUseOf(token.id))}});
  if (token.family != token.id) json["replaces_line_of"] = token.family.value;
  return json;
}

Result<acl::Token> FindToken(OperationContext& context) {
  std::string id = context.Param("id");
  if (id.empty() || id.size() > 10 || id.find_first_not_of("0123456789") != std::string::npos) {
    return InvalidArgument("a token is named by its number, see the list of tokens");
  }
  acl::TokenId wanted{static_cast<uint32_t>(std::strtoull(id.c_str(), nullptr, 10))};
  ASSIGN_OR_RETURN(auto tokens, context.service.directory().ListTokens(context.caller.tenant));
  auto at = std::ranges::find(tokens, wanted, &acl::Token::id);
  if (at == tokens.end()) return NotFound("no such token");
  RETURN_IF_ERROR(CheckRole(context, at->role));
  return *at;
}

// Shown once.
Result<std::string> NewTokenJson(OperationContext& context, TenantId tenant, const acl::CreatedToken& created) {
  ASSIGN_OR_RETURN(auto tokens, context.service.directory().ListTokens(tenant));
  auto at = std::ranges::find(tokens, created.id, &acl::Token::id);
  if (at == tokens.end()) return NotFound("the token was revoked at once");
  Json json = TokenJson(context.service.directory(), *at);
  json["token"] = created.text;
  return Dump(json);
}

}  // namespace

Result<std::string> CreateToken(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"tenant", "user", "teams", "administrator", "role", "expires_in_days", "protocols", "sources"}));
  std::string tenant = json.String("tenant", {.max_bytes = 128});
  acl::NewToken token;
  token.user = json.String("user", {.required = true, .max_bytes = 128});
  token.teams = json.Strings("teams");
  std::string role = json.String("role", {.max_bytes = 32, .otherwise = json.Boolean("administrator", false) ? "administrator" : "member"});
  int64_t days = json.Integer("expires_in_days", {.min = 0, .max = 3650, .otherwise = 0});
  std::vector<std::string> protocols = json.Strings("protocols", {.max_items = 4, .max_bytes = 32}), sources = json.Strings("sources", {.max_bytes = 128});
  token.scope.some_sources = json.Has("sources");
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(token.tenant, TenantOf(context, tenant));
  ASSIGN_OR_RETURN(token.role, RoleNamed(role));
  ASSIGN_OR_RETURN(token.scope.protocols, ProtocolsNamed(protocols));
  RETURN_IF_ERROR(CheckRole(context, token.role));
  RETURN_IF_ERROR(CheckForeign(context, token));
  if (token.scope.some_sources && token.role != Role::kReader) return InvalidArgument("a token for some sources only reads: leave out its role, or its sources");
  for (const std::string& name : sources) {
    ASSIGN_OR_RETURN(acl::Source source, context.service.directory().FindSource(token.tenant, name));
    token.scope.sources.push_back(source.id);
  }
  if (days > 0) {
    auto expires = std::chrono::system_clock::now() + std::chrono::hours(24 * days);
    token.expires_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(expires.time_since_epoch()).count();
  }
  ASSIGN_OR_RETURN(acl::CreatedToken created, context.service.directory().CreateToken(token));
  return NewTokenJson(context, token.tenant, created);
}

Result<std::string> RotateToken(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"overlap_hours"}));
  int64_t hours = json.Integer("overlap_hours", {.min = 0, .max = 24 * 90, .otherwise = 24});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(acl::Token token, FindToken(context));
  ASSIGN_OR_RETURN(acl::CreatedToken created, context.service.directory().RotateToken(context.caller.tenant, token.id, hours * 3'600'000));
  return NewTokenJson(context, context.caller.tenant, created);
}

Result<std::string> ListTokens(OperationContext& context) {
  ASSIGN_OR_RETURN(auto tokens, context.service.directory().ListTokens(context.caller.tenant));
  Json list = Json::array();
  for (const acl::Token& token : tokens) list.push_back(TokenJson(context.service.directory(), token));
  return Dump({{"tokens", list}});
}

Result<std::string> RevokeToken(OperationContext& context) {
  ASSIGN_OR_RETURN(acl::Token token, FindToken(context));
  RETURN_IF_ERROR(context.service.directory().RevokeToken(context.caller.tenant, token.id));
  return Dump({{"revoked", token.id.value}});
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

}  // namespace codelore::api
