#include "api/backup.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "codelore/crash_point.h"
#include "index/store/file.h"

namespace codelore::api {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHeader = "codelore backup 1\n";
constexpr const char* kManifestName = "BACKUP";
constexpr size_t kCopyBytes = 1 << 20;
constexpr uint64_t kMaxManifestBytes = 256 << 20;

struct FileSum {
  Hash256 hash;
  uint64_t size_bytes = 0;
};
using Files = std::map<std::string, FileSum>;  // by path

Status Failed(const std::string& what, const std::string& path) {
  std::string message = path + ": cannot " + what + ": " + std::strerror(errno);
  return errno == ENOSPC || errno == EDQUOT ? ResourceExhausted(message) : Unavailable(message);
}

class Sum {
 public:
  Sum() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void Add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  Hash256 Finish() {
    Hash256 hash;
    EVP_DigestFinal_ex(context_.get(), hash.bytes.data(), nullptr);
    return hash;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

std::string HexSumOf(std::string_view text) {
  Sum sum;
  sum.Add(text);
  return sum.Finish().ToHex();
}

struct OpenFile {
  explicit OpenFile(int opened) : fd(opened) {}
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  const int fd;
};

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return Failed("write", path);
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  return OkStatus();
}

// Reads a file; with a target writes a copy, on disk when this returns.
Result<FileSum> SumOf(const std::string& path, const std::string& target = "") {
  OpenFile in(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (in.fd < 0) return Failed("open", path);
  OpenFile out(target.empty() ? -1 : ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target.empty() && out.fd < 0) return Failed("create", target);
  Sum sum;
  FileSum result;
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    ssize_t got = ::read(in.fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) break;
    std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    sum.Add(bytes);
    result.size_bytes += bytes.size();
    if (out.fd >= 0) RETURN_IF_ERROR(WriteAll(out.fd, bytes, target));
  }
  if (out.fd >= 0 && ::fsync(out.fd) != 0) return Failed("flush", target);
  result.hash = sum.Finish();
  return result;
}

Status SyncFolder(const fs::path& path) {
  OpenFile folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.fd >= 0 && ::fsync(folder.fd) == 0 ? OkStatus() : Failed("flush", path.string());
}

// Paths of all files below, relative to `folder`.
Result<std::vector<std::string>> FilesBelow(const fs::path& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_directory(error)) paths.push_back(at->path().lexically_relative(folder).string());
  }
  if (error) return Unavailable(folder.string() + ": " + error.message());
  std::ranges::sort(paths);
  return paths;
}

std::string ManifestOf(const Files& files) {
  std::string text(kHeader);
  for (const auto& [path, sum] : files) text += sum.hash.ToHex() + " " + std::to_string(sum.size_bytes) + " " + path + "\n";
  return text + "end " + HexSumOf(text) + "\n";
}

// A manifest is data: only what a backup holds may be named.
bool IsBackupPath(std::string_view path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (path == "store.generation") return true;
  if (!path.starts_with("store/") && !path.starts_with("segments/")) return false;
  std::string_view name = path.substr(path.find('/') + 1);
  return !name.empty() && name != "." && name != ".." && name.find_first_not_of(kPlain) == name.npos;
}

Result<Files> ReadManifest(const fs::path& folder) {
  std::string path = (folder / kManifestName).string();
  std::error_code error;
  if (auto size = fs::file_size(path, error); error || size > kMaxManifestBytes) return NotFound(folder.string() + " is no backup: it has no manifest");
  ASSIGN_OR_RETURN(std::string text, index::ReadWholeFile(path));
  Status damaged = Corruption(path + " is damaged");
  constexpr size_t kEndBytes = 4 + 64 + 1;
  if (!text.starts_with(kHeader) || text.size() < kHeader.size() + kEndBytes) return damaged;
  std::string_view lines = std::string_view(text).substr(0, text.size() - kEndBytes);
  if (text.substr(lines.size()) != "end " + HexSumOf(lines) + "\n") return damaged;
  lines.remove_prefix(kHeader.size());
  Files files;
  while (!lines.empty()) {
    std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    size_t space = line.find(' ', 65);
    if (line.size() < 67 || line[64] != ' ' || space == line.npos || !IsBackupPath(line.substr(space + 1))) return damaged;
    FileSum sum;
    for (size_t i = 0; i < sum.hash.bytes.size(); ++i) {
      auto [end, wrong] = std::from_chars(line.data() + 2 * i, line.data() + 2 * i + 2, sum.hash.bytes[i], 16);
      if (wrong != std::errc() || end != line.data() + 2 * i + 2) return damaged;
    }
    auto [end, wrong] = std::from_chars(line.data() + 65, line.data() + space, sum.size_bytes);
    if (wrong != std::errc() || end != line.data() + space) return damaged;
    files.emplace(line.substr(space + 1), sum);
  }
  return files;
}

Status Compare(const FileSum& found, const FileSum& expected, const std::string& path) {
  if (found.size_bytes != expected.size_bytes) {
    return Corruption(path + ": " + std::to_string(found.size_bytes) + " bytes, expected " + std::to_string(expected.size_bytes));
  }
  return found.hash == expected.hash ? OkStatus() : Corruption(path + ": checksum differs");
}

Status Verify(const fs::path& folder, const Files& files) {
  ASSIGN_OR_RETURN(auto present, FilesBelow(folder));
  for (const std::string& path : present) {
    if (path != kManifestName && !files.contains(path)) return Corruption((folder / path).string() + " is not part of the backup");
  }
  for (const auto& [path, expected] : files) {
    std::string full = (folder / path).string();
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(full, error))) return Corruption(full + ": the file is missing");
    ASSIGN_OR_RETURN(FileSum found, SumOf(full));
    RETURN_IF_ERROR(Compare(found, expected, full));
  }
  return OkStatus();
}

// The backup that an incremental one goes on from, and what was taken from it.
struct Before {
  fs::path folder;
  Files files;
  uint64_t linked_files = 0, linked_bytes = 0;
};

// True when `target` is a second name of the file of the backup before, which is `path`, whole and unaltered.
Result<bool> LinkFrom(Before& before, const std::string& source, const std::string& path, const fs::path& target, FileSum& sum) {
  auto known = before.files.find(path);
  std::error_code error;
  if (known == before.files.end() || fs::file_size(source, error) != known->second.size_bytes || error) return false;
  std::string old = (before.folder / path).string();
  ASSIGN_OR_RETURN(sum, SumOf(source));
  if (!Compare(sum, known->second, source).ok()) return false;
  auto still = SumOf(old);
  if (!still.ok() || !Compare(*still, sum, old).ok()) return false;
  if (::linkat(AT_FDCWD, old.c_str(), AT_FDCWD, target.c_str(), 0) != 0) return false;  // another disk, or too many links
  ++before.linked_files;
  before.linked_bytes += sum.size_bytes;
  return true;
}

// Copies the files and gives their sums.
Result<Files> CopyFiles(const fs::path& from, const fs::path& to, const std::vector<std::string>& paths, Before* before = nullptr) {
  RETURN_IF_ERROR(index::MakeFolder(to.string()));
  std::set<fs::path> folders = {to};
  Files files;
  for (const std::string& path : paths) {
    fs::path target = to / path;
    if (folders.insert(target.parent_path()).second) RETURN_IF_ERROR(index::MakeFolder(target.parent_path().string()));
    std::string source = (from / path).string();
    bool linked = false;
    if (before != nullptr) {
      ASSIGN_OR_RETURN(linked, LinkFrom(*before, source, path, target, files[path]));
    }
    if (linked) continue;
    ASSIGN_OR_RETURN(files[path], SumOf(source, target.string()));
  }
  for (const fs::path& folder : folders) RETURN_IF_ERROR(SyncFolder(folder));
  return files;
}

BackupReport ReportOf(const Files& files) {
  BackupReport report{.files = files.size()};
  for (const auto& [path, sum] : files) report.bytes += sum.size_bytes;
  return report;
}

Result<fs::path> NewFolder(const std::string& folder) {
  std::error_code error;
  fs::path path = fs::absolute(folder, error).lexically_normal();
  if (folder.empty() || error) return InvalidArgument("'" + folder + "' is no folder");
  if (!path.has_filename()) path = path.parent_path();
  bool there = fs::exists(fs::symlink_status(path, error));
  if (there && !(fs::is_directory(path, error) && fs::is_empty(path, error))) {
    return InvalidArgument(path.string() + " exists; nothing is overwritten, name a new folder");
  }
  return path;
}

// Gives the folder its name, which says that it is whole. An empty folder of that name makes room.
Status Finish(const fs::path& partial, const fs::path& folder) {
  if (::rename(partial.c_str(), folder.c_str()) != 0) return Failed("rename", partial.string());
  return SyncFolder(folder.parent_path());
}

std::string LinksFolder(const std::string& data_folder) { return data_folder + "/backup-links"; }

Result<BackupReport> CopyLinks(const std::string& links, const fs::path& target, const fs::path& partial, Before& before) {
  ASSIGN_OR_RETURN(auto paths, FilesBelow(links));
  std::erase_if(paths, [](const std::string& path) { return !IsBackupPath(path); });
  ASSIGN_OR_RETURN(Files files, CopyFiles(links, partial, paths, &before));
  CrashPoint("backup-copied");
  RETURN_IF_ERROR(index::ReplaceFile((partial / kManifestName).string(), ManifestOf(files), /*sync=*/true));
  RETURN_IF_ERROR(Finish(partial, target));
  BackupReport report = ReportOf(files);
  report.linked_files = before.linked_files;
  report.linked_bytes = before.linked_bytes;
  return report;
}

}  // namespace

void RemoveBackupLinks(const std::string& data_folder) {
  std::error_code ignored;
  fs::remove_all(LinksFolder(data_folder), ignored);
}

Result<BackupReport> BackUp(const Service& service, const BackupOptions& options) {
  ASSIGN_OR_RETURN(fs::path target, NewFolder(options.folder));
  Before before{.folder = options.incremental_from, .files = {}};
  if (!options.incremental_from.empty()) {
    ASSIGN_OR_RETURN(before.files, ReadManifest(before.folder));
  }
  fs::path partial = target.string() + ".partial";
  std::string links = LinksFolder(service.data_folder());
  std::error_code error;
  // Making this folder is the lock, too.
  if (!fs::create_directory(links, error)) {
    return error ? Unavailable(links + ": " + error.message()) : Unavailable("another backup is being made");
  }
  fs::remove_all(partial, error);
  Status linked = service.LinkTo(links);
  auto report = linked.ok() ? CopyLinks(links, target, partial, before) : Result<BackupReport>(linked);
  if (!report.ok()) fs::remove_all(partial, error);
  RemoveBackupLinks(service.data_folder());
  return report;
}

Result<BackupReport> Restore(const std::string& backup_folder, const std::string& data_folder) {
  ASSIGN_OR_RETURN(fs::path target, NewFolder(data_folder));
  ASSIGN_OR_RETURN(Files files, ReadManifest(backup_folder));
  RETURN_IF_ERROR(Verify(backup_folder, files));
  std::vector<std::string> paths;
  for (const auto& [path, sum] : files) paths.push_back(path);
  fs::path partial = target.string() + ".partial";
  std::error_code error;
  fs::remove_all(partial, error);
  ASSIGN_OR_RETURN(Files copied, CopyFiles(backup_folder, partial, paths));
  for (const auto& [path, expected] : files) RETURN_IF_ERROR(Compare(copied[path], expected, path));  // as verified
  std::error_code made;
  fs::create_directories(partial / "segments", made);
  RETURN_IF_ERROR(Finish(partial, target));
  return ReportOf(files);
}

}  // namespace codelore::api
