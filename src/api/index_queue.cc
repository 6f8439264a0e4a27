#include "api/index_queue.h"

#include <algorithm>
#include <utility>

#include "codelore/coding.h"

namespace codelore::api {
namespace {

std::string JobKey(SourceId source) { return ByteWriter().Raw("index").Key32(source.value).Take(); }

}  // namespace

Result<std::unique_ptr<IndexQueue>> IndexQueue::Open(KeyValueStore& store, Work work) {
  std::unique_ptr<IndexQueue> queue(new IndexQueue(store, std::move(work)));
  RETURN_IF_ERROR(store.Scan(Table::kJobs, "index", [&](std::string_view key, std::string_view) {
    SourceId source{ByteReader(key.substr(5)).Key32()};
    queue->waiting_.push_back(source);
    queue->states_[source] = {};
    return true;
  }));
  queue->worker_ = std::jthread([raw = queue.get()](std::stop_token stop) { raw->RunJobs(stop); });
  return queue;
}

IndexQueue::~IndexQueue() = default;

Status IndexQueue::Submit(SourceId source) {
  std::lock_guard lock(mutex_);
  WriteBatch batch;
  batch.Put(Table::kJobs, JobKey(source), "");
  RETURN_IF_ERROR(store_.Write(batch));
  if (std::ranges::find(waiting_, source) == waiting_.end()) waiting_.push_back(source);
  states_[source] = {};
  changed_.notify_all();
  return OkStatus();
}

Status IndexQueue::Cancel(SourceId source) {
  std::unique_lock lock(mutex_);
  std::erase(waiting_, source);
  if (running_ == source) stop_running_.request_stop();
  changed_.wait(lock, [&] { return running_ != source; });
  std::erase(waiting_, source);
  states_.erase(source);
  return EraseRecord(source);
}

std::optional<JobState> IndexQueue::StateOf(SourceId source) const {
  std::lock_guard lock(mutex_);
  auto at = states_.find(source);
  if (at == states_.end()) return std::nullopt;
  return at->second;
}

Status IndexQueue::EraseRecord(SourceId source) {
  WriteBatch batch;
  batch.Delete(Table::kJobs, JobKey(source));
  return store_.Write(batch);
}

void IndexQueue::RunJobs(std::stop_token stop) {
  for (;;) {
    SourceId source;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      if (stop.stop_requested()) return;
      source = waiting_.front();
      waiting_.pop_front();
      states_[source].phase = JobPhase::kRunning;
      running_ = source;
      stop_running_ = std::stop_source();
    }
    RunJob(source, stop);
  }
}

void IndexQueue::RunJob(SourceId source, const std::stop_token& stop) {
  std::stop_source stop_job = [&] {
    std::lock_guard lock(mutex_);
    return stop_running_;
  }();
  std::stop_callback forward(stop, [&] { stop_job.request_stop(); });
  Status status = work_(source, stop_job.get_token(), [&](const ingest::IndexProgress& progress) {
    std::lock_guard lock(mutex_);
    states_[source].progress = progress;
  });
  std::lock_guard lock(mutex_);
  running_.reset();
  changed_.notify_all();
  if (stop.stop_requested() && !status.ok()) return;  // the record stays: it goes on at the next start
  // Submitted again meanwhile, it is still to be done.
  if (std::ranges::find(waiting_, source) != waiting_.end()) return;
  Status erased = EraseRecord(source);
  if (status.ok()) status = erased.In("the record of the job");
  JobState& state = states_[source];
  state.phase = status.ok() ? JobPhase::kDone : JobPhase::kFailed;
  state.error = status.message();
}

}  // namespace codelore::api
