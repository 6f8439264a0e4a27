// JwkCache: an issuer's keys, as its file or address had them lately.
//
// However many tokens with unknown keys come, the keys are looked at again once a minute at most. They are used for a day
// without having been confirmed, then for nothing: an issuer that is down lets nobody in for ever. One thread looks,
// within five seconds; the others go on with what there is. Thread-safe.
#ifndef CODELORE_API_IDENTITY_JWK_CACHE_H_
#define CODELORE_API_IDENTITY_JWK_CACHE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/http/tls.h"
#include "api/identity/jwk.h"
#include "codelore/status.h"

namespace codelore::api {

class JwkCache {
 public:
  using Fetch = std::function<Result<std::string>()>;  // the text of a key set
  using Clock = std::function<int64_t()>;              // milliseconds
  JwkCache(Fetch fetch, Clock now) : fetch_(std::move(fetch)), now_(std::move(now)) {}

  static Fetch FromFile(std::string path);
  // Follows no redirect. `trust`: see HttpClient::Options.
  static Result<Fetch> FromUrl(const std::string& url, std::shared_ptr<const TlsContext> trust = {});

  // Looks at the keys, whether or not it is time.
  Status Refresh();
  bool Verifies(std::string_view id, std::string_view algorithm, std::string_view signed_text, std::string_view signature);

 private:
  std::shared_ptr<const JwkSet> Current(bool wanting);

  const Fetch fetch_;
  const Clock now_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<const JwkSet> keys_;
  int64_t confirmed_ms_ = 0, tried_ms_ = 0;
  bool tried_ = false, looking_ = false;
};

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_JWK_CACHE_H_
