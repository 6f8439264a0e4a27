#include "index/store/rocks_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace codelore::index {
namespace {

class RocksStoreTest : public ::testing::Test {
 protected:
  void WriteOne() {
    auto store = OpenRocksStore(folder_ / "store");
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    WriteBatch batch;
    batch.Put(Table::kManifest, "key", "value");
    ASSERT_TRUE((*store)->Write(batch).ok());
  }
  Status Reopened() { return OpenRocksStore(folder_ / "store").status(); }

  testing::TempFolder folder_;
};

TEST_F(RocksStoreTest, IsNeverMadeAnewOverWhatWasAcknowledged) {
  WriteOne();
  EXPECT_TRUE(Reopened().ok());
  for (bool torn : {false, true}) {
    std::filesystem::remove(folder_ / "store/CURRENT");
    if (torn) std::ofstream(folder_ / "store.generation", std::ios::trunc);
    Status status = Reopened();
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_NE(status.message().find("CURRENT"), std::string::npos) << status.message();
    EXPECT_FALSE(std::filesystem::exists(folder_ / "store/CURRENT"));
  }
}

TEST_F(RocksStoreTest, IsMadeWhereNothingWasAcknowledged) {
  std::filesystem::create_directories(folder_ / "store");
  WriteOne();
  EXPECT_TRUE(Reopened().ok());
}

TEST_F(RocksStoreTest, WhatItKeepsForItselfIsInNoScan) {
  auto store = OpenRocksStore(folder_ / "store").value();
  WriteBatch batch;
  for (int i = 0; i < kTableCount; ++i) batch.Put(static_cast<Table>(i), "a key", "value");
  ASSERT_TRUE(store->Write(batch).ok());
  for (Table table : {Table::kMeta, Table::kFiles, Table::kDocuments}) {
    std::vector<std::string> keys;
    ASSERT_TRUE(store->Scan(table, "", [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    }).ok());
    EXPECT_EQ(keys, std::vector<std::string>{"a key"});
  }
}

}  // namespace
}  // namespace codelore::index
