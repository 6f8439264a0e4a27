#include "generate/slot_scheduler.h"

#include <algorithm>
#include <utility>

namespace codelore::generate {
namespace {

constexpr size_t kPromptShare = 64;     // of a turn, while other answers wait for their next token
constexpr uint32_t kWorthCopying = 64;  // tokens that a copy of a slot's state must save
constexpr uint32_t kTurnsInARow = 4;    // with one adapter, while another waits: changing costs a plan of the computation

uint32_t CommonPrefix(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<uint32_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

uint64_t AdapterOf(const AnswerJob& job) { return job.adapter ? job.adapter->id() : 0; }

bool IsOver(const AnswerJob& job) { return job.abandoned.load(std::memory_order_relaxed) || job.stop.stop_requested(); }

void Show(AnswerJob& job, const std::string& text) {
  const std::lock_guard lock(job.mutex);
  job.text += text;
  job.changed.notify_all();
}

}  // namespace

SlotScheduler::SlotScheduler(std::unique_ptr<LlamaRuntime> runtime, uint32_t slots, uint32_t queue)
    : runtime_(std::move(runtime)), slots_(slots), queue_(queue), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Status SlotScheduler::Submit(std::shared_ptr<AnswerJob> job) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [](const auto& waiting) { return IsOver(*waiting); });
  if (busy_ + waiting_.size() >= slots_.size() + queue_) return Unavailable("the model is busy with other questions");
  waiting_.push_back(std::move(job));
  work_.notify_one();
  return OkStatus();
}

void SlotScheduler::Run(const std::stop_token& stop) {
  while (Admit(stop)) {
    DropAbandoned();
    Compute(stop);
  }
  for (Slot& slot : slots_) {
    if (slot.job) End(slot, Unavailable("the model is being closed"));
  }
}

bool SlotScheduler::Admit(const std::stop_token& stop) {
  std::vector<std::shared_ptr<AnswerJob>> jobs;
  {
    std::unique_lock lock(mutex_);
    work_.wait(lock, stop, [&] { return busy_ > 0 || !waiting_.empty(); });
    while (!waiting_.empty() && (busy_ < slots_.size() || stop.stop_requested())) {
      jobs.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
      ++busy_;
    }
  }
  for (auto& job : jobs) {
    if (!stop.stop_requested()) {
      Start(std::move(job));
      continue;
    }
    const std::lock_guard lock(job->mutex);
    job->end = Unavailable("the model is being closed");
    job->changed.notify_all();
  }
  return !stop.stop_requested();
}

void SlotScheduler::Start(std::shared_ptr<AnswerJob> job) {
  const uint64_t adapter = AdapterOf(*job);
  auto held = [&](const Slot& slot) { return slot.adapter == adapter ? CommonPrefix(std::span(slot.tokens).first(slot.held), job->prompt) : 0; };
  Slot* best = nullptr;
  Slot* richest = &slots_.front();
  for (Slot& slot : slots_) {
    if (held(slot) > held(*richest)) richest = &slot;
    if (slot.job) continue;
    if (best == nullptr || held(slot) > held(*best) || (held(slot) == held(*best) && slot.turn < best->turn)) best = &slot;
  }
  auto number = [&](const Slot* slot) { return static_cast<uint32_t>(slot - slots_.data()); };
  uint32_t common = held(*best);
  if (held(*richest) >= common + kWorthCopying && runtime_->Copy(number(richest), number(best))) common = held(*richest);
  common = std::min(common, static_cast<uint32_t>(job->prompt.size()) - 1);  // the last one is computed for its logits
  best->held = runtime_->Forget(number(best), common) ? common : 0;
  best->tokens = job->prompt;
  best->adapter = adapter;
  best->job = std::move(job);
  const std::lock_guard lock(best->job->mutex);
  best->job->begun = true;
}

void SlotScheduler::DropAbandoned() {
  for (Slot& slot : slots_) {
    if (slot.job && IsOver(*slot.job)) End(slot, Unavailable("the answer was stopped"));
  }
}

// Those of one adapter: the last turn's, for some turns, then that of who has waited longest.
std::vector<SlotScheduler::Slot*> SlotScheduler::SlotsToServe() {
  std::vector<Slot*> same, others;
  for (Slot& slot : slots_) {
    if (slot.job) (slot.adapter == adapter_ ? same : others).push_back(&slot);
  }
  if (others.empty() || (!same.empty() && turns_in_a_row_ < kTurnsInARow)) return same;
  adapter_ = (*std::ranges::min_element(others, {}, &Slot::turn))->adapter;
  turns_in_a_row_ = 0;
  std::erase_if(others, [&](const Slot* slot) { return slot->adapter != adapter_; });
  return others;
}

// Next tokens first: someone reads along. Prompts get what is left, the oldest first.
SlotScheduler::Turn SlotScheduler::PlanTurn() {
  std::vector<Slot*> order = SlotsToServe();
  ++turns_in_a_row_;
  auto left = [](const Slot* slot) { return slot->tokens.size() - slot->held; };
  std::ranges::stable_sort(order, {}, [&](const Slot* slot) { return std::pair(left(slot) > 1, slot->turn); });
  const bool alone = order.empty() || left(order.front()) > 1;
  size_t room = alone ? LlamaRuntime::kBatchTokens : order.size() + kPromptShare;
  Turn turn;
  for (Slot* slot : order) {
    size_t count = std::min(left(slot), room);
    if (count == 0) break;
    room -= count;
    turn.slots.push_back(slot);
    turn.steps.push_back({.slot = static_cast<uint32_t>(slot - slots_.data()), .position = slot->held,
                          .tokens = std::span(slot->tokens).subspan(slot->held, count), .wants_logits = count == left(slot)});
  }
  return turn;
}

void SlotScheduler::Compute(const std::stop_token& stop) {
  Turn turn = PlanTurn();
  if (turn.steps.empty()) return;
  auto end = runtime_->Decode(turn.steps, turn.slots.front()->job->adapter, [&] {
    return stop.stop_requested() || std::ranges::any_of(turn.slots, [](const Slot* slot) { return IsOver(*slot->job); });
  });
  ++turn_;
  for (size_t i = 0; i < turn.steps.size(); ++i) {
    Slot& slot = *turn.slots[i];
    if (!end.ok() || *end == DecodeEnd::kAborted) {
      Rewind(slot);
      if (!end.ok()) End(slot, end.status());
      continue;
    }
    slot.held += static_cast<uint32_t>(turn.steps[i].tokens.size());
    slot.turn = turn_;
    decoded_tokens_.fetch_add(turn.steps[i].tokens.size(), std::memory_order_relaxed);
    if (turn.steps[i].wants_logits) GoOn(slot, runtime_->Logits(i));
  }
}

void SlotScheduler::Rewind(Slot& slot) {
  if (!runtime_->Forget(static_cast<uint32_t>(&slot - slots_.data()), slot.held)) slot.held = 0;
}

// The likely choice is tried first: all of the vocabulary is held against a grammar only when that one is not allowed.
Result<Token> SlotScheduler::Choose(AnswerJob& job, std::span<const float> logits) {
  std::optional<Token> next = job.chooser.Choose(logits);
  if (!next) return Internal("the model computes what is no number");
  if (!job.grammar) return *next;
  if (!job.grammar->Allows(*next)) {
    std::vector<float> masked(logits.begin(), logits.end());
    RETURN_IF_ERROR(job.grammar->Mask(masked));
    next = job.chooser.Choose(masked);
    if (!next) return InvalidArgument("the model has no word that the format allows here");
  }
  RETURN_IF_ERROR(job.grammar->Accept(*next));
  return *next;
}

void SlotScheduler::GoOn(Slot& slot, std::span<const float> logits) {
  AnswerJob& job = *slot.job;
  Result<Token> next = Choose(job, logits);
  if (!next.ok()) return End(slot, next.status());
  if (runtime_->EndsAnswer(*next)) return End(slot, job.usage);
  ++job.usage.answer_tokens;
  std::string text = job.pieces.Add(runtime_->Piece(*next));
  if (!text.empty()) Show(job, text);
  job.usage.cut = !job.pieces.stopped() && job.usage.answer_tokens >= job.max_tokens;
  if (job.usage.cut || job.pieces.stopped()) return End(slot, job.usage);
  slot.tokens.push_back(*next);
}

void SlotScheduler::End(Slot& slot, Result<ChatUsage> end) {
  std::shared_ptr<AnswerJob> job = std::exchange(slot.job, nullptr);
  slot.tokens.resize(slot.held);
  {
    const std::lock_guard lock(mutex_);
    --busy_;
  }
  const std::lock_guard lock(job->mutex);
  if (end.ok()) job->text += job->pieces.Finish();
  job->end = std::move(end);
  job->changed.notify_all();
}

}  // namespace codelore::generate
