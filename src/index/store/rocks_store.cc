#include "index/store/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <mutex>
#include <utility>

#include "codelore/coding.h"
#include "codelore/crash_point.h"
#include "index/store/file.h"

namespace codelore::index {
namespace {

constexpr const char* kTableNames[kTableCount] = {"meta", "files",    "blobs",   "embeddings", "manifest",
                                                  "jobs", "audit",    "sessions", "feedback", "documents"};
// After the disk was full RocksDB goes on once so much is free.
constexpr size_t kWriteBufferBytes = 16 << 20;
// In the manifest table: the number of the last write.
constexpr char kGenerationKey[] = "generation";

Status FromRocks(const rocksdb::Status& status, const std::string& folder) {
  if (status.ok()) return OkStatus();
  std::string message = folder + ": " + status.ToString();
  if (status.IsCorruption()) return Corruption(message);
  if (status.IsNoSpace()) return ResourceExhausted(message + " (the disk is full)");
  if (status.IsIOError() && message.find("lock") != std::string::npos) {
    return Unavailable(folder + " is in use by another codelore process; talk to that one with --server, or stop it");
  }
  return status.IsIOError() || status.IsBusy() || status.IsTimedOut() ? Unavailable(message) : Internal(message);
}

rocksdb::Options DatabaseOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A loss of power may tear the last record, or leave none of it. More than that is noticed by CheckGeneration.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.db_write_buffer_size = 64 << 20;  // for all tables together
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  return options;
}

rocksdb::ColumnFamilyOptions TableOptions(Table table, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.block_size = 16 << 10;
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  blocks.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  options.write_buffer_size = kWriteBufferBytes;
  // Vectors do not compress.
  options.compression = table == Table::kEmbeddings ? rocksdb::kNoCompression : rocksdb::kZSTD;
  return options;
}

rocksdb::ColumnFamilyOptions DefaultOptions() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kWriteBufferBytes;
  return options;
}

class RocksStore final : public KeyValueStore {
 public:
  explicit RocksStore(std::string folder) : folder_(std::move(folder)) {}

  ~RocksStore() override {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  }

  Status Open() {
    RETURN_IF_ERROR(MakeFolder(folder_));
    auto cache = rocksdb::NewLRUCache(64 << 20);
    std::vector<rocksdb::ColumnFamilyDescriptor> tables = {
        {rocksdb::kDefaultColumnFamilyName, DefaultOptions()}};
    for (int i = 0; i < kTableCount; ++i) {
      tables.emplace_back(kTableNames[i], TableOptions(static_cast<Table>(i), cache));
    }
    rocksdb::DB* db = nullptr;
    RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(DatabaseOptions(), folder_, tables, &handles_, &db), folder_));
    db_.reset(db);
    return CheckGeneration();
  }

  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    std::string value;
    rocksdb::Status status = db_->Get({}, Handle(table), rocksdb::Slice(key.data(), key.size()), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    RETURN_IF_ERROR(FromRocks(status, folder_));
    return std::optional<std::string>(std::move(value));
  }

  Result<std::vector<std::optional<std::string>>> MultiGet(
      Table table, const std::vector<std::string>& keys) const override {
    std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet({}, Handle(table), keys.size(), slices.data(), values.data(), statuses.data());
    std::vector<std::optional<std::string>> result(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      RETURN_IF_ERROR(FromRocks(statuses[i], folder_));
      result[i] = values[i].ToString();
    }
    return result;
  }

  Status Scan(Table table, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, Handle(table)));
    rocksdb::Slice start(prefix.data(), prefix.size());
    for (it->Seek(start); it->Valid() && it->key().starts_with(start); it->Next()) {
      if (!visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()})) break;
    }
    return FromRocks(it->status(), folder_);
  }

  Status Write(const WriteBatch& batch) override {
    std::lock_guard lock(write_mutex_);
    rocksdb::WriteBatch writes;
    for (const WriteBatch::Operation& operation : batch.operations()) {
      rocksdb::Status status = operation.value ? writes.Put(Handle(operation.table), operation.key, *operation.value)
                                               : writes.Delete(Handle(operation.table), operation.key);
      RETURN_IF_ERROR(FromRocks(status, folder_));
    }
    std::string generation = ByteWriter().Fixed<uint64_t>(generation_ + 1).Take();
    RETURN_IF_ERROR(FromRocks(writes.Put(Handle(Table::kManifest), kGenerationKey, generation), folder_));
    rocksdb::WriteOptions options;
    options.sync = true;
    CrashPoint("store-before-write");
    rocksdb::Status written = db_->Write(options, &writes);
    // Once the disk was full RocksDB refuses all writes until it is told to go on. What failed was not applied.
    if (written.IsIOError() && db_->Resume().ok()) written = db_->Write(options, &writes);
    RETURN_IF_ERROR(FromRocks(written, folder_));
    CrashPoint("store-before-note");
    ++generation_;
    // The write stands, whether or not it could be noted: a note that is older than the database is always possible.
    (void)NoteGeneration().ok();
    return OkStatus();
  }

  Status CopyTo(const std::string& folder) override {
    std::lock_guard lock(write_mutex_);
    rocksdb::Checkpoint* made = nullptr;
    RETURN_IF_ERROR(FromRocks(rocksdb::Checkpoint::Create(db_.get(), &made), folder_));
    std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    RETURN_IF_ERROR(FromRocks(checkpoint->CreateCheckpoint(folder), folder));
    return ReplaceFile(folder + ".generation", ByteWriter().Fixed<uint64_t>(generation_).view(), /*sync=*/true);
  }

 private:
  rocksdb::ColumnFamilyHandle* Handle(Table table) const { return handles_[static_cast<size_t>(table) + 1]; }
  std::string GenerationFile() const { return folder_ + ".generation"; }

  Status CheckGeneration() {
    ASSIGN_OR_RETURN(auto stored, Get(Table::kManifest, kGenerationKey));
    if (stored) generation_ = ByteReader(*stored).Fixed<uint64_t>();
    Result<std::string> noted = ReadWholeFile(GenerationFile());
    if (!noted.ok()) return noted.status().code() == StatusCode::kNotFound ? OkStatus() : noted.status();
    uint64_t expected = ByteReader(*noted).Fixed<uint64_t>();
    if (generation_ >= expected) return OkStatus();
    return Corruption(folder_ + " stands at write " + std::to_string(generation_) + ", but write " +
                      std::to_string(expected) + " was acknowledged: records are missing. Restore a backup, or move "
                      "the data folder away and index again");
  }

  // Behind the synced write, not part of it: a crash in between leaves a file that is older than the database.
  // Not synced on its own for the same reason.
  Status NoteGeneration() {
    return ReplaceFile(GenerationFile(), ByteWriter().Fixed<uint64_t>(generation_).view(), /*sync=*/false);
  }

  const std::string folder_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // the default one, then ours; owned by db_
  std::mutex write_mutex_;
  uint64_t generation_ = 0;  // guarded by write_mutex_
};

}  // namespace

Result<std::unique_ptr<KeyValueStore>> OpenRocksStore(const std::string& folder) {
  auto store = std::make_unique<RocksStore>(folder);
  RETURN_IF_ERROR(store->Open());
  return std::unique_ptr<KeyValueStore>(std::move(store));
}

}  // namespace codelore::index
