// The route of push webhooks: POST /v1/webhooks/FORGE/SOURCE, with ?tenant=NAME for another than the default one. It
// has no token: the signature says who calls.
#ifndef CODELORE_API_WEBHOOK_ROUTE_H_
#define CODELORE_API_WEBHOOK_ROUTE_H_

#include "api/http/http_server.h"
#include "api/index_queue.h"
#include "api/service.h"

namespace codelore::api {

inline constexpr size_t kMaxWebhookBytes = 4 << 20;

// All must outlive the server.
void AddWebhookRoute(HttpServer& server, Service& service, IndexQueue& queue);

}  // namespace codelore::api

#endif  // CODELORE_API_WEBHOOK_ROUTE_H_
