#include "api/forge/forge_access.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace codelore::api {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxPages = 200, kPageSize = 100, kGiteaPageSize = 50;
constexpr int64_t kReporter = 20;  // GitLab's access levels

Status NotUnderstood(const std::string& target) { return Internal("the forge's answer to " + target + " is not understood"); }

std::string Text(const Json& object, const char* field) {
  auto at = object.is_object() ? object.find(field) : object.end();
  return object.is_object() && at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

// Nothing where there is no such flag.
std::optional<bool> Flag(const Json& object, const char* field) {
  auto at = object.is_object() ? object.find(field) : object.end();
  if (!object.is_object() || at == object.end() || !at->is_boolean()) return std::nullopt;
  return at->get<bool>();
}

int64_t Whole(const Json& object, const char* field) {
  auto at = object.is_object() ? object.find(field) : object.end();
  return object.is_object() && at != object.end() && at->is_number_integer() ? at->get<int64_t>() : -1;
}

// What a refusal means, wherever it comes. The body stays unread: it is the forge's, and not for our messages.
Status RefusalOf(const HttpAnswer& answer, const std::string& target) {
  std::string what = "the forge answered " + std::to_string(answer.http_status) + " to " + target;
  if (answer.http_status == 401) return PermissionDenied(what + ": its token is not good, or no more");
  if (answer.http_status == 403) return PermissionDenied(what + ": its token may not ask this");
  if (answer.http_status >= 300 && answer.http_status < 400) return Unavailable(what + "; redirects are not followed: was the repository renamed?");
  return Unavailable(what);
}

bool IsLimited(const HttpAnswer& answer) {
  return answer.http_status == 429 || !answer.Header("retry-after").empty() || answer.Header("x-ratelimit-remaining") == "0";
}

Result<Json> ParseAnswer(const HttpAnswer& answer, const std::string& target) {
  Json json = Json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return NotUnderstood(target);
  return json;
}

class ForgeReader {
 public:
  ForgeReader(const AskForge& ask, std::string size_field, size_t page_size) : ask_(ask), size_field_(std::move(size_field)), page_size_(page_size) {}

  // Nothing for a repository that is not there or not to be seen.
  Result<std::optional<Json>> Repository(const std::string& target) const {
    ASSIGN_OR_RETURN(HttpAnswer answer, ask_(target));
    bool hidden = answer.http_status == 404 || answer.http_status == 410 || (answer.http_status == 403 && !IsLimited(answer));
    if (hidden) return std::optional<Json>();
    if (answer.http_status != 200) return RefusalOf(answer, target);
    ASSIGN_OR_RETURN(Json json, ParseAnswer(answer, target));
    if (!json.is_object()) return NotUnderstood(target);
    return std::optional<Json>(std::move(json));
  }

  // All pages of a list; an empty one for an answer with the status `none`.
  Result<std::vector<Json>> List(const std::string& target, int none = 0) const {
    std::vector<Json> items;
    for (size_t page = 1; page <= kMaxPages; ++page) {
      std::string at = target + (target.find('?') == target.npos ? '?' : '&') + size_field_ + "=" + std::to_string(page_size_) + "&page=" + std::to_string(page);
      ASSIGN_OR_RETURN(HttpAnswer answer, ask_(at));
      if (none != 0 && answer.http_status == none) return items;
      if (answer.http_status != 200) return RefusalOf(answer, at);
      ASSIGN_OR_RETURN(Json json, ParseAnswer(answer, at));
      if (!json.is_array()) return NotUnderstood(at);
      size_t count = json.size();
      for (Json& item : json) items.push_back(std::move(item));
      if (IsLast(answer, count)) return items;
    }
    return ResourceExhausted("the forge's list " + target + " has more than " + std::to_string(kMaxPages) + " pages");
  }

 private:
  // A server may give fewer items on a page than it was asked for. The address in the Link field is not followed, only seen.
  bool IsLast(const HttpAnswer& answer, size_t count) const {
    std::string_view link = answer.Header("link");
    if (count == 0) return true;
    return link.empty() ? count < page_size_ : link.find("rel=\"next\"") == link.npos;
  }

  const AskForge& ask_;
  const std::string size_field_;
  const size_t page_size_;
};

Result<ForgeAccess> ReadGitHub(const std::string& repository, const AskForge& ask) {
  ForgeReader reader(ask, "per_page", kPageSize);
  const std::string base = "/repos/" + repository;
  ASSIGN_OR_RETURN(auto found, reader.Repository(base));
  if (!found) return ForgeAccess();
  auto is_private = Flag(*found, "private");
  if (!is_private) return NotUnderstood(base);
  std::string visibility = Text(*found, "visibility");  // older servers have none
  ForgeAccess access{.shown = true, .is_public = !*is_private && (visibility.empty() || visibility == "public"), .users = {}, .teams = {}};
  ASSIGN_OR_RETURN(auto users, reader.List(base + "/collaborators?affiliation=all"));
  for (const Json& user : users) {
    auto permissions = user.is_object() ? user.find("permissions") : user.end();
    if (Text(user, "login").empty() || permissions == user.end()) return NotUnderstood(base + "/collaborators");
    if (Flag(*permissions, "pull") == true) access.users.push_back(Text(user, "login"));
  }
  ASSIGN_OR_RETURN(auto teams, reader.List(base + "/teams", 404));  // not of an organisation: no teams
  for (const Json& team : teams) {
    if (Text(team, "slug").empty()) return NotUnderstood(base + "/teams");
    access.teams.push_back(Text(team, "slug"));  // all roles of a team read
  }
  return access;
}

Result<ForgeAccess> ReadGitLab(const std::string& repository, const AskForge& ask) {
  std::string escaped = repository;
  for (size_t at = 0; (at = escaped.find('/', at)) != escaped.npos; at += 3) escaped.replace(at, 1, "%2F");
  ForgeReader reader(ask, "per_page", kPageSize);
  const std::string base = "/api/v4/projects/" + escaped;
  ASSIGN_OR_RETURN(auto found, reader.Repository(base));
  if (!found) return ForgeAccess();
  std::string visibility = Text(*found, "visibility"), code = Text(*found, "repository_access_level");
  if (visibility.empty()) return NotUnderstood(base);
  if (code == "disabled") return ForgeAccess{.shown = true, .is_public = false, .users = {}, .teams = {}};
  ForgeAccess access{.shown = true, .is_public = visibility == "public" && code != "private", .users = {}, .teams = {}};
  ASSIGN_OR_RETURN(auto members, reader.List(base + "/members/all"));
  for (const Json& member : members) {
    std::string name = Text(member, "username"), state = Text(member, "state"), membership = Text(member, "membership_state");
    int64_t level = Whole(member, "access_level");
    if (name.empty() || level < 0) return NotUnderstood(base + "/members/all");
    bool active = state == "active" && (membership.empty() || membership == "active");
    if (active && level >= kReporter) access.users.push_back(name);
  }
  auto groups = found->find("shared_with_groups");
  if (groups != found->end() && groups->is_array()) {
    for (const Json& group : *groups) {
      if (Whole(group, "group_access_level") >= kReporter) access.teams.push_back(Text(group, "group_full_path"));
    }
  }
  std::erase(access.teams, "");
  return access;
}

bool Reads(const std::string& permission) { return permission == "read" || permission == "write" || permission == "admin" || permission == "owner"; }

// A team reads the code by its permission, or by one of its own for that unit.
bool TeamReadsCode(const Json& team) {
  std::string permission = Text(team, "permission");
  if (permission == "owner" || permission == "admin") return true;
  auto map = team.find("units_map");
  if (map != team.end() && map->is_object()) return Reads(Text(*map, "repo.code"));
  auto units = team.find("units");
  bool has_units = units != team.end() && units->is_array();
  return Reads(permission) && (!has_units || std::ranges::find(*units, Json("repo.code")) != units->end());
}

Status AddPeople(const std::vector<Json>& people, const std::string& target, ForgeAccess& access) {
  for (const Json& person : people) {
    if (Text(person, "login").empty()) return NotUnderstood(target);
    if (Flag(person, "prohibit_login") != true) access.users.push_back(Text(person, "login"));
  }
  return OkStatus();
}

Result<ForgeAccess> ReadGitea(const std::string& repository, const AskForge& ask) {
  ForgeReader reader(ask, "limit", kGiteaPageSize);
  const std::string base = "/api/v1/repos/" + repository;
  ASSIGN_OR_RETURN(auto found, reader.Repository(base));
  if (!found) return ForgeAccess();
  auto is_private = Flag(*found, "private");
  auto owner = found->find("owner");
  if (!is_private || owner == found->end() || Text(*owner, "login").empty()) return NotUnderstood(base);
  // A public repository of an owner whom not everybody sees is not for everybody.
  std::string owner_visibility = Text(*owner, "visibility");
  bool is_public = !*is_private && Flag(*found, "internal") != true && (owner_visibility.empty() || owner_visibility == "public");
  ForgeAccess access{.shown = true, .is_public = is_public, .users = {}, .teams = {}};
  ASSIGN_OR_RETURN(auto people, reader.List(base + "/collaborators"));
  RETURN_IF_ERROR(AddPeople(people, base + "/collaborators", access));
  ASSIGN_OR_RETURN(auto teams, reader.List(base + "/teams", 405));  // not of an organisation
  for (const Json& team : teams) {
    int64_t id = Whole(team, "id");
    if (id < 0 || Text(team, "name").empty()) return NotUnderstood(base + "/teams");
    if (!TeamReadsCode(team)) continue;
    access.teams.push_back(Text(team, "name"));
    std::string target = "/api/v1/teams/" + std::to_string(id) + "/members";
    ASSIGN_OR_RETURN(auto members, reader.List(target));
    RETURN_IF_ERROR(AddPeople(members, target, access));
  }
  if (teams.empty()) access.users.push_back(Text(*owner, "login"));  // an organisation has its owners' team
  return access;
}

}  // namespace

Result<ForgeAccess> ReadForgeAccess(Forge forge, const std::string& repository, const AskForge& ask) {
  if (forge == Forge::kGitHub) return ReadGitHub(repository, ask);
  if (forge == Forge::kGitLab) return ReadGitLab(repository, ask);
  return ReadGitea(repository, ask);
}

HttpField TokenHeader(Forge forge, const std::string& token) {
  if (forge == Forge::kGitLab) return {"PRIVATE-TOKEN", token};
  return {"Authorization", (forge == Forge::kGitHub ? "Bearer " : "token ") + token};
}

}  // namespace codelore::api
