// How requests say where a source's permissions are mirrored from, and how that is shown.
#ifndef CODELORE_API_FORGE_MIRROR_REQUEST_H_
#define CODELORE_API_FORGE_MIRROR_REQUEST_H_

#include <optional>
#include <string>

#include "api/forge/mirror_settings.h"
#include "api/json_request.h"

namespace codelore::api {

// {"forge": "gitea", "url", "repository", "token", "interval", "limit", "public_is": "tenant", "map": ["octocat=ann"]}; what is
// not said stays as it is for the same forge, and the repository is then the one of `location`. None: {"forge": "off"}.
Result<std::optional<MirrorSettings>> ReadMirrorRequest(JsonRequest& json, const std::optional<MirrorSettings>& before, const std::string& location);

// A JSON object without the token.
std::string MirrorJson(const MirrorSettings& settings);

}  // namespace codelore::api

#endif  // CODELORE_API_FORGE_MIRROR_REQUEST_H_
