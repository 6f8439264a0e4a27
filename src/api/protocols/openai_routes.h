// The OpenAI protocol: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models. Its clients (IDE chats, libraries)
// become repository-aware by pointing them here with their user's token. Field names and error shapes follow the API
// reference of 2025; fields not known are ignored.
#ifndef CODELORE_API_PROTOCOLS_OPENAI_ROUTES_H_
#define CODELORE_API_PROTOCOLS_OPENAI_ROUTES_H_

#include "api/http/http_server.h"
#include "api/service.h"

namespace codelore::api {

void AddOpenAiRoutes(HttpServer& server, Service& service);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_OPENAI_ROUTES_H_
