// HttpRequest and HttpResponse: what a route's handler reads and fills in.
//
// Both live on one worker thread for the time of one exchange, a streamed body included; nothing
// here is shared. Values of a request are the client's bytes: checked for framing and UTF-8 of the
// path and the query, for nothing else.
#ifndef CODELORE_API_HTTP_MESSAGE_H_
#define CODELORE_API_HTTP_MESSAGE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/problem.h"

namespace codelore::api {

struct TlsPeer;

struct HttpField {
  std::string name;
  std::string value;
};

// Case-insensitive comparison of ASCII text, as header names need it.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

struct HttpRequest {
  std::string id;  // 32 random hex digits, sent back as X-Request-Id; a client's own id is not used
  std::string method;                 // "GET"
  std::string target;                 // path and query as sent: visible ASCII
  std::vector<std::string> segments;  // of the path, percent-decoded: UTF-8, no "." or "..", no NUL
  std::vector<HttpField> params;      // what the route's ":name" segments stand for
  std::vector<HttpField> query;       // percent-decoded, UTF-8, in the order sent
  std::vector<HttpField> headers;     // in the order sent; values without surrounding blanks
  std::string body;                   // raw: not decoded, not inflated
  std::string peer;       // address of the TCP peer; forwarded headers are never believed
  std::shared_ptr<const TlsPeer> certificate;  // of the client, checked; none without one
  bool encrypted = false;                      // it came by TLS
  int minor_version = 1;  // of HTTP/1.x
  bool keep_alive = true;
  std::function<bool()> cancelled;  // see Cancelled()

  // The value of ":name" in the route's pattern; empty when the pattern has none.
  std::string_view Param(std::string_view name) const;
  // The first query parameter, the first header of that name.
  std::optional<std::string_view> Query(std::string_view name) const;
  std::optional<std::string_view> Header(std::string_view name) const;

  // Nobody waits for the answer any more: the client is gone, the request's deadline is over or the
  // server stops. Costs a system call; ask between steps of long work.
  bool Cancelled() const { return cancelled && cancelled(); }
};

// Where a streamed body goes. Each Write is on the wire when it returns true.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // False for good once the client is gone or too slow (the write deadline), or the stream's
  // deadline is over.
  [[nodiscard]] virtual bool Write(std::string_view bytes) = 0;
  // The same question without writing, for the time between two events.
  virtual bool Closed() = 0;
};
using StreamBody = std::function<void(StreamWriter&)>;

class HttpResponse {
 public:
  void SetStatus(int http_status) { http_status_ = http_status; }
  // A name or value with control characters is dropped: a response cannot be split.
  void SetHeader(std::string_view name, std::string_view value);
  void SetBody(std::string body, std::string_view content_type);
  // `body` runs on the same thread after the handler returned; the request stays valid for it. When
  // it throws, the connection is cut without the end mark, so that the client sees an incomplete
  // answer.
  void SetStream(StreamBody body, std::string_view content_type);
  // Replaces status and body; headers stay.
  void SetProblem(Problem problem) { problem_ = std::move(problem); }
  void SetError(const Status& status) { problem_ = ProblemOf(status); }

  // For the server.
  int http_status() const { return problem_ ? problem_->http_status : http_status_; }
  const std::optional<Problem>& problem() const { return problem_; }
  const std::vector<HttpField>& headers() const { return headers_; }
  const std::string& content_type() const { return content_type_; }
  std::string& body() { return body_; }
  StreamBody& stream() { return stream_; }

 private:
  int http_status_ = 200;
  std::vector<HttpField> headers_;
  std::string content_type_;
  std::string body_;
  StreamBody stream_;
  std::optional<Problem> problem_;
};

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kProblemType = "application/problem+json";
inline constexpr std::string_view kEventStreamType = "text/event-stream";
inline constexpr std::string_view kNdjsonType = "application/x-ndjson";

// One server-sent event (WHATWG HTML, 9.2). Line breaks in `data` become several data lines, so a
// text can never forge a field; `event` must be a plain word.
std::string SseEvent(std::string_view event, std::string_view data);

// Headers every response carries besides its own: request id, no sniffing, no caching, no referrer,
// no content of any kind when shown as a page; Retry-After, Allow and WWW-Authenticate where the
// status asks.
std::vector<HttpField> StandardHeaders(std::string_view request_id, int http_status,
                                       const Problem* problem);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_MESSAGE_H_
