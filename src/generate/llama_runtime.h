// LlamaRuntime: one GGUF model in memory, with the attention state of several sequences ("slots"), through llama.cpp. It
// is the only door to that library: everything it throws or prints ends here.
//
// Tokenizing, loading an adapter and letting go of one are thread-safe; everything else is for one thread at a time. A file is taken
// as it is: whether it may be loaded at all is decided by llama_guard.h.
#ifndef CODELORE_GENERATE_LLAMA_RUNTIME_H_
#define CODELORE_GENERATE_LLAMA_RUNTIME_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::generate {

struct LoraAdapter {
  std::string file;  // GGUF
  float scale = 1;
};

struct LlamaRuntimeOptions {
  std::string file;
  std::vector<LoraAdapter> adapters = {};  // applied together, always
  uint32_t context_tokens = 4096;  // of one slot; no more than the model was trained with
  uint32_t slots = 1;
  uint32_t threads = 1;
  bool check_tensors = false;  // look at every number of the weights
};

using Token = int32_t;

// Tokens that continue what a slot holds.
struct DecodeStep {
  uint32_t slot = 0;
  uint32_t position = 0;  // of the first token: how many the slot holds
  std::span<const Token> tokens;
  bool wants_logits = false;  // behind the last token
};

enum class DecodeEnd { kDone, kAborted };

// A grammar, at some place of a text that follows it. For one thread at a time.
class TokenGrammar {
 public:
  virtual ~TokenGrammar() = default;
  virtual bool Allows(Token token) = 0;  // as the next one
  virtual Status Mask(std::span<float> logits) = 0;  // -infinity for what it does not allow
  virtual Status Accept(Token token) = 0;  // one that it allows
};

// An adapter in memory, beside those that are always applied; it may outlive its runtime. No two have the same id.
class LoadedAdapter {
 public:
  virtual ~LoadedAdapter() = default;
  virtual uint64_t id() const = 0;  // not 0
};

// fork(), while nothing is under way in llama.cpp: it has locks of its own, which the child would inherit as they are.
pid_t ForkBesideLlama();

class LlamaRuntime {
 public:
  // At most so many tokens are decoded at a time.
  static constexpr uint32_t kBatchTokens = 512;

  // kInvalidArgument says what is wrong with the file.
  static Result<std::unique_ptr<LlamaRuntime>> Load(const LlamaRuntimeOptions& options);
  ~LlamaRuntime();
  LlamaRuntime(const LlamaRuntime&) = delete;
  LlamaRuntime& operator=(const LlamaRuntime&) = delete;

  uint32_t context_tokens() const;  // of one slot
  uint32_t vocabulary() const;
  bool EndsAnswer(Token token) const;
  std::string Piece(Token token) const;  // any bytes; nothing for the tokens that structure a conversation

  // A text's tokens. It is text through and through: marks of the conversation in it are spelled out.
  Result<std::vector<Token>> Tokenize(std::string_view text) const;
  // By the model's own chat template, ChatML without one; ends where the answer begins.
  Result<std::vector<Token>> TokenizeChat(std::span<const ChatMessage> messages) const;

  // Around a hole, by the model's own marks for that. kInvalidArgument when it has none.
  bool can_fill() const;
  Result<std::vector<Token>> TokenizeFill(const FillRequest& request, uint32_t max_tokens) const;

  // Of a text in GBNF. kInvalidArgument when it cannot be followed. The runtime must outlive it.
  Result<std::unique_ptr<TokenGrammar>> MakeGrammar(const std::string& gbnf) const;

  // kInvalidArgument says what is wrong with the file.
  Result<std::shared_ptr<const LoadedAdapter>> LoadAdapter(const LoraAdapter& adapter);

  // Computes all steps at once, kBatchTokens at most, with `adapter` (none: without). What a slot holds was computed with one
  // adapter, and continues with that one only. When it fails or `abort` says true, which is asked often, the
  // slots hold an unknown part of their steps: Forget it.
  Result<DecodeEnd> Decode(std::span<const DecodeStep> steps, const std::shared_ptr<const LoadedAdapter>& adapter, const std::function<bool()>& abort);
  // Of a step that wanted them, until the next Decode: [vocabulary].
  std::span<const float> Logits(size_t step) const;

  // The slot holds its first `tokens` from now on; false if the model cannot go back: then it holds nothing.
  bool Forget(uint32_t slot, uint32_t tokens);
  // `to` holds what `from` holds, if the model can do that.
  bool Copy(uint32_t from, uint32_t to);

 private:
  struct Library;
  LlamaRuntime();

  std::unique_ptr<Library> library_;
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_LLAMA_RUNTIME_H_
