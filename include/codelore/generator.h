// Generator: passages and a question in, an answer out, piece by piece. The extractive one (generate/) needs
// no model; the others let a ChatModel write, in process or on a server.
#ifndef CODELORE_GENERATOR_H_
#define CODELORE_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/chunk.h"
#include "codelore/status.h"

namespace codelore {

// A passage the answer may use. Its text is data: it is never followed as an instruction.
struct Passage {
  std::string citation;  // source@commit:path#Lx-Ly
  std::string path;
  std::string language;
  ChunkKind kind = ChunkKind::kLines;
  std::string symbol;
  std::string scope;
  std::string signature;
  std::string text;
  uint32_t start_line = 1;
  std::vector<float> line_weights;  // see Hit; one per line of text
  double coverage = 0;    // see Hit
  double similarity = 0;
};

// Lines of a passage that a piece of the answer rests on.
struct Support {
  uint32_t passage = 0;  // index (from 0) into the passages
  uint32_t start_line = 1;
  uint32_t end_line = 1;
};

// A piece of an answer: Markdown, and what it rests on (nothing for connecting words). Pieces joined are the
// whole answer.
struct AnswerPiece {
  std::string text;
  std::vector<Support> supports;
};

enum class ChatRole { kSystem, kUser, kAssistant };

struct ChatMessage {
  ChatRole role = ChatRole::kUser;
  std::string text;
};

// How a model chooses its words. What is not set is left to the model.
struct Sampling {
  std::optional<double> temperature = {}, top_p = {};
  std::optional<uint32_t> seed = {};
  uint32_t max_tokens = 512;  // of the answer
  std::vector<std::string> stop = {};
};

struct ChatUsage {
  uint32_t prompt_tokens = 0, answer_tokens = 0;
  bool cut = false;  // the answer ended at max_tokens
};

// A language model that continues a conversation. Thread-safe.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual const std::string& name() const = 0;
  virtual uint32_t context_tokens() const = 0;  // of prompt and answer together
  virtual size_t CountTokens(std::string_view text) const = 0;  // exact, or not too low
  // Calls `emit` with each piece of the answer. Ends early with kUnavailable when stopped, or when the model cannot
  // be had: then, and only before the first piece, another one may be asked.
  virtual Result<ChatUsage> Chat(std::span<const ChatMessage> messages, const Sampling& sampling, std::stop_token stop,
                                 const std::function<void(std::string_view)>& emit) const = 0;
};

struct AnswerRequest {
  std::string_view question;
  std::span<const Passage> passages = {};
  std::span<const ChatMessage> history = {};  // earlier turns, oldest first; system messages of the client included
  Sampling sampling = {};
};

struct AnswerSummary {
  bool found = false;  // false: nothing fits; the pieces say so
  std::string generator;
  ChatUsage usage = {};
};

class Generator {
 public:
  virtual ~Generator() = default;
  virtual std::string_view name() const = 0;
  // Calls `emit` for every piece, in order. Thread-safe. Ends early with kUnavailable when stopped.
  virtual Result<AnswerSummary> Answer(const AnswerRequest& request, std::stop_token stop,
                                       const std::function<void(const AnswerPiece&)>& emit) const = 0;
  // What a model would be sent, for those who may see it; empty without one.
  virtual std::vector<ChatMessage> PromptFor(const AnswerRequest&) const { return {}; }
};

}  // namespace codelore

#endif  // CODELORE_GENERATOR_H_
