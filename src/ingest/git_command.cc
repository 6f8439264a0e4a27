#include "ingest/git_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "codelore/utf8.h"

namespace codelore::ingest {
namespace {

constexpr size_t kMaxComplaintBytes = 300;

// They win over the configuration of the repository itself.
constexpr const char* kSettings[] = {
    "core.hooksPath=/dev/null", "core.fsmonitor=false",    "core.attributesFile=/dev/null",
    "core.askPass=",            "credential.helper=",      "gc.auto=0",
    "maintenance.auto=false",   "submodule.recurse=false", "safe.directory=*",
    "init.defaultBranch=main",
    // Little memory, whatever a repository holds: large objects are streamed, packs mapped in windows.
    "core.bigFileThreshold=32m", "core.packedGitWindowSize=32m", "core.packedGitLimit=256m",
    "pack.windowMemory=64m",    "pack.threads=1",          "pack.deltaCacheSize=32m",
};

// What fsck would refuse in authors and dates of old but honest histories does not matter to us: nothing reads it.
constexpr const char* kNetworkSettings[] = {
    "transfer.fsckObjects=true",
    "fetch.fsckObjects=true",
    "fetch.fsck.badDate=ignore",
    "fetch.fsck.badDateOverflow=ignore",
    "fetch.fsck.badEmail=ignore",
    "fetch.fsck.badName=ignore",
    "fetch.fsck.badTimezone=ignore",
    "fetch.fsck.missingEmail=ignore",
    "fetch.fsck.missingNameBeforeEmail=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.missingSpaceBeforeEmail=ignore",
    "fetch.fsck.zeroPaddedDate=ignore",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.recurseSubmodules=false",
    "transfer.unpackLimit=1",  // a pack for each fetch, which can be counted, instead of any number of files
    "transfer.bundleURI=false",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
};

constexpr const char* kEnvironment[] = {
    "HOME=/nonexistent",
    "LC_ALL=C",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_SYSTEM=/dev/null",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=",
    "SSH_ASKPASS=",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_NO_LAZY_FETCH=1",
    "GIT_OPTIONAL_LOCKS=0",
    "GIT_LFS_SKIP_SMUDGE=1",
    "GIT_PROTOCOL_FROM_USER=0",
    "GIT_SSH_VARIANT=ssh",
    "GIT_SSH_COMMAND=ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oClearAllForwardings=yes -oConnectTimeout=30 -oServerAliveInterval=20 "
    "-oServerAliveCountMax=3",
};

// How this machine reaches others.
constexpr const char* kInherited[] = {"SSH_AUTH_SOCK", "http_proxy", "https_proxy", "HTTPS_PROXY",
                                      "all_proxy",     "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

void Inherit(Command& command, const char* name) {
  if (const char* value = getenv(name)) command.environment.push_back(std::string(name) + "=" + value);
}

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) text += j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace

Command LocalGit(const std::string& git_folder, std::vector<std::string> arguments) {
  Command command;
  command.arguments = {"git", "--no-pager", "--no-optional-locks", "--literal-pathspecs", "--git-dir=" + git_folder};
  for (const char* setting : kSettings) command.arguments.insert(command.arguments.end(), {"-c", setting});
  std::ranges::move(arguments, std::back_inserter(command.arguments));
  command.environment.assign(std::begin(kEnvironment), std::end(kEnvironment));
  Inherit(command, "PATH");
  command.environment.push_back("GIT_ALLOW_PROTOCOL=none");
  return command;
}

Command NetworkGit(const std::string& git_folder, std::vector<std::string> arguments) {
  std::vector<std::string> all;
  for (const char* setting : kNetworkSettings) all.insert(all.end(), {"-c", setting});
  std::ranges::move(arguments, std::back_inserter(all));
  Command command = LocalGit(git_folder, std::move(all));
  command.environment.back() = "GIT_ALLOW_PROTOCOL=https:http:ssh:git:file";
  for (const char* name : kInherited) Inherit(command, name);
  return command;
}

void AddToken(Command& command, const std::string& url, const std::string& token) {
  size_t host = url.find("://");
  if (token.empty() || host == std::string::npos || !(url.starts_with("https:") || url.starts_with("http:"))) return;
  std::string site = url.substr(0, url.find('/', host + 3) + 1);
  std::string login = token.find(':') == std::string::npos ? "x-token-auth:" + token : token;
  command.environment.push_back("GIT_CONFIG_COUNT=1");
  command.environment.push_back("GIT_CONFIG_KEY_0=http." + site + ".extraHeader");
  command.environment.push_back("GIT_CONFIG_VALUE_0=Authorization: Basic " + Base64(login));
}

Result<std::string> RunGit(Command command, StatusCode code) {
  ASSIGN_OR_RETURN(ProcessOutput result, Process::Run(std::move(command)));
  if (result.exit_code != 0) return Status(code, Complaint(result.errors));
  return std::move(result.output);
}

std::string Complaint(std::string_view errors) {
  size_t at = std::min({errors.find("fatal: "), errors.find("error: "), errors.find("ERROR: ")});
  std::string_view line = at == std::string_view::npos ? errors : errors.substr(at);
  std::string text(Utf8Prefix(line.substr(0, line.find('\n')), kMaxComplaintBytes));
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (!IsValidUtf8(text)) text = "(a message that is not UTF-8)";
  return "git: " + (text.empty() ? "failed without a word" : text);
}

}  // namespace codelore::ingest
