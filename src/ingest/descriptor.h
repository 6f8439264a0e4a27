// Descriptor: owns one file descriptor.
#ifndef CODELORE_INGEST_DESCRIPTOR_H_
#define CODELORE_INGEST_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace codelore::ingest {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) ::close(Release());
  }

 private:
  int fd_ = -1;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_DESCRIPTOR_H_
