// Filling in the middle: what of a text with a hole, and of what may help, goes into a model's context.
#ifndef CODELORE_GENERATE_FILL_H_
#define CODELORE_GENERATE_FILL_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/generator.h"

namespace codelore::generate {

struct FittedFill {
  std::string_view prefix, suffix;  // what stands next to the hole
  std::vector<FillRequest::Snippet> snippets;
};

// At most so many tokens: up to half of them before the hole, a quarter behind it, cut at line breaks, and snippets in what is
// left, the last first.
FittedFill FitFill(const FillRequest& request, size_t max_tokens, const std::function<size_t(std::string_view)>& count);

// Snippets as comments in their language, for what has no other way to tell them from the text. Ends with a line break unless
// empty.
std::string CommentedSnippets(const std::vector<FillRequest::Snippet>& snippets);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_FILL_H_
