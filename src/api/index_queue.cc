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
    queue->waiting_.push_back({ByteReader(key.substr(5)).Key32()});
    return true;
  }));
  queue->worker_ = std::jthread([raw = queue.get()](std::stop_token stop) { raw->RunJobs(stop); });
  return queue;
}

IndexQueue::~IndexQueue() = default;

Status IndexQueue::Submit(SourceId source) {
  WriteBatch batch;
  batch.Put(Table::kJobs, JobKey(source), "");
  RETURN_IF_ERROR(store_.Write(batch));
  std::lock_guard lock(mutex_);
  if (std::ranges::find(waiting_, source) == waiting_.end()) waiting_.push_back(source);
  states_[source].error.clear();
  changed_.notify_all();
  return OkStatus();
}

std::optional<JobState> IndexQueue::StateOf(SourceId source) const {
  std::lock_guard lock(mutex_);
  auto at = states_.find(source);
  if (at == states_.end()) return std::nullopt;
  return at->second;
}

void IndexQueue::RunJobs(std::stop_token stop) {
  for (;;) {
    SourceId source;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      source = waiting_.front();
      waiting_.pop_front();
      states_[source] = {.running = true, .progress = {}, .error = {}};
    }
    Status status = work_(source, stop, [&](const ingest::IndexProgress& progress) {
      std::lock_guard lock(mutex_);
      states_[source].progress = progress;
    });
    if (stop.stop_requested() && !status.ok()) return;  // the record stays: it goes on at the next start
    std::lock_guard lock(mutex_);
    states_[source].running = false;
    states_[source].error = status.ok() ? "" : status.message();
    // Submitted again meanwhile, it is still to be done.
    if (std::ranges::find(waiting_, source) != waiting_.end()) continue;
    WriteBatch batch;
    batch.Delete(Table::kJobs, JobKey(source));
    if (Status removed = store_.Write(batch); !removed.ok()) states_[source].error = removed.message();
  }
}

}  // namespace codelore::api
