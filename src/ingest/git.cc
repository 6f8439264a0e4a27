#include "ingest/git.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "ingest/git_command.h"
#include "ingest/git_refs.h"

namespace codelore::ingest {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBranchPrefix = "refs/heads/";
constexpr std::string_view kTagPrefix = "refs/tags/";
constexpr std::string_view kOriginPrefix = "refs/remotes/origin/";
constexpr size_t kMaxFetchedRefs = 80;  // more than a source can have, so that there are names of some that it has not
constexpr size_t kMaxRefListing = 64 << 20;
constexpr std::string_view kDetachedRef = "refs/codelore/tip";
constexpr uint64_t kMaxGitMemory = uint64_t{4} << 30;  // address space
// Of a pack's objects that are changes to others one is in memory, and what it changes: larger ones no git makes of its own.
constexpr uint64_t kMaxGitHeap = uint64_t{1} << 30;
constexpr size_t kMaxPacks = 50;                       // more: they are made one

bool HoldsRepository(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "HEAD", error) && fs::is_directory(folder / "objects", error) &&
         fs::is_directory(folder / "refs", error);
}

std::string FirstLine(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

bool MatchesName(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return std::ranges::all_of(pattern.substr(p), [](char c) { return c == '*'; });
}

// A branch or tag that we could follow; otherwise the name stays empty.
GitRef RefOf(std::string ref, std::string commit) {
  GitRef found{.ref = std::move(ref), .name = {}, .commit = std::move(commit)};
  std::string_view text = found.ref;
  bool tag = text.starts_with(kTagPrefix);
  if (tag || text.starts_with(kBranchPrefix)) text.remove_prefix(tag ? kTagPrefix.size() : kBranchPrefix.size());
  bool ambiguous = !tag && text.starts_with("tags/");  // it would be named as a tag is
  if (text.size() < found.ref.size() && !ambiguous && ValidateBranch(text).ok()) found.name = (tag ? "tags/" : "") + std::string(text);
  return found;
}

// Calls visit(line) for each line.
void ForEachLine(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    visit(line);
  }
}

// "ID\tREF"; behind a tag that is an object itself follows what it names, as "REF^{}".
std::vector<GitRef> ParseRemoteRefs(std::string_view listing, const RefPatterns& patterns) {
  std::vector<GitRef> refs;
  ForEachLine(listing, [&](std::string_view line) {
    size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return;
    std::string id(line.substr(0, tab)), ref(line.substr(tab + 1));
    bool peeled = ref.ends_with("^{}");
    if (peeled) ref.resize(ref.size() - 3);
    if (peeled && !refs.empty() && refs.back().ref == ref) {
      refs.back().commit = std::move(id);
    } else if (GitRef found = RefOf(std::move(ref), std::move(id)); !peeled && !found.name.empty() && patterns.Match(found.ref)) {
      refs.push_back(std::move(found));
    }
  });
  std::ranges::sort(refs, {}, &GitRef::ref);
  return refs;
}

// What a fetch that was killed leaves behind, and the next one would trip over or leave for ever.
void RemoveLeftovers(const fs::path& mirror) {
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::recursive_directory_iterator at(mirror, error), end; !error && at != end; at.increment(error)) {
    const fs::path& path = at->path();
    bool temporary = path.filename().string().starts_with("tmp_") || path.extension() == ".lock";
    if (temporary && !at->is_directory(error)) leftovers.push_back(path);
  }
  for (const fs::path& path : leftovers) fs::remove(path, error);
}

size_t CountPacks(const fs::path& mirror) {
  size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator at(mirror / "objects/pack", error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".pack") ++count;
  }
  return count;
}

uint64_t SizeOf(const fs::path& mirror) {
  uint64_t size = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(mirror, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    uint64_t bytes = at->is_regular_file(ignored) ? at->file_size(ignored) : 0;
    if (!ignored) size += bytes;
  }
  return size;
}

// One run of git on a mirror.
class MirrorGit {
 public:
  MirrorGit(const std::string& url, const MirrorOptions& options) : url_(url), options_(options) {}

  Status Create() {
    std::error_code error;
    fs::create_directories(options_.folder, error);
    if (error) return Unavailable("cannot make the folder " + options_.folder + ": " + error.message());
    fs::permissions(options_.folder, fs::perms::owner_all, error);  // git lets everyone read what it writes
    if (error) return Unavailable("cannot close the folder " + options_.folder + " to others: " + error.message());
    RemoveLeftovers(options_.folder);
    return RunGit(LocalGit(options_.folder, {"init", "--quiet", "--bare", "--template="}), StatusCode::kUnavailable)
        .status();
  }

  // Each fetch adds a pack, with what it brings: now and then they are made one, with what the tip before this fetch
  // needs, and no more. It is the revision that the next walk compares with.
  Status Tidy() {
    if (CountPacks(options_.folder) <= kMaxPacks && SizeOf(options_.folder) <= options_.max_mirror_bytes) return OkStatus();
    for (std::vector<std::string> arguments : {std::vector<std::string>{"repack", "-a", "-d", "-q"}, {"prune", "--expire=now"}}) {
      Command command = LocalGit(options_.folder, std::move(arguments));
      command.timeout = options_.timeout;
      command.max_file_bytes = options_.max_pack_bytes;
      command.max_memory_bytes = kMaxGitMemory;
      command.max_heap_bytes = kMaxGitHeap;
      command.stop = options_.stop;
      RETURN_IF_ERROR(RunGit(std::move(command), StatusCode::kUnavailable).status());
    }
    return OkStatus();
  }

  // The full name of the branch that the remote's HEAD is; empty if it is detached.
  Result<std::string> DefaultBranch() {
    ASSIGN_OR_RETURN(std::string listing, Run({"ls-remote", "--quiet", "--symref", "--", url_, "HEAD"}));
    bool has_head = false;
    std::string branch;
    for (std::string_view rest = listing; !rest.empty();) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (!line.ends_with("\tHEAD")) continue;
      line.remove_suffix(5);
      has_head = true;
      if (line.starts_with("ref: refs/heads/")) branch = line.substr(5);
    }
    if (!has_head) return NotFound("the repository has no commit yet");
    if (!branch.empty()) RETURN_IF_ERROR(ValidateBranch(std::string_view(branch).substr(kBranchPrefix.size())));
    return branch;
  }

  // The commit that a full ref name stands for.
  Result<std::string> Tip(const std::string& ref) {
    ASSIGN_OR_RETURN(std::string listing, Run({"ls-remote", "--quiet", "--", url_, ref}));
    for (std::string_view rest = listing; !rest.empty();) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      size_t tab = line.find('\t');  // a pattern matches the ends of longer names too
      if (tab != std::string_view::npos && line.substr(tab + 1) == ref) return std::string(line.substr(0, tab));
    }
    return NotFound("the repository has no " + ref);
  }

  Result<std::vector<GitRef>> Refs() {
    std::vector<std::string> arguments = {"ls-remote", "--quiet", "--", url_};
    if (!options_.also.branches.empty()) arguments.emplace_back("refs/heads/*");
    if (!options_.also.tags.empty()) arguments.emplace_back("refs/tags/*");
    ASSIGN_OR_RETURN(std::string listing, Run(std::move(arguments), kMaxRefListing));
    return ParseRemoteRefs(listing, options_.also);
  }

  // Fetches these tips, and forgets those of branches and tags that are not among them. Where there are too many, those that
  // are here already come first.
  Status FetchRefs(std::vector<GitRef> refs, const std::string& branch) {
    ASSIGN_OR_RETURN(std::string listing, RunGit(LocalGit(options_.folder, {"for-each-ref", "--format=%(refname)"}), StatusCode::kUnavailable));
    std::set<std::string, std::less<>> here;
    ForEachLine(listing, [&](std::string_view ref) { here.emplace(ref); });
    std::ranges::stable_partition(refs, [&](const GitRef& ref) { return here.contains(ref.ref); });
    if (refs.size() > kMaxFetchedRefs) refs.resize(kMaxFetchedRefs);
    std::vector<std::string> arguments = FetchArguments();
    for (const GitRef& ref : refs) arguments.push_back("+" + ref.ref + ":" + ref.ref);
    if (!refs.empty()) RETURN_IF_ERROR(Run(std::move(arguments)).status());
    for (const std::string& ref : here) {
      bool wanted = ref == branch || ref == kDetachedRef || std::ranges::any_of(refs, [&](const GitRef& each) { return each.ref == ref; });
      if (wanted) continue;
      RETURN_IF_ERROR(RunGit(LocalGit(options_.folder, {"update-ref", "--no-deref", "-d", ref}), StatusCode::kUnavailable).status());
    }
    return OkStatus();
  }

  // Fetches the tip of `branch`, or of a detached HEAD, and makes it the mirror's HEAD.
  Status FetchTip(const std::string& branch) {
    std::string from = branch.empty() ? "HEAD" : branch;
    std::string to = branch.empty() ? std::string(kDetachedRef) : branch;
    std::vector<std::string> arguments = FetchArguments();
    arguments.push_back("+" + from + ":" + to);
    RETURN_IF_ERROR(Run(std::move(arguments)).status());
    std::vector<std::string> point = {"symbolic-ref", "HEAD", to};
    if (branch.empty()) point = {"update-ref", "--no-deref", "HEAD", to};
    return RunGit(LocalGit(options_.folder, std::move(point)), StatusCode::kUnavailable).status();
  }

 private:
  std::vector<std::string> FetchArguments() const {
    return {"fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head", "--force", "--", url_};
  }

  Result<std::string> Run(std::vector<std::string> arguments, size_t max_output_bytes = 1 << 20) {
    Command command = NetworkGit(options_.folder, std::move(arguments));
    RETURN_IF_ERROR(options_.networks.Bind(url_, command));
    AddToken(command, url_, options_.token);
    command.timeout = options_.timeout;
    command.stall = options_.stall;
    command.max_output_bytes = max_output_bytes;
    command.max_file_bytes = options_.max_pack_bytes;
    command.max_memory_bytes = kMaxGitMemory;
    command.max_heap_bytes = kMaxGitHeap;
    command.stop = options_.stop;
    return RunGit(std::move(command), StatusCode::kUnavailable);
  }

  const std::string& url_;
  const MirrorOptions& options_;
};

}  // namespace

bool RefPatterns::Match(const std::string& ref) const {
  bool tag = ref.starts_with(kTagPrefix);
  if (!tag && !ref.starts_with(kBranchPrefix)) return false;
  std::string_view name = std::string_view(ref).substr(tag ? kTagPrefix.size() : kBranchPrefix.size());
  return std::ranges::any_of(tag ? tags : branches, [&](const std::string& pattern) { return MatchesName(pattern, name); });
}

Status ValidateRefPattern(std::string_view pattern) {
  std::string name(pattern);
  std::ranges::replace(name, '*', 'x');
  return ValidateBranch(name);
}

Result<std::string> GitVersion() {
  ASSIGN_OR_RETURN(std::string output, RunGit(LocalGit("", {"--version"}), StatusCode::kUnavailable));
  while (output.ends_with('\n')) output.pop_back();
  return output;
}

bool GitRepository::IsRepository(const std::string& path) { return Open(path).ok(); }

Result<GitRepository> GitRepository::Open(const std::string& path) {
  std::error_code error;
  fs::path folder = fs::absolute(path, error);
  if (!error && fs::exists(folder / ".git", error)) return GitRepository((folder / ".git").string());
  if (!error && HoldsRepository(folder)) return GitRepository(folder.string());
  return NotFound(path + " is not a git repository");
}

Result<GitRepository> GitRepository::Mirror(const std::string& url, const MirrorOptions& options) {
  RETURN_IF_ERROR(ValidateLocation(url));
  if (!IsRemote(url)) return InvalidArgument("only a remote repository is mirrored");
  MirrorGit git(url, options);
  std::string branch;
  if (!options.branch.empty()) {
    RETURN_IF_ERROR(ValidateBranch(options.branch));
    branch = std::string(kBranchPrefix) + options.branch;
  }
  RETURN_IF_ERROR(git.Create());
  RETURN_IF_ERROR(git.Tidy());
  if (branch.empty()) {
    ASSIGN_OR_RETURN(branch, git.DefaultBranch());
  }
  RETURN_IF_ERROR(git.FetchTip(branch));
  std::vector<GitRef> also;
  if (!options.also.empty()) {
    ASSIGN_OR_RETURN(also, git.Refs());
  }
  RETURN_IF_ERROR(git.FetchRefs(std::move(also), branch));
  if (SizeOf(options.folder) > options.max_mirror_bytes) {
    return ResourceExhausted("the mirror holds more than " + std::to_string(options.max_mirror_bytes >> 20) + " MiB; follow fewer branches or tags");
  }
  return GitRepository(options.folder);
}

Result<GitHead> GitRepository::RemoteTip(const std::string& url, const MirrorOptions& options) {
  RETURN_IF_ERROR(ValidateLocation(url));
  if (!options.branch.empty()) RETURN_IF_ERROR(ValidateBranch(options.branch));
  MirrorGit git(url, options);
  std::string ref = options.branch.empty() ? "HEAD" : std::string(kBranchPrefix) + options.branch;
  ASSIGN_OR_RETURN(std::string commit, git.Tip(ref));
  return GitHead{std::move(commit), options.branch};
}

Result<std::vector<GitRef>> GitRepository::RemoteRefs(const std::string& url, const MirrorOptions& options) {
  RETURN_IF_ERROR(ValidateLocation(url));
  return MirrorGit(url, options).Refs();
}

Result<std::vector<GitRef>> GitRepository::Refs(const RefPatterns& patterns) const {
  Command command = LocalGit(git_folder_, {"for-each-ref", "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)",
                                           "refs/heads", "refs/tags", "refs/remotes/origin"});
  command.max_output_bytes = kMaxRefListing;
  ASSIGN_OR_RETURN(std::string listing, RunGit(std::move(command), StatusCode::kUnavailable));
  std::vector<GitRef> refs;
  ForEachLine(listing, [&](std::string_view line) {
    bool commit = line.starts_with("commit ");
    size_t named = line.find(" commit ");
    if (!commit && (!line.starts_with("tag ") || named == std::string_view::npos)) return;
    std::string_view id = line.substr(commit ? 7 : named + 8);
    id = id.substr(0, id.find(' '));
    std::string ref(line.substr(line.find(" refs/") + 1));
    if (ref.starts_with(kOriginPrefix)) ref = std::string(kBranchPrefix) + ref.substr(kOriginPrefix.size());
    GitRef found = RefOf(std::move(ref), std::string(id));
    bool known = std::ranges::any_of(refs, [&](const GitRef& each) { return each.ref == found.ref; });  // listed by ref: heads first
    if (!known && !found.name.empty() && patterns.Match(found.ref)) refs.push_back(std::move(found));
  });
  std::ranges::sort(refs, {}, &GitRef::ref);
  return refs;
}

Result<std::string> GitRepository::Commit(const std::string& ref) const {
  ASSIGN_OR_RETURN(std::string id, RunGit(LocalGit(git_folder_, {"rev-parse", "--verify", "--end-of-options",
                                                                 ref + "^{commit}"}),
                                          StatusCode::kNotFound));
  return FirstLine(std::move(id));
}

Result<GitHead> GitRepository::Head(std::string_view branch) const {
  if (!branch.empty()) RETURN_IF_ERROR(ValidateBranch(branch));
  if (auto tip = ReadLooseTip(git_folder_, branch)) return GitHead{std::move(tip->commit), std::move(tip->branch)};
  if (!branch.empty()) {
    std::string name(branch);
    auto commit = Commit(std::string(kBranchPrefix) + name);
    if (!commit.ok()) commit = Commit("refs/remotes/origin/" + name);
    if (!commit.ok()) return NotFound(git_folder_ + " has no branch " + name);
    return GitHead{std::move(commit).value(), name};
  }
  GitHead head{.commit = "", .branch = "HEAD"};
  auto symbolic = RunGit(LocalGit(git_folder_, {"symbolic-ref", "-q", "HEAD"}), StatusCode::kNotFound);
  if (symbolic.ok() && symbolic->starts_with(kBranchPrefix)) {
    head.branch = FirstLine(symbolic->substr(kBranchPrefix.size()));
  }
  auto commit = Commit("HEAD");
  if (!commit.ok()) {
    return NotFound(git_folder_ + " has no commit yet, or it cannot be read: " + commit.status().message());
  }
  head.commit = std::move(commit).value();
  return head;
}

}  // namespace codelore::ingest
