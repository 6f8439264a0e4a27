#include "api/index_queue.h"

#include <algorithm>
#include <random>
#include <utility>

#include "api/low_priority.h"
#include "codelore/coding.h"
#include "codelore/crash_point.h"

namespace codelore::api {
namespace {

constexpr uint32_t kMaxStarts = 3;
constexpr uint8_t kRecordVersion = 1;
constexpr auto kWatchEvery = std::chrono::milliseconds(100);

std::string JobKey(SourceId source) { return ByteWriter().Raw("index").Key32(source.value).Take(); }

int64_t UnixMs(std::chrono::milliseconds from_now = {}) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count() +
         from_now.count();
}

// Give or take a fifth, so that what failed together does not come back together.
std::chrono::milliseconds WithJitter(std::chrono::milliseconds time) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(time.count() * 4 / 5, time.count() * 6 / 5)(random));
}

bool MayPass(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kResourceExhausted;
}

}  // namespace

std::string IndexQueue::Encode(const Record& record) {
  ByteWriter out;
  out.Fixed(kRecordVersion).Varint(record.starts).Fixed(static_cast<uint8_t>(record.parked)).Fixed(record.since_unix_ms);
  return out.String(record.reason).Take();
}

// One that cannot be read still means that the source is to be indexed.
IndexQueue::Record IndexQueue::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Record record;
  if (in.Fixed<uint8_t>() != kRecordVersion) return {};
  record.starts = static_cast<uint32_t>(in.Varint());
  record.parked = in.Fixed<uint8_t>() == 1;
  record.since_unix_ms = in.Fixed<int64_t>();
  record.reason = in.String();
  return in.done() ? record : Record();
}

Result<std::unique_ptr<IndexQueue>> IndexQueue::Open(KeyValueStore& store, Work work, Options options) {
  std::unique_ptr<IndexQueue> queue(new IndexQueue(store, std::move(work), std::move(options)));
  RETURN_IF_ERROR(queue->Load());
  queue->threads_[0] = std::jthread([raw = queue.get()](std::stop_token stop) { raw->RunLane(kSmall, stop); });
  queue->threads_[1] = std::jthread([raw = queue.get()](std::stop_token stop) {
    LowerPriority();
    raw->RunLane(kLarge, stop);
  });
  queue->threads_[2] = std::jthread([raw = queue.get()](std::stop_token stop) { raw->WatchSlices(stop); });
  return queue;
}

Status IndexQueue::Load() {
  RETURN_IF_ERROR(store_.Scan(Table::kJobs, "index", [&](std::string_view key, std::string_view value) {
    SourceId source{ByteReader(key.substr(5)).Key32()};
    Job& job = jobs_[source];
    job.record = Decode(value);
    waiting_.push_back(source);
    return true;
  }));
  for (auto& [source, job] : jobs_) {
    if (!job.record.parked && job.record.starts >= kMaxStarts) {
      job.record.parked = true;
      job.record.reason = "Codelore ended " + std::to_string(kMaxStarts) + " times while it indexed this source; it waits for sync or resume";
      RETURN_IF_ERROR(PutRecord(source, job.record));
    }
    job.state.since_unix_ms = job.record.since_unix_ms;
    if (job.record.parked) {
      job.state.phase = JobPhase::kParked;
      job.state.error = job.record.reason;
      std::erase(waiting_, source);
    }
  }
  return OkStatus();
}

IndexQueue::~IndexQueue() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

bool IndexQueue::IsRecorded(const KeyValueStore& store, SourceId source) {
  auto present = store.Get(Table::kJobs, JobKey(source));
  return present.ok() && present->has_value();
}

Status IndexQueue::EraseRecorded(KeyValueStore& store, SourceId source) {
  WriteBatch batch;
  batch.Delete(Table::kJobs, JobKey(source));
  return IsRecorded(store, source) ? store.Write(batch) : OkStatus();
}

Status IndexQueue::SubmitForLater(KeyValueStore& store, SourceId source) {
  if (IsRecorded(store, source)) return OkStatus();
  WriteBatch batch;
  batch.Put(Table::kJobs, JobKey(source), Encode({.since_unix_ms = UnixMs(), .reason = {}}));
  return store.Write(batch);
}

Status IndexQueue::Submit(SourceId source, const SubmitOptions& options) {
  std::lock_guard lock(mutex_);
  WriteBatch batch = options.also;
  auto at = jobs_.find(source);
  bool parked = at != jobs_.end() && at->second.record.parked;
  bool recorded = IsWaiting(source) || IsRunning(source) || parked;
  Record record = recorded ? at->second.record : Record{.since_unix_ms = UnixMs(), .reason = {}};
  if (parked && options.wake_parked) {
    record = {.since_unix_ms = record.since_unix_ms, .reason = {}};
    recorded = parked = false;
  }
  if (!recorded) batch.Put(Table::kJobs, JobKey(source), Encode(record));
  if (!batch.empty()) RETURN_IF_ERROR(store_.Write(batch));
  CrashPoint("job-recorded");
  if (parked) return OkStatus();
  Job& job = jobs_[source];
  job.record = record;
  job.not_before = {};
  job.has_text = false;
  if (!IsWaiting(source)) waiting_.push_back(source);
  if (!IsRunning(source)) job.state = {.progress = {}, .error = {}, .since_unix_ms = record.since_unix_ms};
  for (LaneName lane : {kSmall, kLarge}) GiveWay(lane);
  changed_.notify_all();
  return OkStatus();
}

Status IndexQueue::Cancel(SourceId source) {
  std::unique_lock lock(mutex_);
  std::erase(waiting_, source);
  changed_.wait(lock, [&] {  // each time: it may have been submitted, and have begun, again
    for (Lane& lane : lanes_) {
      if (lane.running == source) lane.stop.request_stop();
    }
    return !IsRunning(source);
  });
  std::erase(waiting_, source);
  jobs_.erase(source);
  return EraseRecord(source);
}

void IndexQueue::Wake() {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
}

std::optional<JobState> IndexQueue::StateOf(SourceId source) const {
  std::lock_guard lock(mutex_);
  auto at = jobs_.find(source);
  if (at == jobs_.end()) return std::nullopt;
  return at->second.state;
}

bool IndexQueue::IsWaiting(SourceId source) const { return std::ranges::find(waiting_, source) != waiting_.end(); }

bool IndexQueue::IsRunning(SourceId source) const {
  return std::ranges::any_of(lanes_, [&](const Lane& lane) { return lane.running == source; });
}

// What has had to give way in the middle of its text was not small.
IndexQueue::LaneName IndexQueue::LaneOf(SourceId source) const {
  bool large = jobs_.at(source).yields > 0 || (options_.is_large && options_.is_large(source));
  return large ? kLarge : kSmall;
}

bool IndexQueue::MayStart(SourceId source, LaneName name) const {
  if (IsRunning(source) || jobs_.at(source).not_before > Clock::now() || LaneOf(source) != name) return false;
  return !options_.is_paused || !options_.is_paused(source);
}

std::optional<SourceId> IndexQueue::NextFor(LaneName name) const {
  // Text before vectors: who has given way at its vectors comes after all others.
  for (bool has_text : {false, true}) {
    auto at = std::ranges::find_if(waiting_, [&](SourceId source) {
      return jobs_.at(source).has_text == has_text && MayStart(source, name);
    });
    if (at != waiting_.end()) return *at;
  }
  return std::nullopt;
}

IndexQueue::Clock::time_point IndexQueue::NextRetry() const {
  Clock::time_point next = Clock::now() + std::chrono::hours(1);
  for (SourceId source : waiting_) {
    if (auto time = jobs_.at(source).not_before; time > Clock::now()) next = std::min(next, time);
  }
  return next;
}

// Stops the lane's job if another one should have its turn.
void IndexQueue::GiveWay(LaneName name) {
  Lane& lane = lanes_[name];
  if (!lane.running || lane.yields) return;
  const Job& job = jobs_.at(*lane.running);
  bool at_vectors = job.state.progress.stage == ingest::IndexStage::kVectors;
  auto slice = (name == kSmall ? options_.small_slice : options_.large_slice) * (1u << std::min(job.yields, 16u));
  bool over = Clock::now() - lane.started >= slice;
  bool again = at_vectors && IsWaiting(*lane.running);  // the same source has new text
  auto next = again || !(at_vectors || over) ? std::nullopt : NextFor(name);
  bool text_first = next && at_vectors && !jobs_.at(*next).has_text;
  if (!again && !text_first && !(next && over)) return;
  lane.yields = true;
  lane.stop.request_stop();
}

void IndexQueue::WatchSlices(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, stop, [&] { return !waiting_.empty() && (lanes_[0].running || lanes_[1].running); });
    for (LaneName lane : {kSmall, kLarge}) GiveWay(lane);
    changed_.wait_for(lock, stop, kWatchEvery, [] { return false; });
  }
}

void IndexQueue::RunLane(LaneName name, std::stop_token stop) {
  for (;;) {
    std::optional<SourceId> next;
    {
      std::unique_lock lock(mutex_);
      while (!stop.stop_requested() && !(next = NextFor(name))) {
        changed_.wait_until(lock, stop, NextRetry(), [&] { return NextFor(name).has_value(); });
      }
      if (stop.stop_requested()) return;
      std::erase(waiting_, *next);
      Job& job = jobs_.at(*next);
      // On disk before it begins: a run that takes the process with it is counted.
      ++job.record.starts;
      if (Status written = PutRecord(*next, job.record); !written.ok()) {
        --job.record.starts;
        RetryLater(*next, job, written);
        continue;
      }
      CrashPoint("job-started");
      job.state = {.phase = JobPhase::kRunning, .progress = {}, .error = {}, .since_unix_ms = job.record.since_unix_ms};
      lanes_[name] = {.running = *next, .stop = std::stop_source(), .started = Clock::now()};
    }
    RunJob(name, *next, stop);
  }
}

void IndexQueue::RunJob(LaneName name, SourceId source, const std::stop_token& stop) {
  std::stop_source stop_job = [&] {
    std::lock_guard lock(mutex_);
    return lanes_[name].stop;
  }();
  std::stop_callback forward(stop, [&] { stop_job.request_stop(); });
  Status status = work_(source, stop_job.get_token(), [&](const ingest::IndexProgress& progress) {
    std::lock_guard lock(mutex_);
    jobs_.at(source).state.progress = progress;
    TellVisible(name, source, progress);
  });
  std::lock_guard lock(mutex_);
  bool yielded = lanes_[name].yields && !status.ok() && !stop.stop_requested();
  lanes_[name].running.reset();
  Finish(source, std::move(status), yielded, stop.stop_requested());
  changed_.notify_all();
}

// With mutex_ held.
void IndexQueue::TellVisible(LaneName name, SourceId source, const ingest::IndexProgress& progress) {
  Job& job = jobs_.at(source);
  bool lexical = progress.stage == ingest::IndexStage::kVectors && !job.text_told;
  bool vector = progress.stage == ingest::IndexStage::kDone;
  if (name != kSmall || !options_.on_visible || !(lexical || vector)) return;
  double seconds = std::max(0.0, static_cast<double>(UnixMs() - job.state.since_unix_ms) / 1000);
  options_.on_visible(source, vector ? PushStage::kVector : PushStage::kLexical, seconds);
  job.text_told = lexical;
}

void IndexQueue::Finish(SourceId source, Status status, bool yielded, bool interrupted) {
  Job& job = jobs_.at(source);
  job.record.starts = 0;
  if (interrupted && !status.ok()) {  // the record stays: it goes on at the next start
    (void)PutRecord(source, job.record).ok();
    return;
  }
  bool again = IsWaiting(source);  // submitted meanwhile, it is still to be done
  if (again) job.text_told = false;
  if (yielded) {
    job.has_text = !again && job.state.progress.stage == ingest::IndexStage::kVectors;
    if (!again && !job.has_text) ++job.yields;
    if (!again) waiting_.push_back(source);
    again = true;
  }
  if (again) {
    job.state.phase = JobPhase::kWaiting;
    (void)PutRecord(source, job.record).ok();
    return;
  }
  if (!status.ok() && MayPass(status)) return RetryLater(source, job, status);
  CrashPoint("job-before-end");
  Status erased = EraseRecord(source);
  CrashPoint("job-ended");
  if (status.ok()) status = erased.In("the record of the job");
  job.state.phase = status.ok() ? JobPhase::kDone : JobPhase::kFailed;
  job.state.error = status.message();
  job.record = {};
  job.yields = job.failures = 0;
  job.has_text = false;
}

void IndexQueue::RetryLater(SourceId source, Job& job, const Status& status) {
  bool full = status.code() == StatusCode::kResourceExhausted && options_.lacks_space && options_.lacks_space();
  auto pause = std::min<std::chrono::milliseconds>(options_.first_retry * (1u << std::min(job.failures, 16u)), options_.last_retry);
  pause = WithJitter(full ? options_.space_retry : pause);
  if (!full) ++job.failures;
  job.not_before = Clock::now() + pause;
  job.state.phase = JobPhase::kFailed;
  job.state.error = status.message();
  job.state.retry_unix_ms = UnixMs(pause);
  waiting_.push_back(source);
  (void)PutRecord(source, job.record).ok();
}

Status IndexQueue::PutRecord(SourceId source, const Record& record) {
  WriteBatch batch;
  batch.Put(Table::kJobs, JobKey(source), Encode(record));
  return store_.Write(batch);
}

Status IndexQueue::EraseRecord(SourceId source) {
  WriteBatch batch;
  batch.Delete(Table::kJobs, JobKey(source));
  return store_.Write(batch);
}

}  // namespace codelore::api
