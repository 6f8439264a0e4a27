#include "index/store/rocks_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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

}  // namespace
}  // namespace codelore::index
