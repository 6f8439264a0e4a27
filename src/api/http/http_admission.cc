#include "api/http/http_admission.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace codelore::api {
namespace {

std::string_view WithoutPort(std::string_view authority) {
  size_t colon = authority.rfind(':');
  bool in_brackets = authority.find(']', colon == authority.npos ? 0 : colon) != authority.npos;
  return colon == authority.npos || in_brackets ? authority : authority.substr(0, colon);
}

bool HoldsName(const std::vector<std::string>& names, std::string_view wanted) {
  return std::ranges::any_of(names, [&](const auto& n) { return EqualsIgnoringCase(n, wanted); });
}

bool HostAllowed(const AdmissionRules& rules, const HttpRequest& request) {
  auto host = request.Header("Host");
  return rules.allowed_hosts.empty() || !host || HoldsName(rules.allowed_hosts, WithoutPort(*host));
}

bool IsRead(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// A page of this very server, or one the operator named. TLS may end at a proxy, so both schemes
// are ours.
bool OriginAllowed(const AdmissionRules& rules, const HttpRequest& request) {
  auto origin = request.Header("Origin");
  if (!origin || IsRead(request)) return true;
  if (HoldsName(rules.allowed_origins, *origin)) return true;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!origin->starts_with(scheme)) continue;
    return EqualsIgnoringCase(origin->substr(scheme.size()), request.Header("Host").value_or(""));
  }
  return false;
}

std::optional<Problem> CheckBodyType(const RouteOptions& route, const Framing& framing,
                                     const HttpRequest& request) {
  auto encoding = request.Header("Content-Encoding");
  if (encoding && !EqualsIgnoringCase(*encoding, "identity")) {
    // 413, because what it would become has no bound that could be known.
    return Problem{.http_status = 413, .detail = "an encoded body may become too large; send it without Content-Encoding"};
  }
  auto type = request.Header("Content-Type");
  bool declares_body = framing.has_body() || (type && !IsRead(request));
  if (route.json_only && declares_body && !IsJsonContentType(type.value_or(""))) {
    return Problem{.http_status = 415, .detail = "send the body as application/json"};
  }
  return std::nullopt;
}

Admission Refuse(int http_status, std::string detail) {
  return {.refusal = Problem{.http_status = http_status, .detail = std::move(detail)}};
}

std::string_view TrimBlanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool IsJsonContentType(std::string_view content_type) {
  size_t semicolon = content_type.find(';');
  if (!EqualsIgnoringCase(TrimBlanks(content_type.substr(0, semicolon)), kJsonType)) return false;
  if (semicolon == content_type.npos) return true;
  std::string_view parameter = TrimBlanks(content_type.substr(semicolon + 1));
  return EqualsIgnoringCase(parameter, "charset=utf-8") ||
         EqualsIgnoringCase(parameter, "charset=\"utf-8\"");
}

Admission AdmitRequest(const AdmissionRules& rules, const HttpRouter& router,
                       const Framing& framing, HttpRequest* request) {
  if (!HostAllowed(rules, *request)) return Refuse(421, "this server does not go by that name");
  HttpRouter::Match match = router.Find(request);
  if (!match.route) {
    if (match.allow.empty()) return Refuse(404, "no such path");
    return {.refusal = Problem{.http_status = 405,
                               .detail = "this path does not take " + request->method,
                               .allow = std::move(match.allow)}};
  }
  if (!OriginAllowed(rules, *request)) return Refuse(403, "requests from that Origin are refused");
  const RouteOptions& options = match.route->options;
  if (auto problem = CheckBodyType(options, framing, *request)) return {.refusal = *problem};
  return {.route = match.route,
          .max_body_bytes = options.max_body_bytes ? options.max_body_bytes : rules.max_body_bytes,
          .deadline = options.deadline.count() ? options.deadline : rules.deadline};
}

}  // namespace codelore::api
