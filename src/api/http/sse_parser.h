// SseParser: server-sent events from bytes as they arrive (WHATWG HTML, 9.2.6). A value type.
#ifndef CODELORE_API_HTTP_SSE_PARSER_H_
#define CODELORE_API_HTTP_SSE_PARSER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace codelore::api {

struct SseMessage {
  std::string event;  // "message" when the server gave no name
  std::string data;
};

class SseParser {
 public:
  static constexpr size_t kMaxEventBytes = 16 * 1024 * 1024;

  // Calls `on_event` for each event that `bytes` completes. False when it returned false, or when
  // an event is larger than kMaxEventBytes: then feed no more.
  [[nodiscard]] bool Feed(std::string_view bytes,
                          const std::function<bool(const SseMessage&)>& on_event);

 private:
  bool OnLine(std::string_view line, const std::function<bool(const SseMessage&)>& on_event);

  std::string line_;
  bool after_cr_ = false;
  bool has_data_ = false;
  SseMessage message_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_HTTP_SSE_PARSER_H_
