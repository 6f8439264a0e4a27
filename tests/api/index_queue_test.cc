#include "api/index_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/memory_store.h"

namespace codelore::api {
namespace {

using testing::MemoryStore;
using Report = std::function<void(const ingest::IndexProgress&)>;

// A queue whose jobs wait until the test lets them end.
class IndexQueueTest : public ::testing::Test {
 protected:
  void Open() {
    auto work = [this](SourceId source, std::stop_token stop, const Report& report) { return Work(source, stop, report); };
    queue_ = IndexQueue::Open(store_, work, options_).value();
  }
  Status Work(SourceId source, const std::stop_token& stop, const Report& report) {
    report({.stage = stage_, .files_total = 9, .files_done = 4, .vectors = {}});
    std::unique_lock lock(mutex_);
    begun_.push_back(source);
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return permits_ > 0; });
    if (stop.stop_requested()) return Unavailable("interrupted");
    --permits_;
    ended_.push_back(source);
    changed_.notify_all();
    return outcome_;
  }
  void Permit(int jobs, Status outcome = OkStatus()) {
    std::lock_guard lock(mutex_);
    permits_ += jobs;
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }
  void WaitForBegun(size_t jobs) { Wait([&] { return begun_.size() >= jobs; }); }
  void WaitForEnded(size_t jobs) { Wait([&] { return ended_.size() >= jobs; }); }
  void WaitForPhase(SourceId source, JobPhase phase) {
    for (int i = 0; i < 5000 && PhaseOf(source) != phase; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(PhaseOf(source), phase);
  }
  std::optional<JobPhase> PhaseOf(SourceId source) {
    auto state = queue_->StateOf(source);
    return state ? std::optional(state->phase) : std::nullopt;
  }
  size_t Records() { return store_.rows(Table::kJobs).size(); }

  const SourceId a_{1}, b_{2};
  MemoryStore store_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<SourceId> begun_, ended_;
  int permits_ = 0;
  Status outcome_;
  ingest::IndexStage stage_ = ingest::IndexStage::kText;
  IndexQueue::Options options_;
  std::unique_ptr<IndexQueue> queue_;

 private:
  template <typename Condition>
  void Wait(Condition holds) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(5), holds));
  }
};

TEST_F(IndexQueueTest, RunsOneAfterTheOtherAndForgetsWhatIsDone) {
  Open();
  EXPECT_EQ(PhaseOf(a_), std::nullopt);
  ASSERT_TRUE(queue_->Submit(a_).ok());
  ASSERT_TRUE(queue_->Submit(b_).ok());
  ASSERT_TRUE(queue_->Submit(b_).ok());
  EXPECT_EQ(Records(), 2u);
  WaitForBegun(1);
  EXPECT_EQ(PhaseOf(a_), JobPhase::kRunning);
  EXPECT_EQ(PhaseOf(b_), JobPhase::kWaiting);
  EXPECT_EQ(queue_->StateOf(a_)->progress.files_done, 4u);
  Permit(2);
  WaitForPhase(b_, JobPhase::kDone);
  EXPECT_EQ(PhaseOf(a_), JobPhase::kDone);
  EXPECT_EQ(ended_, (std::vector{a_, b_}));
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, JobsSurviveARestart) {
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  ASSERT_TRUE(queue_->Submit(b_).ok());
  WaitForBegun(1);
  queue_.reset();  // in the middle of the first
  EXPECT_EQ(Records(), 2u);
  begun_.clear();
  Open();
  EXPECT_NE(PhaseOf(b_), std::nullopt);
  Permit(2);
  WaitForPhase(b_, JobPhase::kDone);
  EXPECT_EQ(ended_, (std::vector{a_, b_}));
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, SourceSubmittedWhileItRunsIsDoneOnceMore) {
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForBegun(1);
  ASSERT_TRUE(queue_->Submit(a_).ok());
  ASSERT_TRUE(queue_->Submit(a_).ok());
  Permit(1);
  WaitForEnded(1);
  WaitForBegun(2);
  EXPECT_EQ(Records(), 1u);
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
  EXPECT_EQ(begun_.size(), 2u);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, FailureIsShownUntilTheNextRun) {
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  Permit(1, Corruption("the repository is damaged"));
  WaitForPhase(a_, JobPhase::kFailed);
  EXPECT_EQ(queue_->StateOf(a_)->error, "the repository is damaged");
  EXPECT_EQ(Records(), 0u);
  ASSERT_TRUE(queue_->Submit(a_).ok());
  EXPECT_EQ(queue_->StateOf(a_)->error, "");
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
}

TEST_F(IndexQueueTest, CancelStopsTheRunningJobAndDropsTheWaitingOne) {
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  ASSERT_TRUE(queue_->Submit(b_).ok());
  WaitForBegun(1);
  ASSERT_TRUE(queue_->Cancel(b_).ok());
  EXPECT_EQ(PhaseOf(b_), std::nullopt);
  ASSERT_TRUE(queue_->Cancel(a_).ok());
  EXPECT_EQ(PhaseOf(a_), std::nullopt);
  EXPECT_EQ(Records(), 0u);
  EXPECT_TRUE(ended_.empty());
  ASSERT_TRUE(queue_->Submit(b_).ok());  // the queue itself goes on
  Permit(1);
  WaitForPhase(b_, JobPhase::kDone);
  EXPECT_TRUE(queue_->Cancel(SourceId{9}).ok());
}

TEST_F(IndexQueueTest, JobThatIsNotOnDiskIsNotAccepted) {
  Open();
  store_.set_fault(MemoryStore::Fault::kFailAndDrop);
  EXPECT_FALSE(queue_->Submit(a_).ok());
  store_.set_fault(MemoryStore::Fault::kNone);
  EXPECT_EQ(PhaseOf(a_), std::nullopt);
  EXPECT_TRUE(begun_.empty());
}

TEST_F(IndexQueueTest, ManySubmittersAndCancellersAgree) {
  Open();
  Permit(100000);
  std::vector<std::jthread> threads;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (uint32_t i = 0; i < 200; ++i) {
        SourceId source{1 + (i + t) % 5};
        EXPECT_TRUE((i % 7 == t ? queue_->Cancel(source) : queue_->Submit(source)).ok());
        (void)queue_->StateOf(source);
      }
    });
  }
  threads.clear();
  for (uint32_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(queue_->Submit({i}).ok());
    WaitForPhase({i}, JobPhase::kDone);
  }
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, SmallUpdateDoesNotWaitForAFirstImport) {
  options_.is_large = [&](SourceId source) { return source == a_; };
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForBegun(1);
  ASSERT_TRUE(queue_->Submit(b_).ok());
  WaitForBegun(2);
  EXPECT_EQ(PhaseOf(a_), JobPhase::kRunning);
  EXPECT_EQ(PhaseOf(b_), JobPhase::kRunning);
  Permit(2);
  WaitForPhase(a_, JobPhase::kDone);
  WaitForPhase(b_, JobPhase::kDone);
}

TEST_F(IndexQueueTest, WhoRunsLongGivesWayAndGoesOnLater) {
  options_.small_slice = std::chrono::milliseconds(1);
  options_.large_slice = std::chrono::minutes(1);
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForBegun(1);
  ASSERT_TRUE(queue_->Submit(b_).ok());
  WaitForBegun(3);  // a, b, and a once more among the large ones
  EXPECT_EQ(Records(), 2u);
  Permit(2);
  WaitForPhase(a_, JobPhase::kDone);
  WaitForPhase(b_, JobPhase::kDone);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, TextOfOneSourceComesBeforeVectorsOfAnother) {
  stage_ = ingest::IndexStage::kVectors;
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForBegun(1);
  ASSERT_TRUE(queue_->Submit(b_).ok());
  WaitForBegun(2);
  EXPECT_EQ(begun_, (std::vector{a_, b_}));
  EXPECT_EQ(PhaseOf(a_), JobPhase::kWaiting);
  Permit(2);
  WaitForPhase(a_, JobPhase::kDone);
  EXPECT_EQ(ended_, (std::vector{b_, a_}));
}

TEST_F(IndexQueueTest, NewTextOfASourceComesBeforeItsOwnVectors) {
  stage_ = ingest::IndexStage::kVectors;
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForBegun(1);
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForBegun(2);
  EXPECT_TRUE(ended_.empty());
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
  EXPECT_EQ(ended_, std::vector{a_});
}

TEST_F(IndexQueueTest, WhatFailsForWantOfTheNetworkIsTriedAgain) {
  options_.first_retry = std::chrono::milliseconds(5);
  Open();
  Permit(1, Unavailable("no route to host"));
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForEnded(1);
  WaitForBegun(2);
  EXPECT_EQ(Records(), 1u);
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, FailedJobThatWillBeTriedAgainIsPendingAndOnDisk) {
  Open();
  Permit(1, Unavailable("no route to host"));
  ASSERT_TRUE(queue_->Submit(a_).ok());
  WaitForPhase(a_, JobPhase::kFailed);
  EXPECT_TRUE(queue_->StateOf(a_)->pending());
  EXPECT_GT(queue_->StateOf(a_)->retry_unix_ms, 0);
  EXPECT_EQ(Records(), 1u);
  Permit(1);
  ASSERT_TRUE(queue_->Submit(a_).ok());  // at once
  WaitForPhase(a_, JobPhase::kDone);
}

// What a process that is killed in the middle of a job leaves in the store.
TEST_F(IndexQueueTest, JobThatTookTheProcessWithItThreeTimesIsParked) {
  std::unique_ptr<MemoryStore> left;
  for (int death = 1; death <= 3; ++death) {
    Open();
    if (death == 1) {
      ASSERT_TRUE(queue_->Submit(a_).ok());
    }
    WaitForBegun(static_cast<size_t>(death));
    MemoryStore image(store_);
    queue_.reset();
    for (const auto& [key, value] : image.rows(Table::kJobs)) {
      WriteBatch batch;
      batch.Put(Table::kJobs, key, value);
      ASSERT_TRUE(store_.Write(batch).ok());
    }
  }
  begun_.clear();
  Open();
  EXPECT_EQ(PhaseOf(a_), JobPhase::kParked);
  EXPECT_NE(queue_->StateOf(a_)->error.find("3 times"), std::string::npos);
  ASSERT_TRUE(queue_->Submit(a_).ok());  // a push does not wake it
  EXPECT_EQ(PhaseOf(a_), JobPhase::kParked);
  ASSERT_TRUE(queue_->Submit(b_).ok());  // others go on
  Permit(1);
  WaitForPhase(b_, JobPhase::kDone);
  queue_.reset();
  Open();
  EXPECT_EQ(PhaseOf(a_), JobPhase::kParked);
  ASSERT_TRUE(queue_->Submit(a_, {.wake_parked = true}).ok());
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
  EXPECT_EQ(Records(), 0u);
}

TEST_F(IndexQueueTest, OrderlyStopsDoNotParkAJob) {
  for (int i = 0; i < 5; ++i) {
    Open();
    if (i == 0) {
      ASSERT_TRUE(queue_->Submit(a_).ok());
    }
    WaitForBegun(static_cast<size_t>(i) + 1);
    queue_.reset();
  }
  Open();
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
}

TEST_F(IndexQueueTest, PausedSourceWaits) {
  std::atomic<bool> paused = true;
  options_.is_paused = [&](SourceId source) { return paused && source == a_; };
  Open();
  ASSERT_TRUE(queue_->Submit(a_).ok());
  ASSERT_TRUE(queue_->Submit(b_).ok());
  Permit(2);
  WaitForPhase(b_, JobPhase::kDone);
  EXPECT_EQ(PhaseOf(a_), JobPhase::kWaiting);
  paused = false;
  queue_->Wake();
  WaitForPhase(a_, JobPhase::kDone);
  queue_.reset();  // before what it looks at
}

TEST_F(IndexQueueTest, WhatIsWrittenWithAJobIsThereWithItOrNotAtAll) {
  Open();
  WriteBatch also;
  also.Put(Table::kJobs, "delivery", "1");
  store_.set_fault(MemoryStore::Fault::kFailAndDrop);
  EXPECT_FALSE(queue_->Submit(a_, {.also = also}).ok());
  store_.set_fault(MemoryStore::Fault::kNone);
  EXPECT_EQ(Records(), 0u);
  ASSERT_TRUE(queue_->Submit(a_, {.also = also}).ok());
  EXPECT_EQ(Records(), 2u);
  Permit(1);
  WaitForPhase(a_, JobPhase::kDone);
  EXPECT_EQ(Records(), 1u);
}

}  // namespace
}  // namespace codelore::api
