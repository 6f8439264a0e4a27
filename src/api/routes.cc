#include "api/routes.h"

#include <optional>
#include <stop_token>
#include <utility>

#include "api/authentication.h"
#include "api/documents_route.h"
#include "api/http/request_watch.h"
#include "api/json_request.h"
#include "api/openapi.h"
#include "api/operations.h"
#include "api/protocols/mcp_routes.h"
#include "api/protocols/ollama_routes.h"
#include "api/protocols/openai_routes.h"
#include "api/sign_in_routes.h"
#include "api/webhook_route.h"

namespace codelore::api {
namespace {

// What a handler works with; all of it outlives the server.
struct Backstage {
  Service& service;
  IndexQueue& queue;
  Follower* follower;
  Lookout* permissions;
};

OperationInput InputOf(const HttpRequest& request) {
  OperationInput input{.body = request.body.empty() ? "{}" : request.body, .params = {}};
  for (const HttpField& param : request.params) input.params.emplace_back(param.name, param.value);
  return input;
}

bool WantsStream(const OperationInput& input) {
  auto json = JsonRequest::Parse(input.body, {JsonRequest::kAnyField});
  return json.ok() && json->Boolean("stream", false);
}

void RunStreaming(const Operation& operation, const Backstage& backstage, const Caller& caller,
                  const OperationInput& input, const HttpRequest& request, StreamWriter& writer) {
  RequestWatch watch(request, caller.still);
  OperationContext context{.service = backstage.service, .queue = &backstage.queue, .follower = backstage.follower, .permissions = backstage.permissions,
                           .caller = caller, .input = input, .stop = watch.token(),
                           .emit = [&](std::string_view event, const std::string& json) {
                             return writer.Write(SseEvent(event, json));
                           },
                           .from = request.peer, .request = request.id};
  auto result = Run(operation, context);
  if (!result.ok()) (void)writer.Write(SseEvent("error", ProblemJson(ProblemOf(result.status()), request.id)));
}

void Handle(const Operation& operation, const Backstage& backstage, const HttpRequest& request, HttpResponse& response) {
  auto caller = Authenticate(backstage.service, request, response, acl::Protocol::kRest);
  if (!caller.ok()) return RefuseCaller(caller.status(), response);
  if (operation.needs != Role::kReader) caller->GivePlaceBack();  // some ask a forge, or copy everything
  OperationInput input = InputOf(request);
  if (operation.streams) {  // a model may answer
    if (Status status = CheckTokensLeft(backstage.service, *caller, response); !status.ok()) return response.SetError(status);
  }
  if (operation.streams && WantsStream(input)) {
    auto place = backstage.service.quotas().TakeStream(caller->tenant, caller->viewer.name());
    if (!place) return response.SetError(TooManyStreams());
    response.SetStream(
        [&operation, backstage, &request, place, caller = std::move(*caller), input = std::move(input)](StreamWriter& writer) {
          RunStreaming(operation, backstage, caller, input, request, writer);
        },
        kEventStreamType);
    return;
  }
  std::optional<RequestWatch> watch;
  if (operation.streams) watch.emplace(request, caller->still);  // those that can take long
  OperationContext context{.service = backstage.service, .queue = &backstage.queue, .follower = backstage.follower, .permissions = backstage.permissions,
                           .caller = *caller, .input = input, .stop = watch ? watch->token() : std::stop_token(), .emit = {},
                           .from = request.peer, .request = request.id};
  auto result = Run(operation, context);
  if (result.ok()) {
    response.SetBody(std::move(*result), kJsonType);
  } else {
    response.SetError(result.status());
  }
}

}  // namespace

void AddRoutes(HttpServer& server, Service& service, IndexQueue& queue, Follower* follower, Lookout* permissions) {
  Backstage backstage{service, queue, follower, permissions};
  for (const Operation& operation : Operations()) {
    server.Handle(std::string(operation.method), std::string(operation.path),
                  [&operation, backstage](const HttpRequest& request, HttpResponse& response) {
                    Handle(operation, backstage, request, response);
                  },
                  {.max_body_bytes = operation.max_body_bytes});
  }
  AddOpenAiRoutes(server, service);
  AddOllamaRoutes(server, service);
  AddMcpRoutes(server, service);
  AddWebhookRoute(server, service, queue, permissions);
  AddDocumentRoutes(server, service, queue);
  AddSignInRoutes(server, service);
  auto alive = [](const HttpRequest&, HttpResponse& response) { response.SetBody(R"({"status":"ok"})", kJsonType); };
  server.Handle("GET", "/healthz", alive);
  server.Handle("GET", "/readyz", alive);  // routes are added once the data folder is open
  server.Handle("GET", "/metrics", [&service](const HttpRequest& request, HttpResponse& response) {
    auto caller = Authenticate(service, request, response, acl::Protocol::kRest);
    if (!caller.ok()) return RefuseCaller(caller.status(), response);
    if (caller->role < Role::kAuditor) return response.SetError(PermissionDenied("this needs an auditor or an administrator"));
    response.SetBody(service.metrics().Print(caller->tenant), "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Handle("GET", "/openapi.json", [](const HttpRequest&, HttpResponse& response) {
    response.SetBody(OpenApiDocument(), kJsonType);
  });
}

}  // namespace codelore::api
