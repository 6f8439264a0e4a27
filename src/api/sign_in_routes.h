// The pages of signing in and out with a browser: by an issuer (identity/code_flow.h), or by a token of ours.
//
// GET /signin: a choice; GET /signin/NAME: off to the issuer; GET /signin/NAME/callback: back from there; POST /signin: by a token;
// GET /me: who one is, and what one may read; POST /signout. No scripts, no styles, nothing from elsewhere.
#ifndef CODELORE_API_SIGN_IN_ROUTES_H_
#define CODELORE_API_SIGN_IN_ROUTES_H_

#include "api/http/http_server.h"
#include "api/service.h"

namespace codelore::api {

// Both must outlive each other's use.
void AddSignInRoutes(HttpServer& server, Service& service);

}  // namespace codelore::api

#endif  // CODELORE_API_SIGN_IN_ROUTES_H_
