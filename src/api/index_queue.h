// IndexQueue: the indexing jobs of a server, one after the other, on a thread of its own. A job is on disk before
// Submit returns, so what was accepted is done after a restart too.
#ifndef CODELORE_API_INDEX_QUEUE_H_
#define CODELORE_API_INDEX_QUEUE_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "codelore/ids.h"
#include "codelore/store.h"
#include "ingest/indexer.h"

namespace codelore::api {

enum class JobPhase { kWaiting, kRunning, kDone, kFailed };

struct JobState {
  JobPhase phase = JobPhase::kWaiting;
  ingest::IndexProgress progress;  // of the last run
  std::string error;               // why the last run failed
};

// Thread-safe.
class IndexQueue {
 public:
  using Work = std::function<Status(SourceId, std::stop_token, const std::function<void(const ingest::IndexProgress&)>&)>;

  // Takes up the jobs on disk. `store` must outlive the queue.
  static Result<std::unique_ptr<IndexQueue>> Open(KeyValueStore& store, Work work);
  ~IndexQueue();  // stops the running job, which goes on at the next start

  // A source that waits already is not queued twice; one that is being indexed is done once more afterwards.
  Status Submit(SourceId source);
  // Drops the source's job, stops it if it runs, and returns when nothing works on it any more. Not from a job.
  Status Cancel(SourceId source);
  std::optional<JobState> StateOf(SourceId source) const;

 private:
  IndexQueue(KeyValueStore& store, Work work) : store_(store), work_(std::move(work)) {}
  void RunJobs(std::stop_token stop);
  void RunJob(SourceId source, const std::stop_token& stop);
  Status EraseRecord(SourceId source);

  KeyValueStore& store_;
  const Work work_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_, which is also held while a job's record is written: record and queue agree.
  std::deque<SourceId> waiting_;
  std::map<SourceId, JobState> states_;
  std::optional<SourceId> running_;
  std::stop_source stop_running_;

  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace codelore::api

#endif  // CODELORE_API_INDEX_QUEUE_H_
