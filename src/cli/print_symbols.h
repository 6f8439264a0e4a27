// Definitions, references, callers and outlines as text for people.
#ifndef CODELORE_CLI_PRINT_SYMBOLS_H_
#define CODELORE_CLI_PRINT_SYMBOLS_H_

#include <string>
#include <string_view>

namespace codelore::cli {

bool IsAboutSymbols(std::string_view operation);
// `json` is the answer of such an operation. Prints it and returns the exit code it stands for; or only that.
int PrintSymbols(std::string_view operation, const std::string& json);
int CodeOfSymbols(std::string_view operation, const std::string& json);

}  // namespace codelore::cli

#endif  // CODELORE_CLI_PRINT_SYMBOLS_H_
