// Prompt: what a model is sent: a fixed system part, the passages, the question last. So a model that keeps the state
// of a common beginning reuses the system part always, and the passages of a follow-up mostly.
//
// Passages stand in fenced blocks whose fences nothing in them can close, with their origin above, and characters
// that a reader cannot see are left out: hidden instructions, reordered text (Boucher, Anderson: Trojan Source, 2021).
#ifndef CODELORE_GENERATE_PROMPT_H_
#define CODELORE_GENERATE_PROMPT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"

namespace codelore::generate {

struct PromptLimits {
  size_t passage_tokens = 800;  // of all passages together, headers included
  size_t history_tokens = 400;  // the latest turns that fit
  // Of the passages' tokens: a file that has so much of them already waits until the other files had their turn. A question may be
  // about one file, which then gets what is left; but what follows a file's best half is seldom better than another file's best.
  double file_share = 0.5;
};

struct Prompt {
  std::vector<ChatMessage> messages;
  std::vector<uint32_t> used;  // indexes of the passages in it, ascending
};

// Passages in the order given get room first, but for those of a file with its share; one that repeats another is left out, one that does not fit is cut
// behind a line. `count` says how many tokens a text has.
Prompt BuildPrompt(const AnswerRequest& request, const PromptLimits& limits,
                   const std::function<size_t(std::string_view)>& count);

// Without zero-width and bidirectional control characters, variation selectors, tags (Unicode 15: Cf of these blocks)
// and control characters other than tab and line breaks.
std::string VisibleText(std::string_view text);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_PROMPT_H_
