#include "api/http/problem.h"

#include <algorithm>

#include "codelore/utf8.h"

namespace codelore::api {
namespace {

struct CodeRow {
  StatusCode code;
  int http_status;
  bool shows_message;  // the message is about the request, not about this server
};

constexpr CodeRow kCodes[] = {
    {StatusCode::kOk, 200, false},          {StatusCode::kInvalidArgument, 400, true},
    {StatusCode::kNotFound, 404, true},     {StatusCode::kPermissionDenied, 403, true},
    {StatusCode::kUnavailable, 503, false}, {StatusCode::kResourceExhausted, 429, false},
    {StatusCode::kCorruption, 500, false},  {StatusCode::kInternal, 500, false},
};

const CodeRow& RowOf(StatusCode code) { return *std::ranges::find(kCodes, code, &CodeRow::code); }

struct TitleRow {
  int http_status;
  std::string_view slug;  // ends the problem's type
  std::string_view title;
};

constexpr TitleRow kTitles[] = {
    {400, "bad-request", "Bad Request"},
    {401, "unauthorized", "Unauthorized"},
    {403, "forbidden", "Forbidden"},
    {404, "not-found", "Not Found"},
    {405, "method-not-allowed", "Method Not Allowed"},
    {408, "request-timeout", "Request Timeout"},
    {409, "conflict", "Conflict"},
    {411, "length-required", "Length Required"},
    {413, "content-too-large", "Content Too Large"},
    {414, "uri-too-long", "URI Too Long"},
    {415, "unsupported-media-type", "Unsupported Media Type"},
    {417, "expectation-failed", "Expectation Failed"},
    {421, "misdirected-request", "Misdirected Request"},
    {429, "too-many-requests", "Too Many Requests"},
    {431, "header-fields-too-large", "Request Header Fields Too Large"},
    {500, "internal-error", "Internal Server Error"},
    {503, "unavailable", "Service Unavailable"},
    {505, "http-version-not-supported", "HTTP Version Not Supported"},
};

TitleRow TitleOf(int http_status) {
  auto at = std::ranges::find(kTitles, http_status, &TitleRow::http_status);
  return at != std::end(kTitles) ? *at : TitleRow{http_status, "error", "Error"};
}

std::string JsonString(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string json = "\"";
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      json += "\uFFFD";
    } else if (byte < 0x20) {
      json.append("\\u00").append({kDigits[byte >> 4], kDigits[byte & 15]});
    } else {
      if (byte == '"' || byte == '\\') json += '\\';
      json.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return json += '"';
}

std::string_view GenericDetail(int http_status) {
  switch (http_status) {
    case 429:
      return "a limit was reached; try again later";
    case 503:
      return "the service cannot do this right now; try again";
    default:
      return "the server failed; its log has more under this request id";
  }
}

}  // namespace

int HttpStatusOf(StatusCode code) { return RowOf(code).http_status; }

StatusCode StatusCodeOf(int http_status) {
  if (http_status >= 200 && http_status < 300) return StatusCode::kOk;
  if (http_status == 401) return StatusCode::kPermissionDenied;
  auto row = std::ranges::find(kCodes, http_status, &CodeRow::http_status);
  if (row != std::end(kCodes) && http_status < 500) return row->code;
  if (http_status == 408 || (http_status >= 502 && http_status <= 504)) return StatusCode::kUnavailable;
  return http_status >= 400 && http_status < 500 ? StatusCode::kInvalidArgument
                                                 : StatusCode::kInternal;
}

Problem ProblemOf(const Status& status) {
  const CodeRow& row = RowOf(status.code());
  if (row.shows_message) return {.http_status = row.http_status, .detail = status.message()};
  return {.http_status = row.http_status,
          .detail = std::string(GenericDetail(row.http_status)),
          .log = status.ToString()};
}

// By hand, because the JSON library ends the process when memory runs out while it builds a value.
std::string ProblemJson(const Problem& problem, std::string_view request_id) {
  TitleRow row = TitleOf(problem.http_status);
  return "{\"type\":\"urn:codelore:problem:" + std::string(row.slug) +
         "\",\"title\":" + JsonString(row.title) +
         ",\"status\":" + std::to_string(problem.http_status) +
         ",\"detail\":" + JsonString(problem.detail) + ",\"request_id\":" + JsonString(request_id) +
         "}";
}

std::string_view HttpStatusTitle(int http_status) { return TitleOf(http_status).title; }

}  // namespace codelore::api
