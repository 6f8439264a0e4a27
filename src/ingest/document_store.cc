#include "ingest/document_store.h"

#include <algorithm>
#include <unordered_set>

#include "codelore/coding.h"
#include "codelore/utf8.h"

namespace codelore::ingest {
namespace {

constexpr uint8_t kRecordVersion = 1;
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kEraseAtOnce = 10'000;

std::string Prefix(SourceId source) { return ByteWriter().Key32(source.value).Take(); }
std::string Key(SourceId source, std::string_view path) { return ByteWriter().Key32(source.value).Raw(path).Take(); }

// The hash comes before the bytes, so that listing does not compute it.
struct Record {
  std::string_view hash, bytes;
};

Result<Record> Parse(std::string_view value) {
  constexpr size_t kHashBytes = sizeof(Hash256::bytes);
  if (value.size() < 1 + kHashBytes || static_cast<uint8_t>(value[0]) != kRecordVersion) return Corruption("a stored document is not of the form that is written");
  return Record{value.substr(1, kHashBytes), value.substr(1 + kHashBytes)};
}

Status Erase(KeyValueStore& store, std::string_view prefix, const std::function<bool(SourceId)>& goes) {
  WriteBatch batch;
  RETURN_IF_ERROR(store.Scan(Table::kDocuments, prefix, [&](std::string_view key, std::string_view) {
    if (goes(SourceId{ByteReader(key).Key32()})) batch.Delete(Table::kDocuments, std::string(key));
    return batch.operations().size() < kEraseAtOnce;
  }));
  if (batch.empty()) return OkStatus();
  bool all = batch.operations().size() < kEraseAtOnce;
  RETURN_IF_ERROR(store.Write(batch));
  return all ? OkStatus() : Erase(store, prefix, goes);
}

}  // namespace

Status ValidateDocumentPath(std::string_view path) {
  auto refuse = [](const char* why) { return InvalidArgument(std::string("path: ") + why); };
  if (path.empty() || path.size() > kMaxPathBytes) return refuse("not 1 to 1024 bytes");
  if (!IsValidUtf8(path)) return refuse("not UTF-8");
  if (std::ranges::any_of(path, [](unsigned char c) { return c < 0x20 || c == 0x7F; })) return refuse("it holds control characters");
  return EntryAt(std::string(path), {}).skip.empty() ? OkStatus() : refuse("a part of it is empty, '.', '..' or '.git'");
}

void PutDocument(SourceId source, const std::string& path, std::string_view bytes, WriteBatch& batch) {
  batch.Put(Table::kDocuments, Key(source, path), ByteWriter().Fixed(kRecordVersion).Raw(Sha256Of(bytes).view()).Raw(bytes).Take());
}

void EraseDocument(SourceId source, const std::string& path, WriteBatch& batch) { batch.Delete(Table::kDocuments, Key(source, path)); }

bool HasDocument(const KeyValueStore& store, SourceId source, const std::string& path) {
  auto value = store.Get(Table::kDocuments, Key(source, path));
  return value.ok() && value->has_value();
}

Status EraseDocuments(KeyValueStore& store, SourceId source) {
  return Erase(store, Prefix(source), [](SourceId) { return true; });
}

Status KeepDocuments(KeyValueStore& store, const std::vector<SourceId>& sources) {
  std::unordered_set<SourceId> kept(sources.begin(), sources.end());
  return Erase(store, "", [&](SourceId source) { return !kept.contains(source); });
}

StoredDocumentTree::StoredDocumentTree(const KeyValueStore& store, SourceId source) : store_(store), source_(source) {
  std::string versions;
  (void)store_.Scan(Table::kDocuments, Prefix(source_), [&](std::string_view key, std::string_view value) {
    versions.append(Sha256Of(key).view()).append(value.substr(0, 1 + sizeof(Hash256::bytes)));
    return true;
  }).ok();  // what fails here fails when it is listed
  revision_ = Sha256Of(versions).ToHex().substr(0, 40);
}

Status StoredDocumentTree::List(const std::function<Status(TreeEntry)>& visit) {
  Status status;
  RETURN_IF_ERROR(store_.Scan(Table::kDocuments, Prefix(source_), [&](std::string_view key, std::string_view value) {
    auto record = Parse(value);
    if (!record.ok()) {
      status = record.status();
      return false;
    }
    TreeEntry entry = EntryAt(std::string(key.substr(sizeof(source_.value))), {});
    entry.size_bytes = record->bytes.size();
    entry.version = record->hash;
    status = visit(std::move(entry));
    return status.ok();
  }));
  return status;
}

Result<std::string> StoredDocumentTree::Read(const TreeEntry& entry, uint64_t max_bytes) {
  ASSIGN_OR_RETURN(auto value, store_.Get(Table::kDocuments, Key(source_, entry.raw_path)));
  if (!value) return NotFound(entry.path + " was removed");
  ASSIGN_OR_RETURN(Record record, Parse(*value));
  if (record.bytes.size() > max_bytes) return ResourceExhausted(entry.path + " is larger than " + std::to_string(max_bytes) + " bytes");
  return std::string(record.bytes);
}

}  // namespace codelore::ingest
