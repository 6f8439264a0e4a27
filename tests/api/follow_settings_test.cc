#include "api/follow_settings.h"

#include <gtest/gtest.h>

#include "support/memory_store.h"

namespace codelore::api {
namespace {

using testing::MemoryStore;

TEST(FollowSettingsTest, WhatIsWrittenIsRead) {
  MemoryStore store;
  EXPECT_EQ(ReadFollowSettings(store, {7})->poll_seconds, 0u);
  FollowSettings settings{.poll_seconds = 300, .paused = true, .generation = 2, .token = "t", .webhook_secrets = {"new", "old"}};
  ASSERT_TRUE(WriteFollowSettings(store, {7}, settings).ok());
  FollowSettings read = ReadFollowSettings(store, {7}).value();
  EXPECT_EQ(read.poll_seconds, 300u);
  EXPECT_TRUE(read.paused);
  EXPECT_EQ(read.generation, 2u);
  EXPECT_EQ(read.token, "t");
  EXPECT_EQ(read.webhook_secrets, (std::vector<std::string>{"new", "old"}));
  int found = 0;
  ASSERT_TRUE(ForEachFollowSettings(store, [&](SourceId source, const FollowSettings&) { found += source == SourceId{7}; }).ok());
  EXPECT_EQ(found, 1);
  ASSERT_TRUE(EraseFollowSettings(store, {7}).ok());
  EXPECT_TRUE(ReadFollowSettings(store, {7})->token.empty());
}

TEST(FollowSettingsTest, DamagedRecordIsRefused) {
  MemoryStore store;
  ASSERT_TRUE(WriteFollowSettings(store, {7}, {.poll_seconds = 300, .token = {}, .webhook_secrets = {"secret"}}).ok());
  std::string key = store.rows(Table::kMeta).begin()->first, value = store.rows(Table::kMeta).begin()->second;
  for (size_t size = 0; size < value.size(); ++size) {
    WriteBatch batch;
    batch.Put(Table::kMeta, key, value.substr(0, size));
    ASSERT_TRUE(store.Write(batch).ok());
    EXPECT_EQ(ReadFollowSettings(store, {7}).status().code(), StatusCode::kCorruption) << size;
  }
}

TEST(FollowSettingsTest, IntervalsAreReadStrictly) {
  EXPECT_EQ(*ParsePollInterval("never"), 0u);
  EXPECT_EQ(*ParsePollInterval("90"), 90u);
  EXPECT_EQ(*ParsePollInterval("5m"), 300u);
  EXPECT_EQ(*ParsePollInterval("2h"), 7200u);
  EXPECT_EQ(*ParsePollInterval("30d"), 2'592'000u);
  for (const char* text : {"", "m", "5 m", "-5m", "4s", "31d", "5mm", "1e3", "99999999999999999999m", "18446744073709551615d"}) {
    EXPECT_FALSE(ParsePollInterval(text).ok()) << text;
  }
}

}  // namespace
}  // namespace codelore::api
