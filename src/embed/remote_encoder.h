// RemoteEncoder: a TextEncoder that asks an OpenAI-compatible server: POST /embeddings.
//
// Texts go out in batches. What may pass (no answer, 429, 5xx) is tried again, later and later and never in step with others; a
// server that says how long it wants to be left alone is obeyed, by all threads. A call gives every vector or an error that
// says what is wrong: an answer that is short, of another dimension, not finite or not of length 1 is refused. Thread-safe.
#ifndef CODELORE_EMBED_REMOTE_ENCODER_H_
#define CODELORE_EMBED_REMOTE_ENCODER_H_

#include <chrono>
#include <memory>
#include <string>

#include "codelore/encoder.h"
#include "codelore/remote_server.h"

namespace codelore::embed {

struct RemoteEncoderOptions {
  std::string name;   // as it is shown
  std::string model;  // as the server calls it
  uint32_t dimension = 0;
  size_t batch_texts = 32;
  size_t batch_bytes = 128 << 10;
  // Attempts of a call in the background; one that somebody waits for has one more than the first.
  int attempts = 5;
  std::chrono::milliseconds first_wait{250};
  std::chrono::milliseconds longest_wait{10'000};  // also of what a server asks for; more ends the call
  std::chrono::milliseconds rest_after_failure{3'000};  // for which calls that somebody waits for fail at once
};

// Its fingerprint is the server's address, the model's name and the dimension: what the server does with them it does not see.
std::unique_ptr<TextEncoder> MakeRemoteEncoder(std::unique_ptr<RemoteServer> server, RemoteEncoderOptions options);

}  // namespace codelore::embed

#endif  // CODELORE_EMBED_REMOTE_ENCODER_H_
