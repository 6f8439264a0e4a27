#include "api/identity/web_sessions.h"

#include <algorithm>
#include <utility>

#include "acl/token_text.h"
#include "api/identity/jwk.h"

namespace codelore::api {
namespace {

constexpr size_t kValueBytes = 32, kMaxValueText = 64;

}  // namespace

Result<std::unique_ptr<WebSessions>> WebSessions::Open(const acl::Directory& directory, Clock now) {
  ASSIGN_OR_RETURN(std::string key, acl::RandomBytes(acl::kTokenKeyBytes));
  return std::unique_ptr<WebSessions>(new WebSessions(directory, std::move(now), std::move(key)));
}

// Called with mutex_ held. What has run out goes, then what was unused longest.
void WebSessions::MakeRoom(TenantId tenant, const std::string& user) {
  const int64_t now = now_();
  std::erase_if(entries_, [&](const auto& each) { return now - each.second.used_ms >= kIdleMs || now - each.second.began_ms >= kLongestMs; });
  auto own = [&](const auto& each) { return each.second.identity.tenant == tenant && each.second.identity.user == user; };
  bool many = static_cast<size_t>(std::ranges::count_if(entries_, own)) >= kMaxOfUser;
  if (!many && entries_.size() < kMax) return;
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (many && !own(*at)) continue;
    if (oldest == entries_.end() || at->second.used_ms < oldest->second.used_ms) oldest = at;
  }
  if (oldest != entries_.end()) entries_.erase(oldest);
}

Result<std::string> WebSessions::Begin(const acl::Identity& identity) {
  ASSIGN_OR_RETURN(std::string value, acl::RandomBytes(kValueBytes));
  ASSIGN_OR_RETURN(std::string csrf, acl::RandomBytes(kValueBytes));
  value = EncodeBase64Url(value);
  ASSIGN_OR_RETURN(std::string hash, acl::HashToken(key_, value));
  std::lock_guard lock(mutex_);
  MakeRoom(identity.tenant, identity.user);
  entries_[hash] = {.identity = identity, .csrf = EncodeBase64Url(csrf), .began_ms = now_(), .used_ms = now_()};
  return value;
}

std::optional<WebSession> WebSessions::Find(std::string_view value) {
  auto hash = acl::HashToken(key_, value.substr(0, kMaxValueText));
  if (!hash.ok() || value.empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  auto at = entries_.find(*hash);
  if (at == entries_.end()) return std::nullopt;
  Entry& entry = at->second;
  const int64_t now = now_();
  bool over = now - entry.used_ms >= kIdleMs || now - entry.began_ms >= kLongestMs;
  auto identity = over ? Result<acl::Identity>(PermissionDenied("over")) : directory_.Renewed(entry.identity);
  if (identity.status().code() == StatusCode::kPermissionDenied || identity.status().code() == StatusCode::kNotFound) entries_.erase(at);
  if (!identity.ok()) return std::nullopt;
  entry.used_ms = now;
  return WebSession{std::move(*identity), entry.csrf};
}

void WebSessions::End(std::string_view value) {
  auto hash = acl::HashToken(key_, value.substr(0, kMaxValueText));
  std::lock_guard lock(mutex_);
  if (hash.ok()) entries_.erase(*hash);
}

void WebSessions::EndAllOf(TenantId tenant, const std::string& user) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& each) { return each.second.identity.tenant == tenant && each.second.identity.user == user; });
}

}  // namespace codelore::api
