// RawClient: a TCP connection that says exactly what a test tells it to, however malformed.
#ifndef CODELORE_TESTS_API_RAW_CLIENT_H_
#define CODELORE_TESTS_API_RAW_CLIENT_H_

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

namespace codelore::api {

class RawClient {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // `receive_buffer`: of the socket, in bytes; a small one makes a slow reader.
  explicit RawClient(int port, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawClient() { Close(); }
  RawClient(RawClient&& other) noexcept : fd_(other.fd_), connected_(other.connected_) {
    other.fd_ = -1;
  }
  RawClient& operator=(RawClient&&) = delete;

  bool connected() const { return connected_; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Closes so that the server sees a reset instead of an end.
  void Reset() {
    linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    Close();
  }
  void ShutdownWrite() { shutdown(fd_, SHUT_WR); }

  // How many bytes went out before the server stopped taking them for `patience`.
  size_t Send(std::string_view bytes, Milliseconds patience = Milliseconds(2000)) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && (errno != EAGAIN || !WaitFor(POLLOUT, patience))) break;
      if (n > 0) sent += static_cast<size_t>(n);
    }
    return sent;
  }

  // What arrives until the server closes (closed() tells) or is silent for `patience`.
  std::string ReadToEnd(Milliseconds patience = Milliseconds(5000)) {
    std::string all;
    while (ReadSome(&all, patience)) {
    }
    return all;
  }

  // What arrives until it holds `mark`, or the end.
  std::string ReadUntil(std::string_view mark, Milliseconds patience = Milliseconds(5000)) {
    std::string all;
    while (all.find(mark) == std::string::npos && ReadSome(&all, patience)) {
    }
    return all;
  }

  // One answer with a Content-Length; bytes of the next stay for the next call.
  std::string ReadAnswer(Milliseconds patience = Milliseconds(5000)) {
    while (true) {
      size_t head = pending_.find("\r\n\r\n");
      size_t length = pending_.find("Content-Length: ");
      if (head != std::string::npos) {
        size_t body = length < head ? std::strtoul(pending_.c_str() + length + 16, nullptr, 10) : 0;
        if (pending_.size() >= head + 4 + body) {
          std::string answer = pending_.substr(0, head + 4 + body);
          pending_.erase(0, answer.size());
          return answer;
        }
      }
      if (!ReadSome(&pending_, patience)) return std::exchange(pending_, {});
    }
  }

  std::string Ask(std::string_view request) {
    Send(request);
    return ReadAnswer();
  }

  bool closed() const { return closed_; }
  // The server closes within `patience`; whatever it still says is thrown away.
  bool WaitForClose(Milliseconds patience = Milliseconds(5000)) {
    ReadToEnd(patience);
    return closed_;
  }

 private:
  bool WaitFor(short events, Milliseconds patience) {
    pollfd poller = {.fd = fd_, .events = events, .revents = 0};
    return poll(&poller, 1, static_cast<int>(patience.count())) > 0;
  }
  bool ReadSome(std::string* to, Milliseconds patience) {
    if (!WaitFor(POLLIN, patience)) return false;
    char buffer[16 * 1024];
    ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) closed_ = true;
    if (n > 0) to->append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string pending_;
};

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_RAW_CLIENT_H_
