#include "generate/llama_model.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "generate/json_form.h"
#include "generate/llama_guard.h"
#include "generate/slot_scheduler.h"

namespace codelore::generate {
namespace {

class ScheduledModel final : public LlamaModel {
 public:
  ScheduledModel(const LlamaModelOptions& options, std::unique_ptr<LlamaRuntime> runtime)
      : name_(options.name), max_wait_(options.max_wait), scheduler_(std::move(runtime), options.slots, options.queue) {}

  const std::string& name() const override { return name_; }
  uint32_t context_tokens() const override { return scheduler_.runtime().context_tokens(); }
  uint64_t decoded_tokens() const override { return scheduler_.decoded_tokens(); }

  size_t CountTokens(std::string_view text) const override {
    auto tokens = scheduler_.runtime().Tokenize(text);
    return tokens.ok() ? tokens->size() : text.size();
  }

  Result<ChatUsage> Chat(std::span<const ChatMessage> messages, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    ASSIGN_OR_RETURN(std::vector<Token> prompt, scheduler_.runtime().TokenizeChat(messages));
    if (prompt.empty() || prompt.size() >= context_tokens()) {
      return InvalidArgument("a prompt of " + std::to_string(prompt.size()) + " tokens; " + name_ + " takes 1 to " + std::to_string(context_tokens() - 1));
    }
    return Continue(std::move(prompt), sampling, stop, emit);
  }

  Status CheckForm(const Sampling& sampling) const override { return GrammarFor(sampling).status(); }
  bool can_fill() const override { return scheduler_.runtime().can_fill(); }

  Result<ChatUsage> Fill(const FillRequest& request, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    constexpr uint32_t kMarks = 8;
    const uint32_t answer = std::min(sampling.max_tokens, context_tokens() / 4);
    ASSIGN_OR_RETURN(std::vector<Token> prompt, scheduler_.runtime().TokenizeFill(request, context_tokens() - std::min(context_tokens(), answer + kMarks)));
    if (prompt.size() >= context_tokens()) return InvalidArgument("the text around the hole does not fit the context of " + name_);
    return Continue(std::move(prompt), sampling, stop, emit);
  }

 private:
  Result<std::unique_ptr<TokenGrammar>> GrammarFor(const Sampling& sampling) const {
    ASSIGN_OR_RETURN(std::string gbnf, GrammarOf(sampling));
    if (gbnf.empty()) return std::unique_ptr<TokenGrammar>();
    return scheduler_.runtime().MakeGrammar(gbnf);
  }

  Result<ChatUsage> Continue(std::vector<Token> prompt, const Sampling& sampling, const std::stop_token& stop,
                             const std::function<void(std::string_view)>& emit) const {
    const uint32_t most = std::clamp(sampling.max_tokens, 1u, context_tokens() - static_cast<uint32_t>(prompt.size()));
    auto job = std::make_shared<AnswerJob>(std::move(prompt), sampling, most, stop);
    ASSIGN_OR_RETURN(job->grammar, GrammarFor(sampling));
    job->usage.prompt_tokens = static_cast<uint32_t>(job->prompt.size());
    RETURN_IF_ERROR(scheduler_.Submit(job));
    auto end = Follow(*job, stop, emit);
    job->abandoned = true;
    return end;
  }

  Result<ChatUsage> Follow(AnswerJob& job, const std::stop_token& stop, const std::function<void(std::string_view)>& emit) const {
    const auto latest = std::chrono::steady_clock::now() + max_wait_;
    std::unique_lock lock(job.mutex);
    for (;;) {
      auto news = [&] { return !job.text.empty() || job.end.has_value(); };
      if (job.begun) job.changed.wait(lock, stop, news);
      else job.changed.wait_until(lock, stop, latest, [&] { return job.begun || news(); });
      if (stop.stop_requested()) return Unavailable("the answer was stopped");
      if (!job.begun && !job.end) return Unavailable("the model " + name_ + " is busy with other questions");
      std::string text = std::exchange(job.text, "");
      std::optional<Result<ChatUsage>> end = job.end;
      lock.unlock();
      if (!text.empty()) emit(text);
      if (end) return *end;
      lock.lock();
    }
  }

  const std::string name_;
  const std::chrono::milliseconds max_wait_;
  mutable SlotScheduler scheduler_;
};

// Tells a file from the one that took its place, and from itself with other contents.
std::array<int64_t, 5> VersionOf(const std::string& file) {
  struct stat info = {};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {static_cast<int64_t>(info.st_dev), static_cast<int64_t>(info.st_ino), info.st_size,
          info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

}  // namespace

Result<std::unique_ptr<LlamaModel>> LlamaModel::Open(const LlamaModelOptions& options) {
  LlamaRuntimeOptions runtime_options{.file = options.file, .adapters = options.adapters, .context_tokens = options.context_tokens,
                                      .slots = options.slots, .threads = options.threads};
  if (runtime_options.threads == 0) runtime_options.threads = std::max(std::thread::hardware_concurrency() / 2, 1u);
  const auto version = VersionOf(options.file);
  RETURN_IF_ERROR(CheckModel({.model = runtime_options, .sha256 = options.sha256}));
  ASSIGN_OR_RETURN(auto runtime, LlamaRuntime::Load(runtime_options));
  if (VersionOf(options.file) != version) return Unavailable("model file " + options.file + " changed while it was being loaded");
  return std::unique_ptr<LlamaModel>(std::make_unique<ScheduledModel>(options, std::move(runtime)));
}

}  // namespace codelore::generate
