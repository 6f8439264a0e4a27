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

std::string Run(const ToolUse& use, const ToolCall& call, size_t max_bytes, const std::stop_token& stop) {
  if (!Offers(use.ours, call.name)) return "Error: there is no tool of this name.";
  auto result = use.run(call, stop);
  std::string text = VisibleText(result.ok() ? *result : "Error: " + result.status().message());
  if (text.size() <= max_bytes) return text;
  return std::string(Utf8Prefix(text, max_bytes)) + "\n(The rest is left out: ask for less.)";
}

// Older results make room for newer ones.
void MakeRoom(std::vector<ChatMessage>& messages, size_t first, size_t max_bytes) {
  size_t bytes = 0;
  for (size_t i = messages.size(); i-- > first;) {
    if (messages[i].role != ChatRole::kTool) continue;
    bytes += messages[i].text.size();
    if (bytes > max_bytes) messages[i].text = "(left out: too much was asked for since)";
  }
}

}  // namespace

Result<ToolTurn> RunToolLoop(const ChatModel& model, std::vector<ChatMessage> messages, const ToolUse& use, const Sampling& sampling,
                             std::stop_token stop, const ToolSinks& sinks) {
  const size_t begin = messages.size();
  const size_t most = model.context_tokens();  // bytes of one result: about a quarter of the context's tokens
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
      std::string result = Run(use, call, most, stop);
      sinks.result(result);
      messages.push_back({ChatRole::kTool, std::move(result), {}, call.id});
    }
    MakeRoom(messages, begin, 2 * most);
  }
}

}  // namespace codelore::generate
