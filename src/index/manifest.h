// What the store knows about segments, and the records of the tables kManifest and kFiles.
//
//   kManifest  "p" + partition (4 bytes, big-endian)  -> PartitionManifest
//              "s" + source                           -> SourceState
//              "segments"                             -> the next segment number
//   kFiles     source + path                          -> FileRecord of the version in the default branch
//              source + path + 0 + branch (1 byte)    -> FileRecord of a version that is in other branches alone; the
//                                                        lowest of their bits
//
// A partition without other branches than the default one is written in version 1, as before there were branches.
#ifndef CODELORE_INDEX_MANIFEST_H_
#define CODELORE_INDEX_MANIFEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/index.h"

namespace codelore::index {

// A file beside the store, as it was when it was committed.
struct StoredFile {
  uint64_t size_bytes = 0;
  uint64_t checksum = 0;  // XXH3-64 of the whole file
};

struct VectorEntry {
  Hash256 encoder;
  uint32_t rows = 0;
  StoredFile file;
};

struct SegmentEntry {
  SegmentId id;
  std::string revision;
  StoredFile file;
  std::vector<uint32_t> deleted_files;  // ordinals, ascending
  std::vector<VectorEntry> vectors;
  // By file ordinal, 0 for those deleted; empty: all are in the default branch alone. Written as runs (count, set).
  std::vector<BranchSet> branches = {};
};

struct PartitionManifest {
  TenantId tenant;
  SourceId source;
  std::vector<SegmentEntry> segments;
};

std::string PartitionKey(PartitionId partition);
std::string SourceKey(SourceId source);
std::string LedgerKey(SourceId source, std::string_view path, BranchSet branches = kDefaultBranch);
// What keys of a path's versions begin with, but for the default branch's.
std::string OtherVersionsPrefix(SourceId source, std::string_view path);
std::string_view PathInLedgerKey(std::string_view key);
inline constexpr char kNextSegmentKey[] = "segments";

std::string Encode(const PartitionManifest& manifest);
std::string Encode(const SourceState& state);
std::string Encode(const FileRecord& record);  // without its path, which is in the key

Status Decode(std::string_view bytes, PartitionManifest& manifest);
Status Decode(std::string_view bytes, SourceState& state);
Status Decode(std::string_view bytes, FileRecord& record);

// Names of a segment's files, relative to the segment folder.
std::string SegmentFileName(SegmentId id);
std::string VectorFileName(SegmentId id, const Hash256& encoder, uint32_t rows);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_MANIFEST_H_
