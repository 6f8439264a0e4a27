// The authorization code flow with PKCE: OpenID Connect Core 3.1, RFC 7636, as RFC 9700 advises.
//
// Every address is configured; nothing an issuer or a browser says is one. A sign-in that was begun can be ended once, within
// ten minutes, by the browser that began it, through the issuer it was begun with. Thread-safe.
#ifndef CODELORE_API_IDENTITY_CODE_FLOW_H_
#define CODELORE_API_IDENTITY_CODE_FLOW_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/http/tls.h"
#include "api/identity/identity_options.h"
#include "codelore/status.h"

namespace codelore::api {

// A sign-in under way.
struct BegunSignIn {
  std::string url;      // where the browser goes
  std::string binding;  // for a cookie of that browser
};

// What a browser brings back.
struct CodeAnswer {
  std::string code, state, issuer;  // issuer: of RFC 9207, empty where the issuer does not send it
  std::string binding;              // the cookie
};

struct CodeResult {
  std::string id_token, nonce;  // the token is not checked yet, and must hold this nonce
  std::string next;
};

class CodeFlow {
 public:
  using Clock = std::function<int64_t()>;  // milliseconds
  static constexpr int64_t kLifetimeMs = 600'000;
  static constexpr size_t kMaxBegun = 4096;  // beyond: the oldest is forgotten

  // `redirect`: where the issuer sends the browser back to.
  CodeFlow(const OidcConfig& config, std::string redirect, std::shared_ptr<const TlsContext> trust, Clock now)
      : config_(config), redirect_(std::move(redirect)), trust_(std::move(trust)), now_(std::move(now)) {}

  Result<BegunSignIn> Begin(const std::string& next);
  // kPermissionDenied: it was not begun here, or is over; kUnavailable: the issuer does not answer.
  Result<CodeResult> Finish(const CodeAnswer& answer);

 private:
  struct Begun {
    std::string nonce, verifier, binding, next;
    int64_t until_ms = 0;
  };
  Result<std::string> Exchange(const std::string& code, const std::string& verifier) const;

  const OidcConfig config_;
  const std::string redirect_;
  const std::shared_ptr<const TlsContext> trust_;
  const Clock now_;
  std::mutex mutex_;
  std::map<std::string, Begun> begun_;  // by state; guarded by mutex_
};

// A path of this server to go on to; "/me" for whatever else is asked for, such as another site.
std::string SafeNext(std::string_view next);

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_CODE_FLOW_H_
