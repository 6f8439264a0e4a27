// The command line. Returns the exit code: 0 success, 1 nothing found or partial failure, 2 wrong usage, 3 refused.
#ifndef CODELORE_CLI_CLI_H_
#define CODELORE_CLI_CLI_H_

namespace codelore::cli {

int Main(int argc, char** argv);

}  // namespace codelore::cli

#endif  // CODELORE_CLI_CLI_H_
