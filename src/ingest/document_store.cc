#include "ingest/document_store.h"

#include <algorithm>
#include <unordered_set>

#include "chunker/decode.h"
#include "codelore/coding.h"
#include "codelore/utf8.h"

namespace codelore::ingest {
namespace {

// 1: hash, bytes as they came. 2: hash, masking (its version, what was found), bytes.
constexpr uint8_t kRawVersion = 1, kRecordVersion = 2;
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kEraseAtOnce = 10'000;

std::string Prefix(SourceId source) { return ByteWriter().Key32(source.value).Take(); }
std::string Key(SourceId source, std::string_view path) { return ByteWriter().Key32(source.value).Raw(path).Take(); }

// The hash comes before the bytes, so that listing does not compute it. It is of what is stored: one of what was masked
// would let a short value be guessed.
struct Record {
  std::string_view hash;
  std::string masking, masked;
  std::string_view bytes;
};

Result<Record> Parse(std::string_view value) {
  constexpr size_t kHashBytes = sizeof(Hash256::bytes);
  const Status malformed = Corruption("a stored document is not of the form that is written");
  if (value.size() < 1 + kHashBytes) return malformed;
  auto version = static_cast<uint8_t>(value[0]);
  Record record{.hash = value.substr(1, kHashBytes), .masking = {}, .masked = {}, .bytes = value.substr(1 + kHashBytes)};
  if (version == kRawVersion) return record;
  ByteReader in(record.bytes);
  record.masking = in.String();
  record.masked = in.String();
  size_t size = in.Count();
  if (version != kRecordVersion || size > record.bytes.size()) return malformed;
  record.bytes = record.bytes.substr(record.bytes.size() - size);
  return record;
}

// Masked text in UTF-8, or the bytes themselves where nothing is found.
std::string MaskBytes(std::string_view bytes, Masking masking, std::string* masked) {
  chunker::DecodedText decoded = chunker::DecodeToUtf8(bytes);
  std::string text = decoded.is_binary ? std::string(bytes) : std::move(decoded.text);
  *masked = MaskText(masking, &text);
  return masked->empty() ? std::string(bytes) : text;
}

std::string RecordOf(std::string_view bytes, Masking masking, const std::string& masked_before) {
  std::string masked, stored = MaskBytes(bytes, masking, &masked);
  if (masked.empty()) masked = masked_before;
  std::string hash(Sha256Of(stored + masked).view());
  return ByteWriter().Fixed(kRecordVersion).Raw(hash).String(MaskingVersion(masking)).String(masked).String(stored).Take();
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

void PutDocument(SourceId source, const std::string& path, std::string_view bytes, Masking masking, WriteBatch& batch) {
  batch.Put(Table::kDocuments, Key(source, path), RecordOf(bytes, masking, ""));
}

Status MaskDocuments(KeyValueStore& store, SourceId source, Masking masking) {
  if (masking == Masking::kOff) return OkStatus();
  std::vector<std::string> others;
  Status status;
  RETURN_IF_ERROR(store.Scan(Table::kDocuments, Prefix(source), [&](std::string_view key, std::string_view value) {
    auto record = Parse(value);
    if (!record.ok()) status = record.status();
    if (record.ok() && record->masking != MaskingVersion(masking)) others.emplace_back(key);
    return status.ok();
  }));
  RETURN_IF_ERROR(status);
  for (const std::string& key : others) {
    ASSIGN_OR_RETURN(auto value, store.Get(Table::kDocuments, key));
    if (!value) continue;
    ASSIGN_OR_RETURN(Record record, Parse(*value));
    WriteBatch batch;
    batch.Put(Table::kDocuments, key, RecordOf(record.bytes, masking, record.masked));
    RETURN_IF_ERROR(store.Write(batch));
  }
  return OkStatus();
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
    entry.masked = std::move(record->masked);
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
