#include "api/http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>

namespace codelore::api {
namespace {

TEST(WorkerPoolTest, GivesJobsToTheThreadThatWasLastAtWork) {
  WorkerPool pool(16, 4);
  std::set<std::thread::id> threads;
  for (int i = 0; i < 50; ++i) {
    std::promise<std::thread::id> done;
    ASSERT_TRUE(pool.Run([&] { done.set_value(std::this_thread::get_id()); }));
    threads.insert(done.get_future().get());
    std::this_thread::yield();
  }
  EXPECT_LE(threads.size(), 4u);  // one, but for moments in which it has answered and is not idle yet
}

TEST(WorkerPoolTest, QueuesWhatFindsNoThreadAndRefusesBeyondThat) {
  WorkerPool pool(2, 1);
  std::promise<void> go;
  std::shared_future<void> may_end = go.get_future().share();
  std::atomic<int> done{0};
  auto job = [&done, may_end] {
    may_end.wait();
    ++done;
  };
  EXPECT_TRUE(pool.Run(job));
  EXPECT_TRUE(pool.Run(job));
  EXPECT_TRUE(pool.Run(job));
  EXPECT_FALSE(pool.Run(job));
  go.set_value();
  pool.Stop();
  EXPECT_EQ(done, 3);
  EXPECT_FALSE(pool.Run(job));
}

TEST(WorkerPoolTest, DoesEachJobOnceUnderLoad) {
  std::atomic<int> done{0}, taken{0};
  {
    WorkerPool pool(8, 10'000);
    std::vector<std::jthread> clients;
    for (int client = 0; client < 4; ++client) {
      clients.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) taken += pool.Run([&] { ++done; });
      });
    }
    clients.clear();
  }
  EXPECT_EQ(taken, 8000);
  EXPECT_EQ(done, 8000);
}

}  // namespace
}  // namespace codelore::api
