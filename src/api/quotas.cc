#include "api/quotas.h"

#include <algorithm>
#include <cmath>

namespace codelore::api {
namespace {

constexpr size_t kForgetBeyond = 10'000;  // accounts
constexpr double kMinute = 60, kDay = 86'400;

}  // namespace

Quotas::Rate Quotas::RequestsOf(const Key& key) const {
  return {static_cast<double>(key.second.empty() ? limits_.tenant_requests_per_minute : limits_.user_requests_per_minute), kMinute};
}
Quotas::Rate Quotas::TokensOf(const Key& key) const {
  return {static_cast<double>(key.second.empty() ? limits_.tenant_tokens_per_day : limits_.user_tokens_per_day), kDay};
}
Quotas::Rate Quotas::IndexBytesOf(const Key& key) const {
  return {static_cast<double>(key.second.empty() ? limits_.tenant_index_bytes_per_day : 0), kDay};
}

void Quotas::Fill(Bucket& bucket, const Rate& rate, Clock::time_point now) {
  double seconds = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.left = bucket.known ? std::min(rate.size, bucket.left + seconds * rate.size / rate.seconds) : rate.size;
  bucket.filled = now;
  bucket.known = true;
}

uint32_t Quotas::SecondsUntil(const Bucket& bucket, const Rate& rate, double wanted) {
  if (rate.size == 0 || bucket.left >= wanted) return 0;
  return std::max(1u, static_cast<uint32_t>(std::min(std::ceil((wanted - bucket.left) * rate.seconds / rate.size), 1e9)));
}

Quotas::Account& Quotas::Filled(const Key& key, Clock::time_point now) {
  Account& account = accounts_[key];
  Fill(account.requests, RequestsOf(key), now);
  Fill(account.tokens, TokensOf(key), now);
  Fill(account.index_bytes, IndexBytesOf(key), now);
  return account;
}

// Someone unknown has full buckets.
void Quotas::Forget(Clock::time_point now) {
  if (accounts_.size() <= kForgetBeyond) return;
  std::erase_if(accounts_, [&](const auto& entry) {
    if (entry.second.streams != 0 || now - entry.second.requests.filled < std::chrono::seconds(static_cast<int>(kMinute))) return false;
    Account account = entry.second;
    Fill(account.tokens, TokensOf(entry.first), now);
    Fill(account.index_bytes, IndexBytesOf(entry.first), now);
    return account.tokens.left >= TokensOf(entry.first).size && account.index_bytes.left >= IndexBytesOf(entry.first).size;
  });
}

uint32_t Quotas::TakeRequest(TenantId tenant, const std::string& user) {
  if (limits_.user_requests_per_minute == 0 && limits_.tenant_requests_per_minute == 0) return 0;
  std::lock_guard lock(mutex_);
  Clock::time_point now = now_();
  Forget(now);
  Key user_key{tenant.value, user}, tenant_key{tenant.value, ""};
  Bucket &own = Filled(user_key, now).requests, &all = Filled(tenant_key, now).requests;
  if (uint32_t seconds = SecondsUntil(own, RequestsOf(user_key), 1); seconds != 0) return seconds;
  if (uint32_t seconds = SecondsUntil(all, RequestsOf(tenant_key), 1); seconds != 0) return seconds;
  own.left -= 1;
  all.left -= 1;
  return 0;
}

std::shared_ptr<void> Quotas::TakeStream(TenantId tenant, const std::string& user) {
  std::lock_guard lock(mutex_);
  Clock::time_point now = now_();
  Key user_key{tenant.value, user}, tenant_key{tenant.value, ""};
  Account &own = Filled(user_key, now), &all = Filled(tenant_key, now);
  if (limits_.user_streams != 0 && own.streams >= limits_.user_streams) return nullptr;
  if (limits_.tenant_streams != 0 && all.streams >= limits_.tenant_streams) return nullptr;
  ++own.streams;
  ++all.streams;
  return {this, [tenant_key, user_key](Quotas* quotas) { quotas->GiveBack(tenant_key, user_key); }};
}

void Quotas::GiveBack(const Key& tenant, const Key& user) {
  std::lock_guard lock(mutex_);
  --accounts_[tenant].streams;
  --accounts_[user].streams;
}

uint32_t Quotas::TokensWait(TenantId tenant, const std::string& user) {
  if (limits_.user_tokens_per_day == 0 && limits_.tenant_tokens_per_day == 0) return 0;
  std::lock_guard lock(mutex_);
  Clock::time_point now = now_();
  Key user_key{tenant.value, user}, tenant_key{tenant.value, ""};
  uint32_t own = SecondsUntil(Filled(user_key, now).tokens, TokensOf(user_key), 1);
  return std::max(own, SecondsUntil(Filled(tenant_key, now).tokens, TokensOf(tenant_key), 1));
}

void Quotas::SpendTokens(TenantId tenant, const std::string& user, uint64_t tokens) {
  if (tokens == 0 || (limits_.user_tokens_per_day == 0 && limits_.tenant_tokens_per_day == 0)) return;
  std::lock_guard lock(mutex_);
  Clock::time_point now = now_();
  Forget(now);
  Filled({tenant.value, user}, now).tokens.left -= static_cast<double>(tokens);
  Filled({tenant.value, ""}, now).tokens.left -= static_cast<double>(tokens);
}

uint32_t Quotas::IndexBytesWait(TenantId tenant) {
  if (limits_.tenant_index_bytes_per_day == 0) return 0;
  std::lock_guard lock(mutex_);
  Key key{tenant.value, ""};
  return SecondsUntil(Filled(key, now_()).index_bytes, IndexBytesOf(key), 1);
}

void Quotas::SpendIndexBytes(TenantId tenant, uint64_t bytes) {
  if (limits_.tenant_index_bytes_per_day == 0) return;
  std::lock_guard lock(mutex_);
  Filled({tenant.value, ""}, now_()).index_bytes.left -= static_cast<double>(bytes);
}

uint32_t Quotas::TakeIndexBytes(TenantId tenant, uint64_t bytes) {
  if (limits_.tenant_index_bytes_per_day == 0) return 0;
  std::lock_guard lock(mutex_);
  Key key{tenant.value, ""};
  Bucket& bucket = Filled(key, now_()).index_bytes;
  uint32_t seconds = SecondsUntil(bucket, IndexBytesOf(key), static_cast<double>(bytes));
  if (seconds == 0) bucket.left -= static_cast<double>(bytes);
  return seconds;
}

}  // namespace codelore::api
