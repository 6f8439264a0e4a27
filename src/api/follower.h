// Follower: looks at followed sources now and then, and queues a job for those with news. The safety net under
// webhooks, and all there is for sources without.
//
// A look is the commit at the tip of the branch, nothing more. Times are spread by a tenth; a source that cannot be
// looked at is looked at less and less often, down to once an hour. Several threads, so that one slow forge holds up
// no other source. Thread-safe.
#ifndef CODELORE_API_FOLLOWER_H_
#define CODELORE_API_FOLLOWER_H_

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "codelore/ids.h"
#include "codelore/store.h"

namespace codelore::api {

// What became of the last look; of this process's time only.
struct PollState {
  int64_t looked_unix_ms = 0;  // 0: not yet
  double took_ms = 0;
  uint32_t failures = 0;  // in a row
  std::string error;      // of the last look
};

class Follower {
 public:
  struct Work {
    std::function<Result<bool>(SourceId, std::stop_token)> has_news;
    std::function<Status(SourceId)> submit;
  };
  // `store` must outlive it.
  Follower(KeyValueStore& store, Work work);
  ~Follower();

  void Reload();  // settings have changed
  PollState StateOf(SourceId source) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Followed {
    uint32_t poll_seconds = 0;
    Clock::time_point due;
    bool busy = false;
    PollState state;
  };
  void Run(std::stop_token stop);
  void Load();  // with mutex_ held
  void Look(SourceId source, std::stop_token stop);
  std::optional<SourceId> NextDue() const;
  Clock::time_point NextTime() const;

  KeyValueStore& store_;
  const Work work_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<SourceId, Followed> followed_;  // guarded by mutex_
  std::array<std::jthread, 2> threads_;    // last: they use the rest
};

}  // namespace codelore::api

#endif  // CODELORE_API_FOLLOWER_H_
