#include "ingest/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

namespace codelore::ingest {
namespace {

using Folder = std::unique_ptr<DIR, decltype([](DIR* folder) { closedir(folder); })>;

std::string Now() {
  std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc));
}

std::string VersionOf(const struct stat& status) {
  auto time = [](const timespec& t) { return "-" + std::to_string(t.tv_sec) + "." + std::to_string(t.tv_nsec); };
  return std::to_string(status.st_size) + time(status.st_mtim) + time(status.st_ctim);
}

bool IsHidden(std::string_view raw_path) {
  std::string_view name = raw_path.substr(raw_path.rfind('/') + 1);  // npos + 1 is 0
  return name.starts_with('.') && name != ".github" && name != ".gitlab";
}

Status Failure(const std::string& path, const char* what) {
  std::string message = path + ": cannot " + what + ": " + strerror(errno);
  switch (errno) {
    case ENOENT:
    case ENOTDIR:  // another kind of thing, or a link, is there now
    case ELOOP: return NotFound(std::move(message));
    case EACCES: return PermissionDenied(std::move(message));
    default: return Unavailable(std::move(message));
  }
}

Status TooMany(const std::string& path, const TreeLimits& limits) {
  return ResourceExhausted(path + " holds more than " + std::to_string(limits.max_entries) + " paths");
}

}  // namespace

struct FolderTree::Found {
  std::string raw_path;
  struct stat status = {};
  bool unreadable = false;
  bool folder() const { return S_ISDIR(status.st_mode); }
};

FolderTree::FolderTree(std::string path, Descriptor root, Options options)
    : path_(std::move(path)), root_(std::move(root)), options_(std::move(options)), revision_(Now()) {}

Result<std::unique_ptr<FolderTree>> FolderTree::Open(const std::string& path, Options options) {
  Descriptor root(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.open()) return NotFound(path + ": not a folder that can be read: " + strerror(errno));
  return std::unique_ptr<FolderTree>(new FolderTree(path, std::move(root), std::move(options)));
}

Descriptor FolderTree::OpenBeneath(const std::string& raw_path, int flags) const {
  Descriptor folder;
  for (size_t begin = 0;;) {
    size_t slash = raw_path.find('/', begin);
    bool last = slash == std::string::npos;
    std::string part = raw_path.substr(begin, last ? slash : slash - begin);
    if (part.empty() || part == "..") {
      errno = ENOENT;
      return Descriptor();
    }
    int how = O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_PATH | O_DIRECTORY);
    Descriptor next(openat(folder.open() ? folder.get() : root_.get(), part.c_str(), how));
    if (last || !next.open()) return next;
    folder = std::move(next);
    begin = slash + 1;
  }
}

Result<std::vector<FolderTree::Found>> FolderTree::Children(const std::string& raw_path) const {
  Descriptor opened = OpenBeneath(raw_path.empty() ? "." : raw_path, O_RDONLY | O_DIRECTORY);
  Folder folder(opened.open() ? fdopendir(opened.get()) : nullptr);
  if (!folder) return Failure(path_ + "/" + raw_path, "list the folder");
  opened.Release();  // the folder owns it now
  std::vector<Found> children;
  errno = 0;
  while (const dirent* child = readdir(folder.get())) {
    std::string name = child->d_name;
    if (name == "." || name == "..") continue;
    if (children.size() >= options_.limits.max_entries) return TooMany(path_, options_.limits);
    Found found{.raw_path = raw_path.empty() ? name : raw_path + "/" + name};
    if (fstatat(dirfd(folder.get()), name.c_str(), &found.status, AT_SYMLINK_NOFOLLOW) == 0) {
      children.push_back(std::move(found));
    }
    errno = 0;
  }
  if (errno != 0) return Failure(path_ + "/" + raw_path, "list the folder");
  // As git orders them: folders as if their names ended in a slash.
  auto key = [](const Found& found) { return found.folder() ? found.raw_path + "/" : found.raw_path; };
  std::ranges::sort(children, {}, key);
  return children;
}

TreeEntry FolderTree::EntryOf(Found found) const {
  TreeEntry entry = EntryAt(std::move(found.raw_path), options_.limits);
  mode_t mode = found.status.st_mode;
  if (S_ISDIR(mode)) {
    if (entry.skip != "path too long") entry.skip = found.unreadable ? "unreadable folder" : "hidden folder";
  } else if (!S_ISREG(mode)) {
    entry.skip = S_ISLNK(mode) ? "symlink" : "not a regular file";
  } else {
    entry.size_bytes = static_cast<uint64_t>(found.status.st_size);
    entry.version = VersionOf(found.status);
  }
  return entry;
}

Status FolderTree::List(const std::function<Status(TreeEntry)>& visit) {
  ASSIGN_OR_RETURN(std::vector<Found> pending, Children(""));
  std::ranges::reverse(pending);
  for (uint64_t count = 1; !pending.empty(); ++count) {
    if (options_.stop.stop_requested()) return Unavailable("interrupted");
    if (count + pending.size() - 1 > options_.limits.max_entries) return TooMany(path_, options_.limits);
    Found next = std::move(pending.back());
    pending.pop_back();
    if (next.folder() && !IsHidden(next.raw_path) && next.raw_path.size() <= options_.limits.max_path_bytes) {
      auto children = Children(next.raw_path);
      if (children.ok()) {
        std::ranges::move(children->rbegin(), children->rend(), std::back_inserter(pending));
        continue;
      }
      if (children.status().code() == StatusCode::kNotFound) continue;  // gone meanwhile
      if (children.status().code() != StatusCode::kPermissionDenied) return children.status();
      next.unreadable = true;
    }
    RETURN_IF_ERROR(visit(EntryOf(std::move(next))));
  }
  return OkStatus();
}

Result<std::string> FolderTree::Read(const TreeEntry& entry, uint64_t max_bytes) {
  Descriptor file = OpenBeneath(entry.raw_path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (!file.open() || fstat(file.get(), &status) != 0) return Failure(entry.path, "open");
  if (!S_ISREG(status.st_mode)) return NotFound(entry.path + " is not a regular file any more");
  Status too_large = ResourceExhausted(entry.path + " is larger than " + std::to_string(max_bytes) + " bytes");
  if (static_cast<uint64_t>(status.st_size) > max_bytes) return too_large;
  std::string bytes;
  for (ssize_t got = 1; got != 0;) {
    size_t have = bytes.size();
    size_t expected = have == 0 ? static_cast<size_t>(status.st_size) : have / 2;  // it may have grown
    size_t room = std::min<uint64_t>(expected, max_bytes - have) + 1;
    bytes.resize(have + room);
    got = read(file.get(), bytes.data() + have, room);
    bytes.resize(have + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno != EINTR) return Failure(entry.path, "read");
    if (bytes.size() > max_bytes) return too_large;
  }
  return bytes;
}

}  // namespace codelore::ingest
