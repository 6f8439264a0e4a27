#include "api/lookout.h"

#include <algorithm>
#include <random>
#include <utility>

namespace codelore::api {
namespace {

// Between the beginnings of two looks at one source, however often somebody asks: a delivery that is sent again and again
// must not make us a flood for the forge.
constexpr std::chrono::milliseconds kLeastBetween{200};

std::chrono::milliseconds Spread(double milliseconds) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(static_cast<int64_t>(std::uniform_real_distribution<double>(.9, 1.1)(random) * milliseconds));
}

}  // namespace

Lookout::Lookout(Options options) : options_(std::move(options)) {
  Reload();
  for (std::jthread& thread : threads_) thread = std::jthread([this](std::stop_token stop) { Run(stop); });
}

Lookout::~Lookout() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void Lookout::Reload() {
  std::lock_guard lock(mutex_);
  Load();
  changed_.notify_all();
}

void Lookout::Load() {
  std::map<SourceId, Watched> next;
  Status status = options_.list([&](SourceId source, uint32_t seconds) {
    Watched& watched = next[source];
    auto before = watched_.find(source);
    if (before != watched_.end()) watched = before->second;
    if (watched.seconds == seconds) return;
    watched.due = Clock::now() + Spread(1000.0 * options_.first * seconds);
    watched.seconds = seconds;
  });
  (void)status.ok();  // what can be read is looked at; the rest shows when it is asked for
  watched_ = std::move(next);
}

bool Lookout::LookNow(SourceId source) {
  std::lock_guard lock(mutex_);
  auto at = watched_.find(source);
  if (at == watched_.end()) return false;
  at->second.again = at->second.busy;
  at->second.due = std::max(Clock::now(), at->second.started + kLeastBetween);
  changed_.notify_all();
  return true;
}

PollState Lookout::StateOf(SourceId source) const {
  std::lock_guard lock(mutex_);
  auto at = watched_.find(source);
  return at == watched_.end() ? PollState() : at->second.state;
}

std::optional<SourceId> Lookout::NextDue() const {
  for (const auto& [source, watched] : watched_) {
    if (!watched.busy && watched.due <= Clock::now()) return source;
  }
  return std::nullopt;
}

Lookout::Clock::time_point Lookout::NextTime() const {
  Clock::time_point next = Clock::now() + std::chrono::hours(1);
  for (const auto& [source, watched] : watched_) {
    if (!watched.busy) next = std::min(next, watched.due);
  }
  return next;
}

void Lookout::Run(std::stop_token stop) {
  for (;;) {
    std::optional<SourceId> next;
    {
      std::unique_lock lock(mutex_);
      while (!stop.stop_requested() && !(next = NextDue())) changed_.wait_until(lock, stop, NextTime(), [this, seen = NextTime()] {
        return NextDue().has_value() || NextTime() < seen;
      });
      if (stop.stop_requested()) return;
      watched_[*next].busy = true;
      watched_[*next].started = Clock::now();
    }
    Look(*next, stop);
  }
}

void Lookout::Look(SourceId source, std::stop_token stop) {
  auto start = Clock::now();
  Status status = options_.look(source, stop);
  std::lock_guard lock(mutex_);
  auto at = watched_.find(source);
  if (at == watched_.end()) return;
  Watched& watched = at->second;
  watched.busy = false;
  watched.state.looked_unix_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  watched.state.took_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  watched.state.failures = status.ok() ? 0 : watched.state.failures + 1;
  watched.state.error = status.message();
  // Somebody asked meanwhile: what this look saw may be older than what they know of.
  if (!std::exchange(watched.again, false)) watched.due = Clock::now() + Spread(options_.pause_ms(watched.seconds, watched.state.failures));
  changed_.notify_all();
}

}  // namespace codelore::api
