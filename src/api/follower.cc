#include "api/follower.h"

#include <algorithm>
#include <random>
#include <utility>

#include "api/follow_settings.h"

namespace codelore::api {
namespace {

constexpr double kLongestPauseMs = 3'600'000;

std::chrono::milliseconds Spread(double milliseconds) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(static_cast<int64_t>(std::uniform_real_distribution<double>(.9, 1.1)(random) * milliseconds));
}

// After n failures in a row: twice as long each time, up to an hour or the source's own time.
std::chrono::milliseconds PauseOf(uint32_t poll_seconds, uint32_t failures) {
  double usual = 1000.0 * poll_seconds;
  return Spread(std::min(usual * static_cast<double>(1u << std::min(failures, 16u)), std::max(usual, kLongestPauseMs)));
}

}  // namespace

Follower::Follower(KeyValueStore& store, Work work) : store_(store), work_(std::move(work)) {
  Reload();
  for (std::jthread& thread : threads_) thread = std::jthread([this](std::stop_token stop) { Run(stop); });
}

Follower::~Follower() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void Follower::Reload() {
  std::lock_guard lock(mutex_);
  Load();
  changed_.notify_all();
}

void Follower::Load() {
  std::map<SourceId, Followed> next;
  Status status = ForEachFollowSettings(store_, [&](SourceId source, const FollowSettings& settings) {
    if (settings.poll_seconds == 0 || settings.paused) return;
    Followed& followed = next[source];
    auto before = followed_.find(source);
    if (before != followed_.end()) followed = before->second;
    // A new one is looked at after a tenth of its time: news from while nobody looked.
    auto first = Spread(100.0 * settings.poll_seconds);
    if (before == followed_.end()) followed.due = Clock::now() + first;
    if (before != followed_.end() && followed.poll_seconds != settings.poll_seconds) followed.due = Clock::now() + first;
    followed.poll_seconds = settings.poll_seconds;
  });
  (void)status.ok();  // what can be read is followed; the rest shows when it is asked for
  followed_ = std::move(next);
}

PollState Follower::StateOf(SourceId source) const {
  std::lock_guard lock(mutex_);
  auto at = followed_.find(source);
  return at == followed_.end() ? PollState() : at->second.state;
}

std::optional<SourceId> Follower::NextDue() const {
  for (const auto& [source, followed] : followed_) {
    if (!followed.busy && followed.due <= Clock::now()) return source;
  }
  return std::nullopt;
}

Follower::Clock::time_point Follower::NextTime() const {
  Clock::time_point next = Clock::now() + std::chrono::hours(1);
  for (const auto& [source, followed] : followed_) {
    if (!followed.busy) next = std::min(next, followed.due);
  }
  return next;
}

void Follower::Run(std::stop_token stop) {
  for (;;) {
    std::optional<SourceId> next;
    {
      std::unique_lock lock(mutex_);
      while (!stop.stop_requested() && !(next = NextDue())) {
        changed_.wait_until(lock, stop, NextTime(), [&] { return NextDue().has_value(); });
      }
      if (stop.stop_requested()) return;
      followed_[*next].busy = true;
    }
    Look(*next, stop);
  }
}

void Follower::Look(SourceId source, std::stop_token stop) {
  auto start = Clock::now();
  auto news = work_.has_news(source, stop);
  double took = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  Status status = news.status();
  if (news.ok() && *news) status = work_.submit(source);
  std::lock_guard lock(mutex_);
  auto at = followed_.find(source);
  if (at == followed_.end()) return;
  Followed& followed = at->second;
  followed.busy = false;
  followed.state.looked_unix_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  followed.state.took_ms = took;
  followed.state.failures = status.ok() ? 0 : followed.state.failures + 1;
  followed.state.error = status.message();
  followed.due = Clock::now() + PauseOf(followed.poll_seconds, followed.state.failures);
  changed_.notify_all();
}

}  // namespace codelore::api
