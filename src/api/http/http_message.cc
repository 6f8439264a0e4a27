#include "api/http/http_message.h"

#include <algorithm>

namespace codelore::api {
namespace {

char AsciiLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool IsFieldText(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c == '\t' || (c >= ' ' && c != 0x7F) || c < 0; });
}

std::optional<std::string_view> FirstValue(const std::vector<HttpField>& fields,
                                           std::string_view name) {
  auto at = std::ranges::find(fields, name, &HttpField::name);
  if (at == fields.end()) return std::nullopt;
  return at->value;
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, AsciiLower, AsciiLower);
}

std::string_view HttpRequest::Param(std::string_view name) const {
  return FirstValue(params, name).value_or("");
}

std::optional<std::string_view> HttpRequest::Query(std::string_view name) const {
  return FirstValue(query, name);
}

std::optional<std::string_view> HttpRequest::Header(std::string_view name) const {
  for (const HttpField& field : headers) {
    if (EqualsIgnoringCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

void HttpResponse::SetHeader(std::string_view name, std::string_view value) {
  if (name.empty() || name.find_first_of(": \t") != name.npos) return;
  if (!IsFieldText(name) || !IsFieldText(value)) return;
  std::erase_if(headers_, [&](const HttpField& f) { return EqualsIgnoringCase(f.name, name); });
  headers_.push_back({std::string(name), std::string(value)});
}

void HttpResponse::SetBody(std::string body, std::string_view content_type) {
  body_ = std::move(body);
  content_type_ = content_type;
  stream_ = nullptr;
}

void HttpResponse::SetStream(StreamBody body, std::string_view content_type) {
  stream_ = std::move(body);
  content_type_ = content_type;
  body_.clear();
}

std::string SseEvent(std::string_view event, std::string_view data) {
  std::string text;
  text.reserve(event.size() + data.size() + 24);
  if (!event.empty()) text.append("event: ").append(event).append("\n");
  for (bool more = true; more;) {
    size_t end = data.find_first_of("\r\n");
    text.append("data: ").append(data.substr(0, end)).append("\n");
    more = end != data.npos;
    if (more) data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return text += "\n";
}

std::vector<HttpField> StandardHeaders(std::string_view request_id, int http_status,
                                       const Problem* problem) {
  std::vector<HttpField> fields = {
      {"X-Request-Id", std::string(request_id)},
      {"X-Content-Type-Options", "nosniff"},
      {"Cache-Control", "no-store"},
      {"Referrer-Policy", "no-referrer"},
      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}};
  if (http_status == 401) fields.push_back({"WWW-Authenticate", "Bearer"});
  if (http_status == 429 || http_status == 503) fields.push_back({"Retry-After", "1"});
  if (problem && !problem->allow.empty()) fields.push_back({"Allow", problem->allow});
  return fields;
}

}  // namespace codelore::api
