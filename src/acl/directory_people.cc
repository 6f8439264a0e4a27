// Users and teams of the Directory.
#include <algorithm>
#include <utility>

#include "acl/edit.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxMembers = 10'000;

bool NamesPrincipal(const Label& label, const std::string& principal) {
  return std::ranges::binary_search(label.principals, principal) ||
         std::ranges::find(label.verified, principal, &VerifiedGrant::principal) != label.verified.end();
}

Status NoSuchTeam(std::string_view name) { return NotFound("there is no team '" + std::string(name) + "'"); }

template <typename Thing, typename Id>
std::vector<Thing> ByName(const std::map<Id, Thing>& things, TenantId tenant) {
  std::vector<Thing> found;
  for (const auto& [id, thing] : things) {
    if (thing.tenant == tenant) found.push_back(thing);
  }
  std::ranges::sort(found, {}, &Thing::name);
  return found;
}

}  // namespace

Status Directory::CreateUser(const NewUser& wanted) {
  RETURN_IF_ERROR(ValidateName("user", wanted.name));
  if (wanted.role > Role::kPlatform) return InvalidArgument("no user has the operator's rights");
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(wanted.tenant)) return NoSuchTenant();
  if (state->FindUser(wanted.tenant, wanted.name) != nullptr) return InvalidArgument("there is a user named " + wanted.name + " already");
  Edit edit(*state);
  User user{.id = {edit.NewId()}, .tenant = wanted.tenant, .name = wanted.name, .kind = wanted.kind, .role = wanted.role};
  edit.Put(RecordKey(kUserPrefix, user.id.value), Encode(user));
  return Commit(*state, std::move(edit));
}

Status Directory::ChangeUser(TenantId tenant, std::string_view name, const UserChange& change) {
  if (change.role && *change.role > Role::kPlatform) return InvalidArgument("no user has the operator's rights");
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const User* found = state->FindUser(tenant, name);
  if (found == nullptr) return NotFound("there is no user '" + std::string(name) + "' with a record; user create makes one");
  User user = *found;
  user.role = change.role.value_or(user.role);
  user.disabled = change.disabled.value_or(user.disabled);
  Edit edit(*state);
  edit.Put(RecordKey(kUserPrefix, user.id.value), Encode(user));
  return Commit(*state, std::move(edit));
}

// Takes a principal out of all teams and labels of its tenant.
void Directory::TakeOut(const State& state, TenantId tenant, const std::string& principal, Edit& edit) {
  for (const auto& [id, team] : state.teams()) {
    if (team.tenant != tenant || !std::ranges::binary_search(team.members, principal)) continue;
    Team changed = team;
    std::erase(changed.members, principal);
    edit.Put(RecordKey(kTeamPrefix, id.value), Encode(changed));
  }
  for (const auto& [id, label] : state.labels()) {
    if (label->tenant != tenant || !NamesPrincipal(*label, principal)) continue;
    Label changed = *label;
    std::erase(changed.principals, principal);
    std::erase_if(changed.verified, [&](const VerifiedGrant& grant) { return grant.principal == principal; });
    edit.Put(RecordKey(kLabelPrefix, id.value), Encode(changed));
  }
}

Status Directory::RemoveUser(TenantId tenant, std::string_view name) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  Edit edit(*state);
  if (const User* user = state->FindUser(tenant, name)) edit.Delete(RecordKey(kUserPrefix, user->id.value));
  std::vector<TokenId> tokens;
  for (const auto& [id, token] : state->tokens()) {
    if (token.tenant == tenant && token.user == name) tokens.push_back(id);
  }
  for (TokenId id : tokens) edit.Delete(RecordKey(kTokenPrefix, id.value));
  TakeOut(*state, tenant, UserPrincipal(name), edit);
  if (edit.batch.operations().empty()) return NotFound("there is no user '" + std::string(name) + "'");
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  for (TokenId id : tokens) uses_->Forget(id);
  return OkStatus();
}

Result<std::vector<User>> Directory::ListUsers(TenantId tenant) const {
  ASSIGN_OR_RETURN(auto state, Current());
  return ByName(state->users(), tenant);
}

Result<std::optional<User>> Directory::FindUser(TenantId tenant, std::string_view name) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const User* user = state->FindUser(tenant, name);
  return user == nullptr ? std::optional<User>() : *user;
}

Result<bool> Directory::IsKnown(TenantId tenant, std::string_view principal) const {
  ASSIGN_OR_RETURN(auto state, Current());
  if (principal.starts_with("team:")) return state->FindTeam(tenant, principal.substr(5)) != nullptr;
  if (!principal.starts_with("user:")) return false;
  std::string_view name = principal.substr(5);
  return state->FindUser(tenant, name) != nullptr ||
         std::ranges::any_of(state->tokens(), [&](const auto& entry) { return entry.second.tenant == tenant && entry.second.user == name; });
}

Status Directory::CreateTeam(TenantId tenant, std::string_view name) {
  RETURN_IF_ERROR(ValidateName("team", name));
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(tenant)) return NoSuchTenant();
  if (state->FindTeam(tenant, name) != nullptr) return InvalidArgument("there is a team named " + std::string(name) + " already");
  Edit edit(*state);
  Team team{.id = {edit.NewId()}, .tenant = tenant, .name = std::string(name), .members = {}};
  edit.Put(RecordKey(kTeamPrefix, team.id.value), Encode(team));
  return Commit(*state, std::move(edit));
}

Status Directory::RemoveTeam(TenantId tenant, std::string_view name) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Team* team = state->FindTeam(tenant, name);
  if (team == nullptr) return NoSuchTeam(name);
  Edit edit(*state);
  TakeOut(*state, tenant, TeamPrincipal(name), edit);
  edit.Delete(RecordKey(kTeamPrefix, team->id.value));
  for (const auto& [id, token] : state->tokens()) {
    if (token.tenant != tenant || std::ranges::find(token.teams, name) == token.teams.end()) continue;
    Token changed = token;
    std::erase(changed.teams, name);
    edit.Put(RecordKey(kTokenPrefix, id.value), Encode(changed, *state->HashOf(id)));
  }
  return Commit(*state, std::move(edit));
}

Status Directory::AddMember(TenantId tenant, std::string_view name, std::string_view member) {
  RETURN_IF_ERROR(ValidatePrincipal(member));
  if (member == kEveryone) return InvalidArgument("everyone is no member of a team; grant to everyone instead");
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Team* found = state->FindTeam(tenant, name);
  if (found == nullptr) return NoSuchTeam(name);
  if (member.starts_with("team:")) {
    std::string_view inner = member.substr(5);
    if (state->FindTeam(tenant, inner) == nullptr) return NoSuchTeam(inner);
    if (state->IsWithin(tenant, name, inner)) {
      return InvalidArgument("team '" + std::string(name) + "' is within team '" + std::string(inner) + "' already: a team cannot be within itself");
    }
  }
  Team team = *found;
  team.members.emplace_back(member);
  SortUnique(team.members);
  if (team.members.size() > kMaxMembers) return InvalidArgument("more than 10000 members of one team; make teams of it");
  Edit edit(*state);
  edit.Put(RecordKey(kTeamPrefix, team.id.value), Encode(team));
  return Commit(*state, std::move(edit));
}

Status Directory::RemoveMember(TenantId tenant, std::string_view name, std::string_view member) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Team* found = state->FindTeam(tenant, name);
  if (found == nullptr) return NoSuchTeam(name);
  Team team = *found;
  if (std::erase(team.members, member) == 0) return NotFound("'" + std::string(member) + "' is no member of team '" + std::string(name) + "'");
  Edit edit(*state);
  edit.Put(RecordKey(kTeamPrefix, team.id.value), Encode(team));
  return Commit(*state, std::move(edit));
}

Result<std::vector<Team>> Directory::ListTeams(TenantId tenant) const {
  ASSIGN_OR_RETURN(auto state, Current());
  return ByName(state->teams(), tenant);
}

Result<std::vector<std::string>> Directory::PrincipalsOfUser(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const {
  ASSIGN_OR_RETURN(auto state, Current());
  return state->PrincipalsOf(tenant, user, teams);
}

Result<std::vector<std::string>> Directory::TeamsOfUser(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const {
  ASSIGN_OR_RETURN(auto principals, PrincipalsOfUser(tenant, user, teams));
  const std::string prefix = TeamPrincipal("");
  std::vector<std::string> names;
  for (const std::string& principal : principals) {
    if (principal.starts_with(prefix)) names.push_back(principal.substr(prefix.size()));
  }
  return names;
}

}  // namespace codelore::acl
