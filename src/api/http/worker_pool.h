// WorkerPool: threads for requests. A request goes to the thread that was last at work, not to the one that has waited longest:
// what a thread once touched (its stack, its allocator's small change) stays resident, so the few that quiet hours
// need cost memory, and the many that a rush needs cost it then.
//
// All threads are there from the start, so that nothing is refused later for want of one. Thread-safe.
#ifndef CODELORE_API_HTTP_WORKER_POOL_H_
#define CODELORE_API_HTTP_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace codelore::api {

class WorkerPool {
 public:
  using Job = std::function<void()>;

  // Throws std::system_error where threads run out.
  WorkerPool(size_t threads, size_t max_queued);
  ~WorkerPool();  // Stop()

  // False: all threads are at work and max_queued jobs wait, or it was stopped. Jobs must not throw.
  bool Run(Job job);

  // Takes no more, and waits until all that was taken is done.
  void Stop();

 private:
  struct Worker {
    std::condition_variable wake;
    Job job;  // guarded by the pool's mutex_
    std::thread thread;
  };
  void Work(Worker& worker);

  const size_t max_queued_;
  std::mutex mutex_;
  std::vector<Worker*> idle_;  // guarded by mutex_; the last one to become so is last
  std::deque<Job> queue_;      // guarded by mutex_
  bool stopped_ = false;       // guarded by mutex_
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_WORKER_POOL_H_
