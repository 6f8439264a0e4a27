#include "ingest/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ingest/descriptor.h"

namespace codelore::ingest {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kKeptErrorBytes = 8 * 1024;
constexpr int kLooksPerStall = 8;
constexpr uint64_t kTicksPerSecond = 100;  // of /proc
constexpr size_t kUnaskedOutputBytes = 4 * 1024 * 1024;  // read ahead at most, while the child is written to

// Out of the way of the child's standard streams, should ours be closed.
Descriptor AboveStandardStreams(Descriptor descriptor) {
  if (!descriptor.open() || descriptor.get() > STDERR_FILENO) return descriptor;
  return Descriptor(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

struct Ends {
  Descriptor ours, childs;
};

Result<Ends> Connect(bool to_child) {
  int fds[2];
  // A socket, because writing to one whose reader is gone can be told not to raise SIGPIPE.
  int failed = to_child ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) : pipe2(fds, O_CLOEXEC);
  if (failed != 0) return ResourceExhausted(std::string("cannot make a pipe: ") + strerror(errno));
  Ends ends{AboveStandardStreams(Descriptor(fds[0])), AboveStandardStreams(Descriptor(fds[1]))};
  if (!ends.ours.open() || !ends.childs.open()) return ResourceExhausted("cannot make a pipe");
  return ends;
}

// What posix_spawn is told; freed at the end.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  // Streams as given and nothing else open; own process group; no signal blocked or ignored.
  bool Prepare(const std::array<int, 3>& streams, const std::string& folder) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = 0;
    for (int stream = 0; stream < 3; ++stream) {
      failed |= posix_spawn_file_actions_adddup2(&actions_, streams[static_cast<size_t>(stream)], stream);
    }
    failed |= posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    failed |= posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
    failed |= posix_spawnattr_setpgroup(&attributes_, 0);
    failed |= posix_spawnattr_setsigmask(&attributes_, &none);
    failed |= posix_spawnattr_setsigdefault(&attributes_, &all);
    failed |= posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return failed == 0;
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& each : strings) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool HasNul(const std::vector<std::string>& strings) {
  return std::ranges::any_of(strings, [](const std::string& s) { return s.find('\0') != std::string::npos; });
}

}  // namespace

struct Process::Streams {
  Descriptor input, output, errors;
  Descriptor exit;  // readable once the child has ended; none where the kernel has no such thing

  // How long to wait before looking at the clock, the stop request and, without `exit`, the child again.
  int patience_ms() const { return exit.open() ? 50 : 5; }
};

Process::Process(Command command) : command_(std::move(command)), streams_(std::make_unique<Streams>()) {}

Process::~Process() { Kill(); }

Result<std::unique_ptr<Process>> Process::Start(Command command) {
  if (command.arguments.empty() || HasNul(command.arguments) || HasNul(command.environment)) {
    return InvalidArgument("a command needs a program, and no NUL characters");
  }
  std::unique_ptr<Process> process(new Process(std::move(command)));
  RETURN_IF_ERROR(process->Spawn());
  return process;
}

Result<ProcessOutput> Process::Run(Command command) {
  ASSIGN_OR_RETURN(auto process, Start(std::move(command)));
  ProcessOutput result;
  process->CloseInput();
  ASSIGN_OR_RETURN(result.output, process->ReadAll());
  ASSIGN_OR_RETURN(result.exit_code, process->Finish());
  result.errors = process->errors();
  return result;
}

Status Process::Spawn() {
  ASSIGN_OR_RETURN(Ends input, Connect(true));
  ASSIGN_OR_RETURN(Ends output, Connect(false));
  ASSIGN_OR_RETURN(Ends errors, Connect(false));
  const std::string& program = command_.arguments[0];
  SpawnSettings settings;
  if (!settings.Prepare({input.childs.get(), output.childs.get(), errors.childs.get()}, command_.folder)) {
    return ResourceExhausted("cannot prepare to start " + program);
  }
  int failed = posix_spawnp(&pid_, program.c_str(), settings.actions(), settings.attributes(),
                            Pointers(command_.arguments).data(), Pointers(command_.environment).data());
  if (failed != 0) {
    pid_ = -1;
    return Unavailable("cannot start " + program + " in " + command_.folder + ": " + strerror(failed));
  }
  if (command_.max_file_bytes != 0) {
    // The child may have begun, but not got far enough to have written so much.
    rlimit limit{command_.max_file_bytes, command_.max_file_bytes};
    prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr);
  }
  if (command_.max_memory_bytes != 0) {
    rlimit limit{command_.max_memory_bytes, command_.max_memory_bytes};
    prlimit(pid_, RLIMIT_AS, &limit, nullptr);
  }
  if (command_.max_heap_bytes != 0) {
    rlimit limit{command_.max_heap_bytes, command_.max_heap_bytes};
    prlimit(pid_, RLIMIT_DATA, &limit, nullptr);
  }
  streams_->input = std::move(input.ours);
  streams_->output = std::move(output.ours);
  streams_->errors = std::move(errors.ours);
  streams_->exit = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  RestartClock();
  return OkStatus();
}

void Process::RestartClock() {
  auto now = std::chrono::steady_clock::now();
  deadline_ = now + command_.timeout;
  still_since_ = now;
  next_look_ = now + command_.stall / kLooksPerStall;
  moved_ = {};
}

void Process::Kill() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    while (waitpid(std::exchange(pid_, -1), nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  *streams_ = Streams();
}

// A hundredth of the processor is work: what unpacks or compares reads and writes nothing for a while.
Status Process::CheckStandstill(std::chrono::steady_clock::time_point now) {
  if (command_.stall.count() == 0 || now < next_look_) return OkStatus();
  next_look_ = now + command_.stall / kLooksPerStall;
  for (const auto& [pid, activity] : ActivityOfGroup(pid_)) {
    GroupActivity& before = seen_[pid];
    moved_.bytes += activity.bytes - std::min(activity.bytes, before.bytes);
    moved_.ticks += activity.ticks - std::min(activity.ticks, before.ticks);
    before = activity;
  }
  uint64_t least_ticks = std::max<uint64_t>(2, static_cast<uint64_t>(command_.stall.count()) * kTicksPerSecond / 1000 / 100);
  if (moved_.bytes >= command_.stall_bytes || moved_.ticks >= least_ticks) {
    still_since_ = now;
    moved_ = {};
  }
  if (now - still_since_ < command_.stall) return OkStatus();
  Kill();
  return Unavailable(command_.arguments[0] + " has made no progress for " + std::to_string(command_.stall.count() / 1000) + " s and was ended");
}

Status Process::CheckLimits() {
  if (pid_ < 0) return Unavailable(command_.arguments[0] + " is not running any more");
  if (command_.stop.stop_requested()) {
    Kill();
    return Unavailable("interrupted");
  }
  auto now = std::chrono::steady_clock::now();
  if (now >= deadline_) {
    Kill();
    return ResourceExhausted(command_.arguments[0] + " took longer than " +
                             std::to_string(command_.timeout.count()) + " ms and was ended");
  }
  return CheckStandstill(now);
}

Status Process::Pump() {
  RETURN_IF_ERROR(CheckLimits());
  bool may_read = pending_.empty() || buffer_.size() - taken_ < kUnaskedOutputBytes;
  std::array<pollfd, 4> polled = {{
      {pending_.empty() ? -1 : streams_->input.get(), POLLOUT, 0},
      {may_read ? streams_->output.get() : -1, POLLIN, 0},
      {streams_->errors.get(), POLLIN, 0},
      {streams_->output.open() ? -1 : streams_->exit.get(), POLLIN, 0},
  }};
  if (poll(polled.data(), polled.size(), streams_->patience_ms()) <= 0) return OkStatus();
  if (polled[2].revents != 0) PumpErrors();
  if (polled[1].revents != 0) RETURN_IF_ERROR(PumpOutput());
  if (polled[0].revents != 0) RETURN_IF_ERROR(PumpInput());
  return OkStatus();
}

Status Process::PumpInput() {
  ssize_t sent = send(streams_->input.get(), pending_.data(), pending_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) {
    pending_.remove_prefix(static_cast<size_t>(sent));
  } else if (errno != EAGAIN && errno != EINTR) {
    return Unavailable(command_.arguments[0] + " stopped listening: " + errors_);
  }
  return OkStatus();
}

Status Process::PumpOutput() {
  if (taken_ > kReadBytes && taken_ > buffer_.size() / 2) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t got = read(streams_->output.get(), buffer_.data() + before, kReadBytes);
  buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && errno == EINTR) return OkStatus();
  if (got <= 0) streams_->output.Close();
  output_bytes_ += buffer_.size() - before;
  if (output_bytes_ > command_.max_output_bytes) {
    Kill();
    return ResourceExhausted(command_.arguments[0] + " wrote more than " +
                             std::to_string(command_.max_output_bytes) + " bytes and was ended");
  }
  return OkStatus();
}

void Process::PumpErrors() {
  std::array<char, 4096> bytes;
  ssize_t got = read(streams_->errors.get(), bytes.data(), bytes.size());
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) return streams_->errors.Close();
  errors_.append(bytes.data(), static_cast<size_t>(got));
  if (errors_.size() > kKeptErrorBytes) errors_.erase(0, errors_.size() - kKeptErrorBytes);
}

Status Process::Write(std::string_view bytes) {
  if (!streams_->input.open()) return Unavailable(command_.arguments[0] + " is not listening");
  pending_ = bytes;
  Status status;
  while (status.ok() && !pending_.empty()) status = Pump();
  pending_ = {};
  return status;
}

void Process::CloseInput() { streams_->input.Close(); }

std::string Process::Take(size_t count) {
  std::string bytes = buffer_.substr(taken_, count);
  taken_ += bytes.size();
  return bytes;
}

Result<std::optional<std::string>> Process::ReadUntil(char delimiter, size_t max_bytes) {
  for (size_t searched = 0;;) {
    size_t at = buffer_.find(delimiter, taken_ + searched);
    bool ended = at == std::string::npos && !streams_->output.open();
    size_t length = (at == std::string::npos ? buffer_.size() : at) - taken_;
    if (length > max_bytes) {
      return ResourceExhausted(command_.arguments[0] + " wrote a record of more than " + std::to_string(max_bytes) +
                               " bytes");
    }
    if (ended && length == 0) return std::optional<std::string>();
    if (ended || at != std::string::npos) {
      std::string record = Take(length);
      if (!ended) ++taken_;
      return std::optional<std::string>(std::move(record));
    }
    searched = length;
    RETURN_IF_ERROR(Pump());
  }
}

Result<std::string> Process::ReadBytes(size_t count) {
  while (buffer_.size() - taken_ < count) {
    if (!streams_->output.open()) return Unavailable(command_.arguments[0] + " ended early: " + errors_);
    RETURN_IF_ERROR(Pump());
  }
  return Take(count);
}

Result<std::string> Process::ReadAll() {
  while (streams_->output.open()) RETURN_IF_ERROR(Pump());
  return Take(buffer_.size() - taken_);
}

Result<int> Process::Finish() {
  RETURN_IF_ERROR(CheckLimits());
  CloseInput();
  while (streams_->output.open()) {
    RETURN_IF_ERROR(Pump());
    taken_ = buffer_.size();
  }
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
    RETURN_IF_ERROR(Pump());
  }
  pollfd rest{streams_->errors.get(), POLLIN, 0};
  while (streams_->errors.open() && poll(&rest, 1, 0) > 0) PumpErrors();
  Kill();  // what is left of the group; reaps the child
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace codelore::ingest
