// A forge on this machine that answers as the public documentation of GitHub, GitLab and Gitea says, about one repository,
// "team/app", whose readers a test changes.
#ifndef CODELORE_TESTS_API_FORGE_SCRIPTED_FORGE_H_
#define CODELORE_TESTS_API_FORGE_SCRIPTED_FORGE_H_

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/http/http_fixture.h"

namespace codelore::api {

struct ForgeState {
  std::string visibility = "private";  // "public", "internal"
  std::vector<std::string> readers = {};                    // by name
  std::vector<std::string> guests = {};                     // who are named, but may not read the code
  std::map<std::string, std::vector<std::string>> teams = {};  // that read the code
  int refuses = 0;       // every request, with this status
  int refuses_people = 0;  // lists of people, with this status
  std::string more_header, more_value;  // beside a refusal
  std::string answers;   // instead of JSON
  size_t page_size = 0;  // at most so many on a page; 0: as many as asked for
  bool owned_by_user = false;
};

class ScriptedForge {
 public:
  using Json = nlohmann::json;
  ScriptedForge() {
    Add("/repos/:owner/:name", [this](const HttpRequest&) { return GitHubRepository(); });
    Add("/repos/:owner/:name/collaborators", [this](const HttpRequest& request) { return Page(request, "per_page", GitHubPeople()); });
    Add("/repos/:owner/:name/teams", [this](const HttpRequest& request) { return Page(request, "per_page", GitHubTeams()); });
    Add("/api/v4/projects/:project", [this](const HttpRequest&) { return GitLabProject(); });
    Add("/api/v4/projects/:project/members/all", [this](const HttpRequest& request) { return Page(request, "per_page", GitLabMembers()); });
    Add("/api/v1/repos/:owner/:name", [this](const HttpRequest&) { return GiteaRepository(); });
    Add("/api/v1/repos/:owner/:name/collaborators", [this](const HttpRequest& request) { return Page(request, "limit", GiteaPeople(state_.readers)); });
    Add("/api/v1/repos/:owner/:name/teams", [this](const HttpRequest& request) { return Page(request, "limit", GiteaTeams()); });
    Add("/api/v1/teams/:id/members", [this](const HttpRequest& request) { return Page(request, "limit", GiteaTeamMembers(std::string(request.Param("id")))); });
    EXPECT_TRUE(server_.Start().ok());
  }
  ~ScriptedForge() { server_.Stop(0ms); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  template <typename Change>
  void Set(Change change) {
    std::lock_guard lock(mutex_);
    change(state_);
  }
  std::string last_token() const {
    std::lock_guard lock(mutex_);
    return last_token_;
  }
  std::atomic<int> asked{0};

 private:
  template <typename Answer>
  void Add(const char* path, Answer answer) {
    server_.Handle("GET", path, [this, answer](const HttpRequest& request, HttpResponse& response) {
      std::lock_guard lock(mutex_);
      ++asked;
      for (const char* field : {"authorization", "private-token"}) {
        if (auto token = request.Header(field)) last_token_ = *token;
      }
      std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
      bool people = path.ends_with("/collaborators") || path.ends_with("/all") || path.ends_with("/members");
      int refused = people && state_.refuses_people != 0 ? state_.refuses_people : state_.refuses;
      bool known = request.Param("owner") == "team" || request.Param("project") == "team/app" || !request.Param("id").empty();
      if (refused == 0 && !known) refused = 404;
      next_ = false;
      Json json = refused == 0 ? answer(request) : Json{{"message", "SECRET words of the forge"}};
      if (refused == 0 && state_.owned_by_user && path.ends_with("/teams")) refused = 405;
      if (next_) response.SetHeader("Link", "<http://elsewhere.example/never>; rel=\"next\", <http://elsewhere.example/last>; rel=\"last\"");
      if (refused != 0) {
        response.SetStatus(refused);
        if (refused / 100 == 3) response.SetHeader("Location", url() + "/repos/other/app");
        if (!state_.more_header.empty()) response.SetHeader(state_.more_header, state_.more_value);
      }
      response.SetBody(state_.answers.empty() ? json.dump() : state_.answers, "application/json");
    });
  }

  Json Page(const HttpRequest& request, const char* size_field, const Json& all) {
    size_t page = std::stoul(std::string(request.Query("page").value_or("1"))), size = std::stoul(std::string(request.Query(size_field).value_or("30")));
    if (state_.page_size != 0) size = std::min(size, state_.page_size);
    Json items = Json::array();
    for (size_t i = (page - 1) * size; i < std::min(all.size(), page * size); ++i) items.push_back(all[i]);
    next_ = page * size < all.size();
    return items;
  }

  // ---- https://docs.github.com/en/rest
  Json GitHubRepository() const {
    return {{"id", 1296269}, {"name", "app"}, {"full_name", "team/app"}, {"owner", {{"login", "team"}, {"id", 1}, {"type", "Organization"}}},
            {"private", state_.visibility != "public"}, {"visibility", state_.visibility}, {"default_branch", "main"}};
  }
  Json GitHubPeople() const {
    Json people = Json::array();
    auto add = [&](const std::string& name, bool pull) {
      people.push_back({{"login", name}, {"id", 1}, {"type", "User"}, {"site_admin", false}, {"role_name", pull ? "read" : "none"},
                        {"permissions", {{"admin", false}, {"maintain", false}, {"push", false}, {"triage", false}, {"pull", pull}}}});
    };
    for (const auto& name : state_.readers) add(name, true);
    for (const auto& name : state_.guests) add(name, false);
    for (const auto& [team, members] : state_.teams) {
      for (const auto& name : members) add(name, true);
    }
    return people;
  }
  Json GitHubTeams() const {
    Json teams = Json::array();
    for (const auto& [team, members] : state_.teams) {
      teams.push_back({{"id", 1}, {"name", "The " + team}, {"slug", team}, {"privacy", "closed"}, {"permission", "pull"}, {"parent", nullptr}});
    }
    return teams;
  }
  // ---- https://docs.gitlab.com/api
  Json GitLabProject() const {
    Json groups = Json::array();
    for (const auto& [team, members] : state_.teams) {
      groups.push_back({{"group_id", 4}, {"group_name", team}, {"group_full_path", team}, {"group_access_level", 30}, {"expires_at", nullptr}});
    }
    return {{"id", 3}, {"path_with_namespace", "team/app"}, {"visibility", state_.visibility}, {"repository_access_level", "enabled"},
            {"namespace", {{"id", 3}, {"kind", "group"}, {"full_path", "team"}}}, {"shared_with_groups", groups}};
  }
  Json GitLabMembers() const {
    Json members = Json::array();
    auto add = [&](const std::string& name, int level, const char* state) {
      members.push_back({{"id", 1}, {"username", name}, {"name", name}, {"state", state}, {"membership_state", "active"}, {"access_level", level}, {"expires_at", nullptr}});
    };
    for (const auto& name : state_.readers) add(name, 20, "active");
    for (const auto& name : state_.guests) add(name, 10, "active");
    add("blocked", 50, "blocked");
    for (const auto& [team, people] : state_.teams) {
      for (const auto& name : people) add(name, 30, "active");
    }
    return members;
  }
  // ---- https://docs.gitea.com/api, the same at Forgejo
  Json GiteaRepository() const {
    return {{"id", 7}, {"name", "app"}, {"full_name", "team/app"}, {"owner", {{"id", 1}, {"login", "team"}, {"visibility", "public"}}},
            {"private", state_.visibility == "private"}, {"internal", state_.visibility == "internal"}, {"permissions", {{"admin", true}, {"push", true}, {"pull", true}}}};
  }
  Json GiteaPeople(const std::vector<std::string>& names) const {
    Json people = Json::array();
    for (const auto& name : names) people.push_back({{"id", 1}, {"login", name}, {"full_name", ""}, {"active", true}, {"prohibit_login", false}, {"visibility", "public"}});
    return people;
  }
  Json GiteaTeams() const {
    Json teams = Json::array();
    int id = 0;
    for (const auto& [team, members] : state_.teams) {
      teams.push_back({{"id", ++id}, {"name", team}, {"permission", "none"}, {"units", {"repo.code"}}, {"units_map", {{"repo.code", "read"}, {"repo.wiki", "none"}}}});
    }
    if (!state_.guests.empty()) {  // a team of the issues alone
      teams.push_back({{"id", 99}, {"name", "testers"}, {"permission", "none"}, {"units", {"repo.issues"}}, {"units_map", {{"repo.issues", "write"}}}});
    }
    return teams;
  }
  Json GiteaTeamMembers(const std::string& id) const {
    if (id == "99") return GiteaPeople(state_.guests);
    return GiteaPeople(std::next(state_.teams.begin(), std::stoi(id) - 1)->second);
  }

  HttpServer server_{HttpServer::Options{.host = "127.0.0.1", .port = 0, .threads = 4}};
  mutable std::mutex mutex_;
  ForgeState state_;
  std::string last_token_;
  bool next_ = false;
};

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_FORGE_SCRIPTED_FORGE_H_
