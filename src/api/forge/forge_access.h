// ForgeAccess: who may read the code of a repository, as its forge says.
//
// Asked of each forge (public documentation of their REST APIs):
//   GitHub           /repos/R, /repos/R/collaborators?affiliation=all (everyone who may read, through teams and the organisation,
//                    too), /repos/R/teams
//   GitLab           /api/v4/projects/R, /projects/R/members/all (inherited and invited ones, too); the code is read from Reporter on
//   Gitea, Forgejo   /api/v1/repos/R, /repos/R/collaborators, /repos/R/teams and /teams/ID/members of those with the unit
//                    repo.code; the owner
// What an answer leaves open counts as no: an unknown shape is an error, an unknown role does not read.
#ifndef CODELORE_API_FORGE_FORGE_ACCESS_H_
#define CODELORE_API_FORGE_FORGE_ACCESS_H_

#include <functional>
#include <string>
#include <vector>

#include "api/http/http_client.h"
#include "api/webhook.h"

namespace codelore::api {

struct ForgeAccess {
  bool shown = false;               // false: the forge has no such repository, or does not show it
  bool is_public = false;           // everyone who can reach the forge reads the code
  std::vector<std::string> users;   // who may read the code, their teams' members among them
  std::vector<std::string> teams;   // that may
};

// The answer to a path below the forge's address.
using AskForge = std::function<Result<HttpAnswer>(const std::string& target)>;

// kUnavailable, kResourceExhausted, kPermissionDenied (the token is not good) and kInternal (not understood): nothing was
// found out. `repository` is one that CheckMirrorSettings let through.
Result<ForgeAccess> ReadForgeAccess(Forge forge, const std::string& repository, const AskForge& ask);

// The header field by which this forge knows its token.
HttpField TokenHeader(Forge forge, const std::string& token);

}  // namespace codelore::api

#endif  // CODELORE_API_FORGE_FORGE_ACCESS_H_
