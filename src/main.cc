#include <malloc.h>

#include <algorithm>
#include <thread>

#include "cli/cli.h"

int main(int argc, char** argv) {
  // By default glibc keeps eight arenas per processor, each with some megabytes that it does not give to another's threads.
  // Of hundreds of threads no more than there are processors allocate at a time.
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2u, std::thread::hardware_concurrency())));
  return codelore::cli::Main(argc, argv);
}
