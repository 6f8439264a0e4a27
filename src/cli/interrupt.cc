#include "cli/interrupt.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <condition_variable>
#include <iterator>
#include <mutex>

namespace codelore::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

// What a signal handler may touch has to be global. A handler, because libraries start threads before main: a signal
// that ours block would be delivered to one of those, and end the process.
std::atomic<int> wake_descriptor = -1;
std::atomic<bool> signalled = false;

void Wake(int descriptor) {
  const uint64_t one = 1;
  while (::write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

extern "C" void OnSignal(int signal) {
  if (signalled.exchange(true)) _exit(128 + signal);
  int error = errno;
  Wake(wake_descriptor);
  errno = error;
}

}  // namespace

Interrupt::Interrupt() : wake_(::eventfd(0, EFD_CLOEXEC)) {
  wake_descriptor = wake_;
  signalled = false;
  waiter_ = std::jthread([this] { WaitForSignal(); });
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    bool ignored = kSignals[i] == SIGINT && before_[i].sa_handler == SIG_IGN;
    if (!ignored) ::sigaction(kSignals[i], &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  Wake(wake_);
  waiter_.join();
  wake_descriptor = -1;
  ::close(wake_);
}

void Interrupt::WaitForSignal() {
  uint64_t count = 0;
  while (::read(wake_, &count, sizeof count) < 0 && errno == EINTR) {
  }
  if (signalled) source_.request_stop();
}

void Interrupt::Wait() const {
  std::mutex mutex;
  std::condition_variable_any signal;
  std::unique_lock lock(mutex);
  signal.wait(lock, source_.get_token(), [] { return false; });
}

}  // namespace codelore::cli
