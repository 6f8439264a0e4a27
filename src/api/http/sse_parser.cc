#include "api/http/sse_parser.h"

#include <utility>

namespace codelore::api {

bool SseParser::Feed(std::string_view bytes,
                     const std::function<bool(const SseMessage&)>& on_event) {
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    size_t end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end));
    if (line_.size() + message_.data.size() > kMaxEventBytes) return false;
    if (end == bytes.npos) return true;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (!OnLine(std::exchange(line_, {}), on_event)) return false;
  }
  return true;
}

bool SseParser::OnLine(std::string_view line,
                       const std::function<bool(const SseMessage&)>& on_event) {
  if (line.empty()) {
    SseMessage message = std::exchange(message_, {});
    if (!std::exchange(has_data_, false)) return true;
    if (message.event.empty()) message.event = "message";
    message.data.pop_back();  // the last line's break
    return on_event(message);
  }
  size_t colon = line.find(':');
  std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") message_.event = value;
  if (field == "data") {
    message_.data.append(value).append("\n");
    has_data_ = true;
  }
  return true;  // id, retry and comments mean nothing to us
}

}  // namespace codelore::api
