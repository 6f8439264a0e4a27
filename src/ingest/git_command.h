// How git is run: as a child process that executes nothing a repository brings along.
//
// No system, user or global configuration; no hooks, pagers, helpers, prompts, replacement objects, submodules or
// filters; protocols by allow-list, and none at all for commands that have no business on the network, so that a
// partial clone cannot fetch what it lacks from wherever its configuration says.
#ifndef CODELORE_INGEST_GIT_COMMAND_H_
#define CODELORE_INGEST_GIT_COMMAND_H_

#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "ingest/process.h"

namespace codelore::ingest {

// `git --git-dir=FOLDER ARGUMENTS...` without network.
Command LocalGit(const std::string& git_folder, std::vector<std::string> arguments);
// The same with https, http, ssh, git and file; received objects are checked.
Command NetworkGit(const std::string& git_folder, std::vector<std::string> arguments);

// Lets it show `token` ("TOKEN" or "USER:TOKEN") to the host of an http(s) `url`, and to no other. The token goes
// through the environment, which other users cannot see, not through the arguments. Empty, or another scheme: nothing.
void AddToken(Command& command, const std::string& url, const std::string& token);

// Runs it; its output if it succeeded, else `code` with what it complained of.
Result<std::string> RunGit(Command command, StatusCode code);

// The line of git's standard error that says what went wrong, fit for a message.
std::string Complaint(std::string_view errors);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_GIT_COMMAND_H_
