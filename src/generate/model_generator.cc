#include "generate/model_generator.h"

#include <algorithm>
#include <utility>

#include "generate/json_form.h"
#include "generate/tool_loop.h"

namespace codelore::generate {
namespace {

class ModelGenerator final : public Generator {
 public:
  ModelGenerator(std::shared_ptr<const ChatModel> model, ModelGeneratorOptions options)
      : model_(std::move(model)), options_(std::move(options)) {}

  std::string_view name() const override { return options_.name; }

  Status Check(const AnswerRequest& request) const override {
    if (request.tools != nullptr && !model_->can_call_tools()) {
      return InvalidArgument("the generator '" + options_.name + "' cannot call tools; leave them out, or choose a model on a server that can");
    }
    return request.sampling.form == OutputForm::kText ? OkStatus() : model_->CheckForm(request.sampling);
  }

  Result<AnswerSummary> Answer(const AnswerRequest& request, std::stop_token stop,
                               const std::function<void(const AnswerPiece&)>& emit) const override {
    const bool free = request.tools == nullptr && request.sampling.form == OutputForm::kText;
    if (request.passages.empty() && free) {
      emit({"I could not find this: no passage that you may read fits the question.\n", {}});
      return AnswerSummary{.found = false, .generator = options_.name};
    }
    Prompt prompt = MakePrompt(request);
    return request.sampling.form == OutputForm::kText ? AnswerInText(request, std::move(prompt), stop, emit)
                                                      : AnswerInJson(request, std::move(prompt), stop, emit);
  }

  std::vector<ChatMessage> PromptFor(const AnswerRequest& request) const override { return MakePrompt(request).messages; }

 private:
  Result<AnswerSummary> AnswerInText(const AnswerRequest& request, Prompt prompt, std::stop_token stop,
                                     const std::function<void(const AnswerPiece&)>& emit) const {
    AnswerSummary summary{.found = false, .generator = options_.name};
    AnswerChecker checker(request.passages, prompt.used, request.question, options_.unsupported, emit);
    ASSIGN_OR_RETURN(ToolTurn turn, Converse(request, std::move(prompt), stop, {.text = [&](std::string_view text) { checker.Feed(text); },
                                                                               .result = [&](std::string_view text) { checker.AddEvidence(text); }}));
    checker.Finish();
    summary.usage = turn.usage;
    summary.calls = std::move(turn.calls);
    summary.found = checker.cited();
    return summary;
  }

  // In one piece: what is safe to show is known at its end only.
  Result<AnswerSummary> AnswerInJson(const AnswerRequest& request, Prompt prompt, std::stop_token stop,
                                     const std::function<void(const AnswerPiece&)>& emit) const {
    AnswerSummary summary{.found = !request.passages.empty(), .generator = options_.name};
    std::string text;
    ASSIGN_OR_RETURN(ToolTurn turn, Converse(request, std::move(prompt), stop, {.text = [&](std::string_view piece) { text += piece; },
                                                                               .result = [](std::string_view) {}}));
    summary.usage = turn.usage;
    summary.calls = std::move(turn.calls);
    if (!summary.calls.empty()) return summary;
    if (summary.usage.cut) return InvalidArgument("the JSON did not fit into max_tokens; allow more");
    ASSIGN_OR_RETURN(std::string safe, SafeJson(text, request.sampling));
    emit({std::move(safe), {}});
    return summary;
  }

  Result<ToolTurn> Converse(const AnswerRequest& request, Prompt prompt, std::stop_token stop, const ToolSinks& sinks) const {
    if (request.tools == nullptr) {
      ASSIGN_OR_RETURN(ChatUsage usage, model_->Chat(prompt.messages, Fitting(request.sampling), stop, sinks.text));
      return ToolTurn{usage, {}};
    }
    for (const ChatMessage& message : request.tools->since) {
      if (message.role == ChatRole::kTool) sinks.result(message.text);
      prompt.messages.push_back(message);
    }
    return RunToolLoop(*model_, std::move(prompt.messages), *request.tools, Fitting(request.sampling), stop, sinks);
  }

  // The prompt leaves room for the answer.
  Prompt MakePrompt(const AnswerRequest& request) const {
    constexpr size_t kFrame = 256;  // system part, question and the model's own marks between messages
    const size_t taken = Fitting(request.sampling).max_tokens + kFrame + model_->CountTokens(request.question) + TokensOfTools(request);
    const size_t room = model_->context_tokens() - std::min<size_t>(model_->context_tokens(), taken);
    PromptLimits limits = options_.limits;
    limits.passage_tokens = std::min(limits.passage_tokens, room);
    limits.history_tokens = std::min(limits.history_tokens, room - limits.passage_tokens);
    return BuildPrompt(request, limits, [this](std::string_view text) { return model_->CountTokens(text); });
  }

  // Their descriptions, and as much again for what they give.
  size_t TokensOfTools(const AnswerRequest& request) const {
    size_t tokens = 0;
    if (request.tools == nullptr) return tokens;
    for (const auto* tools : {&request.tools->ours, &request.tools->theirs}) {
      for (const ToolSpec& tool : *tools) tokens += model_->CountTokens(tool.name + tool.description + tool.parameters);
    }
    for (const ChatMessage& message : request.tools->since) tokens += model_->CountTokens(message.text);
    return 2 * tokens;
  }

  Sampling Fitting(Sampling sampling) const {
    sampling.max_tokens = std::min(sampling.max_tokens, std::max(model_->context_tokens() / 2, 1u));
    return sampling;
  }

  const std::shared_ptr<const ChatModel> model_;
  const ModelGeneratorOptions options_;
};

}  // namespace

std::unique_ptr<Generator> MakeModelGenerator(std::shared_ptr<const ChatModel> model, ModelGeneratorOptions options) {
  return std::make_unique<ModelGenerator>(std::move(model), std::move(options));
}

}  // namespace codelore::generate
