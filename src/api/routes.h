// The HTTP routes: every operation behind authentication, health, and the OpenAPI document.
#ifndef CODELORE_API_ROUTES_H_
#define CODELORE_API_ROUTES_H_

#include "api/follower.h"
#include "api/http/http_server.h"
#include "api/index_queue.h"
#include "api/lookout.h"
#include "api/service.h"

namespace codelore::api {

// All must outlive the server. Without a follower nothing is looked at by itself; without `permissions` forges are asked
// only when their settings change.
void AddRoutes(HttpServer& server, Service& service, IndexQueue& queue, Follower* follower = nullptr, Lookout* permissions = nullptr);

}  // namespace codelore::api

#endif  // CODELORE_API_ROUTES_H_
