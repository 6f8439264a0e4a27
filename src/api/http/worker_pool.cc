#include "api/http/worker_pool.h"

#include <utility>

namespace codelore::api {

WorkerPool::WorkerPool(size_t threads, size_t max_queued) : max_queued_(max_queued) {
  try {
    for (size_t i = 0; i < threads; ++i) {
      Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
      worker.thread = std::thread([this, &worker] { Work(worker); });
    }
  } catch (...) {
    Stop();
    throw;
  }
  std::lock_guard lock(mutex_);
  for (auto worker = workers_.rbegin(); worker != workers_.rend(); ++worker) idle_.push_back(worker->get());
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::Run(Job job) {
  std::lock_guard lock(mutex_);
  if (stopped_) return false;
  if (idle_.empty()) {
    if (queue_.size() >= max_queued_) return false;
    queue_.push_back(std::move(job));
    return true;
  }
  Worker& worker = *idle_.back();
  idle_.pop_back();
  worker.job = std::move(job);
  worker.wake.notify_one();
  return true;
}

void WorkerPool::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    for (auto& worker : workers_) worker->wake.notify_one();
  }
  for (auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

// A worker is idle, has a job, or takes the next one from the queue.
void WorkerPool::Work(Worker& worker) {
  std::unique_lock lock(mutex_);
  for (;;) {
    worker.wake.wait(lock, [&] { return worker.job || stopped_; });
    Job job = std::exchange(worker.job, nullptr);
    if (!job) return;
    while (job) {
      lock.unlock();
      job();
      job = nullptr;  // what it holds goes before the lock is taken
      lock.lock();
      if (queue_.empty()) break;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    idle_.push_back(&worker);
  }
}

}  // namespace codelore::api
