// The model in this process: any GGUF file that llama.cpp knows, with LoRA adapters if wanted.
#ifndef CODELORE_GENERATE_LLAMA_MODEL_H_
#define CODELORE_GENERATE_LLAMA_MODEL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codelore/generator.h"
#include "generate/llama_runtime.h"

namespace codelore::generate {

struct LlamaModelOptions {
  std::string name;
  std::string file;
  std::string sha256 = {};  // of the file, 64 small hexadecimal digits; empty: any
  std::vector<LoraAdapter> adapters = {};
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

  // How many tokens have been computed, of prompts and answers: what a kept beginning saves is not among them.
  virtual uint64_t decoded_tokens() const = 0;
};

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_LLAMA_MODEL_H_
