#include "api/http/http_client.h"

#include <httplib.h>

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
  std::string prefix;  // before our paths, without its last slash
};

Result<ServerUrl> ParseServerUrl(std::string_view url) {
  if (url.starts_with("https://")) {
    return InvalidArgument(
        "this build has no TLS: use http:// through a tunnel, for example "
        "`ssh -L 8080:127.0.0.1:8080 HOST`, or a local TLS proxy");
  }
  Status malformed =
      InvalidArgument("'" + std::string(url) + "' is no server URL; expected http://HOST[:PORT]");
  if (!url.starts_with("http://")) return malformed;
  url.remove_prefix(7);
  ServerUrl server;
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
        client_(server_.host, server_.port) {
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
    auto result = client_.send(request);
    if (result) http_status = result->status;
    if (result && http_status >= 400) retry_after_ = RetryAfterOf(result->get_header_value("Retry-After"));
    if (http_status != 0 && (http_status < 200 || http_status >= 300)) {
      return RefusalOf(http_status, refusal);
    }
    if (result || enough) return OkStatus();
    return Unavailable("no complete answer from " + options_.server + ": " +
                       httplib::to_string(result.error()));
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

  Result<HttpAnswer> Ask(const std::string& target) {
    httplib::Request request = MakeRequest("GET", target, "", kJsonType);
    HttpAnswer answer;
    bool too_large = false;
    request.content_receiver = [&](const char* data, size_t size, size_t, size_t) {
      too_large = answer.body.size() + size > options_.max_answer_bytes;
      if (!too_large) answer.body.append(data, size);
      return !too_large;
    };
    auto result = client_.send(request);
    if (too_large) return ResourceExhausted("the server's answer is too large");
    if (!result) return Unavailable("no complete answer from " + options_.server + ": " + httplib::to_string(result.error()));
    answer.http_status = result->status;
    for (const auto& [name, value] : result->headers) answer.headers.push_back({name, value});
    return answer;
  }

  // Connects there instead of asking the system where the host is.
  void GoTo(const std::string& address) { client_.set_hostname_addr_map({{server_.host, address}}); }

  void Cancel() { client_.stop(); }
  std::chrono::seconds retry_after() const { return retry_after_; }

 private:
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
  httplib::Client client_;
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

void HttpClient::Cancel() { connection_->Cancel(); }

Status HttpClient::Stream(const std::string& target, const std::string& json,
                          const std::function<bool(const SseMessage&)>& on_event) {
  SseParser parser;
  return connection_->Exchange("POST", target, json, kEventStreamType, [&](std::string_view piece) {
    return parser.Feed(piece, on_event);
  });
}

}  // namespace codelore::api
