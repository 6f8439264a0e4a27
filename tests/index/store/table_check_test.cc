#include "index/store/table_check.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "index/store/file.h"
#include "index/store/rocks_store.h"
#include "support/temp_folder.h"

namespace codelore::index {
namespace {

// A table as the store writes it.
class TableCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int opened = 0; opened < 2; ++opened) {  // the second time what the log holds becomes tables
      auto store = OpenRocksStore(data_ + "/store").value();
      WriteBatch batch;
      for (int i = 0; i < 200; ++i) batch.Put(Table::kMeta, "key" + std::to_string(i), std::string(i, 'x'));
      ASSERT_TRUE(store->Write(batch).ok());
    }
    for (const auto& entry : std::filesystem::directory_iterator(data_ + "/store")) {
      if (entry.path().extension() == ".sst") path_ = entry.path();
    }
    ASSERT_FALSE(path_.empty());
    table_ = ReadWholeFile(path_).value();
  }

  Status Check(const std::string& table) {
    return CheckTable(table.size(), [&](uint64_t offset, uint64_t size) -> Result<std::string> { return table.substr(offset, size); });
  }

  testing::TempFolder folder_;
  const std::string data_ = folder_ / "data";
  std::string path_, table_;
};

TEST_F(TableCheckTest, FindsEveryBitOfThePropertiesAndTheWayToThem) {
  EXPECT_TRUE(Check(table_).ok()) << Check(table_).ToString();
  size_t properties = table_.find("rocksdb.block.based.table.index.type");
  ASSERT_NE(properties, std::string::npos);
  // Of the footer the kind of checksum, the index's place, the padding and the version are RocksDB's to look at.
  size_t footer = table_.size() - 53, magic = table_.size() - 8, missed = 0;
  for (size_t at = properties; at < table_.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = table_;
      damaged[at] ^= static_cast<char>(1 << bit);
      missed += (at < footer || at >= magic) && Check(damaged).ok();
    }
  }
  EXPECT_EQ(missed, 0u);
}

TEST_F(TableCheckTest, RefusesEveryTruncation) {
  for (size_t size = 0; size < table_.size(); size += size < 2000 ? 1 : 37) {
    EXPECT_FALSE(Check(table_.substr(0, size)).ok()) << size;
  }
}

// The bit that RocksDB asserts on: the top one of the number of restart points, at the end of the properties.
TEST_F(TableCheckTest, AStoreWithADamagedDescriptionIsRefusedByNameAndNothingAborts) {
  size_t properties = table_.find("rocksdb.block.based.table.index.type");
  int tried = 0;
  for (size_t at = properties; at < table_.size() - 53; ++at) {
    if (table_.substr(at, 4) != std::string("\1\0\0\0", 4)) continue;  // a block's number of restart points may look like this
    std::string damaged = table_;
    damaged[at + 3] ^= static_cast<char>(0x80);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << damaged;
    Status status = OpenRocksStore(data_ + "/store").status();  // without the check the process ends here
    ++tried;
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.message();
    const std::string& message = status.message();
    EXPECT_NE(message.find(path_), std::string::npos) << message;
    EXPECT_NE(message.find("Restore a backup"), std::string::npos) << message;
  }
  EXPECT_GT(tried, 0);
}

}  // namespace
}  // namespace codelore::index
