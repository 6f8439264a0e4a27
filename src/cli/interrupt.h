// Interrupt: turns Ctrl-C and SIGTERM into a stop request. A second one ends the process at once.
#ifndef CODELORE_CLI_INTERRUPT_H_
#define CODELORE_CLI_INTERRUPT_H_

#include <stop_token>
#include <thread>

namespace codelore::cli {

// Make it before any other thread starts: it blocks the signals for this thread and those it starts later, and
// waits for them on one of its own.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  std::stop_token token() const { return source_.get_token(); }
  void Wait() const;  // until the first signal

 private:
  void WaitForSignals(std::stop_token ended);

  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace codelore::cli

#endif  // CODELORE_CLI_INTERRUPT_H_
