// EncodeGate: lets encoding that nobody waits for give way to encoding that somebody does.
//
// One for all encoders that share the processors. Work in the background asks it between two
// products of a block of tokens, two heads of attention and two texts to tokenise, at most about two milliseconds
// of work apart whatever the model and the length of a text, and rests while a call in the
// foreground is under way; not for ever, so that a stream of queries slows indexing down but does
// not end it. Thread-safe.
#ifndef CODELORE_EMBED_ENCODE_GATE_H_
#define CODELORE_EMBED_ENCODE_GATE_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace codelore::embed {

class EncodeGate {
 public:
  // A call in the foreground, while it lives.
  class Foreground {
   public:
    explicit Foreground(EncodeGate& gate) : gate_(gate) { ++gate_.waiting_; }
    ~Foreground() {
      if (--gate_.waiting_ > 0) return;
      { const std::lock_guard lock(gate_.mutex_); }  // nobody is between looking and sleeping
      gate_.none_.notify_all();
    }
    Foreground(const Foreground&) = delete;
    Foreground& operator=(const Foreground&) = delete;

   private:
    EncodeGate& gate_;
  };

  virtual ~EncodeGate() = default;

  // Returns when nothing is in the foreground, after kLongestRest at the latest.
  virtual void GiveWay() {
    if (waiting_ == 0) return;
    std::unique_lock lock(mutex_);
    none_.wait_for(lock, kLongestRest, [this] { return waiting_ == 0; });
  }

 private:
  static constexpr std::chrono::milliseconds kLongestRest{50};

  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::condition_variable none_;
};

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_ENCODE_GATE_H_
