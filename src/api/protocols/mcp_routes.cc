#include "api/protocols/mcp_routes.h"

#include <string>
#include <utility>

#include "api/authentication.h"
#include "api/http/request_watch.h"
#include "api/protocols/mcp.h"

namespace codelore::api {

void AddMcpRoutes(HttpServer& server, Service& service) {
  // GET and DELETE are answered with 405 by the router: there is no stream of our own to listen to and no session.
  server.Handle("POST", "/mcp", [&service](const HttpRequest& request, HttpResponse& response) {
    auto caller = Authenticate(service, request, response, acl::Protocol::kMcp);
    if (!caller.ok()) return RefuseCaller(caller.status(), response);
    auto version = request.Header("MCP-Protocol-Version");
    if (version && !McpSpeaks(*version)) {
      return response.SetProblem({.http_status = 400, .detail = "this revision of the protocol is not spoken here; 2025-11-25 and 2025-06-18 are"});
    }
    RequestWatch watch(request, caller->still);
    auto reply = AnswerMcp(service, *caller, request.body, watch.token());
    if (!reply) return response.SetStatus(202);
    response.SetBody(std::move(*reply), kJsonType);
  });
}

}  // namespace codelore::api
