// HttpServer: routes and handlers behind a hardened HTTP/1.1 front.
//
// cpp-httplib binds the socket and writes the answers; our own HttpIntake
// stands in front of it and reads the requests, because cpp-httplib 0.58 gives each connection a
// thread, bounds single reads but not a whole request, and reads on after a malformed head
// (http_head.h says what is refused). With a certificate it speaks TLS (tls.h), and nothing else: handshakes are under
// the same deadlines, on the intake's thread.
//
// Handle before Start; Start, Stop and the destructor on one thread. Handlers run on many.
#ifndef CODELORE_API_HTTP_SERVER_H_
#define CODELORE_API_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.h"
#include "api/http/http_router.h"
#include "api/http/tls.h"
#include "codelore/status.h"

namespace codelore::api {

class HttpServer {
 public:
  using Milliseconds = std::chrono::milliseconds;
  struct Options {
    std::string host = "127.0.0.1";
    int port = 0;  // 0: any free one
    TlsFiles tls;  // without a certificate: plain text

    size_t threads = 256;      // handlers at work at a time
    size_t max_streams = 200;  // of these, streaming; the rest stay for quick answers. Beyond: 503
    size_t max_queued = 256;   // complete requests waiting for a thread. Beyond: 503
    size_t max_connections = 768;  // lowered to 3/4 of the descriptor limit

    size_t max_body_bytes = 1024 * 1024;            // a route may say otherwise
    size_t max_buffered_bytes = 256 * 1024 * 1024;  // of all bodies together. Beyond: 503

    Milliseconds header_deadline{10'000};  // from a request's first byte, and for a new connection
    Milliseconds idle_timeout{30'000};     // between two requests
    Milliseconds request_deadline{
        60'000};  // to receive a whole request; then HttpRequest::Cancelled()
    Milliseconds write_deadline{30'000};    // to take a complete answer, or one Write of a stream
    Milliseconds stream_deadline{900'000};  // for a streamed answer, from the request's first byte

    // Names a Host header may give, without port. Empty: any; on a loopback address only its own
    // names, so that no page on the web can reach this server through a name of its own (DNS
    // rebinding).
    std::vector<std::string> allowed_hosts;
    std::vector<std::string>
        allowed_origins;  // of foreign pages that may send POST, PUT, PATCH, DELETE

    // What clients are not told: (request id, text for the administrator). From many threads.
    std::function<void(std::string_view, std::string_view)> log;
  };

  explicit HttpServer(Options options);
  ~HttpServer();  // Stop(0)

  // `pattern`: see HttpRouter.
  void Handle(std::string method, std::string pattern, HttpHandler handler,
              RouteOptions options = {});
  // All there are, "GET /v1/sources/:source".
  std::vector<std::string> Routes() const;

  // Binds and serves. Fails when the address cannot be had or threads run out.
  Status Start();
  int port() const;

  // Takes no more requests, waits up to `drain` for those under way, then disconnects their clients
  // (see HttpRequest::Cancelled) and waits for the handlers to return. Again: nothing.
  void Stop(Milliseconds drain);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_SERVER_H_
