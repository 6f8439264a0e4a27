// RequestWatch: a stop token that is requested soon after nobody waits for a request's answer any more, or may have it
// any more, for work that cannot ask HttpRequest::Cancelled() itself, such as waiting for a model's next word.
#ifndef CODELORE_API_HTTP_REQUEST_WATCH_H_
#define CODELORE_API_HTTP_REQUEST_WATCH_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "api/http/http_message.h"

namespace codelore::api {

// A thread of its own, as long as it lives; the request must outlive it.
class RequestWatch {
 public:
  // `still`: false once the caller may not have the answer any more; asked from that thread.
  explicit RequestWatch(const HttpRequest& request, std::function<bool()> still = {})
      : watcher_([this, &request, still = std::move(still)](std::stop_token over) {
          std::mutex mutex;
          std::condition_variable_any ended;
          std::unique_lock lock(mutex);
          while (!ended.wait_for(lock, over, kInterval, [&] { return over.stop_requested(); })) {
            if (!request.Cancelled() && (!still || still())) continue;
            gone_.request_stop();
            return;
          }
        }) {}

  std::stop_source& gone() { return gone_; }
  std::stop_token token() const { return gone_.get_token(); }

 private:
  static constexpr std::chrono::milliseconds kInterval{25};

  std::stop_source gone_;
  std::jthread watcher_;  // last: it uses what is above
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_REQUEST_WATCH_H_
