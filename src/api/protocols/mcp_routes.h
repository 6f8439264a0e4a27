// The Model Context Protocol at /mcp (streamable HTTP, revisions 2025-06-18 and 2025-11-25), for agents.
#ifndef CODELORE_API_PROTOCOLS_MCP_ROUTES_H_
#define CODELORE_API_PROTOCOLS_MCP_ROUTES_H_

#include "api/http/http_server.h"
#include "api/service.h"

namespace codelore::api {

void AddMcpRoutes(HttpServer& server, Service& service);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_MCP_ROUTES_H_
