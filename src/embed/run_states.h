// RunStates: scratch memories of forward passes, kept for the next call. Thread-safe.
#ifndef CODELORE_EMBED_RUN_STATES_H_
#define CODELORE_EMBED_RUN_STATES_H_

#include <memory>
#include <mutex>
#include <vector>

#include "embed/bert.h"

namespace codelore::embed {

class RunStates {
 public:
  std::unique_ptr<RunState> Borrow() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<RunState>();
    std::unique_ptr<RunState> state = std::move(idle_.back());
    idle_.pop_back();
    return state;
  }
  void Return(std::unique_ptr<RunState> state) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(state));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RunState>> idle_;  // guarded by mutex_
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_RUN_STATES_H_
