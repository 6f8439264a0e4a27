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
  ASSIGN_OR_RETURN(providers->web_sessions_, WebSessions::Open(directory, providers->now_unix_ms_));
  RETURN_IF_ERROR(providers->SetPublicUrl(options));
  for (const OidcConfig& config : options.oidc) RETURN_IF_ERROR(providers->AddIssuer(config, options));
  RETURN_IF_ERROR(providers->SetCertificates(options));
  RETURN_IF_ERROR(providers->SetProxies(options));
  return providers;
}

Status IdentityProviders::AddIssuer(const OidcConfig& config, const IdentityOptions& options) {
  bool again = std::ranges::any_of(issuers_, [&](const Issuer& issuer) { return issuer.config.issuer == config.issuer; });
  if (again) return InvalidArgument("oidc: the issuer " + config.issuer + " is given twice");
  Issuer issuer{.config = config, .tenant = {}, .keys = nullptr};
  ASSIGN_OR_RETURN(issuer.tenant, TenantNamed(directory_, config.tenant));
  JwkCache::Fetch fetch = JwkCache::FromFile(config.keys_file);
  if (!config.keys_url.empty()) {
    ASSIGN_OR_RETURN(fetch, JwkCache::FromUrl(config.keys_url, options.trust));
  }
  issuer.keys = std::make_unique<JwkCache>(std::move(fetch), now_unix_ms_);
  Status looked = issuer.keys->Refresh();
  if (!looked.ok() && config.keys_url.empty()) return InvalidArgument("oidc: " + config.keys_file + ": " + looked.message());
  if (!config.client_id.empty()) {
    bool named = std::ranges::any_of(issuers_, [&](const Issuer& each) { return each.flow && each.config.name == config.name; });
    if (named) return InvalidArgument("oidc: two issuers to sign in by need names: name=...");
    if (public_url_.empty()) return InvalidArgument("oidc: signing in with a browser needs --public-url, where browsers find this server");
    issuer.flow = std::make_unique<CodeFlow>(config, public_url_ + "/signin/" + config.name + "/callback", options.trust, now_unix_ms_);
  }
  issuers_.push_back(std::move(issuer));
  return OkStatus();
}

Status IdentityProviders::SetCertificates(const IdentityOptions& options) {
  if (options.certificate_user.empty()) return OkStatus();
  by_common_name_ = options.certificate_user == "cn";
  by_email_ = options.certificate_user == "email";
  if (!by_common_name_ && !by_email_) return InvalidArgument("a certificate names its user by cn or by email, not by '" + options.certificate_user + "'");
  ASSIGN_OR_RETURN(certificate_tenant_, TenantNamed(directory_, options.certificate_tenant));
  return OkStatus();
}

Status IdentityProviders::SetPublicUrl(const IdentityOptions& options) {
  public_url_ = options.public_url;
  while (public_url_.ends_with('/')) public_url_.pop_back();
  if (public_url_.empty()) return OkStatus();
  size_t scheme = public_url_.find("://");
  bool local = public_url_.starts_with("http://127.0.0.1") || public_url_.starts_with("http://localhost") || public_url_.starts_with("http://[::1]");
  bool sound = (local || public_url_.starts_with("https://")) && public_url_.find_first_of("/?#@ ", scheme + 3) == std::string::npos;
  return sound ? OkStatus() : InvalidArgument("--public-url is https://HOST[:PORT], where browsers find this server, not '" + options.public_url + "'");
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

std::optional<Result<acl::Identity>> IdentityProviders::Identify(const HttpRequest& request, std::string_view token, bool browser) {
  if (!token.empty()) {
    if (issuers_.empty() || !LooksLikeJwt(token)) return std::nullopt;
    return ByToken(token);
  }
  bool has_credentials = request.Header("authorization") || request.Header("x-api-key");
  if (has_credentials) return std::nullopt;
  if (request.certificate && (by_common_name_ || by_email_)) return ByCertificate(*request.certificate);
  if (browser) {
    if (auto session = ByCookie(request)) return session;
  }
  if (proxy_header_.empty() || !proxies_.Names(request.peer)) return std::nullopt;
  return ByProxy(request);
}

bool IdentityProviders::IsSecure(const HttpRequest& request) const {
  if (request.encrypted || public_url_.starts_with("https://")) return true;
  auto named = [](const HttpField& field) { return EqualsIgnoringCase(field.name, "X-Forwarded-Proto"); };
  return !proxy_header_.empty() && proxies_.Names(request.peer) && std::ranges::count_if(request.headers, named) == 1 &&
         request.Header("X-Forwarded-Proto") == "https";
}

// A name that browsers take from nobody but this very host, over TLS.
std::string IdentityProviders::CookieOf(const HttpRequest& request, std::string_view name) const {
  const std::string wanted = (IsSecure(request) ? "__Host-" : "") + std::string(name) + "=";
  std::string value;
  int count = 0;
  for (const HttpField& field : request.headers) {
    if (!EqualsIgnoringCase(field.name, "Cookie")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      std::string_view one = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      while (one.starts_with(' ')) one.remove_prefix(1);
      if (!one.starts_with(wanted)) continue;
      value = one.substr(wanted.size());
      ++count;
    }
  }
  return count == 1 ? value : "";
}

std::string IdentityProviders::SetCookie(const HttpRequest& request, std::string_view name, const std::string& value, int64_t seconds) const {
  bool secure = IsSecure(request);
  return (secure ? "__Host-" : "") + std::string(name) + "=" + value + "; Path=/; HttpOnly; SameSite=Lax" + (secure ? "; Secure" : "") +
         "; Max-Age=" + std::to_string(value.empty() ? 0 : seconds);
}

bool IdentityProviders::IsOwnOrigin(const HttpRequest& request) const {
  auto origin = request.Header("Origin");
  std::string own = public_url_.empty() ? (IsSecure(request) ? "https://" : "http://") + std::string(request.Header("Host").value_or("")) : public_url_;
  return origin && EqualsIgnoringCase(*origin, own);
}

std::optional<WebSession> IdentityProviders::SessionOf(const HttpRequest& request) { return web_sessions_->Find(CookieOf(request, kSessionCookie)); }

// A browser sends cookies along whoever makes it ask, so what can change something must also show that a page of ours asked.
std::optional<Result<acl::Identity>> IdentityProviders::ByCookie(const HttpRequest& request) {
  auto session = SessionOf(request);
  if (!session) return std::nullopt;
  bool safe = request.method == "GET" || request.method == "HEAD";
  if (!safe && (!IsOwnOrigin(request) || request.Header("X-Codelore-Csrf") != session->csrf)) {
    return Result<acl::Identity>(PermissionDenied("a browser's request must come from a page of this server"));
  }
  return Result<acl::Identity>(std::move(session->identity));
}

std::vector<std::string> IdentityProviders::SignInNames() const {
  std::vector<std::string> names;
  for (const Issuer& issuer : issuers_) {
    if (issuer.flow) names.push_back(issuer.config.name);
  }
  return names;
}

Result<IdentityProviders::Issuer*> IdentityProviders::SignInBy(std::string_view name) {
  auto issuer = std::ranges::find_if(issuers_, [&](const Issuer& each) { return each.flow && each.config.name == name; });
  if (issuer == issuers_.end()) return NotFound("nobody of that name signs people in here");
  return &*issuer;
}

Result<BegunSignIn> IdentityProviders::BeginSignIn(std::string_view name, const std::string& next) {
  ASSIGN_OR_RETURN(Issuer * issuer, SignInBy(name));
  return issuer->flow->Begin(next);
}

// The identity token is for us as the issuer's client, which is another audience than that of bearer tokens.
Result<IdentityProviders::SignedIn> IdentityProviders::FinishSignIn(std::string_view name, const CodeAnswer& answer) {
  ASSIGN_OR_RETURN(Issuer * issuer, SignInBy(name));
  ASSIGN_OR_RETURN(CodeResult result, issuer->flow->Finish(answer));
  OidcConfig config = issuer->config;
  config.audience = config.client_id;
  ASSIGN_OR_RETURN(JwtSubject subject, VerifyJwt(result.id_token, config, *issuer->keys, now_unix_ms_()));
  if (subject.nonce != result.nonce) return PermissionDenied("the identity token was made for another sign-in");
  bool ours = subject.authorized_party.empty() || subject.authorized_party == config.client_id;
  if (!ours) return PermissionDenied("the identity token was made for another service");
  auto identity = directory_.Vouched(issuer->tenant, subject.user, subject.teams, now_unix_ms_() + WebSessions::kLongestMs);
  if (identity.status().code() == StatusCode::kInvalidArgument) return PermissionDenied("the identity token names a user that cannot be");
  RETURN_IF_ERROR(identity.status());
  return SignedIn{.identity = std::move(*identity), .next = std::move(result.next)};
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

// Two names may be of two people. A connection may outlive its certificate.
Result<acl::Identity> IdentityProviders::ByCertificate(const TlsPeer& certificate) const {
  const auto& names = by_email_ ? certificate.emails : certificate.common_names;
  if (names.size() != 1) return PermissionDenied("the client's certificate names no user, or several");
  if (now_unix_ms_() >= certificate.expires_unix_ms) return PermissionDenied("the client's certificate has expired");
  auto identity = directory_.Vouched(certificate_tenant_, names[0], {}, certificate.expires_unix_ms);
  if (identity.status().code() == StatusCode::kInvalidArgument) return PermissionDenied("the client's certificate names a user that cannot be");
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
