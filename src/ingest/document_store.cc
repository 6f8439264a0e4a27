#include "ingest/document_store.h"

#include <algorithm>
#include <unordered_set>

#include "chunker/decode.h"
#include "codelore/coding.h"
#include "codelore/utf8.h"
#include "ingest/document_text.h"

namespace codelore::ingest {
namespace {

// Version 1: version, hash, bytes. Version 2: version, hash, expiry (8 bytes), link, bytes. Version 3: version, hash, expiry, link,
// masking (its version, what was found), bytes.
constexpr uint8_t kFirstVersion = 1, kUnmaskedVersion = 2, kRecordVersion = 3;
constexpr size_t kMaxExpiredAtOnce = 1000;
// In Table::kMeta: what expires, in the order of time. A row may be about a document that was replaced since.
constexpr std::string_view kExpiryPrefix = "expires/";
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kEraseAtOnce = 10'000;

std::string Prefix(SourceId source) { return ByteWriter().Key32(source.value).Take(); }
std::string Key(SourceId source, std::string_view path) { return ByteWriter().Key32(source.value).Raw(path).Take(); }

// The hash comes before the bytes, so that listing does not compute it. It is of what is stored: one of what was masked
// would let a short value be guessed.
struct Record {
  std::string_view hash, bytes, link;
  int64_t expires_unix_ms = 0;
  std::string masking, masked;
};

Result<Record> Parse(std::string_view value) {
  constexpr size_t kHashBytes = sizeof(Hash256::bytes);
  Status malformed = Corruption("a stored document is not of the form that is written");
  if (value.size() < 1 + kHashBytes) return malformed;
  auto version = static_cast<uint8_t>(value[0]);
  Record record{.hash = value.substr(1, kHashBytes), .bytes = value.substr(1 + kHashBytes), .link = {}, .masking = {}, .masked = {}};
  if (version == kFirstVersion) return record;
  ByteReader in(record.bytes);
  record.expires_unix_ms = in.Fixed<int64_t>();
  record.link = in.String();
  std::string_view last = record.link;
  if (version == kRecordVersion) {
    record.masking = in.String();
    last = in.String();
    record.masked = last;
  }
  if ((version != kUnmaskedVersion && version != kRecordVersion) || !in.ok()) return malformed;
  record.bytes.remove_prefix(static_cast<size_t>(last.data() + last.size() - record.bytes.data()));
  return record;
}

// Masked text in UTF-8, or the bytes themselves where nothing is found.
std::string MaskBytes(std::string_view bytes, Masking masking, std::string* masked) {
  chunker::DecodedText decoded = chunker::DecodeToUtf8(bytes);
  std::string text = decoded.is_binary ? std::string(bytes) : std::move(decoded.text);
  *masked = MaskText(masking, &text);
  return masked->empty() ? std::string(bytes) : text;
}

std::string RecordOf(const NewDocument& document, Masking masking, const std::string& masked_before) {
  std::string masked;
  bool text = DocumentFormatOf(document.path) == DocumentFormat::kNone;
  std::string stored = text ? MaskBytes(document.bytes, masking, &masked) : std::string(document.bytes);
  if (masked.empty()) masked = masked_before;
  Hash256 hash = Sha256Of(stored + masked);
  return ByteWriter().Fixed(kRecordVersion).Raw(hash.view()).Fixed(document.expires_unix_ms).String(document.link)
      .String(MaskingVersion(masking)).String(masked).Raw(stored).Take();
}

std::string ExpiryKey(int64_t unix_ms, SourceId source, std::string_view path) {
  auto time = static_cast<uint64_t>(unix_ms);
  return ByteWriter().Raw(kExpiryPrefix).Key32(static_cast<uint32_t>(time >> 32)).Key32(static_cast<uint32_t>(time)).Key32(source.value).Raw(path).Take();
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

Status ValidateDocumentLink(std::string_view link) {
  if (link.empty()) return OkStatus();
  bool web = link.starts_with("https://") || link.starts_with("http://");
  bool sound = web && link.size() <= kMaxDocumentLinkBytes && IsValidUtf8(link) &&
               std::ranges::none_of(link, [](unsigned char c) { return c <= ' ' || c == 0x7F || c == '"' || c == '<' || c == '>' || c == '\\'; });
  return sound ? OkStatus() : InvalidArgument("link: not an http or https URL of at most 2048 bytes without white space, quotes or angle brackets");
}

Status ValidateDocumentSize(std::string_view path, size_t bytes) {
  size_t most = DocumentFormatOf(path) == DocumentFormat::kNone ? kMaxDocumentBytes : kMaxOfficeDocumentBytes;
  return bytes <= most ? OkStatus() : InvalidArgument("the document is larger than " + std::to_string(most >> 20) + " MiB");
}

void PutDocument(SourceId source, const NewDocument& document, Masking masking, WriteBatch& batch) {
  batch.Put(Table::kDocuments, Key(source, document.path), RecordOf(document, masking, ""));
  if (document.expires_unix_ms != 0) batch.Put(Table::kMeta, ExpiryKey(document.expires_unix_ms, source, document.path), "");
}

Status ForEachDocument(const KeyValueStore& store, SourceId source, const std::function<bool(const DocumentInfo&)>& visit) {
  Status status;
  RETURN_IF_ERROR(store.Scan(Table::kDocuments, Prefix(source), [&](std::string_view key, std::string_view value) {
    auto record = Parse(value);
    status = record.status();
    return record.ok() && visit({.path = std::string(key.substr(sizeof(source.value))), .size_bytes = record->bytes.size(),
                                 .link = std::string(record->link), .expires_unix_ms = record->expires_unix_ms});
  }));
  return status;
}

std::string DocumentLink(const KeyValueStore& store, SourceId source, const std::string& path) {
  auto value = store.Get(Table::kDocuments, Key(source, path));
  if (!value.ok() || !*value) return "";
  auto record = Parse(**value);
  return record.ok() ? std::string(record->link) : "";
}

Result<std::optional<SourceId>> EraseExpiredDocuments(const KeyValueStore& store, int64_t now_unix_ms, WriteBatch& batch) {
  std::vector<std::string> rows;
  const std::string end = ExpiryKey(now_unix_ms + 1, {}, "");
  RETURN_IF_ERROR(store.Scan(Table::kMeta, kExpiryPrefix, [&](std::string_view key, std::string_view) {
    if (key >= end || rows.size() == kMaxExpiredAtOnce) return false;
    rows.emplace_back(key);
    return true;
  }));
  std::optional<SourceId> chosen;
  for (std::string& row : rows) {
    constexpr size_t kTimeBytes = 8;
    std::string key = row.substr(std::min(row.size(), kExpiryPrefix.size() + kTimeBytes));
    ASSIGN_OR_RETURN(auto value, store.Get(Table::kDocuments, key));
    auto record = value ? Parse(*value) : Result<Record>(NotFound(""));
    bool still = record.ok() && record->expires_unix_ms != 0 && record->expires_unix_ms <= now_unix_ms;
    SourceId source{ByteReader(key).Key32()};
    if (still && chosen && source != *chosen) continue;  // another time
    if (still) chosen = source;
    if (still) batch.Delete(Table::kDocuments, std::move(key));
    batch.Delete(Table::kMeta, std::move(row));
  }
  return chosen;
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
    const NewDocument document{.path = key.substr(sizeof(source.value)), .bytes = record.bytes, .link = std::string(record.link),
                               .expires_unix_ms = record.expires_unix_ms};
    batch.Put(Table::kDocuments, key, RecordOf(document, masking, record.masked));
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
