// What an operator configures about callers who come without a token of ours: OpenID Connect issuers and proxies.
#ifndef CODELORE_API_IDENTITY_IDENTITY_OPTIONS_H_
#define CODELORE_API_IDENTITY_IDENTITY_OPTIONS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/tls.h"
#include "codelore/status.h"

namespace codelore::api {

// One issuer of JSON Web Tokens, whose users are users of one tenant.
struct OidcConfig {
  std::string issuer, audience;          // exactly as the tokens have them
  std::string keys_file, keys_url;       // a JWK set (RFC 7517); one of them
  std::vector<std::string> algorithms;   // of RS256, RS384, RS512, PS256, ES256, ES384; at least one
  std::string tenant;                    // name; empty: the default one
  std::string user_claim = "sub";        // "email" counts only together with email_verified
  std::string groups_claim;              // empty: tokens say nothing of teams
  std::map<std::string, std::string> teams;  // group -> team; other groups mean nothing
  int leeway_seconds = 60;               // by which clocks may differ
  // For signing in with a browser (code_flow.h); without a client id there is none by this issuer.
  std::string name = "oidc";             // in the address of the sign-in
  std::string client_id, client_secret;  // no secret: a public client, by PKCE alone
  std::string authorize_url, token_url;
  std::string scope = "openid";

  // "issuer=https://login.example.com audience=codelore jwks-file=/etc/codelore/jwks.json algorithms=RS256,ES256
  // [tenant=acme] [user-claim=sub] [groups-claim=groups team=GROUP:TEAM...] [leeway=60] [client-id=ID
  // authorize-url=URL token-url=URL client-secret-file=F scope=openid,groups name=oidc]". kInvalidArgument says what is
  // wrong and shows an example.
  static Result<OidcConfig> Parse(std::string_view text);
};

struct IdentityOptions {
  std::vector<OidcConfig> oidc = {};
  // Peers that are believed when they say who calls, in this header: "10.0.0.0/8", "127.0.0.1". From others it means nothing.
  std::vector<std::string> trusted_proxies = {};
  std::string proxy_user_header = {};
  std::string proxy_tenant = {};  // name; empty: the default one
  std::string public_url = {};  // "https://code.example.com": what browsers know this server by; needed for signing in by an issuer
  // What of a client's checked certificate names the user: "cn", the subject's common name, or "email", an alternative
  // name; empty: certificates name nobody.
  std::string certificate_user = {};
  std::string certificate_tenant = {};  // name; empty: the default one
  std::shared_ptr<const TlsContext> trust = {};  // of https issuers; none: the system's authorities
};

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_IDENTITY_OPTIONS_H_
