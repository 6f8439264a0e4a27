#include "api/authentication.h"

#include <string>
#include <utility>

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

Result<Caller> Authenticate(Service& service, const HttpRequest& request, HttpResponse& response) {
  auto authenticated = service.directory().Authenticate(TokenOf(request));
  AuditEvent sign_in{.tenant = {}, .who = "", .what = "sign-in", .from = request.peer, .request = request.id};
  if (!authenticated.ok()) {
    sign_in.result = "refused";
    (void)service.audit().AppendNoise(sign_in).ok();  // refused all the same
  }
  ASSIGN_OR_RETURN(auto identity, std::move(authenticated));
  if (uint32_t seconds = service.quotas().TakeRequest(identity.tenant, acl::UserPrincipal(identity.user)); seconds != 0) {
    response.SetHeader("Retry-After", std::to_string(seconds));
    return ResourceExhausted("too many requests");
  }
  sign_in.tenant = identity.tenant;
  sign_in.who = acl::UserPrincipal(identity.user);
  std::string token = std::to_string(identity.token.value);
  sign_in.about = {{"token", token}};
  (void)service.audit().AppendHourly(token, sign_in).ok();  // a full disk does not end reading
  ASSIGN_OR_RETURN(Viewer viewer, service.directory().ViewerFor(identity));
  auto still = [&directory = service.directory(), identity, viewer] { return directory.StillHolds(identity, viewer); };
  return Caller{.tenant = identity.tenant,
                .role = identity.administrator ? Role::kAdministrator : Role::kReader,
                .viewer = std::move(viewer),
                .still = std::move(still),
                .teams = identity.teams};
}

void RefuseCaller(const Status& status, HttpResponse& response) {
  if (status.code() == StatusCode::kPermissionDenied) {
    response.SetProblem({.http_status = 401, .detail = std::string(kTokenWanted)});
  } else {
    response.SetError(status);
  }
}

}  // namespace codelore::api
