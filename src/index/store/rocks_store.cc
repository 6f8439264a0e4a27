#include "index/store/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/transaction_log.h>
#include <rocksdb/utilities/checkpoint.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdarg>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "codelore/coding.h"
#include "codelore/crash_point.h"
#include "index/store/file.h"
#include "index/store/table_check.h"

namespace codelore::index {
namespace {

constexpr const char* kTableNames[kTableCount] = {"meta", "files",    "blobs",   "embeddings", "manifest",
                                                  "jobs", "audit",    "sessions", "feedback", "documents"};
// After the disk was full RocksDB goes on once so much is free.
constexpr size_t kWriteBufferBytes = 16 << 20;
constexpr size_t kRecordHead = 16;  // of a record in a batch, about: kind, table and two lengths
constexpr size_t kProbeBytes = 256 << 10;
constexpr char kWhatToDo[] = "Restore a backup, or move the data folder away and index again";
constexpr auto kWaitForReaders = std::chrono::seconds(2);
// In the manifest table: the number of the last write.
constexpr char kGenerationKey[] = "generation";
// In every table: the number of the last write to it. No scan shows it.
constexpr std::string_view kTableGenerationKey("\0generation", 11);

Status FromRocks(const rocksdb::Status& status, const std::string& folder) {
  if (status.ok()) return OkStatus();
  std::string message = folder + ": " + status.ToString();
  if (status.IsCorruption()) return Corruption(message + ". " + kWhatToDo);
  if (status.IsNoSpace()) return ResourceExhausted(message + " (the disk is full)");
  bool locked = message.find("While lock file") != std::string::npos || message.find("lock hold by") != std::string::npos;
  if (status.IsIOError() && locked) {
    return Unavailable(folder + " is in use by another codelore process; talk to that one with --server, or stop it");
  }
  if (status.IsInvalidArgument() && message.find("Column families not opened") != std::string::npos) {
    return Corruption(folder + " has tables that this codelore does not know; a newer one made them: use that one, or restore a backup of before");
  }
  return status.IsIOError() || status.IsBusy() || status.IsTimedOut() ? Unavailable(message) : Internal(message);
}

// RocksDB's own log file: after one write to it has failed, as on a full disk, the next one ends the process by an assertion.
// What matters is in the status of each call.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Tables are looked at before RocksDB opens them, whether at the start or while it serves.
class CheckedFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "CheckedFiles"; }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target()->NewRandomAccessFile(path, options, file, debug);
    if (!status.ok() || !path.ends_with(".sst")) return status;
    uint64_t size = 0;
    status = target()->GetFileSize(path, options.io_options, &size, debug);
    if (!status.ok()) return status;
    Status checked = CheckTable(size, [&](uint64_t offset, uint64_t count) -> Result<std::string> {
      std::string bytes(count, '\0');
      rocksdb::Slice got;
      status = (*file)->Read(offset, count, options.io_options, &got, bytes.data(), debug);
      if (!status.ok()) return Unavailable(status.ToString());
      return got.ToString();
    });
    if (!status.ok() || checked.ok()) return status;
    file->reset();
    return rocksdb::IOStatus::Corruption(path + ": " + checked.message());
  }
};

rocksdb::Options DatabaseOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A loss of power may tear the last record, or leave none of it. More than that is noticed by CheckGeneration.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // For all tables together. A day of small pushes fills it, so it is what a daemon's memory grows by at first.
  options.db_write_buffer_size = kWriteBufferBytes;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.info_log = std::make_shared<NoLog>();
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
  // Keys that are hashes fall everywhere: each compaction of new files rewrites all older ones, so there should be few.
  if (table == Table::kBlobs || table == Table::kEmbeddings) options.level0_file_num_compaction_trigger = 8;
  // Vectors do not compress.
  options.compression = table == Table::kEmbeddings ? rocksdb::kNoCompression : rocksdb::kZSTD;
  return options;
}

rocksdb::ColumnFamilyOptions DefaultOptions() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kWriteBufferBytes;
  return options;
}

// A database that is open, with its tables.
struct Opened {
  ~Opened() {
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }

  // `write_noted`: something was acknowledged in that folder. Then a database is never made anew.
  static Result<std::shared_ptr<Opened>> Open(const std::string& folder, bool write_noted) {
    std::error_code ignored;
    if (write_noted && !std::filesystem::exists(folder + "/CURRENT", ignored)) {
      return Corruption(folder + " lacks its file CURRENT, though records were acknowledged. " + kWhatToDo);
    }
    return OpenAs(folder, /*read_only=*/false);
  }

  // Nothing is written, the log is read into memory. It may belong to another process by now; that has the last word of what is written.
  static Result<std::shared_ptr<Opened>> OpenToRead(const std::string& folder) { return OpenAs(folder, /*read_only=*/true); }

  static Result<std::shared_ptr<Opened>> OpenAs(const std::string& folder, bool read_only) {
    auto opened = std::make_shared<Opened>();
    opened->env = rocksdb::NewCompositeEnv(std::make_shared<CheckedFiles>(rocksdb::FileSystem::Default()));
    opened->read_only = read_only;
    auto cache = rocksdb::NewLRUCache(64 << 20);
    std::vector<rocksdb::ColumnFamilyDescriptor> tables = {{rocksdb::kDefaultColumnFamilyName, DefaultOptions()}};
    for (int i = 0; i < kTableCount; ++i) tables.emplace_back(kTableNames[i], TableOptions(static_cast<Table>(i), cache));
    rocksdb::DB* db = nullptr;
    rocksdb::Options options = DatabaseOptions(opened->env.get());
    RETURN_IF_ERROR(FromRocks(read_only ? rocksdb::DB::OpenForReadOnly(options, folder, tables, &opened->handles, &db)
                                        : rocksdb::DB::Open(options, folder, tables, &opened->handles, &db),
                              folder));
    opened->db.reset(db);
    return opened;
  }

  rocksdb::ColumnFamilyHandle* Handle(Table table) const { return handles[static_cast<size_t>(table) + 1]; }

  bool read_only = false;
  std::unique_ptr<rocksdb::Env> env;  // db uses it to its end
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // the default one, then ours; owned by db
};

class RocksStore final : public KeyValueStore {
 public:
  explicit RocksStore(std::string folder) : folder_(std::move(folder)) {}

  Status Open() {
    RETURN_IF_ERROR(MakeFolder(folder_));
    ASSIGN_OR_RETURN(opened_, Opened::Open(folder_, WriteNoted()));
    return CheckGeneration();
  }

  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    ASSIGN_OR_RETURN(auto opened, Use());
    std::string value;
    rocksdb::Status status = opened->db->Get({}, opened->Handle(table), rocksdb::Slice(key.data(), key.size()), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    RETURN_IF_ERROR(FromRocks(status, folder_));
    return std::optional<std::string>(std::move(value));
  }

  Result<std::vector<std::optional<std::string>>> MultiGet(
      Table table, const std::vector<std::string>& keys) const override {
    ASSIGN_OR_RETURN(auto opened, Use());
    std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    opened->db->MultiGet({}, opened->Handle(table), keys.size(), slices.data(), values.data(), statuses.data());
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
    ASSIGN_OR_RETURN(auto opened, Use());
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    std::unique_ptr<rocksdb::Iterator> it(opened->db->NewIterator(options, opened->Handle(table)));
    rocksdb::Slice start(prefix.data(), prefix.size());
    for (it->Seek(start); it->Valid() && it->key().starts_with(start); it->Next()) {
      if (it->key() == rocksdb::Slice(kTableGenerationKey)) continue;
      if (!visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()})) break;
    }
    return FromRocks(it->status(), folder_);
  }

  Status Write(const WriteBatch& batch) override {
    std::lock_guard lock(write_mutex_);
    // RocksDB refuses all writes after one that failed, for it does not know what is on disk; or, where the disk was full, it takes
    // itself for recovered, and asserts on the log that the other failed on. Opening it again is how to find out.
    if (unsure_after_ || OpenToReadOnly()) RETURN_IF_ERROR(Reopen());
    rocksdb::Status written = WriteOnce(batch);
    if (written.IsIOError() && Reopen().ok()) written = WriteOnce(batch);
    RETURN_IF_ERROR(FromRocks(written, folder_));
    CrashPoint("store-before-note");
    ++generation_;
    for (const WriteBatch::Operation& operation : batch.operations()) table_generations_[static_cast<size_t>(operation.table)] = generation_;
    // The write stands, whether or not it could be noted: a note that is older than the database is always possible.
    (void)NoteGeneration().ok();
    return OkStatus();
  }

  Status CopyTo(const std::string& folder) override {
    std::lock_guard lock(write_mutex_);
    if (OpenToReadOnly()) RETURN_IF_ERROR(Reopen());
    ASSIGN_OR_RETURN(auto opened, Use());
    rocksdb::Checkpoint* made = nullptr;
    RETURN_IF_ERROR(FromRocks(rocksdb::Checkpoint::Create(opened->db.get(), &made), folder_));
    std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    RETURN_IF_ERROR(FromRocks(checkpoint->CreateCheckpoint(folder), folder));
    return ReplaceFile(folder + ".generation", Note(), /*sync=*/true);
  }

 private:
  // For as long as one call uses it.
  Result<std::shared_ptr<Opened>> Use() const {
    std::lock_guard lock(opened_mutex_);
    if (opened_ != nullptr) return opened_;
    auto opened = Opened::Open(folder_, WriteNoted());
    // Where the disk failed once more while it was opened again: reading goes on.
    bool disk = !opened.ok() && opened.status().code() != StatusCode::kCorruption;
    if (disk) opened = Opened::OpenToRead(folder_);
    ASSIGN_OR_RETURN(opened_, std::move(opened));
    return opened_;
  }

  bool OpenToReadOnly() const {
    std::lock_guard lock(opened_mutex_);
    return opened_ != nullptr && opened_->read_only;
  }

  // Needs write_mutex_.
  rocksdb::Status WriteOnce(const WriteBatch& batch) {
    auto opened = Use();
    if (!opened.ok()) return rocksdb::Status::IOError(opened.status().message());
    size_t size = 0;
    for (const WriteBatch::Operation& operation : batch.operations()) {
      size += kRecordHead + operation.key.size() + (operation.value ? operation.value->size() : 0);
    }
    rocksdb::WriteBatch writes(size);
    std::array<bool, kTableCount> touched{};
    for (const WriteBatch::Operation& operation : batch.operations()) {
      auto* handle = (*opened)->Handle(operation.table);
      touched[static_cast<size_t>(operation.table)] = true;
      rocksdb::Status status = operation.value ? writes.Put(handle, operation.key, *operation.value) : writes.Delete(handle, operation.key);
      if (!status.ok()) return status;
    }
    std::string generation = ByteWriter().Fixed<uint64_t>(generation_ + 1).Take();
    rocksdb::Status status = writes.Put((*opened)->Handle(Table::kManifest), kGenerationKey, generation);
    for (size_t i = 0; i < kTableCount && status.ok(); ++i) {
      if (touched[i]) status = writes.Put((*opened)->handles[i + 1], kTableGenerationKey, generation);
    }
    if (!status.ok()) return status;
    if (!unsure_after_) {
      std::unique_ptr<rocksdb::LogFile> log;
      status = (*opened)->db->GetCurrentWalFile(&log);
      if (!status.ok()) return status;
      unsure_after_ = LogEnd{log->LogNumber(), log->SizeFileBytes()};
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    CrashPoint("store-before-write");
    status = (*opened)->db->Write(options, &writes);
    if (status.ok()) {
      unsure_after_.reset();
    } else {
      (void)CutLog().ok();  // for a start that comes before it could be opened again
    }
    return status;
  }

  // A write that was refused must not come back, whole or half, when the log is read: its caller goes on as if it had not been.
  Status CutLog() const {
    if (!unsure_after_) return OkStatus();
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
      uint64_t number = 0;
      std::string name = at->path().stem().string();
      auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
      if (at->path().extension() != ".log" || parsed.ptr != name.data() + name.size() || number < unsure_after_->number) continue;
      uint64_t size = number == unsure_after_->number ? unsure_after_->size : 0;
      if (at->file_size(error) > size && !error) std::filesystem::resize_file(at->path(), size, error);
    }
    return error ? Unavailable(folder_ + ": the log cannot be cut: " + error.message()) : OkStatus();
  }

  // Only where the disk takes writes again, because what cannot be opened cannot be read either; and only when nobody reads,
  // which may need more than one try. Readers that come meanwhile wait. Needs write_mutex_.
  Status Reopen() {
    const std::string probe = folder_ + ".probe";
    Status writable = ReplaceFile(probe, std::string(kProbeBytes, '\0'), /*sync=*/true);
    RETURN_IF_ERROR(RemoveFile(probe));
    RETURN_IF_ERROR(writable);
    bool reopened = false;
    for (auto until = std::chrono::steady_clock::now() + kWaitForReaders; std::chrono::steady_clock::now() < until;) {
      {
        std::lock_guard lock(opened_mutex_);
        if (opened_.use_count() <= 1) {
          RETURN_IF_ERROR(CutLog());
          opened_.reset();
          (void)CutLog().ok();  // closing may have made it longer, by zeros
          unsure_after_.reset();
          ASSIGN_OR_RETURN(opened_, Opened::Open(folder_, WriteNoted()));
          reopened = true;
        }
      }
      if (reopened) return CheckGeneration();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Unavailable(folder_ + ": a write failed, and the store is being read, so that it cannot be opened again yet; try again");
  }

  // The note of a write that a loss of power tore still says that there was one.
  bool WriteNoted() const {
    std::error_code ignored;
    return std::filesystem::exists(GenerationFile(), ignored);
  }

  std::string GenerationFile() const { return folder_ + ".generation"; }

  Status CheckGeneration() {
    ASSIGN_OR_RETURN(auto stored, Get(Table::kManifest, kGenerationKey));
    if (stored) generation_ = ByteReader(*stored).Fixed<uint64_t>();
    for (size_t i = 0; i < kTableCount; ++i) {
      ASSIGN_OR_RETURN(stored, Get(static_cast<Table>(i), kTableGenerationKey));
      table_generations_[i] = stored ? ByteReader(*stored).Fixed<uint64_t>() : 0;
    }
    Result<std::string> noted = ReadWholeFile(GenerationFile());
    if (!noted.ok()) return noted.status().code() == StatusCode::kNotFound ? OkStatus() : noted.status();
    ByteReader note(*noted);
    RETURN_IF_ERROR(CheckAgainst("", generation_, note.Fixed<uint64_t>()));
    // RocksDB takes a manifest that was cut off for one whose last changes were never made, and forgets the files they name: these are all
    // of one table's, while others may have been written since.
    for (size_t i = 0; i < kTableCount && note.ok(); ++i) {
      uint64_t expected = note.Fixed<uint64_t>();  // 0 in a note of before these were kept
      if (note.ok()) RETURN_IF_ERROR(CheckAgainst(std::string(", table ") + kTableNames[i] + ",", table_generations_[i], expected));
    }
    return OkStatus();
  }

  Status CheckAgainst(const std::string& what, uint64_t found, uint64_t noted) const {
    if (found >= noted) return OkStatus();
    return Corruption(folder_ + what + " stands at write " + std::to_string(found) + ", but write " + std::to_string(noted) +
                      " was acknowledged: records are missing. " + kWhatToDo);
  }

  // The numbers of the last write, and of the last to each table.
  std::string Note() const {
    ByteWriter out;
    out.Fixed<uint64_t>(generation_);
    for (uint64_t each : table_generations_) out.Fixed<uint64_t>(each);
    return out.Take();
  }

  // Behind the synced write, not part of it: a crash in between leaves a file that is older than the database.
  // Not synced on its own for the same reason.
  Status NoteGeneration() {
    return ReplaceFile(GenerationFile(), Note(), /*sync=*/false);
  }

  const std::string folder_;
  mutable std::mutex opened_mutex_;
  mutable std::shared_ptr<Opened> opened_;  // guarded by opened_mutex_; null: it could not be opened again, yet
  // Where the log ended before a write that is not known to stand.
  struct LogEnd {
    uint64_t number = 0, size = 0;
  };
  std::mutex write_mutex_;
  std::optional<LogEnd> unsure_after_;  // guarded by write_mutex_
  uint64_t generation_ = 0;  // guarded by write_mutex_
  std::array<uint64_t, kTableCount> table_generations_{};  // likewise
};

}  // namespace

Result<std::unique_ptr<KeyValueStore>> OpenRocksStore(const std::string& folder) {
  auto store = std::make_unique<RocksStore>(folder);
  RETURN_IF_ERROR(store->Open());
  return std::unique_ptr<KeyValueStore>(std::move(store));
}

}  // namespace codelore::index
