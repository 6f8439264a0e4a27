// The N-th write, flush, renaming, removal, opening or folder fails, for every N of a unit of work, once and from there on. The units are a
// change (a commit that replaces, adds and removes files, its vectors, a merge, a grant), a start over a folder that holds something, and
// the first start, which makes one. Run by tests/durability/every_fault.py, which preloads faults.c; skipped otherwise.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "index/small_world.h"
#include "index/store/file.h"

namespace codelore::index {
namespace {

// As in faults.c.
struct Control {
  uint64_t seen, fail_from, fail_until;
  uint32_t kinds;
  int32_t error;
};
enum : uint32_t { kWrite = 1, kSync = 2, kName = 4, kOpen = 8, kRemove = 16, kFolder = 32, kRead = 64 };
constexpr int kShort = 0;  // no error, but a write that takes half of its bytes

struct Case {
  const char* name;
  uint32_t kinds;
  int error;
};
constexpr std::array<Case, 13> kCases = {{{"write EIO", kWrite, EIO},
                                          {"write ENOSPC", kWrite, ENOSPC},
                                          {"write short", kWrite, kShort},
                                          {"flush EIO", kSync, EIO},
                                          {"flush ENOSPC", kSync, ENOSPC},
                                          {"rename EIO", kName, EIO},
                                          {"rename ENOSPC", kName, ENOSPC},
                                          {"open EMFILE", kOpen, EMFILE},
                                          {"remove EIO", kRemove, EIO},
                                          {"folder ENOSPC", kFolder, ENOSPC},
                                          {"folder EIO", kFolder, EIO},
                                          {"read EIO", kRead, EIO},
                                          {"any EIO", kWrite | kSync | kName | kOpen | kRemove | kFolder, EIO}}};

// Exit codes of a child are below 128 and not 1, which others use.
enum Outcome : int { kAtOnce = 0, kAgain = 10, kRestart = 11, kHalf = 20, kNotAfter = 21, kLost = 22, kFirst = 23, kLast = 24, kNotNamed = 25 };

Status DoChange(SmallWorld& world) {
  RETURN_IF_ERROR(world.Commit("c3", 5, 25, 1));
  RETURN_IF_ERROR(world.Embed());
  ASSIGN_OR_RETURN(auto partitions, world.directory->PartitionsOf(world.source));
  RETURN_IF_ERROR(world.index->Merge(partitions, {}));
  return world.directory->Grant(world.source, "user:ann");
}

// Without scores and revisions, which a merge does not keep apart.
std::string TextsOf(const SmallWorld::Answers& answers) {
  std::string all;
  for (const auto& [query, hits] : answers) {
    for (const std::string& hit : hits) all += query + hit.substr(0, hit.find(' ')) + hit.substr(hit.find("alpha"));
  }
  return all;
}

bool Take(SmallWorld& world, SmallWorld::Answers& answers) {
  auto asked = world.Ask();
  if (asked.ok()) answers = std::move(*asked);
  return asked.ok();
}

class EveryFaultTest : public ::testing::Test {
 public:
  void SetUp() override {
    const char* root = getenv("CODELORE_FAULT_ROOT");
    const char* shared = getenv("CODELORE_FAULT_CONTROL");
    if (root == nullptr || shared == nullptr) GTEST_SKIP() << "run by tests/durability/every_fault.py";
    folder_ = root;
    int fd = open(shared, O_RDWR | O_CLOEXEC);
    void* mapped = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ASSERT_NE(mapped, MAP_FAILED);
    control_ = static_cast<Control*>(mapped);
    *control_ = {};
    data_ = folder_ + ".data";
    std::filesystem::remove_all(data_);
    ASSERT_EQ(InChild([&] { return SmallWorld::Fill(data_).ok() ? kAtOnce : kFirst; }), 0);
  }

  void Fail(const Case& fault, uint64_t first, uint64_t count) { *control_ = {0, first, first + count - 1, fault.kinds, fault.error}; }
  void Heal() { control_->kinds = 0; }

  // What every start that a failure ends must say.
  bool Names(const Status& status) const { return status.message().find(folder_) != std::string::npos; }

  int Change(const std::function<void()>& fail) {
    CopyFolder(data_, folder_);
    SmallWorld::Answers before, during, after, then;
    bool again = false, restart = false;
    {
      auto world = SmallWorld::Open(folder_);
      if (!world.ok() || !Take(**world, before)) return kFirst;
      fail();
      Status done = DoChange(**world);
      Heal();
      if (!Take(**world, during)) return kHalf;  // searching goes on
      if (done.ok()) {
        after = during;
      } else {
        again = true;
        restart = !DoChange(**world).ok();
        if (!restart && !Take(**world, after)) return kNotAfter;
      }
    }
    auto world = SmallWorld::Open(folder_);
    if (!world.ok()) return kLost;
    if (restart && (!DoChange(**world).ok() || !Take(**world, after))) return kLast;
    if (!Take(**world, then) || then != after) return kLost;
    if (TextsOf(after) != changed_) return kNotAfter;
    if (during["exact"] != before["exact"] && during["exact"] != after["exact"]) return kHalf;
    return restart ? kRestart : again ? kAgain : kAtOnce;
  }

  int Start(const std::function<void()>& fail) {
    CopyFolder(data_, folder_);
    bool refused = false;
    SmallWorld::Answers now;
    {
      fail();
      auto world = SmallWorld::Open(folder_);
      Heal();
      refused = !world.ok();
      if (refused && !Names(world.status())) return kNotNamed;
      // What did not end the start is right at once, or is told of until the next one.
      if (!refused && !Take(**world, now)) return kHalf;
      if (!refused && TextsOf(now) != filled_ && !Told(**world)) return kHalf;
    }
    auto world = SmallWorld::Open(folder_);
    if (!world.ok()) return kLost;
    if (!Take(**world, now) || TextsOf(now) != filled_) return kLost;
    if (!DoChange(**world).ok() || !Take(**world, now) || TextsOf(now) != changed_) return kLast;
    return refused ? kAgain : kAtOnce;
  }

  int FirstStart(const std::function<void()>& fail) {
    std::filesystem::remove_all(folder_);
    Status filled;
    {
      fail();
      filled = SmallWorld::Fill(folder_);
      Heal();
      if (!filled.ok() && !Names(filled)) return kNotNamed;
    }
    SmallWorld::Answers now;
    auto world = SmallWorld::Open(folder_);
    if (!world.ok()) return kLost;
    if (filled.ok()) return Take(**world, now) && TextsOf(now) == filled_ ? kAtOnce : kLost;
    if (!(*world)->source && !(*world)->Add().ok()) return kLast;
    bool done = (*world)->Commit("c2", 0, SmallWorld::kFiles, 0).ok() && (*world)->Embed().ok();
    return done && Take(**world, now) && TextsOf(now) == filled_ ? kAgain : kLast;
  }

  static bool Told(SmallWorld& world) {
    auto viewer = world.directory->OperatorViewer(world.tenant);
    auto status = world.index->Describe(*viewer, world.source, world.encoder.info().fingerprint);
    return !status.ok() || status->files_failed > 0 || status->chunks_with_vectors < status->chunks;
  }

  // In children: RocksDB's threads do not survive a fork.
  std::string AnswersAfter(bool change) {
    std::string kept = folder_ + ".right";
    int status = InChild([&] {
      CopyFolder(data_, folder_);
      auto world = SmallWorld::Open(folder_);
      SmallWorld::Answers answers;
      if (!world.ok() || (change && !DoChange(**world).ok()) || !Take(**world, answers)) return kFirst;
      return ReplaceFile(kept, TextsOf(answers), /*sync=*/false).ok() ? kAtOnce : kFirst;
    });
    EXPECT_EQ(status, 0);
    return ReadWholeFile(kept).value();
  }

  using Unit = int (EveryFaultTest::*)(const std::function<void()>&);

  void TryAll(const char* name, Unit unit) {
    filled_ = AnswersAfter(false);
    changed_ = AnswersAfter(true);
    const char* only = getenv("CODELORE_FAULT_ONLY");
    for (const Case& fault : kCases) {
      if (only != nullptr && std::string_view(only) != fault.name) continue;
      ASSERT_EQ(InChild([&] { return (this->*unit)([&] { Fail(fault, UINT64_MAX / 2, 1); }); }), 0);
      uint64_t operations = control_->seen;
      int tried = 0, again = 0, restart = 0;
      for (uint64_t number = 1; number <= operations; ++number) {
        for (uint64_t count : {uint64_t{1}, UINT64_MAX / 4}) {  // once, and from there on
          int status = InChild([&] { return (this->*unit)([&] { Fail(fault, number, count); }); });
          ++tried;
          int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
          again += code == kAgain;
          restart += code == kRestart;
          EXPECT_TRUE(code == kAtOnce || code == kAgain || code == kRestart) << name << ", " << fault.name << " " << number << " x " << count << ": " << code;
        }
      }
      printf("%-12s %-13s %3llu operations, %3d failures tried: done again %d, after a restart %d\n", name, fault.name, static_cast<unsigned long long>(operations), tried,
             again, restart);
      fflush(stdout);
    }
  }

  std::string folder_, data_, filled_, changed_;
  Control* control_ = nullptr;
};

TEST_F(EveryFaultTest, NoFailureOfAChangeLeavesHalfOfAnything) { TryAll("a change", &EveryFaultTest::Change); }
TEST_F(EveryFaultTest, NoFailureOfAStartLosesAnything) { TryAll("a start", &EveryFaultTest::Start); }
TEST_F(EveryFaultTest, NoFailureOfTheFirstStartLeavesAFolderThatCannotBeUsed) { TryAll("a new folder", &EveryFaultTest::FirstStart); }

// A write failed, and when the store is to be opened again, the disk fails once more: at every operation of that, from there on.
TEST_F(EveryFaultTest, ReadingGoesOnWhileTheStoreCannotBeOpenedAgain) {
  changed_ = AnswersAfter(true);
  constexpr Case kAny{"any change EIO", kWrite | kSync | kName | kRemove, EIO}, kWrites{"write EIO", kWrite, EIO};
  uint64_t operations = 1;
  int refused = 0;
  for (uint64_t number = 1; number <= operations; ++number) {
    int status = InChild([&] {
      CopyFolder(data_, folder_);
      SmallWorld::Answers before, during, after;
      auto world = SmallWorld::Open(folder_);
      if (!world.ok() || !Take(**world, before)) return kFirst;
      Fail(kWrites, 1, UINT64_MAX / 4);
      bool failed = !(*world)->directory->Grant((*world)->source, "user:ann").ok();
      Fail(kAny, number, UINT64_MAX / 4);
      bool again = !(*world)->directory->Grant((*world)->source, "user:ann").ok();
      if (!Take(**world, during) || during != before || !failed) return kHalf;
      Heal();
      if (!DoChange(**world).ok() || !Take(**world, after) || TextsOf(after) != changed_) return kNotAfter;
      return again ? kAgain : kAtOnce;
    });
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    EXPECT_TRUE(code == kAtOnce || code == kAgain) << number << ": " << code;
    refused += code == kAgain;
    operations = code == kAgain ? number + 1 : number;  // until a number is never reached
  }
  printf("opened again %3llu operations, at each of which the disk failed once more\n", static_cast<unsigned long long>(refused));
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace codelore::index
