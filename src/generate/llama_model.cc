#include "generate/llama_model.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "generate/json_form.h"
#include "generate/llama_guard.h"
#include "generate/slot_scheduler.h"
#include "generate/tool_form.h"

namespace codelore::generate {
namespace {

// Tells a file from the one that took its place, and from itself with other contents.
using FileVersion = std::array<int64_t, 5>;
FileVersion VersionOf(const std::string& file) {
  struct stat info = {};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {static_cast<int64_t>(info.st_dev), static_cast<int64_t>(info.st_ino), info.st_size,
          info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

class ScheduledModel final : public LlamaModel {
 public:
  ScheduledModel(const LlamaModelOptions& options, const LlamaRuntimeOptions& runtime_options, std::unique_ptr<LlamaRuntime> runtime)
      : name_(options.name), max_wait_(options.max_wait), options_(runtime_options), scheduler_(std::move(runtime), options.slots, options.queue) {}

  // The file that was tried was of this version.
  Status Load(const NamedAdapter& adapter, const FileVersion& version) {
    ASSIGN_OR_RETURN(auto loaded, scheduler_.runtime().LoadAdapter(adapter.file.lora));
    if (VersionOf(adapter.file.lora.file) != version) return Unavailable("adapter file " + adapter.file.lora.file + " changed while it was being loaded");
    std::shared_ptr<const LoadedAdapter> before;  // let go of without the lock
    const std::lock_guard lock(adapters_mutex_);
    Entry& entry = adapters_[adapter.name];
    before = std::exchange(entry.loaded, std::move(loaded));
    entry.adapter = adapter;
    return OkStatus();
  }

  Status SetAdapter(const NamedAdapter& adapter) override {
    const auto version = VersionOf(adapter.file.lora.file);
    RETURN_IF_ERROR(CheckModel({.model = options_, .choices = {adapter.file}, .weights = false}));
    return Load(adapter, version);
  }

  Status DropAdapter(const std::string& name) override {
    std::shared_ptr<const LoadedAdapter> before;
    const std::lock_guard lock(adapters_mutex_);
    auto at = adapters_.find(name);
    if (at == adapters_.end()) return NotFound("the generator '" + name_ + "' has no adapter '" + name + "'");
    before = std::move(at->second.loaded);
    adapters_.erase(at);
    return OkStatus();
  }

  std::vector<NamedAdapter> LoadedAdapters() const override {
    const std::lock_guard lock(adapters_mutex_);
    std::vector<NamedAdapter> all;
    for (const auto& [name, entry] : adapters_) all.push_back(entry.adapter);
    return all;
  }

  std::vector<std::string> adapters() const override {
    const std::lock_guard lock(adapters_mutex_);
    std::vector<std::string> names;
    for (const auto& [name, entry] : adapters_) names.push_back(name);
    return names;
  }

  const std::string& name() const override { return name_; }
  uint32_t context_tokens() const override { return scheduler_.runtime().context_tokens(); }
  uint64_t decoded_tokens() const override { return scheduler_.decoded_tokens(); }

  size_t CountTokens(std::string_view text) const override {
    auto tokens = scheduler_.runtime().Tokenize(text);
    return tokens.ok() ? tokens->size() : text.size();
  }

  Result<ChatUsage> Chat(std::span<const ChatMessage> messages, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    ASSIGN_OR_RETURN(std::vector<Token> prompt, PromptOf(messages));
    ASSIGN_OR_RETURN(std::string gbnf, GrammarOf(sampling));
    return Continue(std::move(prompt), sampling, stop, emit, gbnf);
  }

  Status CheckForm(const Sampling& sampling) const override {
    ASSIGN_OR_RETURN(std::string gbnf, GrammarOf(sampling));
    return GrammarFor(gbnf).status();
  }
  bool can_call_tools() const override { return true; }

  // Text as it comes; calls when they are complete. The first character tells which of them it is.
  Result<ToolTurn> ChatWithTools(std::span<const ChatMessage> messages, const ToolOffer& offer, const Sampling& sampling, std::stop_token stop,
                                 const std::function<void(std::string_view)>& emit) const override {
    ASSIGN_OR_RETURN(std::string gbnf, ToolGrammar(offer, sampling));
    const std::vector<ChatMessage> told = TellOfTools(messages, offer);
    ASSIGN_OR_RETURN(std::vector<Token> prompt, PromptOf(told));
    const bool may_call = !offer.tools.empty() && offer.choice != "none";
    std::string calls;
    ASSIGN_OR_RETURN(ChatUsage usage, Continue(std::move(prompt), sampling, stop, [&](std::string_view piece) {
                       if (may_call && (!calls.empty() || piece.starts_with('<'))) calls += piece;
                       else emit(piece);
                     }, gbnf));
    size_t before = 0;
    for (const ChatMessage& message : messages) before += message.calls.size();
    return ToolTurn{usage, ReadCalls(calls, before)};
  }

  bool can_fill() const override { return scheduler_.runtime().can_fill(); }

  Result<ChatUsage> Fill(const FillRequest& request, const Sampling& sampling, std::stop_token stop,
                         const std::function<void(std::string_view)>& emit) const override {
    constexpr uint32_t kMarks = 8;
    const uint32_t answer = std::min(sampling.max_tokens, context_tokens() / 4);
    ASSIGN_OR_RETURN(std::vector<Token> prompt, scheduler_.runtime().TokenizeFill(request, context_tokens() - std::min(context_tokens(), answer + kMarks)));
    if (prompt.size() >= context_tokens()) return InvalidArgument("the text around the hole does not fit the context of " + name_);
    ASSIGN_OR_RETURN(std::string gbnf, GrammarOf(sampling));
    return Continue(std::move(prompt), sampling, stop, emit, gbnf);
  }

 private:
  struct Entry {
    NamedAdapter adapter;
    std::shared_ptr<const LoadedAdapter> loaded;
  };

  Result<std::shared_ptr<const LoadedAdapter>> AdapterNamed(const std::string& name) const {
    if (name.empty()) return std::shared_ptr<const LoadedAdapter>();
    const std::lock_guard lock(adapters_mutex_);
    auto at = adapters_.find(name);
    if (at == adapters_.end()) return NotFound("the generator '" + name_ + "' has no adapter '" + name + "'");
    return at->second.loaded;
  }

  Result<std::vector<Token>> PromptOf(std::span<const ChatMessage> messages) const {
    ASSIGN_OR_RETURN(std::vector<Token> prompt, scheduler_.runtime().TokenizeChat(messages));
    if (!prompt.empty() && prompt.size() < context_tokens()) return prompt;
    return InvalidArgument("a prompt of " + std::to_string(prompt.size()) + " tokens; " + name_ + " takes 1 to " + std::to_string(context_tokens() - 1));
  }

  Result<std::unique_ptr<TokenGrammar>> GrammarFor(const std::string& gbnf) const {
    if (gbnf.empty()) return std::unique_ptr<TokenGrammar>();
    return scheduler_.runtime().MakeGrammar(gbnf);
  }

  Result<ChatUsage> Continue(std::vector<Token> prompt, const Sampling& sampling, const std::stop_token& stop,
                             const std::function<void(std::string_view)>& emit, const std::string& gbnf) const {
    const uint32_t most = std::clamp(sampling.max_tokens, 1u, context_tokens() - static_cast<uint32_t>(prompt.size()));
    auto job = std::make_shared<AnswerJob>(std::move(prompt), sampling, most, stop);
    ASSIGN_OR_RETURN(job->grammar, GrammarFor(gbnf));
    ASSIGN_OR_RETURN(job->adapter, AdapterNamed(sampling.adapter));
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
  const LlamaRuntimeOptions options_;
  mutable SlotScheduler scheduler_;
  mutable std::mutex adapters_mutex_;
  std::map<std::string, Entry> adapters_;  // guarded by it; before the scheduler's runtime
};

}  // namespace

Result<std::unique_ptr<LlamaModel>> LlamaModel::Open(const LlamaModelOptions& options) {
  LlamaRuntimeOptions runtime_options{.file = options.file, .adapters = options.adapters, .context_tokens = options.context_tokens,
                                      .slots = options.slots, .threads = options.threads};
  if (runtime_options.threads == 0) runtime_options.threads = std::max(std::thread::hardware_concurrency() / 2, 1u);
  const auto version = VersionOf(options.file);
  std::vector<FileVersion> adapter_versions;
  LlamaCheck check{.model = runtime_options, .sha256 = options.sha256};
  for (const NamedAdapter& choice : options.choices) {
    check.choices.push_back(choice.file);
    adapter_versions.push_back(VersionOf(choice.file.lora.file));
  }
  RETURN_IF_ERROR(CheckModel(check));
  ASSIGN_OR_RETURN(auto runtime, LlamaRuntime::Load(runtime_options));
  if (VersionOf(options.file) != version) return Unavailable("model file " + options.file + " changed while it was being loaded");
  auto model = std::make_unique<ScheduledModel>(options, runtime_options, std::move(runtime));
  for (size_t i = 0; i < options.choices.size(); ++i) {
    RETURN_IF_ERROR(model->Load(options.choices[i], adapter_versions[i]));
  }
  return std::unique_ptr<LlamaModel>(std::move(model));
}

}  // namespace codelore::generate
