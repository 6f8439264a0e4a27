#include "index/partition_merge.h"

#include <algorithm>
#include <utility>

#include "codelore/crash_point.h"
#include "index/blobs.h"
#include "index/merge_policy.h"

namespace codelore::index {
namespace {

// Vectors of the same encoders, for all chunks.
bool HasAllVectors(const LiveSegment& segment, const std::vector<VectorEntry>& like) {
  return segment.entry.vectors.size() == like.size() && std::ranges::all_of(like, [&](const VectorEntry& entry) {
    const VectorIndex* vectors = segment.VectorsOf(entry.encoder);
    return vectors != nullptr && vectors->rows() == segment.reader->chunk_count();
  });
}

bool HaveSameEncoders(const std::vector<VectorEntry>& a, const std::vector<VectorEntry>& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const VectorEntry& entry) {
    return std::ranges::find(b, entry.encoder, &VectorEntry::encoder) != b.end();
  });
}

Status MergeVectors(const PartitionMerge& merge, const SegmentFolder& folder, MergedSegment& merged) {
  for (const VectorEntry& like : merge.segments[0]->entry.vectors) {
    std::vector<std::string> rows;
    uint32_t dimension = 0;
    for (size_t i = 0; i < merge.segments.size(); ++i) {
      const VectorIndex& vectors = *merge.segments[i]->VectorsOf(like.encoder);
      dimension = vectors.dimension();
      const auto weights = vectors.token_weights() != nullptr ? vectors.token_weights()->Rows() : std::vector<std::string>();
      for (uint32_t chunk = 0; chunk < vectors.rows(); ++chunk) {
        if (merged.places[i].chunks[chunk] == MergedPlaces::kGone) continue;
        rows.emplace_back(vectors.RowBytes(chunk));
        if (!weights.empty()) rows.back() += weights[chunk];
      }
    }
    VectorEntry added{like.encoder, static_cast<uint32_t>(rows.size()), {}};
    ASSIGN_OR_RETURN(added.file, folder.Write(VectorFileName(merged.entry.id, like.encoder, added.rows), BuildVectorFile(dimension, rows)));
    CrashPoint("merge-vectors-written");
    ASSIGN_OR_RETURN(auto index, folder.OpenVectors(merged.entry.id, added));
    merged.entry.vectors.push_back(added);
    merged.vectors.push_back(std::move(index));
  }
  return OkStatus();
}

}  // namespace

bool IsBetweenRevisions(const Snapshot& snapshot, SourceId source) {
  auto state = snapshot.sources.find(source);
  if (state == snapshot.sources.end() || state->second.revision.empty() || !state->second.target_revision.empty()) return true;
  return std::ranges::any_of(state->second.others, [](const BranchState& branch) {
    return !branch.revision.empty() && !branch.target_revision.empty();
  });
}

PartitionMerge ChooseSegments(const std::shared_ptr<const PartitionSnapshot>& partition) {
  PartitionMerge merge{.partition = partition, .segments = {}};
  if (partition->segments.empty()) return merge;
  std::vector<MergeCandidate> candidates;
  const auto& like = partition->segments[0]->entry.vectors;
  for (const auto& segment : partition->segments) {
    candidates.push_back({segment->live_chunks, segment->reader->chunk_count(), HasAllVectors(*segment, like)});
  }
  for (size_t i : ChooseMerge(candidates)) merge.segments.push_back(partition->segments[i]);
  return merge;
}

Result<MergedSegment> WriteMerged(const PartitionMerge& merge, SegmentEntry entry, const SegmentFolder& folder,
                                  const KeyValueStore& store, const std::stop_token& stop) {
  MergedSegment merged{.entry = std::move(entry), .reader = nullptr, .vectors = {}, .places = {}};
  std::vector<MergeInput> inputs;
  for (const auto& segment : merge.segments) inputs.push_back({segment->reader.get(), segment->file_deleted});
  merged.places = PlacesInMerged(inputs);
  ASSIGN_OR_RETURN(std::string bytes, MergeSegments(inputs, merged.places, [&](const FileRow& file) {
    return ReadBlob(store, merge.partition->tenant, file.blob);
  }, stop));
  ASSIGN_OR_RETURN(merged.entry.file, folder.Write(SegmentFileName(merged.entry.id), bytes));
  CrashPoint("merge-segment-written");
  ASSIGN_OR_RETURN(merged.reader, folder.OpenSegment(merged.entry));
  RETURN_IF_ERROR(MergeVectors(merge, folder, merged));
  return merged;
}

bool CatchUp(const PartitionMerge& merge, const PartitionSnapshot& now, MergedSegment& merged) {
  std::vector<BranchSet> branches(merged.reader->file_count());
  for (size_t i = 0; i < merge.segments.size(); ++i) {
    const SegmentEntry& before = merge.segments[i]->entry;
    auto at = std::ranges::find(now.segments, before.id, [](const auto& segment) { return segment->entry.id; });
    if (at == now.segments.end() || !HaveSameEncoders((*at)->entry.vectors, before.vectors)) return false;
    for (uint32_t file = 0; file < (*at)->reader->file_count(); ++file) {
      uint32_t place = merged.places[i].files[file];
      if (place != MergedPlaces::kGone) branches[place] = (*at)->FileDeleted(file) ? 0 : (*at)->BranchesOf(file);
    }
  }
  for (uint32_t file = 0; file < branches.size(); ++file) {
    if (branches[file] == 0) merged.entry.deleted_files.push_back(file);
  }
  bool plain = std::ranges::all_of(branches, [](BranchSet set) { return (set & ~kDefaultBranch) == 0; });
  if (!plain) merged.entry.branches = std::move(branches);
  return true;
}

}  // namespace codelore::index
