#include "generate/token_chooser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

namespace codelore::generate {
namespace {

TEST(TokenChooserTest, TakesTheLikeliestAtTemperatureZero) {
  TokenChooser chooser(Sampling{});
  EXPECT_EQ(chooser.Choose(std::vector<float>{0, 3, -1, 3}), 1) << "the first of two alike";
  EXPECT_EQ(chooser.Choose(std::vector<float>{-INFINITY, -5}), 1);
}

TEST(TokenChooserTest, RefusesWhatIsNoNumber) {
  for (double temperature : {0.0, 1.0}) {
    TokenChooser chooser(Sampling{.temperature = temperature});
    EXPECT_FALSE(chooser.Choose(std::vector<float>{0, NAN}));
    EXPECT_FALSE(chooser.Choose(std::vector<float>{0, INFINITY}));
    EXPECT_FALSE(chooser.Choose(std::vector<float>{-INFINITY, -INFINITY}));
    EXPECT_FALSE(chooser.Choose({}));
  }
}

TEST(TokenChooserTest, RepeatsItselfForTheSameSeed) {
  std::vector<float> logits(200);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 7);
  auto choices = [&](uint32_t seed) {
    TokenChooser chooser(Sampling{.temperature = 1.0, .seed = seed});
    std::vector<int32_t> chosen;
    for (int i = 0; i < 20; ++i) chosen.push_back(*chooser.Choose(logits));
    return chosen;
  };
  EXPECT_EQ(choices(1), choices(1));
  EXPECT_NE(choices(1), choices(2));
}

TEST(TokenChooserTest, FollowsTheProbabilities) {
  const std::vector<float> logits = {std::log(0.7f), std::log(0.2f), std::log(0.1f)};
  auto shares = [&](Sampling sampling) {
    sampling.seed = 5;
    TokenChooser chooser(sampling);
    std::map<int32_t, double> share;
    for (int i = 0; i < 20000; ++i) share[*chooser.Choose(logits)] += 1 / 20000.0;
    return share;
  };
  auto all = shares({.temperature = 1.0});
  EXPECT_NEAR(all[0], 0.7, 0.02);
  EXPECT_NEAR(all[2], 0.1, 0.02);
  auto top = shares({.temperature = 1.0, .top_p = 0.8});
  EXPECT_NEAR(top[0], 0.7 / 0.9, 0.02);
  EXPECT_EQ(top.count(2), 0u);
  EXPECT_EQ(shares({.temperature = 1.0, .top_p = 0.0}).size(), 1u);
  auto odd = shares({.temperature = NAN, .top_p = -3.0});
  EXPECT_EQ(odd.size(), 1u);
}

}  // namespace
}  // namespace codelore::generate
