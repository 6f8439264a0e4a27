#include "api/forge/mirror_request.h"

#include <nlohmann/json.hpp>

#include "api/follow_settings.h"

namespace codelore::api {

Result<std::optional<MirrorSettings>> ReadMirrorRequest(JsonRequest& json, const std::optional<MirrorSettings>& before, const std::string& location) {
  JsonRequest wanted = json.Object("mirror", {"forge", "url", "repository", "token", "interval", "limit", "public_is", "map"});
  std::string name = wanted.String("forge", {.required = true, .max_bytes = 32});
  std::string url = wanted.String("url", {.max_bytes = 2048}), repository = wanted.String("repository", {.max_bytes = 512});
  std::string token = wanted.String("token", {.max_bytes = 4096});
  std::string interval = wanted.String("interval", {.max_bytes = 16}), limit = wanted.String("limit", {.max_bytes = 16});
  bool has_public = wanted.Has("public_is"), has_map = wanted.Has("map");
  bool tenant = wanted.Choice("public_is", {"nobody", "tenant"}) == "tenant";
  std::vector<std::string> map = wanted.Strings("map", {.max_items = 10'000, .max_bytes = 600});
  RETURN_IF_ERROR(json.status());
  if (name == "off") return std::optional<MirrorSettings>();
  auto forge = ForgeNamed(name);
  if (!forge || *forge == Forge::kBitbucket) return InvalidArgument("permissions are mirrored from gitea, forgejo, github or gitlab, not from '" + name + "'; off ends it");
  MirrorSettings settings = before && before->forge == *forge ? *before : MirrorSettings{.forge = *forge};
  // A token goes to the server it was given for, and to no other.
  if (!url.empty() && url != settings.url) settings.token.clear();
  if (!url.empty()) settings.url = url;
  if (!token.empty()) settings.token = token;
  if (!repository.empty()) settings.repository = repository;
  if (settings.repository.empty()) settings.repository = RepositoryOf(location);
  if (has_public) settings.public_is_tenant = tenant;
  if (has_map) settings.names.clear();
  for (const std::string& each : map) RETURN_IF_ERROR(ParseMapping(each, settings.names));
  if (!interval.empty()) {
    ASSIGN_OR_RETURN(settings.interval_seconds, ParsePollInterval(interval));
    if (settings.interval_seconds == 0) return InvalidArgument("what is found lapses unless it is looked at again: say how often, or \"forge\": \"off\"");
  }
  if (!limit.empty()) {
    ASSIGN_OR_RETURN(settings.limit_seconds, ParsePollInterval(limit));
  }
  RETURN_IF_ERROR(CheckMirrorSettings(settings));
  return std::optional<MirrorSettings>(std::move(settings));
}

std::string MirrorJson(const MirrorSettings& settings) {
  nlohmann::ordered_json map = nlohmann::ordered_json::array();
  for (const auto& [there, here] : settings.names) map.push_back(there + "=" + here);
  nlohmann::ordered_json json = {{"forge", ForgeName(settings.forge)}, {"url", settings.url}, {"repository", settings.repository}, {"has_token", !settings.token.empty()},
                                 {"interval_seconds", settings.interval_seconds}, {"limit_seconds", settings.limit_seconds},
                                 {"public_is", settings.public_is_tenant ? "tenant" : "nobody"}, {"map", map}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace codelore::api
