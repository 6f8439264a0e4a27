#include "index/store/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "codelore/crash_point.h"

namespace codelore::index {
namespace {

Status FromErrno(int error, const std::string& what, const std::string& path) {
  std::string message = path + ": cannot " + what + ": " + std::strerror(error);
  if (error == ENOENT) return NotFound(message);
  if (error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE) return ResourceExhausted(message);
  return Unavailable(message);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FromErrno(errno, "write", path);
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return OkStatus();
}

Status SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return FromErrno(errno, "flush folder", folder);
  return OkStatus();
}

}  // namespace

Status MakeFolder(const std::string& path) {
  std::error_code error;
  bool created = std::filesystem::create_directories(path, error);
  if (error) return FromErrno(error.value(), "create folder", path);
  if (created) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  return OkStatus();
}

Result<std::string> ReadWholeFile(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return FromErrno(errno, "open", path);
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got == 0) return content;
    if (got < 0 && errno != EINTR) return FromErrno(errno, "read", path);
    if (got > 0) content.append(buffer, static_cast<size_t>(got));
  }
}

Status ReplaceFile(const std::string& path, std::string_view content, bool sync) {
  std::string aside = path + ".new";
  {
    Descriptor fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0) return FromErrno(errno, "create", aside);
    RETURN_IF_ERROR(WriteAll(fd.get(), content, aside));
    if (sync && ::fsync(fd.get()) != 0) return FromErrno(errno, "flush", aside);
  }
  if (sync) CrashPoint("file-aside");
  if (::rename(aside.c_str(), path.c_str()) != 0) return FromErrno(errno, "rename", aside);
  if (sync) CrashPoint("file-renamed");
  return sync ? SyncFolderOf(path) : OkStatus();
}

Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return FromErrno(errno, "remove", path);
  return OkStatus();
}

Result<std::vector<std::string>> ListFolder(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return FromErrno(error.value(), "list folder", path);
  return names;
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return FromErrno(errno, "open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FromErrno(errno, "stat", path);
  auto size = static_cast<size_t>(info.st_size);
  void* address = nullptr;
  if (size > 0) {
    address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (address == MAP_FAILED) return FromErrno(errno, "map", path);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(address, size));
}

void MappedFile::LetGo() const {
  if (address_ != nullptr) (void)::madvise(address_, size_, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (address_ != nullptr) ::munmap(address_, size_);
}

}  // namespace codelore::index
