// Work that may take long gives way to requests.
#ifndef CODELORE_API_LOW_PRIORITY_H_
#define CODELORE_API_LOW_PRIORITY_H_

#include <sys/resource.h>

namespace codelore::api {

// This thread, and those it starts, take a third of the processor time that others get who want it too. On Linux a thread has a
// niceness of its own.
inline void LowerPriority() { (void)setpriority(PRIO_PROCESS, 0, 5); }

}  // namespace codelore::api

#endif  // CODELORE_API_LOW_PRIORITY_H_
