// The real binary, run in a closed environment.
#ifndef CODELORE_TESTS_CLI_BINARY_H_
#define CODELORE_TESTS_CLI_BINARY_H_

#include <cstdlib>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "ingest/process.h"

namespace codelore::testing {

inline ingest::Command BinaryCommand(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  arguments.insert(arguments.begin(), CODELORE_BINARY);
  environment.push_back("PATH=/usr/bin:/bin");
  for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  }
  environment.push_back("HOME=/nonexistent");
  return {.arguments = std::move(arguments), .environment = std::move(environment),
          .timeout = std::chrono::minutes(5)};  // sanitizers on a busy machine
}

inline ingest::ProcessOutput RunBinary(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  auto result = ingest::Process::Run(BinaryCommand(std::move(arguments), std::move(environment)));
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? *result : ingest::ProcessOutput{.exit_code = -1};
}

// Starts it, sends SIGINT as soon as it has said something on standard error, and waits for its end.
inline ingest::ProcessOutput InterruptBinary(std::vector<std::string> arguments) {
  ingest::Command command = BinaryCommand(std::move(arguments));
  std::vector<char*> argv, environment;
  for (std::string& word : command.arguments) argv.push_back(word.data());
  for (std::string& variable : command.environment) environment.push_back(variable.data());
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_adddup2(&streams, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addclose(&streams, ends[0]);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  posix_spawnattr_setsigdefault(&attributes, &interrupt);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  EXPECT_EQ(::posix_spawn(&pid, argv[0], &streams, &attributes, argv.data(), environment.data()), 0);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&streams);
  ::close(ends[1]);
  ingest::ProcessOutput result;
  char bytes[4096];
  for (ssize_t size = 0; (size = ::read(ends[0], bytes, sizeof bytes)) > 0;) {
    if (result.errors.empty()) ::kill(pid, SIGINT);
    result.errors.append(bytes, static_cast<size_t>(size));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_CLI_BINARY_H_
