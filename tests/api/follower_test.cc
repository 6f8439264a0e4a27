#include "api/follower.h"

#include <gtest/gtest.h>

#include "api/follow_settings.h"
#include "support/memory_store.h"

namespace codelore::api {
namespace {

using testing::MemoryStore;

// Sources with so short a time that a look comes within a tenth of a second.
class FollowerTest : public ::testing::Test {
 protected:
  void Follow(uint32_t source, bool paused = false) {
    ASSERT_TRUE(WriteFollowSettings(store_, {source}, {.poll_seconds = 1, .paused = paused, .token = {}, .webhook_secrets = {}}).ok());
  }
  void Start() {
    follower_ = std::make_unique<Follower>(
        store_, Follower::Work{[this](SourceId source, std::stop_token) -> Result<bool> {
                                 std::lock_guard lock(mutex_);
                                 ++looks_[source.value];
                                 changed_.notify_all();
                                 if (source.value == 9) return Unavailable("no route to host");
                                 return source.value == 1;
                               },
                               [this](SourceId source) {
                                 std::lock_guard lock(mutex_);
                                 ++jobs_[source.value];
                                 changed_.notify_all();
                                 return OkStatus();
                               }});
  }
  template <typename Condition>
  bool Wait(Condition holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), holds);
  }

  MemoryStore store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint32_t, int> looks_, jobs_;
  std::unique_ptr<Follower> follower_;
};

TEST_F(FollowerTest, NewsBecomeAJobAndNoNewsDoNot) {
  Follow(1);
  Follow(2);
  Start();
  EXPECT_TRUE(Wait([&] { return jobs_[1] >= 2 && looks_[2] >= 2; }));
  EXPECT_EQ(jobs_[2], 0);
}

TEST_F(FollowerTest, PausedSourceIsLeftAloneUntilItIsResumed) {
  Follow(1, /*paused=*/true);
  Follow(2);
  Start();
  EXPECT_TRUE(Wait([&] { return looks_[2] >= 2; }));
  EXPECT_EQ(looks_[1], 0);
  Follow(1);
  follower_->Reload();
  EXPECT_TRUE(Wait([&] { return looks_[1] >= 1; }));
}

TEST_F(FollowerTest, SourceThatFailsIsLookedAtLessOftenAndHoldsUpNobody) {
  Follow(2);
  Follow(9);
  Start();
  EXPECT_TRUE(Wait([&] { return looks_[2] >= 4; }));
  EXPECT_LE(looks_[9], 2);  // 1, 2, 4 seconds
  PollState state = follower_->StateOf({9});
  EXPECT_GE(state.failures, 1u);
  EXPECT_EQ(state.error, "no route to host");
}

}  // namespace
}  // namespace codelore::api
