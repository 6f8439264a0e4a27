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

enum class ChatRole { kSystem, kUser, kAssistant, kTool };

// A model's wish to have a function called.
struct ToolCall {
  std::string id, name;
  std::string arguments;  // JSON, as the model wrote it
};

struct ChatMessage {
  ChatRole role = ChatRole::kUser;
  std::string text;
  std::vector<ToolCall> calls = {};  // of an assistant
  std::string call_id = {};          // of a tool: which call this answers
};

// A function that a model may ask for.
struct ToolSpec {
  std::string name, description;
  std::string parameters;  // JSON schema; empty: none
};

enum class OutputForm { kText, kJson, kJsonSchema };

// How a model chooses its words. What is not set is left to the model.
struct Sampling {
  std::optional<double> temperature = {}, top_p = {};
  std::optional<uint32_t> seed = {};
  uint32_t max_tokens = 512;  // of the answer
  std::vector<std::string> stop = {};
  OutputForm form = OutputForm::kText;
  std::string schema = {};  // kJsonSchema: what the answer must satisfy, as JSON
  std::string adapter = {};  // one of ChatModel::adapters(); empty: none
};

struct ChatUsage {
  uint32_t prompt_tokens = 0, answer_tokens = 0;
  bool cut = false;  // the answer ended at max_tokens
};

// What a model is offered, and how it must use that: "auto", "none", "required", or the name of one.
struct ToolOffer {
  std::vector<ToolSpec> tools;
  std::string choice = "auto";
};

struct ToolTurn {
  ChatUsage usage;
  std::vector<ToolCall> calls;  // none: the text is the answer
};

// A text with a hole, and what else may help to fill it.
struct FillRequest {
  struct Snippet {
    std::string path, language, text;
  };
  std::string_view prefix, suffix;
  std::vector<Snippet> snippets = {};  // best last
};

// A language model that continues a conversation. Thread-safe. What not every model can do fails with kInvalidArgument,
// which says so.
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

  virtual Status CheckForm(const Sampling& sampling) const {
    return sampling.form == OutputForm::kText ? OkStatus() : InvalidArgument("the model " + name() + " cannot be held to JSON");
  }
  // Names of variants that Sampling may choose, as they are at the moment. A name that is none of them is kNotFound.
  virtual std::vector<std::string> adapters() const { return {}; }
  virtual bool can_call_tools() const { return false; }
  virtual bool can_fill() const { return false; }
  virtual Result<ToolTurn> ChatWithTools(std::span<const ChatMessage>, const ToolOffer&, const Sampling&, std::stop_token,
                                         const std::function<void(std::string_view)>&) const {
    return InvalidArgument("the model " + name() + " cannot call tools");
  }
  virtual Result<ChatUsage> Fill(const FillRequest&, const Sampling&, std::stop_token, const std::function<void(std::string_view)>&) const {
    return InvalidArgument("the model " + name() + " cannot fill in the middle");
  }
};

// Tools in an answer: those that are run here, and those that only the client can run.
struct ToolUse {
  std::vector<ToolSpec> ours, theirs;
  std::string choice = "auto";  // see ToolOffer
  uint32_t max_steps = 8;       // so many times the model may ask for ours
  // What one of ours says, for a model to read; an error's message is for the model, too.
  std::function<Result<std::string>(const ToolCall&, std::stop_token)> run;
  std::vector<ChatMessage> since = {};  // what followed the question: calls of theirs, and what they gave
};

struct AnswerRequest {
  std::string_view question;
  std::span<const Passage> passages = {};
  std::span<const ChatMessage> history = {};  // earlier turns, oldest first; system messages of the client included
  Sampling sampling = {};
  const ToolUse* tools = nullptr;  // none: no tools
};

struct AnswerSummary {
  bool found = false;  // false: nothing fits; the pieces say so
  std::string generator;
  ChatUsage usage = {};
  std::vector<ToolCall> calls = {};  // the client's to run; the answer goes on when it has
  std::string route = {}, arm = {};  // why this generator, and the arm of an A/B split: see Generators
  std::string adapter = {};          // the one the model answered with; empty: none
};

class Generator {
 public:
  virtual ~Generator() = default;
  virtual std::string_view name() const = 0;
  // Calls `emit` for every piece, in order. Thread-safe. Ends early with kUnavailable when stopped.
  virtual Result<AnswerSummary> Answer(const AnswerRequest& request, std::stop_token stop,
                                       const std::function<void(const AnswerPiece&)>& emit) const = 0;
  // kInvalidArgument says what of a request it cannot do at all.
  virtual Status Check(const AnswerRequest& request) const = 0;
  // What a model would be sent, for those who may see it; empty without one.
  virtual std::vector<ChatMessage> PromptFor(const AnswerRequest&) const { return {}; }
};

}  // namespace codelore

#endif  // CODELORE_GENERATOR_H_
