#include "api/fair_share.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace codelore::api {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests only

TEST(FairShareTest, TenantThatIsAloneHasEveryPlaceAndWaitsForNoMore) {
  FairShare share({.places = 4, .waiting = 0});
  std::vector<std::shared_ptr<FairShare::Place>> places;
  for (int i = 0; i < 4; ++i) places.push_back(share.Enter({1}));
  for (const auto& place : places) EXPECT_NE(place, nullptr);
  EXPECT_EQ(share.Enter({1}), nullptr);
  places.pop_back();
  EXPECT_NE(share.Enter({1}), nullptr);
}

TEST(FairShareTest, AnotherTenantComesInAtOnceAndTheFirstShrinksToItsPart) {
  FairShare share({.places = 4, .waiting = 0});
  std::vector<std::shared_ptr<FairShare::Place>> flood;
  for (int i = 0; i < 4; ++i) flood.push_back(share.Enter({1}));
  auto first = share.Enter({2}), second = share.Enter({2});
  EXPECT_NE(first, nullptr);  // though every place is taken
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(share.Enter({2}), nullptr);
  flood.resize(2);
  EXPECT_EQ(share.Enter({1}), nullptr);
  flood.resize(1);
  EXPECT_NE(share.Enter({1}), nullptr);
}

TEST(FairShareTest, EverybodyHasAPlaceHoweverManyThereAre) {
  FairShare share({.places = 2, .waiting = 0});
  std::vector<std::shared_ptr<FairShare::Place>> places;
  for (uint32_t tenant = 1; tenant <= 50; ++tenant) {
    places.push_back(share.Enter({tenant}));
    EXPECT_NE(places.back(), nullptr);
  }
}

TEST(FairShareTest, PlaceIsGivenBackOnce) {
  FairShare share({.places = 2, .waiting = 0});
  auto a = share.Enter({1}), b = share.Enter({1});
  a->GiveBack();
  a->GiveBack();
  a.reset();
  auto c = share.Enter({1});
  EXPECT_NE(c, nullptr);
  EXPECT_EQ(share.Enter({1}), nullptr);
}

TEST(FairShareTest, WaitingEndsWithAPlaceOrWithPatience) {
  FairShare share({.places = 2, .waiting = 8, .patience = 20ms});
  auto a = share.Enter({1}), b = share.Enter({1});
  EXPECT_EQ(share.Enter({1}), nullptr);
  FairShare patient({.places = 2, .waiting = 8, .patience = 60s});
  auto first = patient.Enter({1}), second = patient.Enter({1});
  std::jthread leaver([&] { first->GiveBack(); });
  EXPECT_NE(patient.Enter({1}), nullptr);
}

TEST(FairShareTest, ManyThreadsAllGetThroughAndNeverTooManyAtOnce) {
  FairShare share({.places = 2, .waiting = 100, .patience = 60s});
  std::atomic<int> running{0}, most{0}, through{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int turn = 0; turn < 200; ++turn) {
          auto place = share.Enter({1});
          if (!place) continue;
          int now = ++running;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          std::this_thread::yield();
          --running;
          ++through;
        }
      });
    }
  }
  EXPECT_EQ(through, 16 * 200);
  EXPECT_LE(most, 2);
}

}  // namespace
}  // namespace codelore::api
