// The check of a model file before it comes into this process: llama.cpp trusts its files in places and aborts in
// others, so a child process loads, tokenizes and computes first. What kills the child is an error here.
#ifndef CODELORE_GENERATE_LLAMA_GUARD_H_
#define CODELORE_GENERATE_LLAMA_GUARD_H_

#include <chrono>
#include <string>
#include <vector>

#include "codelore/status.h"
#include "generate/llama_runtime.h"

namespace codelore::generate {

struct PinnedAdapter {
  LoraAdapter lora;
  std::string sha256 = {};
};

struct LlamaCheck {
  LlamaRuntimeOptions model;
  std::string sha256 = {};  // of the model file, in hexadecimal; empty: any
  std::vector<PinnedAdapter> choices = {};  // each is tried by itself
  bool weights = true;  // look at every number of the model; those of adapters always
  std::chrono::seconds timeout = std::chrono::minutes(1);  // more for large files
};

// kInvalidArgument for a file that is not the one meant, or no model; kResourceExhausted if the check takes too long.
Status CheckModel(LlamaCheck check);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_LLAMA_GUARD_H_
