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

struct JobState {
  bool running = false;  // otherwise waiting, or ended with `error`
  ingest::IndexProgress progress;
  std::string error;  // of the last run; empty: none, or it went well
};

// Thread-safe.
class IndexQueue {
 public:
  using Work = std::function<Status(SourceId, std::stop_token, const std::function<void(const ingest::IndexProgress&)>&)>;

  // Takes up the jobs on disk. `store` must outlive the queue.
  static Result<std::unique_ptr<IndexQueue>> Open(KeyValueStore& store, Work work);
  ~IndexQueue();  // stops the running job, which goes on at the next start

  Status Submit(SourceId source);  // a source that waits already is not queued twice
  std::optional<JobState> StateOf(SourceId source) const;

 private:
  IndexQueue(KeyValueStore& store, Work work) : store_(store), work_(std::move(work)) {}
  void RunJobs(std::stop_token stop);

  KeyValueStore& store_;
  const Work work_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<SourceId> waiting_;        // guarded by mutex_
  std::map<SourceId, JobState> states_; // guarded by mutex_
  std::jthread worker_;                 // last: it uses all of the above
};

}  // namespace codelore::api

#endif  // CODELORE_API_INDEX_QUEUE_H_
