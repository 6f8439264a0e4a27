// The N-th write, flush, change of a name or opening of a file fails, for every N of a unit of work: a commit that replaces, adds and
// removes files, its vectors, a merge, a grant. Run by tests/durability/every_fault.py, which preloads faults.c; skipped otherwise.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
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
enum : uint32_t { kWrite = 1, kSync = 2, kName = 4, kOpen = 8 };

struct Case {
  const char* name;
  uint32_t kinds;
  int error;
};
constexpr std::array<Case, 7> kCases = {{{"write EIO", kWrite, EIO},
                                         {"write ENOSPC", kWrite, ENOSPC},
                                         {"flush EIO", kSync, EIO},
                                         {"flush ENOSPC", kSync, ENOSPC},
                                         {"name EIO", kName, EIO},
                                         {"name ENOSPC", kName, ENOSPC},
                                         {"open EMFILE", kOpen, EMFILE}}};

enum Outcome : int { kAtOnce = 0, kAgain = 10, kRestart = 11, kHalf = 20, kNotAfter = 21, kLost = 22, kFirst = 23, kLast = 24 };

// Exit codes of a child are below 128 and not 1, which others use.
Status DoUnit(SmallWorld& world) {
  RETURN_IF_ERROR(world.Commit("c3", 5, 25, 1));
  RETURN_IF_ERROR(world.Embed());
  ASSIGN_OR_RETURN(auto partitions, world.directory->PartitionsOf(world.source));
  RETURN_IF_ERROR(world.index->Merge(partitions, {}));
  return world.directory->Grant(world.source, "user:ann");
}

class EveryFaultTest : public ::testing::Test {
 protected:
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
    ASSERT_EQ(InChild([&] { return SmallWorld::Fill(data_).ok() ? kAtOnce : kFirst; }), 0);
  }

  void Fail(const Case& fault, uint64_t first, uint64_t count) { *control_ = {0, first, first + count - 1, fault.kinds, fault.error}; }

  // What holds for one N, in a process of its own.
  int One(const Case& fault, uint64_t number, uint64_t count) {
    CopyFolder(data_, folder_);
    SmallWorld::Answers before, during, after, then;
    bool again = false, restart = false;
    {
      auto world = SmallWorld::Open(folder_);
      if (!world.ok() || !Take(**world, before)) return kFirst;
      Fail(fault, number, count);
      Status done = DoUnit(**world);
      control_->kinds = 0;
      if (!Take(**world, during)) return kHalf;  // searching goes on
      if (done.ok()) {
        after = during;
      } else {
        again = true;
        restart = !DoUnit(**world).ok();
        if (!restart && !Take(**world, after)) return kNotAfter;
      }
    }
    auto world = SmallWorld::Open(folder_);
    if (!world.ok()) return kLost;
    if (restart && (!DoUnit(**world).ok() || !Take(**world, after))) return kLast;
    if (!Take(**world, then) || then != after) return kLost;
    if (TextsOf(after) != right_) return kNotAfter;
    if (during["exact"] != before["exact"] && during["exact"] != after["exact"]) return kHalf;
    return restart ? kRestart : again ? kAgain : kAtOnce;
  }

  // Without scores and revisions, which a merge does not keep apart.
  static std::string TextsOf(const SmallWorld::Answers& answers) {
    std::string all;
    for (const auto& [query, hits] : answers) {
      for (const std::string& hit : hits) all += query + hit.substr(0, hit.find(' ')) + hit.substr(hit.find("alpha"));
    }
    return all;
  }

  static bool Take(SmallWorld& world, SmallWorld::Answers& answers) {
    auto asked = world.Ask();
    if (asked.ok()) answers = std::move(*asked);
    return asked.ok();
  }

  std::string folder_, data_, right_;
  Control* control_ = nullptr;
};

TEST_F(EveryFaultTest, NoFailureOfTheDiskLeavesHalfOfAnything) {
  // Counted, and what must be there afterwards, without a failure.
  CopyFolder(data_, folder_);
  std::string right = folder_ + ".right";
  std::array<uint64_t, kCases.size()> operations{};
  for (size_t i = 0; i < kCases.size(); ++i) {
    int status = InChild([&] {
      CopyFolder(data_, folder_);
      auto world = SmallWorld::Open(folder_);
      Fail(kCases[i], UINT64_MAX / 2, 1);
      if (!world.ok() || !DoUnit(**world).ok()) return kFirst;
      SmallWorld::Answers answers;
      if (!Take(**world, answers)) return kFirst;
      FILE* file = fopen(right.c_str(), "w");
      std::string texts = TextsOf(answers);
      fwrite(texts.data(), 1, texts.size(), file);
      fclose(file);
      return kAtOnce;
    });
    operations[i] = control_->seen;
    ASSERT_EQ(status, 0);
  }
  right_ = ReadWholeFile(right).value();
  const char* only = getenv("CODELORE_FAULT_ONLY");
  for (size_t i = 0; i < kCases.size(); ++i) {
    if (only != nullptr && std::string_view(only) != kCases[i].name) continue;
    int tried = 0, again = 0, restart = 0;
    for (uint64_t number = 1; number <= operations[i]; ++number) {
      for (uint64_t count : {uint64_t{1}, UINT64_MAX / 4}) {  // once, and from there on
        int status = InChild([&] { return One(kCases[i], number, count); });
        ++tried;
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        again += code == kAgain;
        restart += code == kRestart;
        EXPECT_TRUE(code == kAtOnce || code == kAgain || code == kRestart) << kCases[i].name << " " << number << " x " << count << ": " << code;
      }
    }
    printf("%-13s %3llu operations, %d failures tried: done again %d, after a restart %d\n", kCases[i].name, static_cast<unsigned long long>(operations[i]), tried, again,
           restart);
  }
}

}  // namespace
}  // namespace codelore::index
