#include "api/identity/jwk_cache.h"

#include <chrono>
#include <fstream>
#include <utility>

#include "api/http/http_client.h"

namespace codelore::api {
namespace {

constexpr size_t kMaxBytes = 256 * 1024;
constexpr int64_t kBetweenLooksMs = 60'000, kFreshMs = 15 * 60'000, kUsableMs = 24 * 3'600'000;
constexpr std::chrono::milliseconds kTimeout{5'000};

}  // namespace

JwkCache::Fetch JwkCache::FromFile(std::string path) {
  return [path = std::move(path)]() -> Result<std::string> {
    std::ifstream in(path, std::ios::binary);
    std::string text(kMaxBytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    if (text.empty()) return Unavailable(path + ": cannot be read, or is empty");
    return text;
  };
}

Result<JwkCache::Fetch> JwkCache::FromUrl(const std::string& url, std::shared_ptr<const TlsContext> trust) {
  size_t scheme = url.find("://"), path = url.find('/', scheme == url.npos ? 0 : scheme + 3);
  std::string server = url.substr(0, path), target = path == url.npos ? "/" : url.substr(path);
  HttpClient::Options options{.server = server, .connect_timeout = kTimeout, .read_timeout = kTimeout, .total_timeout = kTimeout, .max_answer_bytes = kMaxBytes,
                              .trust = std::move(trust)};
  RETURN_IF_ERROR(HttpClient::Open(options).status());
  return Fetch([options = std::move(options), target = std::move(target)]() -> Result<std::string> {
    ASSIGN_OR_RETURN(auto client, HttpClient::Open(options));  // a client is of one thread
    return client->Get(target);
  });
}

Status JwkCache::Refresh() {
  Result<std::string> text = fetch_();
  Result<JwkSet> set = text.ok() ? JwkSet::Parse(*text) : Result<JwkSet>(text.status());
  std::lock_guard lock(mutex_);
  tried_ = true;
  tried_ms_ = now_();
  if (!set.ok()) return set.status();
  confirmed_ms_ = tried_ms_;
  keys_ = std::make_shared<const JwkSet>(std::move(*set));
  return OkStatus();
}

// `wanting`: a key that is not among those there are.
std::shared_ptr<const JwkSet> JwkCache::Current(bool wanting) {
  {
    std::lock_guard lock(mutex_);
    int64_t now = now_();
    bool stale = !keys_ || wanting || now - confirmed_ms_ >= kFreshMs;
    bool may_look = !looking_ && (!tried_ || now - tried_ms_ >= kBetweenLooksMs);
    if (!stale || !may_look) return keys_ && now - confirmed_ms_ < kUsableMs ? keys_ : nullptr;
    looking_ = true;
  }
  (void)Refresh().ok();  // what there is stays in use for its time
  std::lock_guard lock(mutex_);
  looking_ = false;
  return keys_ && now_() - confirmed_ms_ < kUsableMs ? keys_ : nullptr;
}

bool JwkCache::Verifies(std::string_view id, std::string_view algorithm, std::string_view signed_text, std::string_view signature) {
  auto keys = Current(/*wanting=*/false);
  if (!keys || !keys->Has(id, algorithm)) keys = Current(/*wanting=*/true);
  return keys && keys->Verifies(id, algorithm, signed_text, signature);
}

}  // namespace codelore::api
