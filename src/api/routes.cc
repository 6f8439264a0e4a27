#include "api/routes.h"

#include <stop_token>
#include <utility>

#include "api/json_request.h"
#include "api/openapi.h"
#include "api/operations.h"
#include "api/webhook_route.h"

namespace codelore::api {
namespace {

// What a handler works with; all of it outlives the server.
struct Backstage {
  Service& service;
  IndexQueue& queue;
  Follower* follower;
};

constexpr std::string_view kBearer = "Bearer ";

// The token of `Authorization: Bearer` or `x-api-key`; empty without one.
std::string_view TokenOf(const HttpRequest& request) {
  if (auto header = request.Header("authorization")) {
    if (header->size() > kBearer.size() && EqualsIgnoringCase(header->substr(0, kBearer.size()), kBearer)) {
      return header->substr(kBearer.size());
    }
    return {};
  }
  return request.Header("x-api-key").value_or("");
}

// False, with the answer filled in, for a request without a living token.
bool Authenticate(Service& service, const HttpRequest& request, HttpResponse& response, std::optional<Caller>& caller) {
  auto identity = service.directory().Authenticate(TokenOf(request));
  if (!identity.ok()) {
    if (identity.status().code() == StatusCode::kPermissionDenied) {
      response.SetProblem({.http_status = 401, .detail = "send a valid token as 'Authorization: Bearer TOKEN'"});
    } else {
      response.SetError(identity.status());
    }
    return false;
  }
  auto viewer = service.directory().ViewerFor(*identity);
  if (!viewer.ok()) {
    response.SetError(viewer.status());
    return false;
  }
  caller.emplace(Caller{.tenant = identity->tenant,
                        .role = identity->administrator ? Role::kAdministrator : Role::kReader,
                        .viewer = std::move(*viewer)});
  return true;
}

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
                  const OperationInput& input, const std::string& request_id, StreamWriter& writer) {
  std::stop_source stop;
  OperationContext context{.service = backstage.service, .queue = &backstage.queue, .follower = backstage.follower,
                           .caller = caller, .input = input, .stop = stop.get_token(),
                           .emit = [&](std::string_view event, const std::string& json) {
                             return writer.Write(SseEvent(event, json));
                           }};
  auto result = Run(operation, context);
  if (!result.ok()) (void)writer.Write(SseEvent("error", ProblemJson(ProblemOf(result.status()), request_id)));
}

void Handle(const Operation& operation, const Backstage& backstage, const HttpRequest& request, HttpResponse& response) {
  std::optional<Caller> caller;
  if (!Authenticate(backstage.service, request, response, caller)) return;
  OperationInput input = InputOf(request);
  if (operation.streams && WantsStream(input)) {
    response.SetStream(
        [&operation, backstage, caller = std::move(*caller), input = std::move(input),
         id = request.id](StreamWriter& writer) { RunStreaming(operation, backstage, caller, input, id, writer); },
        kEventStreamType);
    return;
  }
  OperationContext context{.service = backstage.service, .queue = &backstage.queue, .follower = backstage.follower,
                           .caller = *caller, .input = input, .stop = {}, .emit = {}};
  auto result = Run(operation, context);
  if (result.ok()) {
    response.SetBody(std::move(*result), kJsonType);
  } else {
    response.SetError(result.status());
  }
}

}  // namespace

void AddRoutes(HttpServer& server, Service& service, IndexQueue& queue, Follower* follower) {
  Backstage backstage{service, queue, follower};
  for (const Operation& operation : Operations()) {
    server.Handle(std::string(operation.method), std::string(operation.path),
                  [&operation, backstage](const HttpRequest& request, HttpResponse& response) {
                    Handle(operation, backstage, request, response);
                  });
  }
  AddWebhookRoute(server, service, queue);
  auto alive = [](const HttpRequest&, HttpResponse& response) { response.SetBody(R"({"status":"ok"})", kJsonType); };
  server.Handle("GET", "/healthz", alive);
  server.Handle("GET", "/readyz", alive);  // routes are added once the data folder is open
  server.Handle("GET", "/openapi.json", [](const HttpRequest&, HttpResponse& response) {
    response.SetBody(OpenApiDocument(), kJsonType);
  });
}

}  // namespace codelore::api
