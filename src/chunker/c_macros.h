// Blanks the macros that make a C or C++ file unreadable for a parser that does not expand them.
//
// The grammar cannot know that `API` in `class API Shape {` or `API int f(void);` is not a type, or
// that an `extern "C" {` stands under one condition and its `}` under another. Blanking such tokens
// with spaces leaves every other byte where it was, so the tree fits the original text. It works on
// tokens, without a grammar, and only on names in capitals.
#ifndef CODELORE_CHUNKER_C_MACROS_H_
#define CODELORE_CHUNKER_C_MACROS_H_

#include <string>
#include <string_view>

namespace codelore::chunker {

// `text` with the bytes of such macros replaced by spaces; newlines are kept.
std::string BlankMacros(std::string_view text);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_C_MACROS_H_
