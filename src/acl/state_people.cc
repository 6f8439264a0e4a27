// Users, teams, and who is who of the State.
#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "acl/principal.h"
#include "acl/state.h"

namespace codelore::acl {

bool State::ApplyUser(UserId id, std::optional<std::string_view> fields) {
  if (auto at = users_.find(id); at != users_.end()) {
    user_of_name_.erase(ReaderKey(at->second.tenant, UserPrincipal(at->second.name)));
    users_.erase(at);
  }
  if (!fields) return true;
  User user{.id = id, .tenant = {}, .name = ""};
  if (!Decode(*fields, user)) return false;
  user_of_name_[ReaderKey(user.tenant, UserPrincipal(user.name))] = id;
  users_.emplace(id, std::move(user));
  return true;
}

bool State::ApplyTeam(TeamId id, std::optional<std::string_view> fields) {
  if (auto at = teams_.find(id); at != teams_.end()) {
    for (const std::string& member : at->second.members) {
      std::string key = ReaderKey(at->second.tenant, member);
      std::erase(teams_of_member_[key], id);
      if (teams_of_member_[key].empty()) teams_of_member_.erase(key);
    }
    team_of_name_.erase(ReaderKey(at->second.tenant, TeamPrincipal(at->second.name)));
    teams_.erase(at);
  }
  if (!fields) return true;
  Team team{.id = id, .tenant = {}, .name = "", .members = {}};
  if (!Decode(*fields, team)) return false;
  for (const std::string& member : team.members) teams_of_member_[ReaderKey(team.tenant, member)].push_back(id);
  team_of_name_[ReaderKey(team.tenant, TeamPrincipal(team.name))] = id;
  teams_.emplace(id, std::move(team));
  return true;
}

// A member team that is not there is no damage of its own: it names nobody. (Records that are lost never widen.)
Status State::CheckPeople() const {
  for (const auto& [id, user] : users_) {
    if (!tenants_.contains(user.tenant) || id.value > last_id_) return Damaged("user", id.value);
  }
  for (const auto& [id, team] : teams_) {
    if (!tenants_.contains(team.tenant) || id.value > last_id_) return Damaged("team", id.value);
  }
  return OkStatus();
}

const User* State::FindUser(TenantId tenant, std::string_view name) const {
  auto at = user_of_name_.find(ReaderKey(tenant, UserPrincipal(name)));
  return at == user_of_name_.end() ? nullptr : &users_.at(at->second);
}

const Team* State::FindTeam(TenantId tenant, std::string_view name) const {
  auto at = team_of_name_.find(ReaderKey(tenant, TeamPrincipal(name)));
  return at == team_of_name_.end() ? nullptr : &teams_.at(at->second);
}

std::vector<std::string> State::PrincipalsOf(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const {
  std::vector<std::string> all = {UserPrincipal(user), std::string(kEveryone)};
  for (const std::string& team : teams) all.push_back(TeamPrincipal(team));
  if (teams_of_member_.empty()) return all;
  std::unordered_set<std::string> known(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) {  // it grows
    auto at = teams_of_member_.find(ReaderKey(tenant, all[i]));
    if (at == teams_of_member_.end()) continue;
    for (TeamId id : at->second) {
      std::string team = TeamPrincipal(teams_.at(id).name);
      if (known.insert(team).second) all.push_back(std::move(team));
    }
  }
  return all;
}

bool State::IsWithin(TenantId tenant, std::string_view team, std::string_view outer) const {
  std::vector<std::string> all = {TeamPrincipal(team)};
  std::unordered_set<std::string> known(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) {
    auto at = teams_of_member_.find(ReaderKey(tenant, all[i]));
    if (at == teams_of_member_.end()) continue;
    for (TeamId id : at->second) {
      std::string next = TeamPrincipal(teams_.at(id).name);
      if (known.insert(next).second) all.push_back(std::move(next));
    }
  }
  return known.contains(TeamPrincipal(outer));
}

bool State::Names(LabelId id, const std::vector<std::string>& principals, int64_t now_unix_ms) const {
  const Label* label = FindLabel(id);
  if (label == nullptr) return false;
  auto named = [&](const std::string& principal) { return std::ranges::binary_search(label->principals, principal); };
  if (std::ranges::any_of(principals, named)) return true;
  return std::ranges::any_of(label->verified, [&](const VerifiedGrant& grant) {
    return now_unix_ms < grant.valid_until_unix_ms && std::ranges::find(principals, grant.principal) != principals.end();
  });
}

bool State::IsWithheld(const ReadablePartition& readable, const std::vector<std::string>& principals, int64_t now_unix_ms) const {
  auto unsorted = unsorted_.find(readable.partition);
  if (unsorted == unsorted_.end()) return false;
  return !std::ranges::all_of(unsorted->second, [&](LabelId id) { return Names(id, principals, now_unix_ms); });
}

std::vector<ReadablePartition> State::ReadableBy(TenantId tenant, const std::vector<std::string>& principals, int64_t now_unix_ms) const {
  std::vector<ReadablePartition> readable, merged, lately;
  for (const std::string& principal : principals) {
    std::string key = ReaderKey(tenant, principal);
    if (auto at = readable_.find(key); at != readable_.end()) {
      merged.clear();
      std::ranges::set_union(readable, at->second, std::back_inserter(merged));
      readable.swap(merged);
    }
    if (auto at = verified_.find(key); at != verified_.end()) {
      for (const UntilThen& each : at->second) {
        if (now_unix_ms < each.valid_until_unix_ms) lately.push_back(each.readable);
      }
    }
  }
  if (!lately.empty()) {
    readable.insert(readable.end(), lately.begin(), lately.end());
    std::ranges::sort(readable);
    readable.erase(std::unique(readable.begin(), readable.end()), readable.end());
  }
  std::erase_if(readable, [&](const ReadablePartition& each) { return IsWithheld(each, principals, now_unix_ms); });
  return readable;
}

}  // namespace codelore::acl
