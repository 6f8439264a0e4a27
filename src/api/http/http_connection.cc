#include "api/http/http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace codelore::api {
namespace {

constexpr size_t kReceiveBytes = 16 * 1024;

HttpConnection::IoResult FailedIo() {
  bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return later ? HttpConnection::IoResult::kWouldBlock : HttpConnection::IoResult::kGone;
}

}  // namespace

std::string PeerAddress(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }
  std::string_view peer = text;
  if (peer.starts_with("::ffff:")) peer.remove_prefix(7);  // IPv4 on a dual-stack socket
  return std::string(peer);
}

HttpConnection::~HttpConnection() { close(fd); }

HttpConnection::IoResult HttpConnection::Flush() {
  while (sent < out.size()) {
    ssize_t n = send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return FailedIo();
    sent += static_cast<size_t>(n);
  }
  out.clear();
  sent = 0;
  return IoResult::kDone;
}

HttpConnection::IoResult HttpConnection::Receive() {
  char buffer[kReceiveBytes];
  ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (n <= 0) return n == 0 ? IoResult::kGone : FailedIo();
  in.append(buffer, static_cast<size_t>(n));
  return IoResult::kDone;
}

HttpConnection::IoResult HttpConnection::Discard() {
  char scratch[4096];
  while (true) {
    ssize_t n = recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT);
    if (n < 0) return FailedIo();
    if (n == 0 || static_cast<size_t>(n) >= linger_bytes) return IoResult::kDone;
    linger_bytes -= static_cast<size_t>(n);
  }
}

bool HttpConnection::PeerGone() const {
  pollfd poller = {
      .fd = fd, .events = POLLRDHUP, .revents = 0};  // also reports POLLHUP and POLLERR
  return poll(&poller, 1, 0) > 0;
}

}  // namespace codelore::api
