// HttpConnection: one accepted socket and what is known about it.
//
// Owned by HttpIntake and touched by its thread only, except while the phase is kBusy: then the
// worker that answers the request has it to itself, and the intake may only shut its socket down.
#ifndef CODELORE_API_HTTP_CONNECTION_H_
#define CODELORE_API_HTTP_CONNECTION_H_

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/http/request_reader.h"
#include "api/http/tls.h"

namespace codelore::api {

using HttpClock = std::chrono::steady_clock;

// "127.0.0.1", "::1"; empty for what is no internet address.
std::string PeerAddress(const sockaddr_storage& address);

struct HttpConnection {
  enum class Phase {
    kReading,    // waiting for a request or for more of one
    kBusy,       // a worker has it
    kFlushing,   // the answer is made, the client takes its time reading it
    kLingering,  // all is said; reading on a little so that closing does not destroy the answer on
                 // its way
  };
  enum class IoResult { kDone, kWouldBlock, kGone };

  HttpConnection(uint64_t connection_id, int socket, std::string peer_address)
      : id(connection_id), fd(socket), peer(std::move(peer_address)) {}
  ~HttpConnection();  // closes
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Sends as much of `out` as the socket takes now, never waiting. After kWouldBlock `wants` says what to wait for.
  IoResult Flush();
  // Appends some of what has arrived to `in`, likewise.
  IoResult Receive();
  // Throws away what has arrived (of TLS: as it is), up to linger_bytes; kDone when the client has closed or sent too
  // much.
  IoResult Discard();
  void EndWriting();
  // The client has closed its side, or the connection broke. A half-closed client counts as gone,
  // as in most servers; its complete answer is still sent.
  bool PeerGone() const;

  // Some of a request has arrived.
  bool InRequest() const { return !in.empty() || reader.state() != RequestReader::State::kHead; }

  const uint64_t id;
  const int fd;
  const std::string peer;
  std::unique_ptr<TlsSession> tls;       // none: plain text
  std::shared_ptr<const TlsPeer> certificate;  // of the client, checked; none without one
  short wants = 0;                       // POLLIN or POLLOUT

  Phase phase = Phase::kReading;
  HttpClock::time_point since = HttpClock::now();  // of the phase
  HttpClock::time_point timeout{};                 // of the phase; none while busy
  HttpClock::time_point request_start{};
  RequestReader reader;
  std::string in;   // received, not read yet
  std::string out;  // the answer, or the part of it that is not streamed
  size_t sent = 0;  // of out
  size_t linger_bytes = 64 * 1024;
  size_t counted_bytes = 0;  // of the body, in the intake's sum
  bool close_after = false;  // the answer under way is the last one

 private:
  IoResult AfterTls(TlsSession::Io outcome);
  IoResult Send(std::string_view bytes, size_t& count);
  IoResult ReceiveByTls();
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_CONNECTION_H_
