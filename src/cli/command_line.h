// The shape of the command line: its commands, options, help texts, environment variables and configuration file.
#ifndef CODELORE_CLI_COMMAND_LINE_H_
#define CODELORE_CLI_COMMAND_LINE_H_

#include "cli/arguments.h"
#include "cli/commands.h"

namespace codelore::cli {

struct ParsedCommand {
  Command run = nullptr;  // null: nothing is left to do, exit_code says how it went
  int exit_code = 0;
  Arguments arguments;
};

// Prints help on request, and what is wrong with a command line that is.
ParsedCommand ParseCommandLine(int argc, char** argv);

}  // namespace codelore::cli

#endif  // CODELORE_CLI_COMMAND_LINE_H_
