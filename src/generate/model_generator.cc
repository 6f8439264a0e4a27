#include "generate/model_generator.h"

#include <algorithm>
#include <utility>

namespace codelore::generate {
namespace {

class ModelGenerator final : public Generator {
 public:
  ModelGenerator(std::shared_ptr<const ChatModel> model, ModelGeneratorOptions options)
      : model_(std::move(model)), options_(std::move(options)) {}

  std::string_view name() const override { return options_.name; }

  Result<AnswerSummary> Answer(const AnswerRequest& request, std::stop_token stop,
                               const std::function<void(const AnswerPiece&)>& emit) const override {
    AnswerSummary summary{.found = false, .generator = options_.name};
    if (request.passages.empty()) {
      emit({"I could not find this: no passage that you may read fits the question.\n", {}});
      return summary;
    }
    Prompt prompt = MakePrompt(request);
    AnswerChecker checker(request.passages, prompt.used, request.question, options_.unsupported, emit);
    ASSIGN_OR_RETURN(summary.usage, model_->Chat(prompt.messages, Fitting(request.sampling), stop,
                                                 [&](std::string_view text) { checker.Feed(text); }));
    checker.Finish();
    summary.found = checker.cited();
    return summary;
  }

  std::vector<ChatMessage> PromptFor(const AnswerRequest& request) const override { return MakePrompt(request).messages; }

 private:
  // The prompt leaves room for the answer.
  Prompt MakePrompt(const AnswerRequest& request) const {
    constexpr size_t kFrame = 256;  // system part, question and the model's own marks between messages
    const size_t taken = Fitting(request.sampling).max_tokens + kFrame + model_->CountTokens(request.question);
    const size_t room = model_->context_tokens() - std::min<size_t>(model_->context_tokens(), taken);
    PromptLimits limits = options_.limits;
    limits.passage_tokens = std::min(limits.passage_tokens, room);
    limits.history_tokens = std::min(limits.history_tokens, room - limits.passage_tokens);
    return BuildPrompt(request, limits, [this](std::string_view text) { return model_->CountTokens(text); });
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
