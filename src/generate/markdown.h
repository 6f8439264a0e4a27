// Markdown around text that is not ours: it can hold anything and stays what it is.
#ifndef CODELORE_GENERATE_MARKDOWN_H_
#define CODELORE_GENERATE_MARKDOWN_H_

#include <string>
#include <string_view>

namespace codelore::generate {

// A code span on one line; control characters become spaces. "`" is fenced by longer runs (CommonMark 6.1).
std::string CodeSpan(std::string_view text);

// A fenced block whose fence is longer than any run of backticks in `text` (CommonMark 4.5). `language` is
// dropped unless it is a plain word.
std::string CodeBlock(std::string_view language, std::string_view text);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_MARKDOWN_H_
