#include <malloc.h>

#include <algorithm>
#include <thread>

#include "cli/cli.h"

int main(int argc, char** argv) {
  // By default glibc keeps eight arenas per processor, each with some megabytes that it does not give to another's threads.
  // Of hundreds of threads no more than there are processors allocate at a time.
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2u, std::thread::hardware_concurrency())));
  // Segments that are built, and what they are built from, go back to the system at once. Left to itself glibc would learn from the
  // first of them to keep pieces of up to 32 MB.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  return codelore::cli::Main(argc, argv);
}
