#include "api/people_operations.h"

#include <nlohmann/json.hpp>

#include "api/json_request.h"

namespace codelore::api {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json UserJson(const acl::User& user) {
  return {{"user", user.name}, {"kind", user.kind == acl::UserKind::kService ? "service" : "person"}, {"role", RoleName(user.role)}, {"disabled", user.disabled}};
}

// Nobody gives a role above their own, or touches who has one.
Status CheckAbove(const OperationContext& context, Role role) {
  if (role <= context.caller.role) return OkStatus();
  return PermissionDenied("this needs the role " + std::string(RoleName(role)) + ", which is above yours");
}

// The greatest role that a user has, by their record or by a token.
Result<Role> RoleOf(OperationContext& context, const std::string& name) {
  acl::Directory& directory = context.service.directory();
  Role role = Role::kReader;
  ASSIGN_OR_RETURN(auto user, directory.FindUser(context.caller.tenant, name));
  if (user) role = user->role;
  ASSIGN_OR_RETURN(auto tokens, directory.ListTokens(context.caller.tenant));
  for (const acl::Token& token : tokens) {
    if (token.user == name && token.role > role) role = token.role;
  }
  return role;
}

Result<std::string> TeamJson(OperationContext& context, const std::string& name) {
  ASSIGN_OR_RETURN(auto teams, context.service.directory().ListTeams(context.caller.tenant));
  for (const acl::Team& team : teams) {
    if (team.name == name) return Dump({{"team", team.name}, {"members", team.members}});
  }
  return NotFound("there is no team '" + name + "'");
}

}  // namespace

Result<std::string> ListUsers(OperationContext& context) {
  ASSIGN_OR_RETURN(auto users, context.service.directory().ListUsers(context.caller.tenant));
  Json list = Json::array();
  for (const acl::User& user : users) list.push_back(UserJson(user));
  return Dump({{"users", list}});
}

Result<std::string> CreateUser(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"user", "kind", "role"}));
  acl::NewUser user{.tenant = context.caller.tenant, .name = json.String("user", {.required = true, .max_bytes = 128})};
  user.kind = json.Choice("kind", {"person", "service"}) == "service" ? acl::UserKind::kService : acl::UserKind::kPerson;
  std::string role = json.String("role", {.max_bytes = 32, .otherwise = "member"});
  RETURN_IF_ERROR(json.status());
  ASSIGN_OR_RETURN(user.role, RoleNamed(role));
  RETURN_IF_ERROR(CheckAbove(context, user.role));
  ASSIGN_OR_RETURN(Role now, RoleOf(context, user.name));  // a record bounds the tokens there are
  RETURN_IF_ERROR(CheckAbove(context, now));
  RETURN_IF_ERROR(context.service.directory().CreateUser(user));
  return Dump({{"user", user.name}, {"kind", user.kind == acl::UserKind::kService ? "service" : "person"}, {"role", role}, {"disabled", false}});
}

Result<std::string> ShowUser(OperationContext& context) {
  acl::Directory& directory = context.service.directory();
  std::string name = context.Param("user");
  TenantId tenant = context.caller.tenant;
  ASSIGN_OR_RETURN(bool known, directory.IsKnown(tenant, "user:" + name));
  ASSIGN_OR_RETURN(auto principals, directory.PrincipalsOfUser(tenant, name, {}));
  if (!known && principals.size() <= 2) return NotFound("there is no user '" + name + "'");
  ASSIGN_OR_RETURN(auto user, directory.FindUser(tenant, name));
  Json json = user ? UserJson(*user) : Json{{"user", name}, {"kind", "person"}, {"role", "member"}, {"disabled", false}};
  Json teams = Json::array(), tokens = Json::array(), sources = Json::array();
  for (const std::string& principal : principals) {
    if (principal.starts_with("team:")) teams.push_back(principal.substr(5));
  }
  ASSIGN_OR_RETURN(auto all, directory.ListTokens(tenant));
  for (const acl::Token& token : all) {
    if (token.user == name) tokens.push_back(token.id.value);
  }
  ASSIGN_OR_RETURN(Viewer viewer, directory.ViewerForUser(tenant, name, {}));
  ASSIGN_OR_RETURN(auto visible, directory.VisibleSources(viewer));
  for (const acl::VisibleSource& source : visible) sources.push_back(source.name);
  json.update({{"teams", teams}, {"tokens", tokens}, {"sources", sources}});
  return Dump(json);
}

Result<std::string> SetUser(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"role", "disabled"}));
  std::string name = context.Param("user"), role = json.String("role", {.max_bytes = 32});
  acl::Directory::UserChange change;
  if (json.Has("disabled")) change.disabled = json.Boolean("disabled", false);
  RETURN_IF_ERROR(json.status());
  if (role.empty() && !change.disabled) return InvalidArgument("say what to change: role, disabled");
  if (!role.empty()) {
    ASSIGN_OR_RETURN(change.role, RoleNamed(role));
    RETURN_IF_ERROR(CheckAbove(context, *change.role));
  }
  ASSIGN_OR_RETURN(Role now, RoleOf(context, name));
  RETURN_IF_ERROR(CheckAbove(context, now));
  acl::Directory& directory = context.service.directory();
  RETURN_IF_ERROR(directory.ChangeUser(context.caller.tenant, name, change));
  ASSIGN_OR_RETURN(auto user, directory.FindUser(context.caller.tenant, name));
  return user ? Result<std::string>(Dump(UserJson(*user))) : NotFound("there is no user '" + name + "' any more");
}

Result<std::string> RemoveUser(OperationContext& context) {
  std::string name = context.Param("user");
  ASSIGN_OR_RETURN(Role now, RoleOf(context, name));
  RETURN_IF_ERROR(CheckAbove(context, now));
  RETURN_IF_ERROR(context.service.directory().RemoveUser(context.caller.tenant, name));
  return Dump({{"removed", name}});
}

Result<std::string> ListTeams(OperationContext& context) {
  ASSIGN_OR_RETURN(auto teams, context.service.directory().ListTeams(context.caller.tenant));
  Json list = Json::array();
  for (const acl::Team& team : teams) list.push_back({{"team", team.name}, {"members", team.members}});
  return Dump({{"teams", list}});
}

Result<std::string> CreateTeam(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"team"}));
  std::string name = json.String("team", {.required = true, .max_bytes = 128});
  RETURN_IF_ERROR(json.status());
  RETURN_IF_ERROR(context.service.directory().CreateTeam(context.caller.tenant, name));
  return TeamJson(context, name);
}

Result<std::string> RemoveTeam(OperationContext& context) {
  std::string name = context.Param("team");
  RETURN_IF_ERROR(context.service.directory().RemoveTeam(context.caller.tenant, name));
  return Dump({{"removed", name}});
}

Result<std::string> AddMember(OperationContext& context) {
  ASSIGN_OR_RETURN(auto json, JsonRequest::Parse(context.input.body, {"principal"}));
  std::string member = json.String("principal", {.required = true, .max_bytes = 256});
  RETURN_IF_ERROR(json.status());
  RETURN_IF_ERROR(context.service.directory().AddMember(context.caller.tenant, context.Param("team"), member));
  return TeamJson(context, context.Param("team"));
}

Result<std::string> DropMember(OperationContext& context) {
  RETURN_IF_ERROR(context.service.directory().RemoveMember(context.caller.tenant, context.Param("team"), context.Param("principal")));
  return TeamJson(context, context.Param("team"));
}

}  // namespace codelore::api
