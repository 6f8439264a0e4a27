#include "api/identity/identity_providers.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "api/identity/jwt.h"

namespace codelore::api {
namespace {

int64_t SystemNow() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Result<TenantId> TenantNamed(const acl::Directory& directory, const std::string& name) {
  auto tenant = directory.FindTenant(name.empty() ? acl::kDefaultTenant : std::string_view(name));
  return tenant.ok() ? tenant : NotFound("there is no tenant '" + name + "'; make it first: codelore tenant create");
}

bool IsHeaderName(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace

Result<std::unique_ptr<IdentityProviders>> IdentityProviders::Open(const acl::Directory& directory, const IdentityOptions& options,
                                                                   std::function<int64_t()> now_unix_ms) {
  std::unique_ptr<IdentityProviders> providers(new IdentityProviders(directory));
  providers->now_unix_ms_ = now_unix_ms ? std::move(now_unix_ms) : SystemNow;
  for (const OidcConfig& config : options.oidc) RETURN_IF_ERROR(providers->AddIssuer(config));
  RETURN_IF_ERROR(providers->SetProxies(options));
  return providers;
}

Status IdentityProviders::AddIssuer(const OidcConfig& config) {
  bool again = std::ranges::any_of(issuers_, [&](const Issuer& issuer) { return issuer.config.issuer == config.issuer; });
  if (again) return InvalidArgument("oidc: the issuer " + config.issuer + " is given twice");
  Issuer issuer{.config = config, .tenant = {}, .keys = nullptr};
  ASSIGN_OR_RETURN(issuer.tenant, TenantNamed(directory_, config.tenant));
  JwkCache::Fetch fetch = JwkCache::FromFile(config.keys_file);
  if (!config.keys_url.empty()) {
    ASSIGN_OR_RETURN(fetch, JwkCache::FromUrl(config.keys_url));
  }
  issuer.keys = std::make_unique<JwkCache>(std::move(fetch), now_unix_ms_);
  Status looked = issuer.keys->Refresh();
  if (!looked.ok() && config.keys_url.empty()) return InvalidArgument("oidc: " + config.keys_file + ": " + looked.message());
  issuers_.push_back(std::move(issuer));
  return OkStatus();
}

Status IdentityProviders::SetProxies(const IdentityOptions& options) {
  if (options.trusted_proxies.empty() && options.proxy_user_header.empty()) return OkStatus();
  if (options.trusted_proxies.empty() || options.proxy_user_header.empty()) {
    return InvalidArgument("a proxy is believed when both are given: --trusted-proxy, its address, and --proxy-user-header, where it says who calls");
  }
  if (std::ranges::find(options.trusted_proxies, "all") != options.trusted_proxies.end()) {
    return InvalidArgument("--trusted-proxy takes addresses: whoever it names can be anybody");
  }
  if (!IsHeaderName(options.proxy_user_header) || EqualsIgnoringCase(options.proxy_user_header, "authorization")) {
    return InvalidArgument("'" + options.proxy_user_header + "' is no header for a user's name; for example X-Forwarded-User");
  }
  ASSIGN_OR_RETURN(proxies_, ingest::NetworkPolicy::Parse(options.trusted_proxies));
  ASSIGN_OR_RETURN(proxy_tenant_, TenantNamed(directory_, options.proxy_tenant));
  proxy_header_ = options.proxy_user_header;
  return OkStatus();
}

std::optional<Result<acl::Identity>> IdentityProviders::Identify(const HttpRequest& request, std::string_view token) {
  if (!token.empty()) {
    if (issuers_.empty() || !LooksLikeJwt(token)) return std::nullopt;
    return ByToken(token);
  }
  bool has_credentials = request.Header("authorization") || request.Header("x-api-key");
  if (proxy_header_.empty() || has_credentials || !proxies_.Names(request.peer)) return std::nullopt;
  return ByProxy(request);
}

Result<acl::Identity> IdentityProviders::ByToken(std::string_view token) {
  std::string claimed = ClaimedIssuer(token);
  auto issuer = std::ranges::find(issuers_, claimed, [](const Issuer& each) { return each.config.issuer; });
  if (issuer == issuers_.end()) return PermissionDenied("the identity token is of an issuer that is not configured");
  ASSIGN_OR_RETURN(JwtSubject subject, VerifyJwt(token, issuer->config, *issuer->keys, now_unix_ms_()));
  auto identity = directory_.Vouched(issuer->tenant, subject.user, subject.teams, subject.expires_unix_ms);
  if (identity.status().code() == StatusCode::kInvalidArgument) return PermissionDenied("the identity token names a user that cannot be");
  return identity;
}

// Two headers of the name may mean that a client's own came through.
std::optional<Result<acl::Identity>> IdentityProviders::ByProxy(const HttpRequest& request) const {
  auto named = [&](const HttpField& field) { return EqualsIgnoringCase(field.name, proxy_header_); };
  auto count = std::ranges::count_if(request.headers, named);
  if (count == 0) return std::nullopt;
  if (count > 1) return Result<acl::Identity>(PermissionDenied("the proxy names two users"));
  auto identity = directory_.Vouched(proxy_tenant_, std::ranges::find_if(request.headers, named)->value, {}, 0);
  if (identity.status().code() == StatusCode::kInvalidArgument) return Result<acl::Identity>(PermissionDenied("the proxy names a user that cannot be"));
  return identity;
}

}  // namespace codelore::api
