// Preloaded into a daemon under test (LD_PRELOAD): makes its writes fail, and keeps what is needed to undo those that were not
// flushed, as a loss of power would. Only what happens below CODELORE_FAULT_ROOT counts.
//
// CODELORE_FAULT_CONTROL names a file of `struct Control` (32 bytes), shared with the test, which sets what fails while the
// daemon runs. CODELORE_FAULT_JOURNAL, if set, names a folder: `journal` gets a record before each change, and removed or
// replaced files keep a second name there. fault_shim.py reads both.
//
// Stdio's own calls do not come by here; nothing that matters is written with it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kWrite = 1, kSync = 2, kName = 4, kOpen = 8, kRemove = 16, kFolder = 32, kRead = 64 };

struct Control {
  uint64_t seen;        // operations of the kinds below, so far
  uint64_t fail_from;   // the first one that fails, counted from 1; 0: none
  uint64_t fail_until;  // the last one that fails
  uint32_t kinds;       // which are counted
  int32_t error;        // what they fail with; 0: a write takes half of its bytes, and says so
};

enum { kMaxFds = 4096 };
static struct Control* control;
static struct Control nothing;
static char root[PATH_MAX], graveyard[PATH_MAX];
static int journal = -1;
static uint64_t buried;
static uint64_t inodes[kMaxFds];  // of descriptors that are open below the root; 0: of none
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void Begin(void) {
  const char* at = getenv("CODELORE_FAULT_ROOT");
  const char* shared = getenv("CODELORE_FAULT_CONTROL");
  const char* folder = getenv("CODELORE_FAULT_JOURNAL");
  control = &nothing;
  if (at == NULL) return;
  snprintf(root, sizeof root, "%s/", at);
  if (shared != NULL) {
    int fd = REAL(open)(shared, O_RDWR | O_CLOEXEC);
    void* mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) control = mapped;
    if (fd >= 0) close(fd);
  }
  if (folder != NULL) {
    char path[PATH_MAX + 16];
    snprintf(graveyard, sizeof graveyard, "%s", folder);
    snprintf(path, sizeof path, "%s/journal", folder);
    journal = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
}

static int Ours(const char* path) { return root[0] != 0 && path != NULL && strncmp(path, root, strlen(root)) == 0; }
static uint64_t InodeOf(int fd) { return fd >= 0 && fd < kMaxFds ? inodes[fd] : 0; }

// Whether this operation is one that fails; errno is set then.
static int Fails(uint32_t kind) {
  if ((control->kinds & kind) == 0) return 0;
  uint64_t number = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
  if (control->fail_from == 0 || number < control->fail_from || number > control->fail_until) return 0;
  errno = control->error;
  return 1;
}

// How many of `count` bytes this write takes; 0 if it fails.
static size_t Taken(size_t count) {
  if (!Fails(kWrite)) return count > 0 ? count : 1;  // of nothing, all
  return control->error == 0 ? (count + 1) / 2 : 0;
}

// One record: a line of text, with `size` bytes behind it.
static void Note(const void* bytes, size_t size, const char* form, ...) {
  char line[3 * PATH_MAX];
  va_list arguments;
  va_start(arguments, form);
  int length = vsnprintf(line, sizeof line, form, arguments);
  va_end(arguments);
  struct iovec parts[2] = {{line, (size_t)length}, {(void*)bytes, size}};
  if (REAL(writev)(journal, parts, size > 0 ? 2 : 1) < 0) abort();
}

// What `count` bytes at `offset` were before they are written over, and how long the file was.
static void NoteWrite(int fd, off_t offset, size_t count) {
  if (journal < 0 || InodeOf(fd) == 0) return;
  struct stat info;
  if (fstat(fd, &info) != 0) return;
  if (offset < 0) offset = info.st_size;  // appended
  size_t old = offset < info.st_size ? (size_t)(info.st_size - offset) : 0;
  if (old > count) old = count;
  char* before = malloc(old + 1);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  int reader = old > 0 ? REAL(open)(name, O_RDONLY | O_CLOEXEC) : -1;
  if (old > 0 && (reader < 0 || REAL(pread)(reader, before, old, offset) != (ssize_t)old)) abort();
  if (reader >= 0) close(reader);
  Note(before, old, "write %lu %ld %ld %zu\n", (unsigned long)inodes[fd], (long)offset, (long)info.st_size, old);
  free(before);
}

static off_t Position(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_APPEND) ? -1 : lseek(fd, 0, SEEK_CUR);
}

// A second name for what is about to lose its own; "-" if there is nothing.
static void Bury(const char* path, char* grave, size_t size) {
  // Two daemons in turn may share a journal.
  snprintf(grave, size, "%s/%d.%lu", graveyard, (int)getpid(), (unsigned long)++buried);
  if (REAL(link)(path, grave) != 0) snprintf(grave, size, "-");
}

// ---- opening -----------------------------------------------------------------------------------------------

static int Opened(int fd, const char* path, int existed, int flags) {
  if (fd < 0 || fd >= kMaxFds) return fd;
  struct stat info;
  inodes[fd] = fstat(fd, &info) == 0 ? info.st_ino : 0;
  if (journal >= 0 && !existed && (flags & O_CREAT)) Note(NULL, 0, "create %s\n", path);
  return fd;
}

// Called for open and openat alike; paths of the daemon's own are absolute.
static int Open(const char* path, int flags, mode_t mode) {
  if (!Ours(path)) {
    int fd = REAL(open)(path, flags, mode);
    if (fd >= 0 && fd < kMaxFds) inodes[fd] = 0;
    return fd;
  }
  if (Fails(kOpen)) return -1;
  pthread_mutex_lock(&order);
  struct stat info;
  int existed = stat(path, &info) == 0;
  if (journal >= 0 && existed && (flags & O_TRUNC) && info.st_size > 0) {  // a new file takes its place, as far as undoing goes
    char grave[PATH_MAX + 32];
    Bury(path, grave, sizeof grave);
    Note(NULL, 0, "remove %s\t%s\n", path, grave);
    REAL(unlink)(path);
    existed = 0;
  }
  int fd = Opened(REAL(open)(path, flags, mode), path, existed, flags);
  pthread_mutex_unlock(&order);
  return fd;
}

static mode_t ModeOf(int flags, va_list arguments) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0; }

#define OPEN(name)                              \
  int name(const char* path, int flags, ...) {  \
    va_list arguments;                          \
    va_start(arguments, flags);                 \
    mode_t mode = ModeOf(flags, arguments);     \
    va_end(arguments);                          \
    return Open(path, flags, mode);             \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (fd >= 0 && fd < kMaxFds) inodes[fd] = 0;
  return REAL(close)(fd);
}

// ---- reading -----------------------------------------------------------------------------------------------

ssize_t read(int fd, void* bytes, size_t count) { return InodeOf(fd) != 0 && Fails(kRead) ? -1 : REAL(read)(fd, bytes, count); }

ssize_t pread(int fd, void* bytes, size_t count, off_t offset) { return InodeOf(fd) != 0 && Fails(kRead) ? -1 : REAL(pread)(fd, bytes, count, offset); }

ssize_t pread64(int fd, void* bytes, size_t count, off_t offset) { return pread(fd, bytes, count, offset); }

// ---- writing -----------------------------------------------------------------------------------------------

ssize_t write(int fd, const void* bytes, size_t count) {
  if (InodeOf(fd) == 0) return REAL(write)(fd, bytes, count);
  size_t taken = Taken(count);
  if (taken == 0) return -1;
  if (taken < count) count = taken;
  pthread_mutex_lock(&order);
  NoteWrite(fd, Position(fd), count);
  ssize_t written = REAL(write)(fd, bytes, count);
  pthread_mutex_unlock(&order);
  return written;
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  if (InodeOf(fd) == 0) return REAL(pwrite)(fd, bytes, count, offset);
  size_t taken = Taken(count);
  if (taken == 0) return -1;
  if (taken < count) count = taken;
  pthread_mutex_lock(&order);
  NoteWrite(fd, offset, count);
  ssize_t written = REAL(pwrite)(fd, bytes, count, offset);
  pthread_mutex_unlock(&order);
  return written;
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off_t offset) { return pwrite(fd, bytes, count, offset); }

ssize_t writev(int fd, const struct iovec* parts, int count) {
  if (InodeOf(fd) == 0) return REAL(writev)(fd, parts, count);
  if (Fails(kWrite)) {
    if (control->error != 0) return -1;
    if (count > 1) count = 1;
  }
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  pthread_mutex_lock(&order);
  NoteWrite(fd, Position(fd), size);
  ssize_t written = REAL(writev)(fd, parts, count);
  pthread_mutex_unlock(&order);
  return written;
}

int ftruncate(int fd, off_t size) {
  if (InodeOf(fd) == 0) return REAL(ftruncate)(fd, size);
  if (Fails(kWrite) && control->error != 0) return -1;
  struct stat info;
  pthread_mutex_lock(&order);
  if (fstat(fd, &info) == 0) {
    off_t from = size < info.st_size ? size : info.st_size;
    NoteWrite(fd, from, (size_t)(info.st_size - from));
  }
  int result = REAL(ftruncate)(fd, size);
  pthread_mutex_unlock(&order);
  return result;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int truncate(const char* path, off_t size) {
  if (Ours(path) && Fails(kWrite) && control->error != 0) return -1;
  return REAL(truncate)(path, size);
}

int truncate64(const char* path, off_t size) { return truncate(path, size); }

int fallocate(int fd, int mode, off_t offset, off_t size) {
  if (InodeOf(fd) != 0 && Fails(kWrite) && control->error != 0) return -1;
  return REAL(fallocate)(fd, mode, offset, size);
}

// ---- flushing ----------------------------------------------------------------------------------------------

// A disk that takes its time: what is being flushed at the kill is not flushed.
static void BeSlow(int fd) {
  if (journal >= 0 && InodeOf(fd) != 0) usleep(3000);
}

static int Synced(int fd, int result) {
  uint64_t inode = InodeOf(fd);
  if (journal >= 0 && inode != 0 && result == 0) Note(NULL, 0, "sync %lu\n", (unsigned long)inode);
  return result;
}

int fsync(int fd) {
  if (InodeOf(fd) != 0 && Fails(kSync)) return -1;
  BeSlow(fd);
  pthread_mutex_lock(&order);
  int result = Synced(fd, REAL(fsync)(fd));
  pthread_mutex_unlock(&order);
  return result;
}

int fdatasync(int fd) {
  if (InodeOf(fd) != 0 && Fails(kSync)) return -1;
  BeSlow(fd);
  pthread_mutex_lock(&order);
  int result = Synced(fd, REAL(fdatasync)(fd));
  pthread_mutex_unlock(&order);
  return result;
}

// ---- names -------------------------------------------------------------------------------------------------

int rename(const char* from, const char* to) {
  if (!Ours(to)) return REAL(rename)(from, to);
  if (Fails(kName)) return -1;
  pthread_mutex_lock(&order);
  if (journal >= 0) {
    char grave[PATH_MAX + 32];
    Bury(to, grave, sizeof grave);
    Note(NULL, 0, "rename %s\t%s\t%s\n", from, to, grave);
  }
  int result = REAL(rename)(from, to);
  pthread_mutex_unlock(&order);
  return result;
}

int link(const char* from, const char* to) {
  if (!Ours(to)) return REAL(link)(from, to);
  if (Fails(kName)) return -1;
  pthread_mutex_lock(&order);
  int result = REAL(link)(from, to);
  if (journal >= 0 && result == 0) Note(NULL, 0, "create %s\n", to);
  pthread_mutex_unlock(&order);
  return result;
}

int unlink(const char* path) {
  if (!Ours(path)) return REAL(unlink)(path);
  if (Fails(kRemove)) return -1;
  pthread_mutex_lock(&order);
  if (journal >= 0) {
    char grave[PATH_MAX + 32];
    Bury(path, grave, sizeof grave);
    if (grave[0] != '-') Note(NULL, 0, "remove %s\t%s\n", path, grave);
  }
  int result = REAL(unlink)(path);
  pthread_mutex_unlock(&order);
  return result;
}

// C++'s way to remove a file.
int remove(const char* path) {
  struct stat info;
  if (!Ours(path) || lstat(path, &info) != 0 || S_ISDIR(info.st_mode)) return REAL(remove)(path);
  return unlink(path);
}

int mkdir(const char* path, mode_t mode) {
  if (Ours(path) && Fails(kFolder)) return -1;
  return REAL(mkdir)(path, mode);
}
