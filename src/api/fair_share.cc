#include "api/fair_share.h"

#include <algorithm>
#include <thread>

namespace codelore::api {
namespace {

constexpr std::chrono::seconds kRecently{1};

}  // namespace

FairShare::FairShare(Options options) : options_{std::max<size_t>(options.places != 0 ? options.places : std::thread::hardware_concurrency(), 2),
                                                 options.waiting, options.patience} {}

size_t FairShare::ShareOf(Clock::time_point now) {
  auto active = std::ranges::count_if(lines_, [&](const auto& entry) {
    const Line& line = entry.second;
    return line.running > 0 || line.waiting > 0 || now - line.asked < kRecently;
  });
  return std::max<size_t>(1, options_.places / static_cast<size_t>(std::max<decltype(active)>(active, 1)));
}

std::shared_ptr<FairShare::Place> FairShare::Enter(TenantId tenant) {
  std::unique_lock lock(mutex_);
  Clock::time_point now = Clock::now();
  Line& line = lines_[tenant];
  line.asked = now;
  auto free = [&] { return line.running < ShareOf(Clock::now()); };
  // Who comes later waits behind who waits already.
  if (line.waiting > 0 || !free()) {
    if (line.waiting >= options_.waiting) return nullptr;
    ++line.waiting;
    bool let_in = line.freed.wait_until(lock, now + options_.patience, free);
    --line.waiting;
    if (!let_in) return nullptr;
  }
  ++line.running;
  lock.unlock();
  return std::make_shared<Place>(*this, tenant);
}

void FairShare::Leave(TenantId tenant) {
  std::lock_guard lock(mutex_);
  Line& line = lines_[tenant];
  --line.running;
  // A share that has grown since lets in more than the one that left.
  size_t share = ShareOf(Clock::now());
  for (size_t i = line.running; i < share; ++i) line.freed.notify_one();
}

}  // namespace codelore::api
