// SlotScheduler: several answers at once from one LlamaRuntime. One thread computes; each turn it takes a token of every
// answer under way and a piece of the prompts that wait, in one batch.
//
// A slot keeps what it computed. A new prompt gets the slot that begins like it, and only the rest is computed: the
// system part once, passages of a follow-up not again. Where a busy slot has more of it, its state is copied. What one adapter
// computed is never taken for another's: a slot's state belongs to the adapter it was computed with.
//
// An adapter changes all of a batch, so a turn is of one adapter's answers; different ones take some turns each.
//
// Thread-safe. Jobs under way when it ends fail with kUnavailable.
#ifndef CODELORE_GENERATE_SLOT_SCHEDULER_H_
#define CODELORE_GENERATE_SLOT_SCHEDULER_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "codelore/generator.h"
#include "generate/llama_runtime.h"
#include "generate/piece_buffer.h"
#include "generate/token_chooser.h"

namespace codelore::generate {

// An answer under way: written by the scheduler, read by the one who waits for it.
struct AnswerJob {
  AnswerJob(std::vector<Token> the_prompt, const Sampling& sampling, uint32_t most_tokens, std::stop_token the_stop)
      : prompt(std::move(the_prompt)), max_tokens(most_tokens), stop(std::move(the_stop)), chooser(sampling), pieces(sampling.stop) {}

  const std::vector<Token> prompt;  // at least one
  const uint32_t max_tokens;        // at least one; fits the context behind the prompt
  const std::stop_token stop;
  std::atomic<bool> abandoned = false;  // by the one who waits

  TokenChooser chooser;  // these five are the scheduler's
  std::unique_ptr<TokenGrammar> grammar;  // none: any text
  std::shared_ptr<const LoadedAdapter> adapter;  // none: the model as it is
  PieceBuffer pieces;
  ChatUsage usage;

  std::mutex mutex;
  std::condition_variable_any changed;
  std::string text;  // new since it was taken; guarded by mutex, as are the next
  bool begun = false;
  std::optional<Result<ChatUsage>> end;
};

class SlotScheduler {
 public:
  SlotScheduler(std::unique_ptr<LlamaRuntime> runtime, uint32_t slots, uint32_t queue);

  const LlamaRuntime& runtime() const { return *runtime_; }  // for tokenizing
  LlamaRuntime& runtime() { return *runtime_; }  // and for loading adapters
  // kUnavailable when all slots are taken and `queue` jobs wait already.
  Status Submit(std::shared_ptr<AnswerJob> job);
  uint64_t decoded_tokens() const { return decoded_tokens_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::vector<Token> tokens;  // of its prompt and answer
    uint32_t held = 0;          // so many of them are computed
    uint64_t adapter = 0;       // by its id; 0: none
    std::shared_ptr<AnswerJob> job;
    uint64_t turn = 0;  // when it was last used
  };
  struct Turn {
    std::vector<Slot*> slots;
    std::vector<DecodeStep> steps;
  };

  void Run(const std::stop_token& stop);
  bool Admit(const std::stop_token& stop);  // false: the end
  void Start(std::shared_ptr<AnswerJob> job);
  void DropAbandoned();
  void Compute(const std::stop_token& stop);
  Turn PlanTurn();
  std::vector<Slot*> SlotsToServe();
  void GoOn(Slot& slot, std::span<const float> logits);
  static Result<Token> Choose(AnswerJob& job, std::span<const float> logits);
  void Rewind(Slot& slot);
  void End(Slot& slot, Result<ChatUsage> end);

  const std::unique_ptr<LlamaRuntime> runtime_;
  std::vector<Slot> slots_;  // the thread's
  uint64_t turn_ = 0;        // likewise, as are the next two
  uint64_t adapter_ = 0;     // of the last turn
  uint32_t turns_in_a_row_ = 0;  // with it
  const size_t queue_;
  std::atomic<uint64_t> decoded_tokens_ = 0;

  std::mutex mutex_;
  std::condition_variable_any work_;
  std::deque<std::shared_ptr<AnswerJob>> waiting_;  // guarded by mutex_, as is the next
  size_t busy_ = 0;                                 // slots with a job

  std::jthread thread_;  // last: it ends first
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_SLOT_SCHEDULER_H_
