#include "api/quotas.h"

#include <algorithm>
#include <cmath>

namespace codelore::api {
namespace {

constexpr size_t kForgetBeyond = 10'000;  // accounts
constexpr std::chrono::seconds kFull{60};

uint32_t SecondsUntilOne(double tokens, uint32_t per_minute) {
  return std::max(1u, static_cast<uint32_t>(std::ceil((1 - tokens) * 60 / per_minute)));
}

}  // namespace

Quotas::Account& Quotas::AccountOf(const Key& key, uint32_t per_minute, Clock::time_point now) {
  auto [at, added] = accounts_.try_emplace(key);
  Account& account = at->second;
  if (added) account = {.tokens = static_cast<double>(per_minute), .filled = now};
  double minutes = std::chrono::duration<double>(now - account.filled).count() / 60;
  account.tokens = std::min<double>(per_minute, account.tokens + minutes * per_minute);
  account.filled = now;
  return account;
}

// Who has not asked for a minute has a full bucket again, as someone unknown has.
void Quotas::Forget(Clock::time_point now) {
  if (accounts_.size() <= kForgetBeyond) return;
  std::erase_if(accounts_, [&](const auto& entry) { return entry.second.streams == 0 && now - entry.second.filled > kFull; });
}

uint32_t Quotas::TakeRequest(TenantId tenant, const std::string& user) {
  uint32_t per_user = limits_.user_requests_per_minute, per_tenant = limits_.tenant_requests_per_minute;
  if (per_user == 0 && per_tenant == 0) return 0;
  std::lock_guard lock(mutex_);
  Clock::time_point now = now_();
  Forget(now);
  Account& own = AccountOf({tenant.value, user}, per_user, now);
  Account& all = AccountOf({tenant.value, ""}, per_tenant, now);
  if (per_user != 0 && own.tokens < 1) return SecondsUntilOne(own.tokens, per_user);
  if (per_tenant != 0 && all.tokens < 1) return SecondsUntilOne(all.tokens, per_tenant);
  own.tokens -= 1;
  all.tokens -= 1;
  return 0;
}

std::shared_ptr<void> Quotas::TakeStream(TenantId tenant, const std::string& user) {
  std::lock_guard lock(mutex_);
  Clock::time_point now = now_();
  Key user_key{tenant.value, user}, tenant_key{tenant.value, ""};
  Account& own = AccountOf(user_key, limits_.user_requests_per_minute, now);
  Account& all = AccountOf(tenant_key, limits_.tenant_requests_per_minute, now);
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

}  // namespace codelore::api
