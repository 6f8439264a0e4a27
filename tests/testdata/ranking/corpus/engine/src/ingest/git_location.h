// What may be handed to git as a repository or a branch. Everything else is refused before git is started.
#ifndef CODELORE_INGEST_GIT_LOCATION_H_
#define CODELORE_INGEST_GIT_LOCATION_H_

#include <string_view>

#include "codelore/status.h"

namespace codelore::ingest {

// A location is a path of this machine, a URL (https, http, ssh, git, file), or scp-like "user@host:path". Refused:
// what looks like an option, here or in the host; white space and control characters; other schemes, and git's
// "transport::address" form, which can run commands; http(s) URLs with a user or password in them, which would be
// stored, listed and seen in process tables.
Status ValidateLocation(std::string_view location);

// Of a valid location: whether it is not a path.
bool IsRemote(std::string_view location);

// Of a valid location: whether it is a URL of a path of this machine.
bool IsFileUrl(std::string_view location);

// A branch name that git itself would allow (git-check-ref-format), at most 255 bytes of UTF-8.
Status ValidateBranch(std::string_view name);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_GIT_LOCATION_H_
