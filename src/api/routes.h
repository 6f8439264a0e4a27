// The HTTP routes: every operation behind authentication, health, and the OpenAPI document.
#ifndef CODELORE_API_ROUTES_H_
#define CODELORE_API_ROUTES_H_

#include "api/http/http_server.h"
#include "api/index_queue.h"
#include "api/service.h"

namespace codelore::api {

// `service` and `queue` must outlive the server.
void AddRoutes(HttpServer& server, Service& service, IndexQueue& queue);

}  // namespace codelore::api

#endif  // CODELORE_API_ROUTES_H_
