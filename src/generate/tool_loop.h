// The loop of a model that may call functions: what it asks for of ours is run and told to it, until it answers, or asks for
// something that only the client can run.
//
// What a model asks for is a wish, nothing more: a passage may have told it to. Only names that were offered are looked at.
#ifndef CODELORE_GENERATE_TOOL_LOOP_H_
#define CODELORE_GENERATE_TOOL_LOOP_H_

#include <functional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "codelore/generator.h"

namespace codelore::generate {

struct ToolSinks {
  std::function<void(std::string_view)> text;    // of the model
  std::function<void(std::string_view)> result;  // what a tool of ours said
};

// The calls that are the client's to run; none: the text was the answer. Where a turn has calls of both, ours are left out:
// the model can ask again.
Result<ToolTurn> RunToolLoop(const ChatModel& model, std::vector<ChatMessage> messages, const ToolUse& use, const Sampling& sampling,
                             std::stop_token stop, const ToolSinks& sinks);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_TOOL_LOOP_H_
