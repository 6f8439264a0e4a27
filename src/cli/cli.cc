#include "cli/cli.h"

#include <exception>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "codelore/utf8.h"

namespace codelore::cli {

int Main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!IsValidUtf8(argv[i])) return Fail({}, InvalidArgument("argument " + std::to_string(i) + " is not valid UTF-8"));
  }
  ParsedCommand command = ParseCommandLine(argc, argv);
  if (command.run == nullptr) return command.exit_code;
  try {
    return command.run(command.arguments);
  } catch (const std::exception& error) {  // of the JSON library, on an answer of another shape than ours
    return Fail(command.arguments, Unavailable(std::string("unexpected answer: ") + error.what()));
  }
}

}  // namespace codelore::cli
