// Authentication: from a request's token to who calls. The same for every protocol.
#ifndef CODELORE_API_AUTHENTICATION_H_
#define CODELORE_API_AUTHENTICATION_H_

#include <string_view>

#include "api/http/http_message.h"
#include "api/operations.h"

namespace codelore::api {

// By `Authorization: Bearer` or `x-api-key`, with a token of ours; or as a configured identity provider says
// (identity/identity_providers.h). kPermissionDenied where neither holds, or a token is not good for this protocol;
// kResourceExhausted when the user or the tenant has asked too often: `response` then has a Retry-After. Refusals and each
// hour's first use of a token go on record.
Result<Caller> Authenticate(Service& service, const HttpRequest& request, HttpResponse& response, acl::Protocol protocol);

// For a stream that Quotas::TakeStream has no place for.
inline Status TooManyStreams() { return ResourceExhausted("too many streams at once"); }

// Before a model may answer: kResourceExhausted when the user's or the tenant's tokens are used up; `response` then has a
// Retry-After.
Status CheckTokensLeft(Service& service, const Caller& caller, HttpResponse& response);

// What someone who is not known is told.
inline constexpr std::string_view kTokenWanted = "send a valid token as 'Authorization: Bearer TOKEN'";

// Its answer as a problem: 401, or what else went wrong.
void RefuseCaller(const Status& status, HttpResponse& response);

}  // namespace codelore::api

#endif  // CODELORE_API_AUTHENTICATION_H_
