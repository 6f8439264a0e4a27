// Interrupt: turns Ctrl-C and SIGTERM into a stop request. A second one ends the process at once.
#ifndef CODELORE_CLI_INTERRUPT_H_
#define CODELORE_CLI_INTERRUPT_H_

#include <signal.h>

#include <stop_token>
#include <thread>

namespace codelore::cli {

// One at a time in a process. A SIGINT that was ignored from the start (a background job of a script) stays so.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  std::stop_token token() const { return source_.get_token(); }
  void Wait() const;  // until the first signal

 private:
  void WaitForSignal();

  int wake_;  // an eventfd; the handler and the destructor write to it
  struct sigaction before_[2];
  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace codelore::cli

#endif  // CODELORE_CLI_INTERRUPT_H_
