#include "api/webhook_route.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "api/follow_settings.h"
#include "api/webhook.h"

namespace codelore::api {
namespace {

constexpr int64_t kRememberedMs = int64_t{14} * 86'400'000;
constexpr uint32_t kForgetEvery = 256;

int64_t NowUnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class WebhookHandler {
 public:
  WebhookHandler(Service& service, IndexQueue& queue, Lookout* permissions) : service_(service), queue_(queue), permissions_(permissions) {}

  void Handle(const HttpRequest& http, HttpResponse& response) {
    auto forge = ForgeNamed(http.Param("forge"));
    int64_t now = NowUnixMs();
    WebhookRequest request{.header = [&](std::string_view name) { return http.Header(name); }, .body = http.body, .now_unix_s = now / 1000};
    SourceId source;
    std::vector<std::string> secrets;
    Find(http, source, secrets);
    // A source that there is not, one without a secret, a wrong signature: one answer, after like work.
    if (!forge || !IsSigned(*forge, request, secrets)) {
      response.SetProblem({.http_status = 401, .detail = "the webhook is not signed with the source's secret"});
      return;
    }
    Status status = Accept(*forge, request, source, now, response);
    if (!status.ok()) response.SetError(status);
  }

 private:
  void Find(const HttpRequest& http, SourceId& id, std::vector<std::string>& secrets) const {
    auto tenant = service_.directory().FindTenant(http.Query("tenant").value_or(acl::kDefaultTenant));
    if (!tenant.ok()) return;
    auto source = service_.directory().FindSource(*tenant, http.Param("source"));
    if (!source.ok()) return;
    auto settings = ReadFollowSettings(service_.store(), source->id);
    if (!settings.ok()) return;
    id = source->id;
    secrets = std::move(settings->webhook_secrets);
  }

  // It is signed: from here on the caller is the forge.
  Status Accept(Forge forge, const WebhookRequest& request, SourceId source, int64_t now, HttpResponse& response) {
    WebhookEvent event = EventOf(forge, request);
    if (event == WebhookEvent::kPing) {
      response.SetBody(R"({"pong":true})", kJsonType);
      return OkStatus();
    }
    response.SetStatus(202);
    // However often it comes, the forge is asked a few times a second. What a crash forgets the start makes good.
    bool access = permissions_ != nullptr && TellsOfAccess(forge, request) && permissions_->LookNow(source);
    if (event == WebhookEvent::kOther) {
      response.SetBody(access ? R"({"accepted":true})" : R"({"accepted":false,"reason":"neither a push nor about readers that are mirrored"})", kJsonType);
      return OkStatus();
    }
    std::vector<std::string> marks = DeliveryMarks(forge, request);
    ASSIGN_OR_RETURN(bool before, WasDelivered(service_.store(), source, marks));
    if (before) {
      response.SetBody(R"({"accepted":false,"reason":"this delivery came before"})", kJsonType);
      return OkStatus();
    }
    SubmitOptions options;
    RememberDelivery(source, marks, now, options.also);
    RETURN_IF_ERROR(queue_.Submit(source, options));  // on disk before the answer
    if (++accepted_ % kForgetEvery == 0) RETURN_IF_ERROR(ForgetDeliveries(service_.store(), source, now - kRememberedMs));
    response.SetBody(R"({"accepted":true})", kJsonType);
    return OkStatus();
  }

  Service& service_;
  IndexQueue& queue_;
  Lookout* const permissions_;
  std::atomic<uint32_t> accepted_ = 0;
};

}  // namespace

void AddWebhookRoute(HttpServer& server, Service& service, IndexQueue& queue, Lookout* permissions) {
  auto handler = std::make_shared<WebhookHandler>(service, queue, permissions);
  server.Handle("POST", "/v1/webhooks/:forge/:source",
                [handler](const HttpRequest& request, HttpResponse& response) { handler->Handle(request, response); },
                {.max_body_bytes = kMaxWebhookBytes, .json_only = false});
}

}  // namespace codelore::api
