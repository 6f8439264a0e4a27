#include "ingest/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace codelore::ingest {
namespace {

using namespace std::chrono_literals;

Command Shell(std::string script) {
  return {.arguments = {"sh", "-c", std::move(script)}, .environment = {"PATH=/usr/bin:/bin"}};
}

TEST(ProcessTest, GivesOutputErrorsAndExitCode) {
  auto result = Process::Run(Shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->errors, "err\n");
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(Process::Run(Shell("kill -TERM $$"))->exit_code, 128 + SIGTERM);
}

TEST(ProcessTest, PassesArgumentsAsTheyAre) {
  Command command{.arguments = {"printf", "%s|", "$(id)", "a b", "", ";", "\n"}, .environment = {}};
  EXPECT_EQ(Process::Run(command)->output, "$(id)|a b||;|\n|");
}

TEST(ProcessTest, InheritsNothing) {
  int leak = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  setenv("CODELORE_LEAK", "1", 1);
  signal(SIGUSR1, SIG_IGN);
  Command command = Shell("echo $CODELORE_LEAK; pwd; ls /proc/self/fd; kill -USR1 $$; echo survived");
  command.folder = "/usr";
  auto result = Process::Run(command);
  signal(SIGUSR1, SIG_DFL);
  close(leak);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "\n/usr\n0\n1\n2\n3\n");  // 3: ls reading the folder itself
  EXPECT_EQ(result->exit_code, 128 + SIGUSR1);
}

TEST(ProcessTest, SaysWhatCannotBeStarted) {
  EXPECT_EQ(Process::Start({.arguments = {"/no/such/program"}, .environment = {}}).status().code(),
            StatusCode::kUnavailable);
  Command command = Shell("true");
  command.folder = "/no/such/folder";
  EXPECT_EQ(Process::Start(command).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Process::Start({.arguments = {}, .environment = {}}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Process::Start({.arguments = {std::string("a\0b", 3)}, .environment = {}}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(ProcessTest, TalksBothWaysWithoutDeadlock) {
  auto process = Process::Start({.arguments = {"cat"}, .environment = {}}).value();
  std::string big(3 << 20, 'x');  // cat answers while it is written to
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(process->Write("hello " + std::to_string(round) + "\n").ok());
    EXPECT_EQ(process->ReadUntil('\n', 100).value(), "hello " + std::to_string(round));
  }
  ASSERT_TRUE(process->Write(big).ok());
  EXPECT_EQ(process->ReadBytes(3 << 20).value(), big);
  EXPECT_EQ(process->Finish().value(), 0);
}

TEST(ProcessTest, CutsOutputIntoRecords) {
  auto process = Process::Start(Shell("printf 'a\\0bb\\0\\0last'")).value();
  std::vector<std::string> records;
  for (;;) {
    auto record = process->ReadUntil('\0', 10);
    ASSERT_TRUE(record.ok());
    if (!*record) break;
    records.push_back(**record);
  }
  EXPECT_EQ(records, (std::vector<std::string>{"a", "bb", "", "last"}));
  auto endless = Process::Start(Shell("while :; do printf xxxxxxxxxxxxxxxx; done")).value();
  EXPECT_EQ(endless->ReadUntil('\n', 100'000).status().code(), StatusCode::kResourceExhausted);
}

TEST(ProcessTest, ServesStandardErrorWhileReading) {
  auto result = Process::Run(Shell("head -c 3000000 /dev/zero | tr '\\0' e >&2; printf last >&2; echo done"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->output, "done\n");
  EXPECT_EQ(result->errors.size(), 8u * 1024);
  EXPECT_TRUE(result->errors.ends_with("elast"));
}

TEST(ProcessTest, EndedAtTheDeadlineWithAllItsChildren) {
  Command command = Shell("sleep 600 & echo $!; wait");
  command.timeout = 300ms;
  auto process = Process::Start(command).value();
  pid_t grandchild = std::stoi(process->ReadUntil('\n', 20).value().value());
  EXPECT_EQ(process->ReadAll().status().code(), StatusCode::kResourceExhausted);
  // Killed with the group; whoever adopted it may still have to reap it.
  std::string stat = "/proc/" + std::to_string(grandchild) + "/stat";
  auto gone = [&] {
    char state = 'X';
    if (FILE* file = fopen(stat.c_str(), "r")) {
      if (fscanf(file, "%*d %*s %c", &state) != 1) state = 'X';
      fclose(file);
    }
    return state == 'X' || state == 'Z';
  };
  auto until = std::chrono::steady_clock::now() + 5s;
  while (!gone() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(gone());
  EXPECT_EQ(process->Finish().status().code(), StatusCode::kUnavailable);
}

TEST(ProcessTest, RestartedClockGivesTheTimeoutAnew) {
  Command command{.arguments = {"cat"}, .environment = {}, .timeout = 400ms};
  auto process = Process::Start(command).value();
  auto until = std::chrono::steady_clock::now() + 600ms;
  while (std::chrono::steady_clock::now() < until) {
    process->RestartClock();
    ASSERT_TRUE(process->Write("x\n").ok());
    ASSERT_TRUE(process->ReadUntil('\n', 10).ok());
  }
}

TEST(ProcessTest, EndedWhenAStopIsRequested) {
  std::stop_source stop;
  Command command = Shell("echo ready; exec sleep 600");
  command.stop = stop.get_token();
  auto process = Process::Start(command).value();
  ASSERT_TRUE(process->ReadUntil('\n', 20).ok());
  std::jthread requester([&] { stop.request_stop(); });
  EXPECT_EQ(process->ReadAll().status().ToString(), "unavailable: interrupted");
}

TEST(ProcessTest, EndedWhenItSaysTooMuch) {
  Command command = Shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
  command.max_output_bytes = 100'000;
  EXPECT_EQ(Process::Run(command).status().code(), StatusCode::kResourceExhausted);
}

TEST(ProcessTest, FilesItWritesAreLimited) {
  auto file = std::filesystem::temp_directory_path() / ("codelore-process-" + std::to_string(getpid()));
  Command command = Shell("read go; head -c 1000000 /dev/zero >" + file.string());
  command.max_file_bytes = 4096;
  auto process = Process::Start(command).value();
  ASSERT_TRUE(process->Write("go\n").ok());
  EXPECT_NE(process->Finish().value(), 0);
  EXPECT_LE(std::filesystem::file_size(file), 4096u);
  std::filesystem::remove(file);
}

TEST(ProcessTest, WritingToOneThatLeftIsAnErrorNotASignal) {
  auto process = Process::Start(Shell("exec <&-; echo closed; exec sleep 600")).value();
  ASSERT_TRUE(process->ReadUntil('\n', 20).ok());
  EXPECT_EQ(process->Write(std::string(1 << 20, 'x')).code(), StatusCode::kUnavailable);
}

TEST(ProcessTest, LeavesNoDescriptorsOrZombies) {
  auto descriptors = [] {
    std::filesystem::directory_iterator folder("/proc/self/fd");
    return std::distance(begin(folder), end(folder));
  };
  auto before = descriptors();
  for (int i = 0; i < 50; ++i) {
    auto unfinished = Process::Start(Shell("exec sleep 600")).value();
    ASSERT_TRUE(Process::Run(Shell("echo x")).ok());
    ASSERT_FALSE(Process::Start({.arguments = {"/no/such/program"}, .environment = {}}).ok());
  }
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace codelore::ingest
