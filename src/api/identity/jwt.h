// JSON Web Tokens (RFC 7519) as signed by an issuer that an operator configured, checked as RFC 8725 advises.
//
// Of the token's header only "alg" and "kid" are looked at, and neither decides anything: the algorithm must be one of
// those configured for the issuer and fit the key, and a key id is compared, never a path or an address. Keys that a token
// brings or points to ("jwk", "jku", "x5u", "x5c") are as if they were not there.
#ifndef CODELORE_API_IDENTITY_JWT_H_
#define CODELORE_API_IDENTITY_JWT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/identity/identity_options.h"
#include "api/identity/jwk_cache.h"
#include "codelore/status.h"

namespace codelore::api {

struct JwtSubject {
  std::string user;
  std::vector<std::string> teams;
  int64_t expires_unix_ms = 0;
  std::string nonce, authorized_party;  // as the token has them; empty: it has none
};

// It has the form of one: three parts. Tokens of ours have no dots.
bool LooksLikeJwt(std::string_view token);

// The issuer that a token says it is from; nothing is checked yet. Empty: none.
std::string ClaimedIssuer(std::string_view token);

// Whom the token is about, if it is one of this issuer for us, now. kPermissionDenied says what is wrong with it, without
// a word of what it holds.
Result<JwtSubject> VerifyJwt(std::string_view token, const OidcConfig& issuer, JwkCache& keys, int64_t now_unix_ms);

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_JWT_H_
