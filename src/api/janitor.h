// Janitor: what a server tidies up by itself: documents that expire, and, now and then, texts and vectors that nothing
// refers to any more.
#ifndef CODELORE_API_JANITOR_H_
#define CODELORE_API_JANITOR_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "api/index_queue.h"
#include "api/service.h"

namespace codelore::api {

// Takes documents whose time is over out of their sources: each source's documents and its job in one batch.
Status RemoveExpiredDocuments(Service& service, IndexQueue& queue, int64_t now_unix_ms);

class Janitor {
 public:
  struct Intervals {
    std::chrono::milliseconds documents = std::chrono::seconds(10);
    std::chrono::milliseconds garbage = std::chrono::hours(6);
    std::chrono::milliseconds garbage_age = std::chrono::hours(24);  // how long something must have been of no use
  };
  using Log = std::function<void(const std::string&)>;  // is told what went wrong; may be empty
  // Service and queue must outlive it.
  Janitor(Service& service, IndexQueue& queue, Log log, Intervals intervals);
  Janitor(Service& service, IndexQueue& queue, Log log) : Janitor(service, queue, std::move(log), Intervals()) {}

 private:
  void Run(const std::stop_token& stop);
  void Report(const char* what, const Status& status) const;

  Service& service_;
  IndexQueue& queue_;
  const Log log_;
  const Intervals intervals_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace codelore::api

#endif  // CODELORE_API_JANITOR_H_
