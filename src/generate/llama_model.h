// The model in this process: any GGUF file that llama.cpp knows, with LoRA adapters if wanted.
#ifndef CODELORE_GENERATE_LLAMA_MODEL_H_
#define CODELORE_GENERATE_LLAMA_MODEL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codelore/generator.h"
#include "generate/llama_guard.h"
#include "generate/llama_runtime.h"

namespace codelore::generate {

// An adapter that a request may choose.
struct NamedAdapter {
  std::string name;
  PinnedAdapter file;
};

struct LlamaModelOptions {
  std::string name;
  std::string file;
  std::string sha256 = {};  // of the file, 64 small hexadecimal digits; empty: any
  std::vector<LoraAdapter> adapters = {};   // applied always, together
  std::vector<NamedAdapter> choices = {};   // beside those, one at a time
  uint32_t context_tokens = 4096;  // of one answer with its prompt; no more than the model was trained with
  uint32_t threads = 0;            // 0: half of the processors, which are often two to a core
  uint32_t slots = 2;              // answers at once; each has a context of its own
  uint32_t queue = 8;              // questions that wait for one; more are turned away
  std::chrono::milliseconds max_wait = std::chrono::seconds(30);  // for a slot
};

// Sampling that is not set: temperature 0. Chat fails with kUnavailable when too many wait or one has waited too long,
// so that another generator may answer, and with kInvalidArgument for a prompt longer than the context.
class LlamaModel : public ChatModel {
 public:
  // Tries the file in a child process first. kInvalidArgument: it is no model, or not the one meant.
  static Result<std::unique_ptr<LlamaModel>> Open(const LlamaModelOptions& options);

  // In place of the one of that name, if there is one; tried in a child process first. Answers under way end with what they began
  // with. kInvalidArgument: it is no adapter of this model, or not the one meant. Thread-safe.
  virtual Status SetAdapter(const NamedAdapter& adapter) = 0;
  virtual Status DropAdapter(const std::string& name) = 0;  // kNotFound
  virtual std::vector<NamedAdapter> LoadedAdapters() const = 0;  // by name

  // How many tokens have been computed, of prompts and answers: what a kept beginning saves is not among them.
  virtual uint64_t decoded_tokens() const = 0;
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_LLAMA_MODEL_H_
