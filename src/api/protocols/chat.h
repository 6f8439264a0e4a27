// Chat: what the OpenAI and the Ollama protocol have in common: a conversation in, an answer with citations out.
//
// A model's name says what answers, and from where: `codelore` is the default generator over all that the caller may
// read; `codelore:NAME` over one source, or over the sources a team may read; `codelore/GENERATOR` chooses the
// generator, `codelore/raw` lets the configured model answer without retrieval. The parts combine:
// `codelore:backend/extractive`.
#ifndef CODELORE_API_PROTOCOLS_CHAT_H_
#define CODELORE_API_PROTOCOLS_CHAT_H_

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "api/json_request.h"
#include "api/operations.h"

namespace codelore::api {

inline constexpr std::string_view kModelName = "codelore";

struct ChatCall {
  std::string model;                 // as sent
  std::vector<ChatMessage> history;  // system messages and earlier turns
  std::string question;              // the last user message
  Sampling sampling;
};

// One of the citations of an answer.
struct ChatCitation {
  size_t n = 0;
  NamedHit hit;
  std::string url;  // of the lines at the forge, where the source's address tells; else empty
};

struct ChatSink {
  std::function<void(const std::vector<ChatCitation>&)> citations;  // once, first
  std::function<void(std::string_view)> text;
};

// Token counts: the model's own, or estimates. `cut`: at max_tokens.
Result<ChatUsage> RunChat(Service& service, const Caller& caller, const ChatCall& call, std::stop_token stop, const ChatSink& sink);

// Reads "messages": roles system, developer, user, assistant; contents a string or a list of text parts.
// The last user message becomes the question. Errors are left in `json`.
void ReadMessages(JsonRequest& json, ChatCall& call);

// The names of all models the caller can use.
Result<std::vector<std::string>> ModelNames(Service& service, const Caller& caller);
// kNotFound for a name that stands for nothing the caller may use.
Status CheckModel(Service& service, const Caller& caller, std::string_view name);

// [{"n", "source", "commit", "path", "start_line", "end_line", "url"}, ...]
std::string CitationsJson(const std::vector<ChatCitation>& citations);

size_t EstimatedTokens(std::string_view text);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_CHAT_H_
