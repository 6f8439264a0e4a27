// Lookout: looks at sources now and then, each at its own interval, and at one at once when it is told to.
//
// Times are spread by a tenth. Several threads, so that one slow server holds up no other source; a source is looked at
// by one of them at a time, and again afterwards when somebody asked while it was. Thread-safe.
#ifndef CODELORE_API_LOOKOUT_H_
#define CODELORE_API_LOOKOUT_H_

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
#include "codelore/status.h"

namespace codelore::api {

// What became of the last look; of this process's time only.
struct PollState {
  int64_t looked_unix_ms = 0;  // 0: not yet
  double took_ms = 0;
  uint32_t failures = 0;  // in a row
  std::string error;      // of the last look
};

class Lookout {
 public:
  struct Options {
    // All sources to look at, with their intervals.
    std::function<Status(const std::function<void(SourceId, uint32_t seconds)>& visit)> list;
    std::function<Status(SourceId, std::stop_token)> look;
    // Until the next look, after so many failures in a row.
    std::function<double(uint32_t seconds, uint32_t failures)> pause_ms;
    double first = .1;  // the first look at a source comes after this part of its interval
  };
  explicit Lookout(Options options);
  ~Lookout();

  void Reload();  // the list has changed
  bool LookNow(SourceId source);  // false: it is not one of those looked at
  PollState StateOf(SourceId source) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Watched {
    uint32_t seconds = 0;
    Clock::time_point due, started;
    bool busy = false, again = false;
    PollState state;
  };
  void Run(std::stop_token stop);
  void Load();  // with mutex_ held
  void Look(SourceId source, std::stop_token stop);
  std::optional<SourceId> NextDue() const;
  Clock::time_point NextTime() const;

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<SourceId, Watched> watched_;  // guarded by mutex_
  std::array<std::jthread, 2> threads_;  // last: they use the rest
};

}  // namespace codelore::api

#endif  // CODELORE_API_LOOKOUT_H_
