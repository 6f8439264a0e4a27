// The route of webhooks: POST /v1/webhooks/FORGE/SOURCE, with ?tenant=NAME for another than the default one. It has no
// token: the signature says who calls. A push makes the source be indexed; what tells of members, teams or visibility makes
// the forge be asked who may read it.
#ifndef CODELORE_API_WEBHOOK_ROUTE_H_
#define CODELORE_API_WEBHOOK_ROUTE_H_

#include "api/http/http_server.h"
#include "api/index_queue.h"
#include "api/lookout.h"
#include "api/service.h"

namespace codelore::api {

inline constexpr size_t kMaxWebhookBytes = 4 << 20;

// All must outlive the server. Without `permissions` there is nobody to ask forges.
void AddWebhookRoute(HttpServer& server, Service& service, IndexQueue& queue, Lookout* permissions);

}  // namespace codelore::api

#endif  // CODELORE_API_WEBHOOK_ROUTE_H_
