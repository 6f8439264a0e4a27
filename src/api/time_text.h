// Times as JSON shows them.
#ifndef CODELORE_API_TIME_TEXT_H_
#define CODELORE_API_TIME_TEXT_H_

#include <cstdint>
#include <ctime>
#include <string>

namespace codelore::api {

// "2024-05-06T07:08:09Z"; empty for 0.
inline std::string TimeText(int64_t unix_ms) {
  if (unix_ms == 0) return "";
  auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace codelore::api

#endif  // CODELORE_API_TIME_TEXT_H_
