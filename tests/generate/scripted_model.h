// A ChatModel that says what it was told to, in small pieces, and remembers what it was sent.
#ifndef CODELORE_TESTS_GENERATE_SCRIPTED_MODEL_H_
#define CODELORE_TESTS_GENERATE_SCRIPTED_MODEL_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "codelore/generator.h"

namespace codelore::testing {

class ScriptedModel final : public ChatModel {
 public:
  explicit ScriptedModel(std::string answer, size_t piece_bytes = 7) : answer_(std::move(answer)), piece_bytes_(piece_bytes) {}

  const std::string& name() const override { return name_; }
  uint32_t context_tokens() const override { return 4096; }
  size_t CountTokens(std::string_view text) const override { return (text.size() + 3) / 4; }
  Result<ChatUsage> Chat(std::span<const ChatMessage> messages, const Sampling&, std::stop_token,
                         const std::function<void(std::string_view)>& emit) const override {
    sent_.assign(messages.begin(), messages.end());
    for (size_t i = 0; i < answer_.size(); i += piece_bytes_) emit(std::string_view(answer_).substr(i, piece_bytes_));
    return ChatUsage{.prompt_tokens = 1, .answer_tokens = 2, .cut = false};
  }
  const std::vector<ChatMessage>& sent() const { return sent_; }

 private:
  const std::string name_ = "scripted";
  const std::string answer_;
  const size_t piece_bytes_;
  mutable std::vector<ChatMessage> sent_;
};

inline Passage MakePassage(const std::string& path, const std::string& text, uint32_t line = 1) {
  auto lines = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n'));
  return {.citation = "app@abc:" + path + "#L" + std::to_string(line) + "-L" + std::to_string(line + std::max(lines, 1u) - 1),
          .path = path, .language = "python", .text = text, .start_line = line, .line_weights = std::vector<float>(lines, 0.1f)};
}

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_GENERATE_SCRIPTED_MODEL_H_
