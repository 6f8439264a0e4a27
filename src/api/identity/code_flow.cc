#include "api/identity/code_flow.h"

#include <algorithm>
#include <utility>

#include "acl/token_text.h"
#include "api/http/http_client.h"
#include "api/http/http_target.h"
#include "api/identity/jwk.h"
#include "api/json_request.h"
#include "ingest/tree.h"

namespace codelore::api {
namespace {

constexpr size_t kRandomBytes = 32, kMaxNextBytes = 2000, kMaxCodeBytes = 4096, kMaxAnswerBytes = 64 * 1024;
constexpr std::chrono::milliseconds kTimeout{10'000};

Result<std::string> RandomText() {
  ASSIGN_OR_RETURN(std::string bytes, acl::RandomBytes(kRandomBytes));
  return EncodeBase64Url(bytes);
}

Status NotBegun() { return PermissionDenied("this sign-in was not begun in this browser, or took too long; begin again"); }

std::string Field(std::string_view name, std::string_view value) { return std::string(name) + "=" + PercentEncode(value); }

}  // namespace

std::string SafeNext(std::string_view next) {
  bool plain = std::ranges::all_of(next, [](char c) { return c > ' ' && c < 0x7F && c != '\\' && c != '"' && c != '<'; });
  bool path = next.starts_with('/') && !next.starts_with("//") && next.size() <= kMaxNextBytes;
  return plain && path ? std::string(next) : "/me";
}

Result<BegunSignIn> CodeFlow::Begin(const std::string& next) {
  Begun begun{.nonce = {}, .verifier = {}, .binding = {}, .next = SafeNext(next), .until_ms = now_() + kLifetimeMs};
  ASSIGN_OR_RETURN(std::string state, RandomText());
  ASSIGN_OR_RETURN(begun.nonce, RandomText());
  ASSIGN_OR_RETURN(begun.verifier, RandomText());
  ASSIGN_OR_RETURN(begun.binding, RandomText());
  std::string challenge = EncodeBase64Url(std::string(ingest::Sha256Of(begun.verifier).view()));
  std::string url = config_.authorize_url + (config_.authorize_url.find('?') == std::string::npos ? "?" : "&");
  url += "response_type=code&" + Field("client_id", config_.client_id) + "&" + Field("redirect_uri", redirect_) + "&" + Field("scope", config_.scope) + "&" +
         Field("state", state) + "&" + Field("nonce", begun.nonce) + "&" + Field("code_challenge", challenge) + "&code_challenge_method=S256";
  BegunSignIn answer{std::move(url), begun.binding};
  std::lock_guard lock(mutex_);
  std::erase_if(begun_, [&](const auto& each) { return each.second.until_ms <= now_(); });
  if (begun_.size() >= kMaxBegun) begun_.erase(std::ranges::min_element(begun_, {}, [](const auto& each) { return each.second.until_ms; }));
  begun_[state] = std::move(begun);
  return answer;
}

// Whatever comes of it, a state is good for one try.
Result<CodeResult> CodeFlow::Finish(const CodeAnswer& answer) {
  Begun begun;
  {
    std::lock_guard lock(mutex_);
    auto at = begun_.find(answer.state);
    if (at == begun_.end()) return NotBegun();
    begun = std::move(at->second);
    begun_.erase(at);
  }
  if (begun.until_ms <= now_() || answer.binding != begun.binding) return NotBegun();
  if (!answer.issuer.empty() && answer.issuer != config_.issuer) return PermissionDenied("the answer is of another issuer than this sign-in was begun with");
  if (answer.code.empty() || answer.code.size() > kMaxCodeBytes) return PermissionDenied("the issuer did not sign you in");
  ASSIGN_OR_RETURN(std::string token, Exchange(answer.code, begun.verifier));
  return CodeResult{.id_token = std::move(token), .nonce = std::move(begun.nonce), .next = std::move(begun.next)};
}

Result<std::string> CodeFlow::Exchange(const std::string& code, const std::string& verifier) const {
  size_t scheme = config_.token_url.find("://"), path = config_.token_url.find('/', scheme + 3);
  HttpClient::Options options{.server = config_.token_url.substr(0, path), .connect_timeout = kTimeout, .read_timeout = kTimeout, .total_timeout = kTimeout,
                              .max_answer_bytes = kMaxAnswerBytes, .trust = trust_};
  std::string form = "grant_type=authorization_code&" + Field("code", code) + "&" + Field("redirect_uri", redirect_) + "&" + Field("code_verifier", verifier) +
                     "&" + Field("client_id", config_.client_id);
  if (!config_.client_secret.empty()) form += "&" + Field("client_secret", config_.client_secret);
  ASSIGN_OR_RETURN(auto client, HttpClient::Open(std::move(options)));
  ASSIGN_OR_RETURN(HttpAnswer answer, client->Submit(path == std::string::npos ? "/" : config_.token_url.substr(path), form));
  if (answer.http_status >= 500) return Unavailable("the issuer does not give out tokens now");
  auto json = JsonRequest::Parse(answer.body, {JsonRequest::kAnyField});
  std::string token = answer.http_status == 200 && json.ok() ? json->String("id_token") : "";
  if (token.empty()) return PermissionDenied("the issuer gave no identity token for this sign-in");
  return token;
}

}  // namespace codelore::api
