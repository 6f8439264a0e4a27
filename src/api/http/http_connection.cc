#include "api/http/http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

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

// What a TLS session wants from the socket may be the opposite of what is done with it.
HttpConnection::IoResult HttpConnection::AfterTls(TlsSession::Io outcome) {
  wants = outcome == TlsSession::Io::kWantsWrite ? POLLOUT : POLLIN;
  if (outcome == TlsSession::Io::kDone) return IoResult::kDone;
  return outcome == TlsSession::Io::kEnd ? IoResult::kGone : IoResult::kWouldBlock;
}

HttpConnection::IoResult HttpConnection::Send(std::string_view bytes, size_t& count) {
  if (tls) return AfterTls(tls->Write(bytes, count));
  wants = POLLOUT;
  ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) return FailedIo();
  count = static_cast<size_t>(n);
  return IoResult::kDone;
}

HttpConnection::IoResult HttpConnection::Flush() {
  while (sent < out.size()) {
    size_t count = 0;
    if (IoResult result = Send(std::string_view(out).substr(sent), count); result != IoResult::kDone) return result;
    sent += count;
  }
  out.clear();
  sent = 0;
  return IoResult::kDone;
}

// All that is decrypted already is taken, because the socket does not tell of it any more.
HttpConnection::IoResult HttpConnection::ReceiveByTls() {
  char buffer[kReceiveBytes];
  do {
    size_t count = 0;
    if (IoResult result = AfterTls(tls->Read(buffer, sizeof(buffer), count)); result != IoResult::kDone) return result;
    in.append(buffer, count);
  } while (tls->HasBuffered());
  if (!certificate) certificate = tls->Peer();
  return IoResult::kDone;
}

HttpConnection::IoResult HttpConnection::Receive() {
  if (tls) return ReceiveByTls();
  wants = POLLIN;
  char buffer[kReceiveBytes];
  ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (n <= 0) return n == 0 ? IoResult::kGone : FailedIo();
  in.append(buffer, static_cast<size_t>(n));
  return IoResult::kDone;
}

void HttpConnection::EndWriting() {
  if (tls) tls->SayGoodbye();
  shutdown(fd, SHUT_WR);
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
