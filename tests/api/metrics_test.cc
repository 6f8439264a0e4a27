#include "api/metrics.h"

#include <gtest/gtest.h>

namespace codelore::api {
namespace {

TEST(Metrics, CountsPushesByTenantInBuckets) {
  Metrics metrics;
  for (int i = 0; i < 95; ++i) metrics.AddPush({1}, PushStage::kLexical, .2);
  for (int i = 0; i < 5; ++i) metrics.AddPush({1}, PushStage::kLexical, 7);
  metrics.AddPush({2}, PushStage::kVector, 1e9);
  std::string text = metrics.Print({1});
  for (const char* line : {"codelore_push_to_lexical_seconds_bucket{le=\"0.1\"} 0\n", "codelore_push_to_lexical_seconds_bucket{le=\"0.25\"} 95\n",
                           "codelore_push_to_lexical_seconds_bucket{le=\"+Inf\"} 100\n", "codelore_push_to_lexical_seconds_count 100\n",
                           "codelore_push_to_lexical_seconds_p50 0.25\n", "codelore_push_to_lexical_seconds_p95 0.25\n",
                           "codelore_push_to_vector_seconds_count 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_NE(metrics.Print({2}).find("codelore_push_to_vector_seconds_count 1\n"), std::string::npos);
  EXPECT_NE(metrics.Print({3}).find("codelore_push_to_vector_seconds_count 0\n"), std::string::npos);
}

}  // namespace
}  // namespace codelore::api
