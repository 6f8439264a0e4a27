#include "index/manifest.h"

#include <algorithm>
#include <cstdio>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

constexpr uint8_t kVersion = 1;

void Put(ByteWriter& out, const StoredFile& file) { out.Varint(file.size_bytes).Fixed(file.checksum); }

StoredFile GetStoredFile(ByteReader& in) {
  StoredFile file;
  file.size_bytes = in.Varint();
  file.checksum = in.Fixed<uint64_t>();
  return file;
}

Hash256 GetHash(ByteReader& in) {
  Hash256 hash;
  std::string_view bytes = in.Raw(hash.bytes.size());
  std::ranges::copy(bytes, hash.bytes.begin());
  return hash;
}

SegmentEntry GetSegment(ByteReader& in) {
  SegmentEntry segment;
  segment.id = {in.Varint()};
  segment.revision = in.String();
  segment.file = GetStoredFile(in);
  segment.deleted_files.resize(in.Count());
  for (uint32_t& ordinal : segment.deleted_files) ordinal = static_cast<uint32_t>(in.Varint());
  segment.vectors.resize(in.Count());
  for (VectorEntry& vectors : segment.vectors) {
    vectors.encoder = GetHash(in);
    vectors.rows = static_cast<uint32_t>(in.Varint());
    vectors.file = GetStoredFile(in);
  }
  return segment;
}

Status Finish(const ByteReader& in, uint8_t version, const char* what) {
  if (version != kVersion) {
    return Corruption(std::string(what) + " record has version " + std::to_string(version) + ", expected " +
                      std::to_string(kVersion));
  }
  return in.done() ? OkStatus() : Corruption(std::string(what) + " record is malformed");
}

}  // namespace

std::string PartitionKey(PartitionId partition) { return ByteWriter().Raw("p").Key32(partition.value).Take(); }
std::string SourceKey(SourceId source) { return ByteWriter().Raw("s").Key32(source.value).Take(); }
std::string LedgerKey(SourceId source, std::string_view path) {
  return ByteWriter().Key32(source.value).Raw(path).Take();
}

std::string Encode(const PartitionManifest& manifest) {
  ByteWriter out;
  out.Fixed(kVersion).Varint(manifest.tenant.value).Varint(manifest.source.value).Varint(manifest.segments.size());
  for (const SegmentEntry& segment : manifest.segments) {
    out.Varint(segment.id.value).String(segment.revision);
    Put(out, segment.file);
    out.Varint(segment.deleted_files.size());
    for (uint32_t ordinal : segment.deleted_files) out.Varint(ordinal);
    out.Varint(segment.vectors.size());
    for (const VectorEntry& vectors : segment.vectors) {
      out.Raw(vectors.encoder.view()).Varint(vectors.rows);
      Put(out, vectors.file);
    }
  }
  return out.Take();
}

Status Decode(std::string_view bytes, PartitionManifest& manifest) {
  ByteReader in(bytes);
  auto version = in.Fixed<uint8_t>();
  manifest.tenant = {static_cast<uint32_t>(in.Varint())};
  manifest.source = {static_cast<uint32_t>(in.Varint())};
  manifest.segments.resize(in.Count());
  for (SegmentEntry& segment : manifest.segments) segment = GetSegment(in);
  return Finish(in, version, "partition");
}

std::string Encode(const SourceState& state) {
  return ByteWriter().Fixed(kVersion).String(state.branch).String(state.revision).String(state.target_revision)
      .Fixed(state.updated_unix_ms).String(state.walk).Varint(state.files).Take();
}

Status Decode(std::string_view bytes, SourceState& state) {
  ByteReader in(bytes);
  auto version = in.Fixed<uint8_t>();
  state.branch = in.String();
  state.revision = in.String();
  state.target_revision = in.String();
  state.updated_unix_ms = in.Fixed<int64_t>();
  if (!in.done()) {  // written before walks were remembered, it ends here
    state.walk = in.String();
    state.files = in.Varint();
  }
  return Finish(in, version, "source state");
}

std::string Encode(const FileRecord& record) {
  return ByteWriter().Fixed(kVersion).Fixed(static_cast<uint8_t>(record.state)).String(record.reason)
      .String(record.language).String(record.version).Varint(record.partition.value).Varint(record.size_bytes)
      .Varint(record.chunks).Raw(record.blob.view()).Varint(record.segment.value).Take();
}

Status Decode(std::string_view bytes, FileRecord& record) {
  ByteReader in(bytes);
  auto version = in.Fixed<uint8_t>();
  auto state = in.Fixed<uint8_t>();
  record.state = static_cast<FileState>(state);
  record.reason = in.String();
  record.language = in.String();
  record.version = in.String();
  record.partition = {static_cast<uint32_t>(in.Varint())};
  record.size_bytes = in.Varint();
  record.chunks = static_cast<uint32_t>(in.Varint());
  record.blob = GetHash(in);
  record.segment = {in.Varint()};
  if (state > static_cast<uint8_t>(FileState::kFailed)) return Corruption("file record is malformed");
  return Finish(in, version, "file");
}

std::string SegmentFileName(SegmentId id) {
  char name[32];
  std::snprintf(name, sizeof name, "%010llx.seg", static_cast<unsigned long long>(id.value));
  return name;
}

std::string VectorFileName(SegmentId id, const Hash256& encoder, uint32_t rows) {
  char name[64];
  std::snprintf(name, sizeof name, "%010llx-%.8s-%x.vec", static_cast<unsigned long long>(id.value),
                encoder.ToHex().c_str(), rows);
  return name;
}

}  // namespace codelore::index
