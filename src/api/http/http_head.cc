#include "api/http/http_head.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "api/http/http_target.h"

namespace codelore::api {
namespace {

Problem Bad(std::string_view detail) { return {.http_status = 400, .detail = std::string(detail)}; }

bool IsTokenChar(char c) {  // RFC 9110, 5.6.2
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenChar);
}

std::string_view TrimBlanks(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool ListHolds(std::string_view list, std::string_view element) {
  while (true) {
    size_t comma = list.find(',');
    if (EqualsIgnoringCase(TrimBlanks(list.substr(0, comma)), element)) return true;
    if (comma == list.npos) return false;
    list.remove_prefix(comma + 1);
  }
}

std::optional<Problem> ParseRequestLine(std::string_view line, HttpRequest* request) {
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return Bad("malformed request line");
  std::string_view method = line.substr(0, first);
  std::string_view version = line.substr(last + 1);
  if (!IsToken(method) || method.size() > 32) return Bad("malformed method");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (!version.starts_with("HTTP/")) return Bad("malformed request line");
    return Problem{.http_status = 505, .detail = "this server speaks HTTP/1.1"};
  }
  request->method = method;
  request->minor_version = version.back() - '0';
  request->keep_alive = request->minor_version == 1;
  return ParseTarget(line.substr(first + 1, last - first - 1), request);
}

std::optional<Problem> ParseField(std::string_view line, HttpRequest* request) {
  if (line.starts_with(' ') || line.starts_with('\t')) return Bad("folded header line");
  size_t colon = line.find(':');
  if (colon == line.npos || !IsToken(line.substr(0, colon))) return Bad("malformed header name");
  if (colon > kMaxHeaderNameBytes) {
    return Problem{.http_status = 431, .detail = "a header name is too long"};
  }
  request->headers.push_back(
      {std::string(line.substr(0, colon)), std::string(TrimBlanks(line.substr(colon + 1)))});
  return std::nullopt;
}

// Fields that mean something only once: a second one is either a mistake or an attempt to be read
// two ways.
constexpr std::string_view kSingletons[] = {
    "Host",          "Content-Length", "Transfer-Encoding", "Content-Type",
    "Authorization", "Origin",         "Content-Encoding",  "Expect",
    "X-Api-Key"};

std::optional<Problem> CheckSingletons(const HttpRequest& request) {
  for (std::string_view name : kSingletons) {
    auto same = [&](const HttpField& field) { return EqualsIgnoringCase(field.name, name); };
    if (std::ranges::count_if(request.headers, same) > 1) {
      return Bad("header '" + std::string(name) + "' appears more than once");
    }
  }
  return std::nullopt;
}

std::optional<Problem> ParseLength(std::string_view text, Framing* framing) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, digit)) {
    return Bad("malformed Content-Length");
  }
  std::from_chars(text.data(), text.data() + text.size(), framing->content_length);
  return std::nullopt;
}

std::optional<Problem> ParseFraming(const HttpRequest& request, Framing* framing) {
  auto length = request.Header("Content-Length");
  auto coding = request.Header("Transfer-Encoding");
  if (length && coding) return Bad("both Content-Length and Transfer-Encoding");
  if (coding) {
    if (request.minor_version == 0 || !EqualsIgnoringCase(*coding, "chunked")) {
      return Bad("unknown transfer coding");
    }
    framing->chunked = true;
  }
  if (length) {
    if (auto problem = ParseLength(*length, framing)) return problem;
  }
  bool takes_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (framing->has_body() && !takes_body && request.method != "DELETE") {
    return Bad("a " + request.method + " request carries no body");
  }
  if (takes_body && request.minor_version == 0 && !length) {
    return Problem{.http_status = 411, .detail = "a body needs its Content-Length"};
  }
  return std::nullopt;
}

std::optional<Problem> ParseConnection(HttpRequest* request, Framing* framing) {
  for (const HttpField& field : request->headers) {
    bool names_close =
        EqualsIgnoringCase(field.name, "Connection") && ListHolds(field.value, "close");
    if (names_close) request->keep_alive = false;
  }
  auto expect = request->Header("Expect");
  if (!expect || request->minor_version == 0) return std::nullopt;
  if (!EqualsIgnoringCase(*expect, "100-continue")) {
    return Problem{.http_status = 417, .detail = "only 'Expect: 100-continue' is known"};
  }
  framing->expects_continue = true;
  return std::nullopt;
}

bool IsHost(
    std::string_view host) {  // a superset of RFC 3986's host[:port] that holds no delimiter
  return std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  });
}

}  // namespace

bool HeadScanner::Fail(int http_status, std::string_view detail) {
  problem_ = Problem{.http_status = http_status, .detail = std::string(detail)};
  return false;
}

bool HeadScanner::CheckByte(std::string_view bytes, size_t at) {
  char c = bytes[at];
  bool after_cr = at > 0 && bytes[at - 1] == '\r';
  if (after_cr != (c == '\n')) return Fail(400, "a line must end with CR LF");
  if ((c >= 0 && c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7F) {
    return Fail(400, "control character in the request head");
  }
  return true;
}

bool HeadScanner::CheckLimits(size_t at) {
  size_t line_bytes = at + 1 - line_start_;
  if (lines_ == 0) {
    return line_bytes <= kMaxRequestLineBytes || Fail(414, "the request line is too long");
  }
  if (line_bytes > kMaxHeaderLineBytes) return Fail(431, "a header line is too long");
  if (lines_ > kMaxHeaderCount + 1) return Fail(431, "too many header lines");
  return at < kMaxHeadBytes || Fail(431, "the request head is too long");
}

size_t HeadScanner::Scan(std::string_view bytes) {
  for (; scanned_ < bytes.size(); ++scanned_) {
    if (!CheckByte(bytes, scanned_) || !CheckLimits(scanned_)) return 0;
    if (bytes[scanned_] != '\n') continue;
    bool blank = scanned_ == line_start_ + 1;
    if (blank && lines_ == 0) {
      Fail(400, "malformed request line");
      return 0;
    }
    if (blank) return ++scanned_;
    ++lines_;
    line_start_ = scanned_ + 1;
  }
  return 0;
}

std::optional<Problem> ParseHead(std::string_view head, HttpRequest* request, Framing* framing) {
  size_t end = head.find("\r\n");
  if (auto problem = ParseRequestLine(head.substr(0, end), request)) return problem;
  for (head.remove_prefix(end + 2); !head.starts_with("\r\n"); head.remove_prefix(end + 2)) {
    end = head.find("\r\n");
    if (auto problem = ParseField(head.substr(0, end), request)) return problem;
  }
  if (auto problem = CheckSingletons(*request)) return problem;
  auto host = request->Header("Host");
  if (request->minor_version == 1 && !host) return Bad("no Host header");
  if (host && !IsHost(*host)) return Bad("malformed Host header");
  if (auto problem = ParseFraming(*request, framing)) return problem;
  return ParseConnection(request, framing);
}

}  // namespace codelore::api
