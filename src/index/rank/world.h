// World: the segments that one search may look at, and which of their files. Nothing behind it sees more.
#ifndef CODELORE_INDEX_RANK_WORLD_H_
#define CODELORE_INDEX_RANK_WORLD_H_

#include <memory>
#include <vector>

#include "codelore/glob.h"
#include "codelore/index.h"
#include "index/snapshot.h"

namespace codelore::index {

// A visible segment. Holds the snapshot's parts alive. Not thread-safe: it remembers which files it has tested.
class VisibleSegment {
 public:
  VisibleSegment(std::shared_ptr<const PartitionSnapshot> partition, std::shared_ptr<const LiveSegment> segment,
                 BranchSet branches, const SearchFilter& filter, const std::vector<PathPattern>& patterns)
      : partition_(std::move(partition)), segment_(std::move(segment)), branches_(branches), filter_(filter), patterns_(patterns) {}

  const PartitionSnapshot& partition() const { return *partition_; }
  const LiveSegment& live() const { return *segment_; }
  const SegmentReader& reader() const { return *segment_->reader; }
  // Those looked at. live() is a view of them: what they do not hold is deleted there.
  BranchSet branches() const { return branches_; }

  // Whether a file exists still and passes the request's filter.
  bool Allows(uint32_t file) {
    if (AllowsAll()) return true;
    if (tested_.empty()) tested_.resize(reader().file_count(), kUnknown);
    if (tested_[file] == kUnknown) tested_[file] = Test(file) ? kYes : kNo;
    return tested_[file] == kYes;
  }
  bool AllowsChunk(uint32_t chunk) { return AllowsAll() || Allows(reader().chunk(chunk).file); }
  // Every file is known to exist still, and the request filters none.
  bool AllowsAll() const {
    return !restricted_ && patterns_.empty() && filter_.languages.empty() && segment_->file_deleted.empty();
  }
  // Allows no file whose flag is 0 from here on. Before anything was asked about chunks.
  void Restrict(const std::vector<uint8_t>& allowed) {
    if (tested_.empty()) tested_.resize(reader().file_count(), kUnknown);
    for (uint32_t file = 0; file < tested_.size(); ++file) {
      if (allowed[file] == 0) tested_[file] = kNo;
    }
    restricted_ = true;
  }
  // The chunks of all allowed files.
  const std::vector<RowRange>& AllowedRanges() {
    if (!ranges_.empty()) return ranges_;
    bool all = AllowsAll();
    if (all) ranges_.push_back({0, reader().chunk_count()});
    for (uint32_t file = 0; !all && file < reader().file_count(); ++file) {
      if (!Allows(file)) continue;
      const FileRow& row = reader().file(file);
      if (ranges_.empty() || ranges_.back().end != row.first_chunk) ranges_.push_back({row.first_chunk, row.first_chunk});
      ranges_.back().end += row.chunk_count;
    }
    return ranges_;
  }

 private:
  enum : uint8_t { kUnknown, kNo, kYes };

  bool Test(uint32_t file) const {
    if (segment_->FileDeleted(file)) return false;
    if (patterns_.empty() && filter_.languages.empty()) return true;
    FileStrings strings = reader().StringsOf(reader().file(file));
    bool path = patterns_.empty() ||
                std::ranges::any_of(patterns_, [&](const PathPattern& p) { return p.Matches(strings.path); });
    return path && (filter_.languages.empty() || std::ranges::find(filter_.languages, strings.language) != filter_.languages.end());
  }

  std::shared_ptr<const PartitionSnapshot> partition_;
  std::shared_ptr<const LiveSegment> segment_;
  BranchSet branches_;
  const SearchFilter& filter_;                // of the World
  const std::vector<PathPattern>& patterns_;  // of the World
  std::vector<uint8_t> tested_;  // once a file was asked for
  bool restricted_ = false;
  std::vector<RowRange> ranges_;  // once they were asked for
};

class World {
 public:
  // The viewer's partitions in `snapshot`, less those that the filter's sources and branches leave out, in order of
  // partition and segment ids.
  World(const Snapshot& snapshot, const Viewer& viewer, const SearchFilter& filter) : filter_(filter) {
    for (const std::string& path : filter_.paths) patterns_.emplace_back(path);
    segments_.reserve(viewer.partitions().size());
    for (const ReadablePartition& readable : viewer.partitions()) {
      auto at = snapshot.partitions.find(readable.partition);
      if (at == snapshot.partitions.end()) continue;
      const auto& sources = filter_.sources;
      if (!sources.empty() && std::ranges::find(sources, at->second->source) == sources.end()) continue;
      auto state = snapshot.sources.find(at->second->source);
      BranchSet branches = state == snapshot.sources.end() ? kDefaultBranch : BranchesNamed(state->second, filter_.branches);
      for (const auto& segment : at->second->segments) {
        auto view = ViewOf(segment, branches);
        if (view == nullptr) continue;
        live_chunks_ += view->live_chunks;
        segments_.emplace_back(at->second, std::move(view), branches, filter_, patterns_);
      }
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::vector<VisibleSegment>& segments() { return segments_; }
  uint64_t live_chunks() const { return live_chunks_; }

 private:
  const SearchFilter filter_;
  std::vector<PathPattern> patterns_;
  std::vector<VisibleSegment> segments_;
  uint64_t live_chunks_ = 0;
};

}  // namespace codelore::index

#endif  // CODELORE_INDEX_RANK_WORLD_H_
