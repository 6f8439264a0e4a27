#include "embed/packed_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

namespace codelore::embed {

namespace {

constexpr std::string_view kMagic = "codelore packed 1\n";
constexpr size_t kKeyAt = 32, kSumAt = 64;
constexpr std::string_view kPacked = ".packed", kAside = ".aside";

Status Failed(const std::string& path) { return Unavailable(path + ": " + std::strerror(errno)); }

std::string Header(const Hash256& key, const Hash256& sum) {
  std::string header(PackedFile::kHeaderBytes, '\0');
  header.replace(0, kMagic.size(), kMagic);
  header.replace(kKeyAt, key.view().size(), key.view());
  header.replace(kSumAt, sum.view().size(), sum.view());
  return header;
}

Status WriteAll(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failed(path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return OkStatus();
}

Status FlushFolder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return Failed(folder);
  const bool flushed = fsync(file) == 0;
  const Status status = flushed ? OkStatus() : Failed(folder);
  close(file);
  return status;
}

// An open file; closing it ends its lock.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)) {}
  ~OpenFile() {
    if (file_ >= 0) close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return file_; }

 private:
  const int file_;
};

// How many bytes it had; 0 for one that is in use, and where there are no locks.
uint64_t RemoveUnlessUsed(const std::string& path) {
  const OpenFile file(path);
  struct stat opened, now;
  if (file.get() < 0 || flock(file.get(), LOCK_EX | LOCK_NB) != 0 || fstat(file.get(), &opened) != 0) return 0;
  // Not what has taken its place between the two.
  if (lstat(path.c_str(), &now) != 0 || now.st_ino != opened.st_ino || unlink(path.c_str()) != 0) return 0;
  return static_cast<uint64_t>(opened.st_size);
}

// What a process that was killed left; one that is at work now is younger.
void RemoveOldAside(const std::string& folder) {
  std::error_code error;
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    std::error_code gone;
    if (file->path().extension() == kAside && file->last_write_time(gone) < old && !gone) {
      std::filesystem::remove(file->path(), gone);
    }
  }
}

}  // namespace

std::string PackedPlace::path() const { return folder + "/" + Sha256(name).ToHex().substr(0, 16) + std::string(kPacked); }

Result<PackedFile> PackedFile::Open(const PackedPlace& place) {
  auto file = std::make_shared<const OpenFile>(place.path());
  if (file->get() < 0) return Failed(place.path());
  flock(file->get(), LOCK_SH | LOCK_NB);  // where it fails somebody is just removing the name: the bytes stay
  ASSIGN_OR_RETURN(MappedFile mapped, MapOpened(file->get(), place.path()));
  const std::string_view bytes = mapped.bytes;
  const Status damaged = NotFound(place.path() + ": of another model, or damaged");
  // The sum is looked for only where the rest is right: it takes reading all.
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kSumAt) != Header(place.key, {}).substr(0, kSumAt)) return damaged;
  if (bytes.substr(0, kHeaderBytes) != Header(place.key, Sha256OfMapped(bytes.substr(kHeaderBytes)))) return damaged;
  return PackedFile(bytes, std::make_shared<const std::pair<decltype(file), MappedFile>>(std::move(file), std::move(mapped)));
}

uint64_t RemoveUnusedPacked(const std::string& folder) {
  uint64_t removed = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    if (file->path().extension() == kPacked) removed += RemoveUnlessUsed(file->path().string());
  }
  return removed;
}

Result<std::unique_ptr<PackedFileWriter>> PackedFileWriter::Create(const PackedPlace& place) {
  static std::atomic<int> count{0};
  std::error_code error;
  std::filesystem::create_directories(place.folder, error);
  RemoveOldAside(place.folder);
  std::string aside = place.path() + "." + std::to_string(getpid()) + "-" + std::to_string(count++) + std::string(kAside);
  const int file = open(aside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return Failed(aside);
  flock(file, LOCK_SH | LOCK_NB);  // it has its name before somebody opens it
  std::unique_ptr<PackedFileWriter> writer(new PackedFileWriter(place, std::move(aside), file));
  RETURN_IF_ERROR(writer->Append(std::string(PackedFile::kHeaderBytes, '\0')));
  return writer;
}

PackedFileWriter::~PackedFileWriter() {
  close(file_);
  unlink(aside_.c_str());  // there no more, once it is renamed
}

Status PackedFileWriter::Append(std::string_view bytes) { return WriteAll(file_, bytes, aside_); }

Status PackedFileWriter::Finish() {
  ASSIGN_OR_RETURN(MappedFile written, MapFile(aside_));
  const Hash256 sum = Sha256OfMapped(written.bytes.substr(PackedFile::kHeaderBytes));
  if (lseek(file_, 0, SEEK_SET) != 0) return Failed(aside_);
  RETURN_IF_ERROR(WriteAll(file_, Header(place_.key, sum), aside_));
  if (fsync(file_) != 0 || rename(aside_.c_str(), place_.path().c_str()) != 0) return Failed(aside_);
  return FlushFolder(place_.folder);
}

}  // namespace codelore::embed
