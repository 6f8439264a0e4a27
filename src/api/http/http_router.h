// HttpRouter: from a method and a path to a route.
//
// A pattern is a path of fixed and ":name" segments, "/v1/sources/:id/sync"; no regular
// expressions, so that a path costs one comparison per segment whatever it holds. Among the
// patterns that match, a fixed segment beats a name. Filled before the server starts, then read by
// many threads.
#ifndef CODELORE_API_HTTP_ROUTER_H_
#define CODELORE_API_HTTP_ROUTER_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_message.h"

namespace codelore::api {

using HttpHandler = std::function<void(const HttpRequest&, HttpResponse&)>;

struct RouteOptions {
  size_t max_body_bytes = 0;  // 0: the server's limit
  std::chrono::milliseconds deadline{
      0};                 // 0: the server's; see HttpServer::Options::request_deadline
  bool json_only = true;  // a body must be application/json; false: anything, e.g. webhooks
};

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;
  HttpHandler handler;
  RouteOptions options;
};

class HttpRouter {
 public:
  // A second route of the same method and pattern is a mistake of ours and asserts.
  void Add(Route route);

  struct Match {
    const Route* route = nullptr;
    std::string
        allow;  // without a route: the methods of the path, "GET, HEAD"; empty: no such path
  };
  // Fills in the request's params. HEAD is answered by GET's route.
  Match Find(HttpRequest* request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_ROUTER_H_
