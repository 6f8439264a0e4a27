// GitRepository: a repository to index, read as objects only: no checkout, no working files, nothing executed.
//
// It is a local repository, read where it is and never written to, or a mirror of a remote one's tip. A value;
// thread-safe as a string is. Reading goes through a GitTree (git_tree.h).
#ifndef CODELORE_INGEST_GIT_H_
#define CODELORE_INGEST_GIT_H_

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "ingest/git_location.h"
#include "ingest/network_policy.h"

namespace codelore::ingest {

// "git version 2.39.5"; kUnavailable if there is no git.
Result<std::string> GitVersion();

struct GitHead {
  std::string commit;  // object id in hex
  std::string branch;  // "HEAD" if it is detached
};

// A branch or tag.
struct GitRef {
  std::string ref;     // "refs/heads/main"
  std::string name;    // "main"; of a tag "tags/v1"
  std::string commit;  // from a remote it can be the id of something else that a tag names
};

// Which branches and tags: names, or patterns in which * stands for any characters.
struct RefPatterns {
  std::vector<std::string> branches, tags;
  bool empty() const { return branches.empty() && tags.empty(); }
  bool Match(const std::string& ref) const;
};

// kInvalidArgument, saying why, for what is no name and no pattern of one.
Status ValidateRefPattern(std::string_view pattern);

struct MirrorOptions {
  std::string folder;  // the mirror's own; made if missing, and kept for the next time
  std::string branch = "";  // empty: the one the remote's HEAD names
  RefPatterns also = {};    // besides
  std::string token = "";   // for http(s): "TOKEN" or "USER:TOKEN"
  std::chrono::milliseconds timeout = std::chrono::hours(1);
  std::chrono::milliseconds stall = std::chrono::minutes(2);  // of a remote that says nothing, or next to nothing
  uint64_t max_pack_bytes = uint64_t{8} << 30;     // of what one fetch brings
  uint64_t max_mirror_bytes = uint64_t{24} << 30;  // of all that the mirror holds, after it was tidied
  NetworkPolicy networks = {};
  std::stop_token stop = {};
};

class GitRepository {
 public:
  // Whether the folder at `path` is a repository: a work tree's top, a bare one, or a ".git" folder. Folders
  // inside a work tree are not.
  static bool IsRepository(const std::string& path);

  // kNotFound unless IsRepository.
  static Result<GitRepository> Open(const std::string& path);

  // Brings the tip of the remote into the mirror, without history. kUnavailable if that fails; the mirror then
  // is as it was. One caller per folder at a time.
  static Result<GitRepository> Mirror(const std::string& url, const MirrorOptions& options);

  // The tip of `branch` as the remote tells it, without fetching anything. Of `options`, folder and max_pack_bytes do
  // not matter. kNotFound if there is no such branch.
  static Result<GitHead> RemoteTip(const std::string& url, const MirrorOptions& options);

  // The tips of branches and tags that match, as the remote tells them, by ref. `branch` of the options does not matter.
  static Result<std::vector<GitRef>> RemoteRefs(const std::string& url, const MirrorOptions& options);

  // The tips of branches and tags that match and are commits, by ref. Where a clone has no branch of its own by a name,
  // its origin's counts.
  Result<std::vector<GitRef>> Refs(const RefPatterns& patterns) const;

  // What is at the tip of `branch`, by default of HEAD: never the working files. kNotFound if there is no such
  // branch, or no commit yet.
  Result<GitHead> Head(std::string_view branch = {}) const;

  const std::string& git_folder() const { return git_folder_; }

 private:
  explicit GitRepository(std::string git_folder) : git_folder_(std::move(git_folder)) {}
  Result<std::string> Commit(const std::string& ref) const;

  std::string git_folder_;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_GIT_H_
