#include "generate/tool_loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "codelore/utf8.h"
#include "generate/prompt.h"

namespace codelore::generate {
namespace {

constexpr size_t kMaxCalls = 16;  // of one turn
constexpr size_t kMaxArgumentBytes = 256 * 1024;

bool Offers(const std::vector<ToolSpec>& tools, const std::string& name) {
  return std::ranges::find(tools, name, &ToolSpec::name) != tools.end();
}

ToolOffer OfferOf(const ToolUse& use, uint32_t step) {
  ToolOffer offer{.tools = use.theirs, .choice = step == 0 ? use.choice : "auto"};  // what was required was done
  if (step < use.max_steps) offer.tools.insert(offer.tools.begin(), use.ours.begin(), use.ours.end());
  else if (offer.choice != "none" && offer.tools.empty()) offer.choice = "none";
  return offer;
}

// As much of its beginning as has so many tokens.
std::string_view Fitting(const ChatModel& model, std::string_view text, size_t max_tokens) {
  constexpr size_t kMostBytes = 16;  // of a token, on the average of many
  text = Utf8Prefix(text, max_tokens * kMostBytes);
  for (size_t tokens; !text.empty() && (tokens = model.CountTokens(text)) > max_tokens;) {
    text = Utf8Prefix(text, std::min(text.size() - 1, text.size() * max_tokens / tokens));
  }
  return text;
}

std::string Run(const ChatModel& model, const ToolUse& use, const ToolCall& call, size_t max_tokens, const std::stop_token& stop) {
  if (!Offers(use.ours, call.name)) return "Error: there is no tool of this name.";
  auto result = use.run(call, stop);
  std::string text = VisibleText(result.ok() ? *result : "Error: " + result.status().message());
  std::string_view fitting = Fitting(model, text, max_tokens);
  return fitting.size() == text.size() ? text : std::string(fitting) + "\n(The rest is left out: ask for less.)";
}

// Older results make room for newer ones.
void MakeRoom(const ChatModel& model, std::vector<ChatMessage>& messages, size_t first, size_t max_tokens) {
  size_t tokens = 0;
  for (size_t i = messages.size(); i-- > first;) {
    if (messages[i].role != ChatRole::kTool) continue;
    tokens += model.CountTokens(messages[i].text);
    if (tokens > max_tokens) messages[i].text = "(left out: too much was asked for since)";
  }
}

// Tokens that all results together may have: what the conversation, the tools' descriptions and an answer leave; calls take some.
size_t RoomForResults(const ChatModel& model, const std::vector<ChatMessage>& messages, const ToolUse& use, const Sampling& sampling) {
  constexpr size_t kFrame = 256, kLeast = 64;
  size_t taken = kFrame + 2 * size_t{sampling.max_tokens};
  for (const ChatMessage& message : messages) taken += model.CountTokens(message.text);
  for (const auto* tools : {&use.ours, &use.theirs}) {
    for (const ToolSpec& tool : *tools) taken += model.CountTokens(tool.name + tool.description + tool.parameters) + 16;
  }
  return std::max(kLeast, model.context_tokens() - std::min<size_t>(model.context_tokens(), taken));
}

}  // namespace

Result<ToolTurn> RunToolLoop(const ChatModel& model, std::vector<ChatMessage> messages, const ToolUse& use, const Sampling& sampling,
                             std::stop_token stop, const ToolSinks& sinks) {
  const size_t begin = messages.size();
  const size_t room = RoomForResults(model, messages, use, sampling);
  ToolTurn all;
  for (uint32_t step = 0;; ++step) {
    std::string text;
    ASSIGN_OR_RETURN(ToolTurn turn, model.ChatWithTools(messages, OfferOf(use, step), sampling, stop, [&](std::string_view piece) {
      text += piece;
      sinks.text(piece);
    }));
    all.usage.prompt_tokens += turn.usage.prompt_tokens;
    all.usage.answer_tokens += turn.usage.answer_tokens;
    all.usage.cut = turn.usage.cut;
    std::erase_if(turn.calls, [](const ToolCall& call) { return call.arguments.size() > kMaxArgumentBytes; });
    if (turn.calls.size() > kMaxCalls) turn.calls.resize(kMaxCalls);
    std::ranges::copy_if(turn.calls, std::back_inserter(all.calls), [&](const ToolCall& call) { return Offers(use.theirs, call.name); });
    if (turn.calls.empty() || !all.calls.empty() || step >= use.max_steps) return all;
    if (stop.stop_requested()) return Unavailable("the answer was stopped");
    messages.push_back({ChatRole::kAssistant, std::move(text), turn.calls});
    for (const ToolCall& call : turn.calls) {
      std::string result = Run(model, use, call, room / 2, stop);
      sinks.result(result);
      messages.push_back({ChatRole::kTool, std::move(result), {}, call.id});
    }
    MakeRoom(model, messages, begin, room);
  }
}

}  // namespace codelore::generate
