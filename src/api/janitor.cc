#include "api/janitor.h"

#include <mutex>

#include "ingest/document_store.h"

namespace codelore::api {
namespace {

int64_t NowUnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Status RemoveExpiredDocuments(Service& service, IndexQueue& queue, int64_t now_unix_ms) {
  for (;;) {
    SubmitOptions options;
    std::lock_guard lock(service.documents_mutex());
    ASSIGN_OR_RETURN(auto source, ingest::EraseExpiredDocuments(service.store(), now_unix_ms, options.also));
    if (options.also.empty()) return OkStatus();
    RETURN_IF_ERROR(source ? queue.Submit(*source, options) : service.store().Write(options.also));
  }
}

Janitor::Janitor(Service& service, IndexQueue& queue, Log log, Intervals intervals)
    : service_(service), queue_(queue), log_(std::move(log)), intervals_(intervals), thread_([this](std::stop_token stop) { Run(stop); }) {}

// kUnavailable: it was stopped.
void Janitor::Report(const char* what, const Status& status) const {
  if (!status.ok() && status.code() != StatusCode::kUnavailable && log_) log_(std::string(what) + ": " + status.message());
}

void Janitor::Run(const std::stop_token& stop) {
  auto last_garbage = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    Report("expired documents", RemoveExpiredDocuments(service_, queue_, NowUnixMs()));
    if (std::chrono::steady_clock::now() - last_garbage >= intervals_.garbage) {
      last_garbage = std::chrono::steady_clock::now();
      Report("unused texts and vectors", service_.CollectGarbage(NowUnixMs(), intervals_.garbage_age, stop).status());
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, intervals_.documents, [] { return false; });
  }
}

}  // namespace codelore::api
