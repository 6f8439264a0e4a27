// Which language a file is written in.
//
// Names are canonical and lower case: "python", "cpp", "csharp", "javascript" (also JSX),
// "typescript", "tsx", "go", "rust", "java", "kotlin", "dockerfile", "markdown",
// "restructuredtext", "asciidoc", "html", "notebook", "text", ... Many are known only by name,
// without a grammar. Constant data; thread-safe.
#ifndef CODELORE_CHUNKER_LANGUAGE_H_
#define CODELORE_CHUNKER_LANGUAGE_H_

#include <string_view>

namespace codelore::chunker {

// By what an editor's mode line says, the file's name, its extension, its #! line, and last, for a
// file that none of these name, by a cautious look at its beginning. "text" if nothing fits.
std::string_view DetectLanguage(std::string_view path, std::string_view text);

// The canonical name for what a user may write in a query filter, in any case: "js" ->
// "javascript", "C++" -> "cpp", "py" -> "python". Empty if there is no such language.
std::string_view CanonicalLanguage(std::string_view name);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_LANGUAGE_H_
