#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace codelore::cli {
namespace {

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](std::stop_token ended) { WaitForSignals(ended); });
}

Interrupt::~Interrupt() = default;

void Interrupt::WaitForSignals(std::stop_token ended) {
  sigset_t signals = Signals();
  while (!ended.stop_requested()) {
    timespec tick{.tv_sec = 0, .tv_nsec = 100'000'000};
    int signal = sigtimedwait(&signals, nullptr, &tick);
    if (signal < 0) continue;
    if (source_.stop_requested()) _exit(128 + signal);
    source_.request_stop();
  }
}

void Interrupt::Wait() const {
  std::mutex mutex;
  std::condition_variable_any signal;
  std::unique_lock lock(mutex);
  signal.wait(lock, source_.get_token(), [] { return false; });
}

}  // namespace codelore::cli
