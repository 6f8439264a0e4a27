// The model behind an OpenAI-compatible server (vLLM, llama-server, Ollama): POST /chat/completions, streamed.
#ifndef CODELORE_GENERATE_REMOTE_MODEL_H_
#define CODELORE_GENERATE_REMOTE_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "codelore/generator.h"
#include "codelore/remote_server.h"

namespace codelore::generate {

struct RemoteModelOptions {
  std::string model;  // as the server calls it
  uint32_t context_tokens = 8192;
  int retries = 2;  // after failures that may pass, before the first piece of an answer
  // After so many failed answers in a row the server is not asked for a while: who waits for it would wait in vain.
  int failures_to_open = 3;
  int open_seconds = 15;
};

// Tokens are estimated, rather too many than too few: a server's tokenizer is not known.
std::unique_ptr<ChatModel> MakeRemoteModel(std::unique_ptr<RemoteServer> server, RemoteModelOptions options);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_REMOTE_MODEL_H_
