// Process: one child process, talked to through pipes, that cannot outstay its limits.
//
// The child is started from an argument vector, never by a shell; it gets the environment it is given and no
// more, default signal handling, and no descriptor but its three streams. It leads a process group of its own,
// and the whole group is killed at the deadline, when a stop is requested, when it says too much, and when the
// Process ends, or when it is at work no more (Command::stall). Reading and writing never deadlock: while one waits, the other
// streams are served.
//
// Not thread-safe: one thread at a time. Failures: kResourceExhausted (deadline, output limit), kUnavailable
// (stop requested; the program is missing or cannot be started; the child stopped listening, or came to a standstill).
#ifndef CODELORE_INGEST_PROCESS_H_
#define CODELORE_INGEST_PROCESS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"

namespace codelore::ingest {

struct Command {
  std::vector<std::string> arguments;    // the first is the program: a path, or a name to look up in our PATH
  std::vector<std::string> environment;  // "NAME=value"
  std::string folder = "/";              // the child's working directory
  std::chrono::milliseconds timeout = std::chrono::minutes(1);
  // Ended when in so much time the whole group has read and written less than `stall_bytes` and hardly used the processor; 0: never.
  std::chrono::milliseconds stall = {};
  uint64_t stall_bytes = 64 << 10;
  uint64_t max_output_bytes = UINT64_MAX;
  uint64_t max_file_bytes = 0;  // no file the child writes may be larger (RLIMIT_FSIZE); 0: no limit
  uint64_t max_memory_bytes = 0;  // of address space (RLIMIT_AS); 0: no limit
  uint64_t max_heap_bytes = 0;  // of memory that is no file's (RLIMIT_DATA); 0: no limit
  std::stop_token stop = {};
};

// What a process, or a group of them, has done.
struct GroupActivity {
  uint64_t bytes = 0;  // read and written
  uint64_t ticks = 0;  // of the processor
};

// By process. Without what ended before it was looked at.
std::map<int, GroupActivity> ActivityOfGroup(int group);

struct ProcessOutput {
  int exit_code = 0;  // 128 + the signal's number if one ended it
  std::string output;
  std::string errors;  // the last 8 KiB
};

class Process {
 public:
  static Result<std::unique_ptr<Process>> Start(Command command);
  // Starts it without input and reads all it says.
  static Result<ProcessOutput> Run(Command command);

  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  Status Write(std::string_view bytes);
  void CloseInput();

  // What stands before the next `delimiter`, or before the end of output; none at the end. kResourceExhausted
  // if that is more than max_bytes.
  Result<std::optional<std::string>> ReadUntil(char delimiter, size_t max_bytes);
  // Exactly so many bytes; kUnavailable if the output ends before.
  Result<std::string> ReadBytes(size_t count);
  Result<std::string> ReadAll();

  // Closes the input, reads the output to its end and throws it away, waits for the child's end. Its exit code.
  Result<int> Finish();

  const std::string& errors() const { return errors_; }

  // The deadline is now the timeout from here: for a child that serves many requests.
  void RestartClock();

 private:
  struct Streams;
  explicit Process(Command command);

  Status Spawn();
  Status CheckLimits();
  Status CheckStandstill(std::chrono::steady_clock::time_point now);
  // Waits until a stream moves, and moves it: output into buffer_, standard error into errors_, pending_ to the
  // child.
  Status Pump();
  Status PumpInput();
  Status PumpOutput();
  void PumpErrors();
  std::string Take(size_t count);
  void Kill();

  const Command command_;
  std::chrono::steady_clock::time_point deadline_;
  // Since when nothing to speak of has moved, when to look again, and what has moved since the first.
  std::chrono::steady_clock::time_point still_since_, next_look_;
  GroupActivity moved_;
  std::map<int, GroupActivity> seen_;  // by process
  std::unique_ptr<Streams> streams_;
  int pid_ = -1;  // -1: not running, or reaped
  std::string_view pending_;
  std::string buffer_;  // output read but not taken: from position taken_ on
  size_t taken_ = 0;
  uint64_t output_bytes_ = 0;
  std::string errors_;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_PROCESS_H_
