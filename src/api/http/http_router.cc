#include "api/http/http_router.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace codelore::api {
namespace {

bool IsName(const std::string& segment) { return segment.starts_with(':'); }

std::vector<std::string> SplitPattern(std::string_view pattern) {
  assert(pattern.starts_with('/'));
  std::vector<std::string> segments;
  while (pattern.size() > 1) {
    pattern.remove_prefix(1);
    segments.emplace_back(pattern.substr(0, pattern.find('/')));
    assert(!segments.back().empty() && segments.back() != ":");
    pattern.remove_prefix(segments.back().size());
  }
  return segments;
}

bool Matches(const Route& route, const std::vector<std::string>& path) {
  return std::ranges::equal(route.segments, path, [](const auto& segment, const auto& part) {
    return IsName(segment) || segment == part;
  });
}

// Fixed segments before names, the leftmost difference deciding.
bool MoreFixed(const Route& a, const Route& b) {
  return std::ranges::lexicographical_compare(a.segments, b.segments, {}, IsName, IsName);
}

}  // namespace

void HttpRouter::Add(Route route) {
  route.segments = SplitPattern(route.pattern);
  assert(std::ranges::none_of(routes_, [&](const Route& other) {
    return other.method == route.method && other.pattern == route.pattern;
  }));
  auto at = std::ranges::upper_bound(routes_, route, MoreFixed);
  routes_.insert(at, std::move(route));
}

HttpRouter::Match HttpRouter::Find(HttpRequest* request) const {
  Match match;
  const std::string wanted = request->method == "HEAD" ? "GET" : request->method;
  for (const Route& route : routes_) {
    if (!Matches(route, request->segments)) continue;
    if (route.method == wanted) {
      match.route = &route;
      break;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  if (!match.route) return match;
  for (size_t i = 0; i < request->segments.size(); ++i) {
    const std::string& segment = match.route->segments[i];
    if (IsName(segment)) request->params.push_back({segment.substr(1), request->segments[i]});
  }
  return match;
}

}  // namespace codelore::api
