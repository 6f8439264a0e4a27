#include "index/manifest.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "codelore/coding.h"

namespace codelore::index {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithBranches = 2;     // of a partition
constexpr uint64_t kMaxFiles = uint64_t{1} << 22;  // in a segment: far above what commits and merges make

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

void PutBranches(ByteWriter& out, const std::vector<BranchSet>& branches) {
  std::vector<std::pair<uint64_t, BranchSet>> runs;
  for (BranchSet set : branches) {
    if (runs.empty() || runs.back().second != set) runs.emplace_back(0, set);
    ++runs.back().first;
  }
  out.Varint(runs.size());
  for (auto [count, set] : runs) out.Varint(count).Varint(set);
}

// How many there must be stands in the segment; whoever opens it compares.
bool GetBranches(ByteReader& in, std::vector<BranchSet>& branches) {
  for (uint64_t runs = in.Count(2); runs > 0; --runs) {
    uint64_t count = in.Varint();
    BranchSet set = in.Varint();
    if (count > kMaxFiles || branches.size() + count > kMaxFiles || !in.ok()) return false;
    branches.insert(branches.end(), count, set);
  }
  return true;
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

Status GetOthers(ByteReader& in, SourceState& state) {
  state.others.resize(in.Count());
  for (BranchState& branch : state.others) {
    branch.bit = static_cast<uint32_t>(in.Varint());
    branch.name = in.String();
    branch.revision = in.String();
    branch.target_revision = in.String();
    branch.updated_unix_ms = in.Fixed<int64_t>();
    branch.walk = in.String();
    branch.files = in.Varint();
    if (branch.bit == 0 || branch.bit >= kMaxBranches) return Corruption("source state record is malformed");
  }
  state.left_out.resize(in.Count());
  for (std::string& name : state.left_out) name = in.String();
  return OkStatus();
}

Status Finish(const ByteReader& in, uint8_t version, const char* what) {
  if (version != kVersion) {
    return Corruption(std::string(what) + " record has version " + std::to_string(version) + ", expected " +
                      std::to_string(kVersion) + (version > kVersion ? "; a newer codelore wrote it: use that one, or restore a backup of before" : ""));
  }
  return in.done() ? OkStatus() : Corruption(std::string(what) + " record is malformed");
}

}  // namespace

std::string PartitionKey(PartitionId partition) { return ByteWriter().Raw("p").Key32(partition.value).Take(); }
std::string SourceKey(SourceId source) { return ByteWriter().Raw("s").Key32(source.value).Take(); }
std::string OtherVersionsPrefix(SourceId source, std::string_view path) {
  return ByteWriter().Key32(source.value).Raw(path).Raw(std::string_view("\0", 1)).Take();
}
std::string LedgerKey(SourceId source, std::string_view path, BranchSet branches) {
  if ((branches & kDefaultBranch) != 0) return ByteWriter().Key32(source.value).Raw(path).Take();
  return OtherVersionsPrefix(source, path) + static_cast<char>(std::countr_zero(branches));
}
std::string_view PathInLedgerKey(std::string_view key) {
  std::string_view path = key.substr(4);
  return path.substr(0, path.find('\0'));
}

std::string Encode(const PartitionManifest& manifest) {
  bool branches = std::ranges::any_of(manifest.segments, [](const SegmentEntry& segment) { return !segment.branches.empty(); });
  ByteWriter out;
  out.Fixed(branches ? kVersionWithBranches : kVersion).Varint(manifest.tenant.value).Varint(manifest.source.value).Varint(manifest.segments.size());
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
    if (branches) PutBranches(out, segment.branches);
  }
  return out.Take();
}

Status Decode(std::string_view bytes, PartitionManifest& manifest) {
  ByteReader in(bytes);
  auto version = in.Fixed<uint8_t>();
  manifest.tenant = {static_cast<uint32_t>(in.Varint())};
  manifest.source = {static_cast<uint32_t>(in.Varint())};
  manifest.segments.resize(in.Count());
  for (SegmentEntry& segment : manifest.segments) {
    segment = GetSegment(in);
    bool sound = version != kVersionWithBranches || GetBranches(in, segment.branches);
    if (!sound) return Corruption("partition record is malformed");
  }
  return Finish(in, version == kVersionWithBranches ? kVersion : version, "partition");
}

std::string Encode(const SourceState& state) {
  ByteWriter out;
  out.Fixed(kVersion).String(state.branch).String(state.revision).String(state.target_revision)
      .Fixed(state.updated_unix_ms).String(state.walk).Varint(state.files);
  if (state.others.empty() && state.left_out.empty()) return out.Take();
  out.Varint(state.others.size());
  for (const BranchState& branch : state.others) {
    out.Varint(branch.bit).String(branch.name).String(branch.revision).String(branch.target_revision)
        .Fixed(branch.updated_unix_ms).String(branch.walk).Varint(branch.files);
  }
  out.Varint(state.left_out.size());
  for (const std::string& name : state.left_out) out.String(name);
  return out.Take();
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
  if (!in.done()) RETURN_IF_ERROR(GetOthers(in, state));
  return Finish(in, version, "source state");
}

std::string Encode(const FileRecord& record) {
  ByteWriter out;
  out.Fixed(kVersion).Fixed(static_cast<uint8_t>(record.state)).String(record.reason)
      .String(record.language).String(record.version).Varint(record.partition.value).Varint(record.size_bytes)
      .Varint(record.chunks).Raw(record.blob.view()).Varint(record.segment.value);
  if (record.branches != kDefaultBranch) out.Varint(record.branches);
  return out.Take();
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
  record.branches = in.done() ? kDefaultBranch : in.Varint();
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
