// The Ollama protocol: /api/chat, generate, embed, embeddings, tags, show, ps, version, with NDJSON streams, for IDE
// plug-ins that speak nothing else. Follows the API documentation of Ollama 0.6 and later.
#ifndef CODELORE_API_PROTOCOLS_OLLAMA_ROUTES_H_
#define CODELORE_API_PROTOCOLS_OLLAMA_ROUTES_H_

#include "api/http/http_server.h"
#include "api/service.h"

namespace codelore::api {

void AddOllamaRoutes(HttpServer& server, Service& service);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_OLLAMA_ROUTES_H_
