// CrashPoint: a named place where a test lets the process end as if it had been killed there.
//
// CODELORE_CRASH_AT=NAME ends it the first time NAME is reached, NAME:N the N-th time; nothing is flushed, no destructor
// runs. Always compiled in, so that what is tested is what is shipped: without the variable it is one look into the
// environment, and it stands only beside writes to disk.
#ifndef CODELORE_CRASH_POINT_H_
#define CODELORE_CRASH_POINT_H_

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace codelore {

inline void CrashPoint(std::string_view name) {
  const char* variable = std::getenv("CODELORE_CRASH_AT");
  if (variable == nullptr) return;
  std::string_view wanted(variable);
  size_t colon = wanted.find(':');
  if (wanted.substr(0, colon) != name) return;
  // The one point that is wanted is counted, for the life of the process.
  static std::atomic<int> reached{0};
  int at = colon == std::string_view::npos ? 1 : std::atoi(variable + colon + 1);
  if (++reached >= at) std::_Exit(137);
}

}  // namespace codelore

#endif  // CODELORE_CRASH_POINT_H_
