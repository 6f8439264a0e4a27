// Quotas: how much callers may ask for: requests a minute, and streams at once, per user and per tenant, so that one's
// flood leaves the others theirs. Requests are counted in a bucket that holds a minute's worth and fills evenly.
// Thread-safe; bounded: users who ask for nothing are forgotten.
#ifndef CODELORE_API_QUOTAS_H_
#define CODELORE_API_QUOTAS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "codelore/ids.h"

namespace codelore::api {

// 0: no limit.
struct QuotaLimits {
  uint32_t user_requests_per_minute = 0, tenant_requests_per_minute = 0;
  uint32_t user_streams = 0, tenant_streams = 0;
};

class Quotas {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Quotas(QuotaLimits limits, std::function<Clock::time_point()> now = Clock::now) : limits_(limits), now_(std::move(now)) {}

  // 0: go on. Else the seconds after which another try can succeed; the request is not counted then.
  uint32_t TakeRequest(TenantId tenant, const std::string& user);

  // Holds a stream's place until it is destroyed; nullptr: all are taken. The Quotas must outlive it.
  std::shared_ptr<void> TakeStream(TenantId tenant, const std::string& user);

 private:
  struct Account {
    double tokens = 0;
    Clock::time_point filled{};
    uint32_t streams = 0;
  };
  using Key = std::pair<uint32_t, std::string>;  // the tenant's own: an empty user
  Account& AccountOf(const Key& key, uint32_t per_minute, Clock::time_point now);
  void Forget(Clock::time_point now);
  void GiveBack(const Key& tenant, const Key& user);

  const QuotaLimits limits_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::map<Key, Account> accounts_;  // guarded by mutex_
};

}  // namespace codelore::api

#endif  // CODELORE_API_QUOTAS_H_
