#include "api/authentication.h"

#include <optional>
#include <string>
#include <utility>

#include "api/identity/identity_providers.h"

namespace codelore::api {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// Empty without one.
std::string_view TokenOf(const HttpRequest& request) {
  if (auto header = request.Header("authorization")) {
    if (header->size() > kBearer.size() && EqualsIgnoringCase(header->substr(0, kBearer.size()), kBearer)) {
      return header->substr(kBearer.size());
    }
    return {};
  }
  return request.Header("x-api-key").value_or("");
}

}  // namespace

Result<Caller> Authenticate(Service& service, const HttpRequest& request, HttpResponse& response, acl::Protocol protocol) {
  std::string_view token = TokenOf(request);
  auto vouched = service.identity_providers().Identify(request, token, /*browser=*/protocol == acl::Protocol::kRest);
  auto authenticated = vouched ? std::move(*vouched) : service.directory().Authenticate(token);
  bool wrong_protocol = authenticated.ok() && !authenticated->scope.Allows(protocol);
  if (wrong_protocol) authenticated = PermissionDenied("not a token for this protocol");
  AuditEvent sign_in{.tenant = {}, .who = "", .what = "sign-in", .from = request.peer, .request = request.id};
  if (!authenticated.ok()) {
    sign_in.result = "refused";
    sign_in.about = {{"why", authenticated.status().message()}};
    (void)service.audit().AppendNoise(sign_in).ok();  // refused all the same
  }
  ASSIGN_OR_RETURN(auto identity, std::move(authenticated));
  if (uint32_t seconds = service.quotas().TakeRequest(identity.tenant, acl::UserPrincipal(identity.user)); seconds != 0) {
    response.SetHeader("Retry-After", std::to_string(seconds));
    return ResourceExhausted("too many requests");
  }
  sign_in.tenant = identity.tenant;
  sign_in.who = acl::UserPrincipal(identity.user);
  std::string proof = identity.token ? std::to_string(identity.token.value) : "vouched " + std::to_string(identity.tenant.value) + " " + sign_in.who;
  sign_in.about = {{"token", identity.token ? proof : "of an identity provider"}};
  (void)service.audit().AppendHourly(proof, sign_in).ok();  // a full disk does not end reading
  auto place = service.fair_share().Enter(identity.tenant);
  if (!place) {
    response.SetHeader("Retry-After", "1");
    return ResourceExhausted("too many requests of this tenant at once");
  }
  ASSIGN_OR_RETURN(Viewer viewer, service.directory().ViewerFor(identity));
  // It may have waited, and its token may have been revoked meanwhile. A grant that was is no refusal: there is less to see.
  if (!service.directory().StillHolds(identity, viewer)) {
    ASSIGN_OR_RETURN(viewer, service.directory().ViewerFor(identity));
    if (!service.directory().StillHolds(identity, viewer)) return PermissionDenied("revoked while it waited");
  }
  auto still = [&directory = service.directory(), identity, viewer] { return directory.StillHolds(identity, viewer); };
  ASSIGN_OR_RETURN(auto teams, service.directory().TeamsOfUser(identity.tenant, identity.user, identity.teams));
  return Caller{.tenant = identity.tenant, .role = identity.role, .viewer = std::move(viewer), .still = std::move(still), .teams = std::move(teams),
                .only_sources = identity.scope.some_sources ? std::optional(identity.scope.sources) : std::nullopt, .place = std::move(place)};
}

Status CheckTokensLeft(Service& service, const Caller& caller, HttpResponse& response) {
  uint32_t seconds = service.quotas().TokensWait(caller.tenant, caller.viewer.name());
  if (seconds == 0) return OkStatus();
  response.SetHeader("Retry-After", std::to_string(seconds));
  return ResourceExhausted("the tokens that models may generate are used up");
}

void RefuseCaller(const Status& status, HttpResponse& response) {
  if (status.code() == StatusCode::kPermissionDenied) {
    response.SetProblem({.http_status = 401, .detail = std::string(kTokenWanted)});
  } else {
    response.SetError(status);
  }
}

}  // namespace codelore::api
