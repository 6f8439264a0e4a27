// IndexQueue: the indexing jobs of a server. A job brings one source up to date: it is on disk before Submit returns, so
// what was accepted is done after a crash too, and however often it is asked for, one waits beside one that runs.
//
// Two lanes, a thread each: small updates never wait for first imports. In a lane, who runs longer than its slice
// gives way to who waits (what is committed stays, and it goes on from there, with twice the slice), and who is at its
// vectors gives way at once to who has text to show. A run that fails for want of something outside (network, disk)
// is tried again, later and later; one during which the process died three times is parked until somebody asks for it.
#ifndef CODELORE_API_INDEX_QUEUE_H_
#define CODELORE_API_INDEX_QUEUE_H_

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "api/metrics.h"
#include "codelore/ids.h"
#include "codelore/store.h"
#include "ingest/indexer.h"

namespace codelore::api {

enum class JobPhase { kWaiting, kRunning, kDone, kFailed, kParked };

struct JobState {
  JobPhase phase = JobPhase::kWaiting;
  ingest::IndexProgress progress;  // of the last run
  std::string error;               // why the last run failed, or why it is parked
  int64_t since_unix_ms = 0;       // when what is not done yet was first asked for
  int64_t retry_unix_ms = 0;       // failed: when it is tried again; 0: not by itself

  // Something was asked for that the index does not show yet.
  bool pending() const { return phase != JobPhase::kDone && (phase != JobPhase::kFailed || retry_unix_ms != 0); }
};

struct SubmitOptions {
  bool wake_parked = false;  // somebody wants it to be tried again
  WriteBatch also = {};      // written together with the job, or not at all
};

// Thread-safe.
class IndexQueue {
 public:
  using Work = std::function<Status(SourceId, std::stop_token, const std::function<void(const ingest::IndexProgress&)>&)>;
  struct Options {
    // Asked with the queue's lock held: must be quick, and not call the queue.
    std::function<bool(SourceId)> is_large = {};   // it has everything still to be indexed; empty: none has
    std::function<bool(SourceId)> is_paused = {};  // its jobs wait; empty: none
    std::chrono::milliseconds small_slice{5'000}, large_slice{60'000};
    std::chrono::milliseconds first_retry{15'000}, last_retry{3'600'000};
    // Whether the disk is nearly full: what fails for want of something is then tried again at this interval, which does
    // not grow, because space comes back without a word.
    std::function<bool()> lacks_space;
    std::chrono::milliseconds space_retry{2'000};
    // Told when what was asked for is visible: by words, and then by meaning; with the seconds since. Not of what is large.
    std::function<void(SourceId, PushStage, double seconds)> on_visible = {};
  };

  // Takes up the jobs on disk. `store` must outlive the queue.
  static Result<std::unique_ptr<IndexQueue>> Open(KeyValueStore& store, Work work, Options options);
  static Result<std::unique_ptr<IndexQueue>> Open(KeyValueStore& store, Work work) { return Open(store, std::move(work), Options()); }
  ~IndexQueue();  // stops the running jobs, which go on at the next start

  // A source that waits already is not queued twice; one that is being indexed is done once more afterwards.
  Status Submit(SourceId source, const SubmitOptions& options = {});
  // Writes the job for a server that opens the queue later.
  static Status SubmitForLater(KeyValueStore& store, SourceId source);
  // For a store without an open queue: whether a job waits there; takes it away.
  static Status EraseRecorded(KeyValueStore& store, SourceId source);
  static bool IsRecorded(const KeyValueStore& store, SourceId source);
  // Drops the source's job, stops it if it runs, and returns when nothing works on it any more. Not from a job.
  Status Cancel(SourceId source);
  // A source is not paused any more.
  void Wake();
  std::optional<JobState> StateOf(SourceId source) const;

 private:
  using Clock = std::chrono::steady_clock;
  enum LaneName : size_t { kSmall, kLarge };
  // What is on disk of a job.
  struct Record {
    uint32_t starts = 0;  // runs that began and whose end no process has seen
    bool parked = false;
    int64_t since_unix_ms = 0;
    std::string reason;
  };
  struct Job {
    Record record;
    JobState state;
    uint32_t yields = 0, failures = 0;
    bool text_told = false;  // its text was told of
    bool has_text = false;  // the run that gave way was at its vectors
    Clock::time_point not_before{};
  };
  struct Lane {
    std::optional<SourceId> running;
    std::stop_source stop;
    Clock::time_point started;
    bool yields = false;
  };

  IndexQueue(KeyValueStore& store, Work work, Options options)
      : store_(store), work_(std::move(work)), options_(std::move(options)) {}
  static std::string Encode(const Record& record);
  static Record Decode(std::string_view bytes);

  Status Load();
  void RunLane(LaneName name, std::stop_token stop);
  void RunJob(LaneName name, SourceId source, const std::stop_token& stop);
  void TellVisible(LaneName name, SourceId source, const ingest::IndexProgress& progress);
  void Finish(SourceId source, Status status, bool yielded, bool interrupted);
  void RetryLater(SourceId source, Job& job, const Status& status);
  void WatchSlices(std::stop_token stop);
  // With mutex_ held:
  bool IsWaiting(SourceId source) const;
  bool IsRunning(SourceId source) const;
  LaneName LaneOf(SourceId source) const;
  bool MayStart(SourceId source, LaneName name) const;
  std::optional<SourceId> NextFor(LaneName name) const;
  Clock::time_point NextRetry() const;
  void GiveWay(LaneName name);
  Status PutRecord(SourceId source, const Record& record);
  Status EraseRecord(SourceId source);

  KeyValueStore& store_;
  const Work work_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_, which is also held while a job's record is written: record and queue agree.
  std::deque<SourceId> waiting_;
  std::map<SourceId, Job> jobs_;
  std::array<Lane, 2> lanes_;

  std::array<std::jthread, 3> threads_;  // last: they use all of the above
};

}  // namespace codelore::api

#endif  // CODELORE_API_INDEX_QUEUE_H_
