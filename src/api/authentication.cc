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

Result<Caller> Authenticate(Service& service, const HttpRequest& request) {
  ASSIGN_OR_RETURN(auto identity, service.directory().Authenticate(TokenOf(request)));
  ASSIGN_OR_RETURN(Viewer viewer, service.directory().ViewerFor(identity));
  auto still = [&directory = service.directory(), identity, viewer] { return directory.StillHolds(identity, viewer); };
  return Caller{.tenant = identity.tenant,
                .role = identity.administrator ? Role::kAdministrator : Role::kReader,
                .viewer = std::move(viewer),
                .still = std::move(still)};
}

void RefuseCaller(const Status& status, HttpResponse& response) {
  if (status.code() == StatusCode::kPermissionDenied) {
    response.SetProblem({.http_status = 401, .detail = std::string(kTokenWanted)});
  } else {
    response.SetError(status);
  }
}

}  // namespace codelore::api
