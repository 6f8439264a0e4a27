// Preloaded into a daemon under test (LD_PRELOAD): moves its wall clock, and lets allocations fail. CODELORE_ATTACK_CONTROL names a file
// of `struct Control`, shared with the test. The monotonic clock is left as it is, as a change of the wall clock leaves it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct Control {
  int64_t clock_seconds;  // added to the wall clock
  uint64_t seen;          // allocations while some fail, or are counted
  uint64_t fail_from;     // the first that fails, counted from 1; 0: none, and nothing is counted
  uint64_t fail_until;
};

static struct Control nothing;
static struct Control* control = &nothing;

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

__attribute__((constructor)) static void Begin(void) {
  const char* shared = getenv("CODELORE_ATTACK_CONTROL");
  int fd = shared != NULL ? open(shared, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(fd);
}

// ---- time ----------------------------------------------------------------------------------------------------

int clock_gettime(clockid_t clock, struct timespec* now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += control->clock_seconds;
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

// ---- memory --------------------------------------------------------------------------------------------------

static int Fails(void) {
  if (control->fail_from == 0) return 0;
  uint64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_RELAXED);
  if (number < control->fail_from || number > control->fail_until) return 0;
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) { return Fails() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return Fails() ? NULL : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return Fails() ? NULL : __libc_realloc(old, size); }
void* aligned_alloc(size_t alignment, size_t size) { return Fails() ? NULL : __libc_memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  if (Fails()) return ENOMEM;
  *out = __libc_memalign(alignment, size);
  return *out != NULL ? 0 : ENOMEM;
}
