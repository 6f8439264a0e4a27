// HttpExchange: one request answered through cpp-httplib, on a worker thread.
#ifndef CODELORE_API_HTTP_EXCHANGE_H_
#define CODELORE_API_HTTP_EXCHANGE_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <string_view>

#include "api/http/http_connection.h"

namespace codelore::api {

// What all exchanges of a server share.
struct ExchangeContext {
  size_t max_streams = 0;
  std::chrono::milliseconds write_deadline{0};
  std::chrono::milliseconds stream_deadline{0};
  std::function<void(std::string_view, std::string_view)> log;
  std::function<bool()> stopping;
  std::atomic<size_t> streams{0};  // under way
};

// Runs the handler of the connection's complete request and leaves its answer in `out`, or on the
// wire if it is a stream. Sets close_after. Never throws.
void AnswerRequest(ExchangeContext& context, HttpConnection& connection);

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_EXCHANGE_H_
