// MirrorSettings: which repository of which forge says who may read a source. One record per source in Table::kMeta; a
// source without one is read by whom it is granted to by hand, alone.
//
// Record: "forge/" and the source's id -> version (1 byte), forge, URL, repository, token, interval and limit in seconds,
// whether public is for the tenant, names of the forge with what they are here.
// The token is stored as it is, like those of follow_settings.h; no operation gives it out.
#ifndef CODELORE_API_FORGE_MIRROR_SETTINGS_H_
#define CODELORE_API_FORGE_MIRROR_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/webhook.h"
#include "codelore/ids.h"
#include "codelore/store.h"

namespace codelore::api {

struct MirrorSettings {
  Forge forge = Forge::kGitea;
  std::string url;         // "https://git.example.com", or http:// in a network of the operator's; GitHub's is that of its API
  std::string repository;  // "team/app"
  std::string token;
  uint32_t interval_seconds = 300;  // between two looks
  uint32_t limit_seconds = 3600;    // what was found counts for so long
  bool public_is_tenant = false;    // what everyone reads there, everyone of the tenant reads here; else nobody by that
  // "user:NAME" or "team:NAME" of the forge -> principal here; empty: nobody. Who is not in it: a user is the user of the
  // same name, a team is its members and nothing more.
  std::map<std::string, std::string> names;
  bool operator==(const MirrorSettings&) const = default;
};

Result<std::optional<MirrorSettings>> ReadMirrorSettings(const KeyValueStore& store, SourceId source);
Status WriteMirrorSettings(KeyValueStore& store, SourceId source, const MirrorSettings& settings);
Status EraseMirrorSettings(KeyValueStore& store, SourceId source);
// Of all sources that have a record, by id.
Status ForEachMirrorSettings(const KeyValueStore& store, const std::function<void(SourceId, const MirrorSettings&)>& visit);

// kInvalidArgument says what is wrong, and what to do.
Status CheckMirrorSettings(const MirrorSettings& settings);
// "octocat=ann", "team:core=team:backend", "bot=": into `names`.
Status ParseMapping(std::string_view text, std::map<std::string, std::string>& names);
// "team/app" of "https://git.example.com/team/app.git"; empty where a location does not tell.
std::string RepositoryOf(std::string_view location);

}  // namespace codelore::api

#endif  // CODELORE_API_FORGE_MIRROR_SETTINGS_H_
