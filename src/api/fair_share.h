// FairShare: how many requests of one tenant are worked on at a time, so that a flood of one leaves the processors to the
// others. A tenant that is alone has them all; of several that asked within the last second each has its part, at least
// one. What is more waits in its own tenant's line, and beyond a bound is turned away, so that the threads that wait leave
// some to the others. Nobody ever waits for another tenant's request. Thread-safe.
#ifndef CODELORE_API_FAIR_SHARE_H_
#define CODELORE_API_FAIR_SHARE_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "codelore/ids.h"

namespace codelore::api {

class FairShare {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    size_t places = 0;  // 0: as many as there are processors
    size_t waiting = 48;  // of one tenant
    std::chrono::milliseconds patience{10'000};
  };
  explicit FairShare(Options options);
  FairShare() : FairShare(Options()) {}

  class Place {
   public:
    Place(FairShare& share, TenantId tenant) : share_(share), tenant_(tenant) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { GiveBack(); }
    // What follows takes no processor of ours, or is bounded by other means. Again: nothing.
    void GiveBack() {
      if (!given_back_.exchange(true)) share_.Leave(tenant_);
    }

   private:
    FairShare& share_;
    const TenantId tenant_;
    std::atomic<bool> given_back_ = false;
  };
  // nullptr: too many of this tenant wait, or it took too long. The FairShare must outlive the place.
  std::shared_ptr<Place> Enter(TenantId tenant);

 private:
  struct Line {
    size_t running = 0, waiting = 0;
    Clock::time_point asked{};
    std::condition_variable freed;
  };
  size_t ShareOf(Clock::time_point now);  // with mutex_ held
  void Leave(TenantId tenant);

  const Options options_;
  std::mutex mutex_;
  std::map<TenantId, Line> lines_;  // guarded by mutex_; tenants are few and never go
};

}  // namespace codelore::api

#endif  // CODELORE_API_FAIR_SHARE_H_
