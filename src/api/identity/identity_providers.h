// IdentityProviders: who calls, when it is not a token of ours that says so: JSON Web Tokens of configured OpenID Connect
// issuers, a client's certificate, and a header of configured proxies. None is configured by default. Whoever they name has
// the role of the user's record, and no other. Thread-safe.
#ifndef CODELORE_API_IDENTITY_IDENTITY_PROVIDERS_H_
#define CODELORE_API_IDENTITY_IDENTITY_PROVIDERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "acl/directory.h"
#include "api/http/http_message.h"
#include "api/identity/identity_options.h"
#include "api/identity/code_flow.h"
#include "api/identity/jwk_cache.h"
#include "api/identity/web_sessions.h"
#include "ingest/network_policy.h"

namespace codelore::api {

inline constexpr std::string_view kSessionCookie = "codelore", kSignInCookie = "codelore-signin";  // "__Host-" before them over TLS

class IdentityProviders {
 public:
  // `directory` must outlive it. kInvalidArgument for settings that make no sense, kNotFound for a tenant there is not. An
  // issuer's file must be readable now; its address may be down.
  static Result<std::unique_ptr<IdentityProviders>> Open(const acl::Directory& directory, const IdentityOptions& options,
                                                         std::function<int64_t()> now_unix_ms = {});

  // None: it is for our own tokens to say. `token`: what the request brings as one; empty: nothing. `browser`: the cookie of
  // a browser counts, too.
  std::optional<Result<acl::Identity>> Identify(const HttpRequest& request, std::string_view token, bool browser = false);

  // ---- signing in with a browser
  std::vector<std::string> SignInNames() const;  // of the issuers that do
  // kNotFound: no issuer of that name does.
  Result<BegunSignIn> BeginSignIn(std::string_view name, const std::string& next);
  struct SignedIn {
    acl::Identity identity;
    std::string next;
  };
  Result<SignedIn> FinishSignIn(std::string_view name, const CodeAnswer& answer);
  WebSessions& web_sessions() { return *web_sessions_; }
  // The browser's session, by its cookie.
  std::optional<WebSession> SessionOf(const HttpRequest& request);
  std::string CookieOf(const HttpRequest& request, std::string_view name) const;  // empty: none, or two of that name
  // `value` empty: takes it away.
  std::string SetCookie(const HttpRequest& request, std::string_view name, const std::string& value, int64_t seconds) const;
  // The request was sent by a page of this server.
  bool IsOwnOrigin(const HttpRequest& request) const;

 private:
  struct Issuer {
    OidcConfig config;
    TenantId tenant;
    std::unique_ptr<JwkCache> keys;
    std::unique_ptr<CodeFlow> flow;  // none: for bearer tokens only
  };
  explicit IdentityProviders(const acl::Directory& directory) : directory_(directory) {}
  Status AddIssuer(const OidcConfig& config, const IdentityOptions& options);
  Status SetCertificates(const IdentityOptions& options);
  Status SetPublicUrl(const IdentityOptions& options);
  Status SetProxies(const IdentityOptions& options);
  // It came to us, or to a proxy that we trust, by TLS, or browsers find us so.
  bool IsSecure(const HttpRequest& request) const;
  Result<Issuer*> SignInBy(std::string_view name);
  // None: there is no such session.
  std::optional<Result<acl::Identity>> ByCookie(const HttpRequest& request);
  Result<acl::Identity> ByToken(std::string_view token);
  Result<acl::Identity> ByCertificate(const TlsPeer& certificate) const;
  std::optional<Result<acl::Identity>> ByProxy(const HttpRequest& request) const;

  const acl::Directory& directory_;
  std::function<int64_t()> now_unix_ms_;
  std::vector<Issuer> issuers_;
  std::unique_ptr<WebSessions> web_sessions_;
  std::string public_url_;  // without a slash at its end; empty: not said
  bool by_common_name_ = false, by_email_ = false;  // of certificates
  TenantId certificate_tenant_;
  std::string proxy_header_;  // empty: no proxy is believed
  TenantId proxy_tenant_;
  ingest::NetworkPolicy proxies_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_IDENTITY_PROVIDERS_H_
