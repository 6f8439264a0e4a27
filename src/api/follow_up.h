// FollowUp: what to search for when a question leans on the turns before it ("and where is it tested?").
#ifndef CODELORE_API_FOLLOW_UP_H_
#define CODELORE_API_FOLLOW_UP_H_

#include <span>
#include <string>
#include <string_view>

#include "codelore/generator.h"

namespace codelore::api {

// The question itself, where it stands alone. Otherwise also the last question before it that did, and the names in
// code spans of the last answer. A rule of words, no model: it acts the same every time.
// `symbols`: names that the conversation is about, the latest first; they are borrowed before those of the answer.
std::string SearchTextOf(std::string_view question, std::span<const ChatMessage> history, std::span<const std::string> symbols = {});

}  // namespace codelore::api

#endif  // CODELORE_API_FOLLOW_UP_H_
