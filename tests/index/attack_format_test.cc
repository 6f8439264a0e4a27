// Data of another version of the program: read, or refused in words that say so; nothing of it is changed by looking.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "index/small_world.h"
#include "index/store/file.h"
#include "support/temp_folder.h"

namespace codelore::index {
namespace {

class AttackFormat : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(InChild([&] { return SmallWorld::Fill(data_).ok() ? 0 : 1; }), 0);
  }

  // How opening ends, in a process of its own; "" for well.
  std::string Opened() {
    std::string said = folder_ / "said";
    int status = InChild([&] {
      auto world = SmallWorld::Open(data_);
      std::string message = world.ok() ? ((*world)->Ask().ok() ? "" : "cannot be asked") : world.status().message();
      return ReplaceFile(said, message, /*sync=*/false).ok() ? 0 : 1;
    });
    EXPECT_EQ(status, 0);
    return ReadWholeFile(said).value();
  }

  testing::TempFolder folder_;
  const std::string data_ = folder_ / "data";
};

TEST_F(AttackFormat, Attack134_RecordsOfANewerVersionAreRefusedByName) {
  int status = InChild([&] {
    auto store = OpenRocksStore(data_ + "/store");
    WriteBatch batch;
    Status scanned = (*store)->Scan(Table::kManifest, "p", [&](std::string_view key, std::string_view value) {
      batch.Put(Table::kManifest, std::string(key), "\x09" + std::string(value.substr(1)));
      return true;
    });
    return scanned.ok() && (*store)->Write(batch).ok() ? 0 : 1;
  });
  ASSERT_EQ(status, 0);
  std::string said = Opened();
  EXPECT_NE(said.find("version 9"), std::string::npos) << said;
  EXPECT_NE(said.find("newer codelore"), std::string::npos) << said;
  EXPECT_EQ(Opened(), said);
}

TEST_F(AttackFormat, Attack134_TablesOfANewerVersionAreRefusedByName) {
  int status = InChild([&] {
    const std::string folder = data_ + "/store";
    std::vector<std::string> names;
    if (!rocksdb::DB::ListColumnFamilies({}, folder, &names).ok()) return 1;
    std::vector<rocksdb::ColumnFamilyDescriptor> tables;
    for (const std::string& name : names) tables.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    rocksdb::ColumnFamilyHandle* added = nullptr;
    bool made = rocksdb::DB::Open({}, folder, tables, &handles, &db).ok() && db->CreateColumnFamily({}, "of-tomorrow", &added).ok();
    return made ? 0 : 2;  // and it ends here, as a program does that is killed
  });
  ASSERT_EQ(status, 0);
  std::string said = Opened();
  EXPECT_NE(said.find("newer one made them"), std::string::npos) << said;
  EXPECT_NE(said.find(data_), std::string::npos) << said;
}

// Before each table had a number of its own there was one: its note is read, and the first write makes the new one, or, if it is cut
// off before that, the old one stands.
TEST_F(AttackFormat, Attack134_AnOlderNoteIsReadAndAKillBeforeTheNewOneLosesNothing) {
  const std::string note = data_ + "/store.generation";
  std::filesystem::resize_file(note, 8);
  EXPECT_EQ(Opened(), "");
  EXPECT_EQ(std::filesystem::file_size(note), 8u);
  for (const char* point : {"store-before-write", "store-before-note", ""}) {
    int status = InChild([&] {
      if (*point != '\0') setenv("CODELORE_CRASH_AT", point, 1);
      auto world = SmallWorld::Open(data_);
      return world.ok() && (*world)->Commit("c3", 5, 25, 1).ok() ? 0 : 1;
    });
    ASSERT_TRUE(WIFEXITED(status)) << point;
    EXPECT_EQ(WEXITSTATUS(status), *point != '\0' ? 137 : 0) << point;
    EXPECT_EQ(std::filesystem::file_size(note) == 8, *point != '\0') << point;
    EXPECT_EQ(Opened(), "") << point;
  }
}

}  // namespace
}  // namespace codelore::index
