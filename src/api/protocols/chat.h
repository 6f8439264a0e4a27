// Chat: what the OpenAI and the Ollama protocol have in common: a conversation in, an answer with citations out.
//
// A model's name says what answers, and from where: `codelore` is the default generator over all that the caller may
// read; `codelore:NAME` over one source, or over what a team of the caller's may read; `codelore/GENERATOR` chooses the
// generator, `codelore/raw` lets the configured model answer without retrieval. The parts combine:
// `codelore:backend/extractive`. `+ADAPTER` behind it chooses a LoRA adapter of the generator: `codelore/local+legal`; `+none` leaves out the
// one of the caller's team.
#ifndef CODELORE_API_PROTOCOLS_CHAT_H_
#define CODELORE_API_PROTOCOLS_CHAT_H_

#include <functional>
#include <optional>
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
  std::string adapter = {};          // as sent beside it; the model's name goes first
  std::vector<ChatMessage> history;  // system messages and earlier turns
  std::string question;              // the last user message
  Sampling sampling;
  std::optional<ToolUse> tools = {};       // without `run`, which RunChat sets
  std::optional<std::string> suffix = {};  // fill the hole between `question` and this
};

struct ChatEnd {
  ChatUsage usage;              // the model's own counts, or estimates
  std::vector<ToolCall> calls;  // for the client to run
  std::string generator, route, arm;  // see AnswerSummary; empty without retrieval
  std::string adapter = {};
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

Result<ChatEnd> RunChat(Service& service, const Caller& caller, const ChatCall& call, std::stop_token stop, const ChatSink& sink);

// Reads "messages": roles system, developer, user, assistant, tool; contents a string or a list of text parts.
// The last user message becomes the question; calls of tools and what they gave count when they follow it, and when
// `call.tools` is there. Errors are left in `json`. Without `with_call_ids` (Ollama) calls have no ids and arguments as objects, and a
// tool's message names its tool.
void ReadMessages(JsonRequest& json, ChatCall& call, bool with_call_ids = true);

// Reads "tools" (functions: those named codelore_... are ours) and "tool_choice"; before ReadMessages.
void ReadTools(JsonRequest& json, ChatCall& call);

// A schema that a client sent in `field` of the body, or at `within` below it, as JSON with its properties in the client's order:
// models write them in that order. Errors are left in `json`.
std::string ReadSchema(std::string_view body, const std::string& field, const std::string& within, JsonRequest& json);

// The names of all models the caller can use.
Result<std::vector<std::string>> ModelNames(Service& service, const Caller& caller);
// kNotFound for a name that stands for nothing the caller may use.
Status CheckModel(Service& service, const Caller& caller, std::string_view name);

// [{"n", "source", "commit", "path", "start_line", "end_line", "url"}, ...]
std::string CitationsJson(const std::vector<ChatCitation>& citations);

// {"generator", "route", "arm", "adapter"}: what wrote the answer, and why that.
std::string OriginJson(const ChatEnd& end);

size_t EstimatedTokens(std::string_view text);

}  // namespace codelore::api

#endif  // CODELORE_API_PROTOCOLS_CHAT_H_
