#include "index/branches.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "index/manifest.h"

namespace codelore::index {
namespace {

BranchSet BitOf(uint32_t branch) { return BranchSet{1} << branch; }

// A path's versions, as they were and as they shall be.
struct Versions {
  std::vector<FileRecord> records;
  std::vector<std::string> keys;  // of what is stored

  void Add(SourceId source, FileRecord record) {
    keys.push_back(LedgerKey(source, record.path, record.branches));
    records.push_back(std::move(record));
  }
  void Leave(BranchSet bit) {
    for (FileRecord& record : records) record.branches &= ~bit;
  }
};

void Store(SourceId source, Versions& versions, WriteBatch& batch) {
  for (std::string& key : versions.keys) batch.Delete(Table::kFiles, std::move(key));
  for (const FileRecord& record : versions.records) {
    if (record.branches != 0) batch.Put(Table::kFiles, LedgerKey(source, record.path, record.branches), Encode(record));
  }
}

Status ReadPath(const KeyValueStore& store, SourceId source, const std::string& path, std::vector<FileRecord>& records) {
  auto add = [&](std::string_view bytes) -> Status {
    FileRecord& record = records.emplace_back();
    record.path = path;
    return Decode(bytes, record);
  };
  ASSIGN_OR_RETURN(auto value, store.Get(Table::kFiles, LedgerKey(source, path)));
  if (value) RETURN_IF_ERROR(add(*value));
  Status status;
  RETURN_IF_ERROR(store.Scan(Table::kFiles, OtherVersionsPrefix(source, path), [&](std::string_view, std::string_view bytes) {
    status = add(bytes);
    return status.ok();
  }));
  return status;
}

}  // namespace

std::shared_ptr<const LiveSegment> WithBranches(const std::shared_ptr<const LiveSegment>& segment,
                                                const std::function<BranchSet(uint32_t file, BranchSet)>& change) {
  uint32_t count = segment->reader->file_count();
  std::vector<BranchSet> branches(count);
  bool changed = false, plain = true;
  for (uint32_t file = 0; file < count; ++file) {
    if (segment->FileDeleted(file)) continue;
    branches[file] = change(file, segment->BranchesOf(file));
    changed = changed || branches[file] != segment->BranchesOf(file);
    plain = plain && (branches[file] & ~kDefaultBranch) == 0;
  }
  if (!changed) return segment;
  SegmentEntry entry = segment->entry;
  entry.deleted_files.clear();
  for (uint32_t file = 0; file < count; ++file) {
    if (branches[file] == 0) entry.deleted_files.push_back(file);
  }
  if (entry.deleted_files.size() == count) return nullptr;
  entry.branches = plain ? std::vector<BranchSet>() : std::move(branches);
  return MakeLive(std::move(entry), segment->reader, segment->vectors);
}

std::shared_ptr<const LiveSegment> WithChange(const std::shared_ptr<const LiveSegment>& segment, const PartitionChange& change,
                                              uint32_t branch) {
  constexpr uint32_t kLeaves = kMaxBranches;  // no branch's bit
  std::unordered_map<std::string_view, uint32_t> paths;
  for (const std::string& path : change.remove) paths[path] = kLeaves;
  for (const NewFile& file : change.add) paths[file.path] = kLeaves;
  for (const SharedFile& file : change.share) paths[file.path] = file.from;
  return WithBranches(segment, [&](uint32_t file, BranchSet set) {
    auto at = paths.find(segment->reader->StringsOf(segment->reader->file(file)).path);
    if (at == paths.end()) return set;
    bool shared = at->second != kLeaves && (set & BitOf(at->second)) != 0;
    return shared ? set | BitOf(branch) : set & ~BitOf(branch);
  });
}

Result<std::vector<FileRecord>> ReadVersions(const KeyValueStore& store, SourceId source, const std::vector<std::string>& paths) {
  std::vector<FileRecord> records;
  for (const std::string& path : paths) RETURN_IF_ERROR(ReadPath(store, source, path, records));
  return records;
}

Status WriteVersions(const KeyValueStore& store, const IndexCommit& commit, std::vector<FileRecord> added, WriteBatch& batch) {
  const BranchSet bit = BitOf(commit.branch);
  std::unordered_map<std::string, Versions> by_path;
  auto versions_of = [&](const std::string& path) -> Result<Versions*> {
    auto [at, first] = by_path.try_emplace(path);
    if (!first) return &at->second;
    std::vector<FileRecord> records;
    RETURN_IF_ERROR(ReadPath(store, commit.source, path, records));
    for (FileRecord& record : records) at->second.Add(commit.source, std::move(record));
    return &at->second;
  };
  for (const std::string& path : commit.ledger_gone) {
    ASSIGN_OR_RETURN(Versions* versions, versions_of(path));
    versions->Leave(bit);
  }
  for (const SharedFile& file : commit.ledger_share) {
    ASSIGN_OR_RETURN(Versions* versions, versions_of(file.path));
    versions->Leave(bit);
    for (FileRecord& record : versions->records) {
      if ((record.branches & BitOf(file.from)) != 0) record.branches |= bit;
    }
  }
  for (FileRecord& record : added) {
    ASSIGN_OR_RETURN(Versions* versions, versions_of(record.path));
    versions->Leave(bit);
    record.branches = bit;
    versions->records.push_back(std::move(record));
  }
  for (auto& [path, versions] : by_path) Store(commit.source, versions, batch);
  return OkStatus();
}

Status RewriteBranches(const KeyValueStore& store, SourceId source, const std::function<BranchSet(BranchSet)>& change, WriteBatch& batch) {
  const std::string prefix = LedgerKey(source, "");
  std::unordered_map<std::string, Versions> by_path;
  Status status;
  RETURN_IF_ERROR(store.Scan(Table::kFiles, prefix, [&](std::string_view key, std::string_view value) {
    FileRecord record;
    record.path = PathInLedgerKey(key);
    status = Decode(value, record);
    if (!status.ok()) return false;
    by_path[record.path].Add(source, std::move(record));
    return true;
  }));
  RETURN_IF_ERROR(status);
  for (auto& [path, versions] : by_path) {
    bool changed = false;
    for (FileRecord& record : versions.records) {
      BranchSet now = change(record.branches);
      changed = changed || now != record.branches;
      record.branches = now;
    }
    if (changed) Store(source, versions, batch);
  }
  return OkStatus();
}

}  // namespace codelore::index
