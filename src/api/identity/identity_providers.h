// IdentityProviders: who calls, when it is not a token of ours that says so: JSON Web Tokens of configured OpenID Connect
// issuers, and a header of configured proxies. None is configured by default. Thread-safe.
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
#include "api/identity/jwk_cache.h"
#include "ingest/network_policy.h"

namespace codelore::api {

class IdentityProviders {
 public:
  // `directory` must outlive it. kInvalidArgument for settings that make no sense, kNotFound for a tenant there is not. An
  // issuer's file must be readable now; its address may be down.
  static Result<std::unique_ptr<IdentityProviders>> Open(const acl::Directory& directory, const IdentityOptions& options,
                                                         std::function<int64_t()> now_unix_ms = {});

  // None: it is for our own tokens to say. `token`: what the request brings as one; empty: nothing.
  std::optional<Result<acl::Identity>> Identify(const HttpRequest& request, std::string_view token);

 private:
  struct Issuer {
    OidcConfig config;
    TenantId tenant;
    std::unique_ptr<JwkCache> keys;
  };
  explicit IdentityProviders(const acl::Directory& directory) : directory_(directory) {}
  Status AddIssuer(const OidcConfig& config);
  Status SetProxies(const IdentityOptions& options);
  Result<acl::Identity> ByToken(std::string_view token);
  std::optional<Result<acl::Identity>> ByProxy(const HttpRequest& request) const;

  const acl::Directory& directory_;
  std::function<int64_t()> now_unix_ms_;
  std::vector<Issuer> issuers_;
  std::string proxy_header_;  // empty: no proxy is believed
  TenantId proxy_tenant_;
  ingest::NetworkPolicy proxies_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_IDENTITY_PROVIDERS_H_
