#include "api/http/http_client.h"

#include <httplib.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "api/http/http_message.h"
#include "api/json_request.h"
#include "api/http/problem.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxErrorBytes = 64 * 1024;

struct ServerUrl {
  std::string host;
  int port = 80;
  bool tls = false;
  std::string prefix;  // before our paths, without its last slash
};

Result<ServerUrl> ParseServerUrl(std::string_view url) {
  Status malformed =
      InvalidArgument("'" + std::string(url) + "' is no server URL; expected http://HOST[:PORT] or https://HOST[:PORT]");
  ServerUrl server;
  server.tls = url.starts_with("https://");
  if (!server.tls && !url.starts_with("http://")) return malformed;
  if (server.tls) server.port = 443;
  url.remove_prefix(server.tls ? 8 : 7);
  std::string_view authority = url.substr(0, url.find('/'));
  server.prefix = url.substr(authority.size());
  while (server.prefix.ends_with('/')) server.prefix.pop_back();
  size_t colon = authority.rfind(':');
  if (colon != authority.npos && authority.find(']', colon) == authority.npos) {
    std::string_view port = authority.substr(colon + 1);
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
    bool whole = error == std::errc() && end == port.data() + port.size();
    if (!whole || server.port < 1 || server.port > 65535) return malformed;
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (authority.empty() || authority.find_first_of("@?# ") != authority.npos) return malformed;
  server.host = authority;
  return server;
}

// The server's own words for its refusal, when it is a problem of ours.
std::string ProblemDetail(const std::string& body) {
  auto problem = JsonRequest::Parse(body, {JsonRequest::kAnyField});
  return problem.ok() ? problem->String("detail") : "";
}

Status RefusalOf(int http_status, const std::string& body) {
  std::string detail = ProblemDetail(body);
  if (detail.empty()) detail = "the server answered " + std::to_string(http_status);
  if (http_status >= 300 && http_status < 400) detail += "; redirects are not followed";
  return Status(StatusCodeOf(http_status), std::move(detail));
}

// Seconds, or a date. Not beyond a day, and not before now.
std::chrono::seconds RetryAfterOf(const std::string& text) {
  int64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    std::tm time{};
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
    seconds = rest != nullptr && *rest == '\0' ? ::timegm(&time) - std::time(nullptr) : 0;
  }
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 86'400));
}

using Clock = std::chrono::steady_clock;

// Until the socket is ready for what the session wants; false when the time is over.
bool AwaitSocket(int fd, TlsSession::Io wants, Clock::time_point until) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd poller = {.fd = fd, .events = static_cast<short>(wants == TlsSession::Io::kWantsWrite ? POLLOUT : POLLIN), .revents = 0};
  return left > 0 && poll(&poller, 1, static_cast<int>(std::min<int64_t>(left, 3'600'000))) > 0;
}

// A server as cpp-httplib sees it: bytes within TLS, each wait bounded, and all of them together.
class TlsStream final : public httplib::Stream {
 public:
  TlsStream(TlsSession& session, int fd, std::chrono::milliseconds silence, Clock::time_point until)
      : session_(session), fd_(fd), silence_(silence), until_(until) {}

  bool is_readable() const override { return session_.HasBuffered(); }
  bool wait_readable() const override { return is_readable() || AwaitSocket(fd_, TlsSession::Io::kWantsRead, Until()); }
  bool wait_writable() const override { return AwaitSocket(fd_, TlsSession::Io::kWantsWrite, Until()); }
  ssize_t read(char* to, size_t size) override {
    return Repeat([&](size_t& count) { return session_.Read(to, size, count); });
  }
  ssize_t write(const char* data, size_t size) override {
    return size == 0 ? 0 : Repeat([&](size_t& count) { return session_.Write({data, size}, count); });
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return fd_; }
  time_t duration() const override { return 0; }

 private:
  Clock::time_point Until() const { return std::min(until_, Clock::now() + silence_); }

  template <typename Step>
  ssize_t Repeat(Step step) {
    auto until = Until();
    while (true) {
      size_t count = 0;
      TlsSession::Io io = step(count);
      if (io == TlsSession::Io::kDone) return static_cast<ssize_t>(count);
      if (io == TlsSession::Io::kEnd) return session_.Failure().empty() ? 0 : -1;  // cut off is no end
      if (AwaitSocket(fd_, io, until)) continue;
      error_ = httplib::Error::Timeout;
      return -1;
    }
  }

  TlsSession& session_;
  const int fd_;
  const std::chrono::milliseconds silence_;
  const Clock::time_point until_;
};

// cpp-httplib's client with our TLS between it and the socket.
class TlsClient final : public httplib::ClientImpl {
 public:
  TlsClient(std::shared_ptr<const TlsContext> trust, const std::string& host, int port)
      : httplib::ClientImpl(host, port), trust_(std::move(trust)) {}

  // A server may have said goodbye since the last request; the next one then goes over a new connection.
  void DropIfEnded() {
    if (session_ && session_->Ended()) stop();
  }
  // Why there is no connection; empty when it is not for TLS that there is none.
  const std::string& failure() const { return failure_; }

 private:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    failure_.clear();
    if (!ClientImpl::create_and_connect_socket(socket, error)) return false;
    session_ = TlsSession::Connect(trust_, socket.sock, host_);
    auto until = Clock::now() + std::chrono::seconds(connection_timeout_sec_) + std::chrono::microseconds(connection_timeout_usec_);
    while (session_) {
      TlsSession::Io io = session_->Handshake();
      if (io == TlsSession::Io::kDone) return true;
      if (io == TlsSession::Io::kEnd || !AwaitSocket(socket.sock, io, until)) break;
    }
    std::string why = !session_ ? "no memory" : session_->Failure().empty() ? "no answer in time" : session_->Failure();
    failure_ = "no trusted TLS connection: " + why + "; authorities of your own go into --ca-file";
    error = httplib::Error::Connection;
    shutdown_socket(socket);
    close_socket(socket);
    session_.reset();
    return false;
  }

  bool process_socket(const Socket& socket, Clock::time_point start, std::function<bool(httplib::Stream&)> callback) override {
    if (!session_) return false;
    auto silence = std::chrono::seconds(read_timeout_sec_) + std::chrono::microseconds(read_timeout_usec_);
    auto until = max_timeout_msec_ > 0 ? start + std::chrono::milliseconds(max_timeout_msec_) : Clock::time_point::max();
    TlsStream stream(*session_, socket.sock, std::chrono::duration_cast<std::chrono::milliseconds>(silence), until);
    return callback(stream);
  }

  // Called when no other thread uses the connection.
  void shutdown_ssl(Socket&, bool gracefully) override {
    if (session_ && gracefully) session_->SayGoodbye();
    session_.reset();
  }

  bool is_ssl() const override { return true; }

  const std::shared_ptr<const TlsContext> trust_;
  std::unique_ptr<TlsSession> session_;
  std::string failure_;
};

}  // namespace

std::string_view HttpAnswer::Header(std::string_view name) const {
  auto at = std::ranges::find_if(headers, [&](const HttpField& field) { return EqualsIgnoringCase(field.name, name); });
  return at == headers.end() ? std::string_view() : std::string_view(at->value);
}

Status StatusOfProblem(const std::string& json) {
  auto problem = JsonRequest::Parse(json, {JsonRequest::kAnyField});
  int64_t http_status = problem.ok() ? problem->Integer("status", {.max = 599, .otherwise = 500}) : 500;
  if (http_status < 300) http_status = 500;  // whatever it says: it came instead of an answer
  return RefusalOf(static_cast<int>(http_status), json);
}

class HttpClient::Connection {
 public:
  using Sink = std::function<bool(std::string_view)>;

  Connection(ServerUrl server, Options options)
      : server_(std::move(server)),
        options_(std::move(options)),
        tls_(server_.tls ? new TlsClient(options_.trust, server_.host, server_.port) : nullptr),
        owned_(server_.tls ? tls_ : new httplib::ClientImpl(server_.host, server_.port)),
        client_(*owned_) {
    client_.set_connection_timeout(options_.connect_timeout);
    client_.set_read_timeout(options_.read_timeout);
    client_.set_write_timeout(options_.read_timeout);
    client_.set_max_timeout(options_.total_timeout);
    client_.set_follow_location(false);
    client_.set_path_encode(false);
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
  }

  // Sends and passes the body of a 2xx answer to `sink`, piece by piece, until it returns false.
  Status Exchange(const std::string& method, const std::string& target, const std::string& json,
                  std::string_view accept, const Sink& sink) {
    httplib::Request request = MakeRequest(method, target, json, accept);
    int http_status = 0;
    std::string refusal;
    bool enough = false;
    retry_after_ = {};
    request.response_handler = [&](const httplib::Response& response) {
      http_status = response.status;
      if (http_status >= 400) retry_after_ = RetryAfterOf(response.get_header_value("Retry-After"));
      return true;
    };
    request.content_receiver = [&](const char* data, size_t size, size_t, size_t) {
      bool accepted = http_status >= 200 && http_status < 300;
      if (accepted) return !(enough = !sink({data, size}));
      refusal.append(data, std::min(size, kMaxErrorBytes - refusal.size()));
      return refusal.size() < kMaxErrorBytes;
    };
    auto result = Send(request);
    if (result) http_status = result->status;
    if (result && http_status >= 400) retry_after_ = RetryAfterOf(result->get_header_value("Retry-After"));
    if (http_status != 0 && (http_status < 200 || http_status >= 300)) {
      return RefusalOf(http_status, refusal);
    }
    if (result || enough) return OkStatus();
    return NoAnswer(result);
  }

  Result<std::string> Fetch(const std::string& method, const std::string& target,
                            const std::string& json) {
    std::string body;
    bool too_large = false;
    Status status = Exchange(method, target, json, kJsonType, [&](std::string_view piece) {
      too_large = body.size() + piece.size() > options_.max_answer_bytes;
      if (!too_large) body.append(piece);
      return !too_large;
    });
    RETURN_IF_ERROR(status);
    if (too_large) return ResourceExhausted("the server's answer is too large");
    return body;
  }

  Result<HttpAnswer> Ask(const std::string& target) { return Answer(MakeRequest("GET", target, "", kJsonType)); }

  Result<HttpAnswer> Submit(const std::string& target, const std::string& form) {
    httplib::Request request = MakeRequest("POST", target, form, kJsonType);
    request.headers.erase("Content-Type");  // set_header would add a second one
    request.set_header("Content-Type", "application/x-www-form-urlencoded");
    return Answer(std::move(request));
  }

  // Connects there instead of asking the system where the host is.
  void GoTo(const std::string& address) { client_.set_hostname_addr_map({{server_.host, address}}); }

  void Cancel() { client_.stop(); }
  std::chrono::seconds retry_after() const { return retry_after_; }

 private:
  Result<HttpAnswer> Answer(httplib::Request request) {
    HttpAnswer answer;
    bool too_large = false;
    request.content_receiver = [&](const char* data, size_t size, size_t, size_t) {
      too_large = answer.body.size() + size > options_.max_answer_bytes;
      if (!too_large) answer.body.append(data, size);
      return !too_large;
    };
    auto result = Send(request);
    if (too_large) return ResourceExhausted("the server's answer is too large");
    if (!result) return NoAnswer(result);
    answer.http_status = result->status;
    for (const auto& [name, value] : result->headers) answer.headers.push_back({name, value});
    return answer;
  }

  httplib::Result Send(httplib::Request& request) {
    if (tls_) tls_->DropIfEnded();
    return client_.send(request);
  }

  Status NoAnswer(const httplib::Result& result) const {
    std::string why = tls_ ? tls_->failure() : "";
    if (why.empty()) why = httplib::to_string(result.error());
    return Unavailable("no complete answer from " + options_.server + ": " + why);
  }

  httplib::Request MakeRequest(const std::string& method, const std::string& target,
                               const std::string& json, std::string_view accept) const {
    httplib::Request request;
    request.method = method;
    request.path = server_.prefix + target;
    request.start_time_ = std::chrono::steady_clock::now();  // counts for the total timeout
    request.set_header("Accept", std::string(accept));
    for (const HttpField& field : options_.headers) request.set_header(field.name, field.value);
    if (!options_.token.empty()) request.set_header("Authorization", "Bearer " + options_.token);
    if (method == "POST") request.set_header("Content-Type", std::string(kJsonType));
    request.body = json;
    return request;
  }

  const ServerUrl server_;
  const Options options_;
  TlsClient* const tls_;  // the same as owned_, of an https server
  const std::unique_ptr<httplib::ClientImpl> owned_;
  httplib::ClientImpl& client_;
  std::chrono::seconds retry_after_{0};
};

Result<std::unique_ptr<HttpClient>> HttpClient::Open(Options options) {
  ASSIGN_OR_RETURN(ServerUrl server, ParseServerUrl(options.server));
  auto visible = [](char c) { return c > ' ' && c < 0x7F; };
  if (!std::ranges::all_of(options.token, visible)) {
    return InvalidArgument("the token holds characters no token has");
  }
  for (const HttpField& field : options.headers) {
    if (!std::ranges::all_of(field.value, [&](char c) { return c == ' ' || visible(c); })) return InvalidArgument("a header holds characters no token has");
  }
  if (server.tls && !options.trust) {
    ASSIGN_OR_RETURN(options.trust, TlsContext::ForClients(""));
  }
  std::string address;
  if (options.resolve) {
    ASSIGN_OR_RETURN(address, options.resolve(server.host));
  }
  auto connection = std::make_unique<Connection>(std::move(server), std::move(options));
  if (!address.empty()) connection->GoTo(address);
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(connection)));
}

HttpClient::HttpClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
HttpClient::~HttpClient() = default;

Result<std::string> HttpClient::Get(const std::string& target) {
  return connection_->Fetch("GET", target, "");
}

Result<std::string> HttpClient::Post(const std::string& target, const std::string& json) {
  return connection_->Fetch("POST", target, json);
}

Result<std::string> HttpClient::Put(const std::string& target, const std::string& json) {
  return connection_->Fetch("PUT", target, json);
}

Result<std::string> HttpClient::Delete(const std::string& target) {
  return connection_->Fetch("DELETE", target, "");
}

std::chrono::seconds HttpClient::retry_after() const { return connection_->retry_after(); }
Result<HttpAnswer> HttpClient::Ask(const std::string& target) { return connection_->Ask(target); }
Result<HttpAnswer> HttpClient::Submit(const std::string& target, const std::string& form) { return connection_->Submit(target, form); }

void HttpClient::Cancel() { connection_->Cancel(); }

Status HttpClient::Stream(const std::string& target, const std::string& json,
                          const std::function<bool(const SseMessage&)>& on_event) {
  SseParser parser;
  return connection_->Exchange("POST", target, json, kEventStreamType, [&](std::string_view piece) {
    return parser.Feed(piece, on_event);
  });
}

}  // namespace codelore::api
