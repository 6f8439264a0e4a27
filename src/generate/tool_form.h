// Calls of functions by a model in this process: how it is told of them, what it may write, and what it wrote.
//
// The form is the one of Hermes and Qwen, which most models with tools were trained on: <tools> in the system message, a
// <tool_call> with JSON for each call, <tool_response> for what it gave. A grammar holds the model to it, so a call is always of
// a tool that was offered, with arguments of its schema's shape, whatever the weights are.
#ifndef CODELORE_GENERATE_TOOL_FORM_H_
#define CODELORE_GENERATE_TOOL_FORM_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"
#include "codelore/status.h"

namespace codelore::generate {

// What an answer of calls begins with; it holds nothing besides.
inline constexpr std::string_view kCallBegin = "<tool_call>\n";

// The conversation as texts only: tools in its system message, calls and what they gave in the form above. What a tool gave
// cannot end its own frame or begin another.
std::vector<ChatMessage> TellOfTools(std::span<const ChatMessage> messages, const ToolOffer& offer);

// Of an answer: up to four calls, or what `sampling` asks for, by the offer's choice. Limits of numbers and patterns in a
// tool's schema are not held to: whoever runs the tool checks its arguments.
Result<std::string> ToolGrammar(const ToolOffer& offer, const Sampling& sampling);

// The calls in an answer of that grammar, in order; one that was cut off is left out. Ids go on from `calls_before`.
std::vector<ToolCall> ReadCalls(std::string_view answer, size_t calls_before);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_TOOL_FORM_H_
