// Results as text for people, from the JSON an operation gave.
#ifndef CODELORE_CLI_PRINT_H_
#define CODELORE_CLI_PRINT_H_

#include <string>
#include <string_view>

namespace codelore::cli {

// Prints the result of `operation` and returns the exit code it stands for.
int PrintResult(std::string_view operation, const std::string& json, bool as_json);

// A streamed event of "ask", as it comes.
void PrintAskEvent(std::string_view event, const std::string& json);

// One line of progress for an indexing event; `seconds` since the run began.
std::string ProgressText(const std::string& json, double seconds);

}  // namespace codelore::cli

#endif  // CODELORE_CLI_PRINT_H_
