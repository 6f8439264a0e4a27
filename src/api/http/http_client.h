// HttpClient: talks to a server: a running Codelore for `--server URL --token T`, or a configured model server.
//
// An https server's certificate is checked (tls.h), and there is no way back to http. Follows no redirect, so
// that a token goes nowhere but to the server it was given for. Not thread-safe; keeps its
// connection between calls.
#ifndef CODELORE_API_HTTP_CLIENT_H_
#define CODELORE_API_HTTP_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.h"
#include "api/http/sse_parser.h"
#include "api/http/tls.h"
#include "codelore/status.h"

namespace codelore::api {

// The failure that problem JSON tells of, as the "error" event of a stream carries it.
Status StatusOfProblem(const std::string& json);

// What a server said, whatever it was.
struct HttpAnswer {
  int http_status = 0;
  std::string body;
  std::vector<HttpField> headers;
  std::string_view Header(std::string_view name) const;  // empty: none
};

class HttpClient {
 public:
  struct Options {
    std::string server = {};  // "http://127.0.0.1:8080", "https://code.example.com", also with a path before ours
    std::string token = {};   // empty: none is sent
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds read_timeout{60'000};    // between two pieces of an answer
    std::chrono::milliseconds total_timeout{300'000};  // of an exchange, a stream's included
    size_t max_answer_bytes = 64 * 1024 * 1024;        // streams excepted
    std::vector<HttpField> headers = {};               // sent along
    std::shared_ptr<const TlsContext> trust = {};      // of an https server; none: the system's authorities
    // Where that host is, as a number; asked once, by Open. Empty: the system is asked at each connection.
    std::function<Result<std::string>(const std::string& host)> resolve = {};
  };
  static Result<std::unique_ptr<HttpClient>> Open(Options options);
  ~HttpClient();

  // The body of a 2xx answer to `target` ("/v1/search?q=..."). Otherwise the server's own code and
  // detail (401 is permission denied), or unavailable when there was no complete answer.
  Result<std::string> Get(const std::string& target);
  Result<std::string> Post(const std::string& target, const std::string& json);
  Result<std::string> Put(const std::string& target, const std::string& json);
  Result<std::string> Delete(const std::string& target);

  // The answer with its status, also when it is a refusal or a redirect; an error only when there was no complete one.
  Result<HttpAnswer> Ask(const std::string& target);

  // Posts a form (application/x-www-form-urlencoded), likewise.
  Result<HttpAnswer> Submit(const std::string& target, const std::string& form);

  // Posts and reads the answer as server-sent events until it ends or `on_event` returns false.
  Status Stream(const std::string& target, const std::string& json,
                const std::function<bool(const SseMessage&)>& on_event);

  // Of the last answer, if it was a refusal that says so (RFC 9110, 10.2.3); else 0.
  std::chrono::seconds retry_after() const;

  // Ends the exchange under way, if any, with kUnavailable. The only call that may come from another thread.
  void Cancel();

 private:
  class Connection;
  explicit HttpClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_CLIENT_H_
