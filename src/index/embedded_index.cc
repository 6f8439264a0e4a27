#include "index/embedded_index.h"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "codelore/coding.h"
#include "codelore/crash_point.h"
#include "index/blobs.h"
#include "index/branches.h"
#include "index/embed_pending.h"
#include "index/exact/exact_search.h"
#include "index/garbage.h"
#include "index/manifest.h"
#include "index/partition_merge.h"
#include "index/query/file_names.h"
#include "index/query/read_file.h"
#include "index/query/similar_files.h"
#include "index/rank/search.h"
#include "index/segment_folder.h"
#include "index/snapshot.h"
#include "index/source_counts.h"
#include "index/symbols/symbol_search.h"

namespace codelore::index {
namespace {

PartitionManifest ManifestOf(const PartitionSnapshot& partition) {
  PartitionManifest manifest{partition.tenant, partition.source, {}};
  for (const auto& segment : partition.segments) manifest.segments.push_back(segment->entry);
  return manifest;
}

// The segment without the vectors of these encoders, whose files are added to `obsolete`.
std::shared_ptr<const LiveSegment> WithoutVectors(const std::shared_ptr<const LiveSegment>& segment, std::span<const Hash256> encoders,
                                                  std::vector<std::string>& obsolete) {
  SegmentEntry entry = segment->entry;
  entry.vectors.clear();
  std::vector<std::shared_ptr<const VectorIndex>> vectors;
  for (size_t i = 0; i < segment->entry.vectors.size(); ++i) {
    const VectorEntry& one = segment->entry.vectors[i];
    if (std::ranges::find(encoders, one.encoder) != encoders.end()) {
      obsolete.push_back(VectorFileName(entry.id, one.encoder, one.rows));
      continue;
    }
    entry.vectors.push_back(one);
    vectors.push_back(segment->vectors[i]);
  }
  if (vectors.size() == segment->vectors.size()) return segment;
  return MakeLive(std::move(entry), segment->reader, std::move(vectors));
}

class EmbeddedIndex final : public Index, private VectorSink {
 public:
  EmbeddedIndex(std::string folder, KeyValueStore& store) : folder_(std::move(folder)), store_(store) {}

  Status Open() {
    RETURN_IF_ERROR(folder_.Create());
    auto next = std::make_shared<Snapshot>();
    std::unordered_set<std::string> files;
    std::vector<std::pair<SourceId, SegmentId>> damaged;
    Status status;
    RETURN_IF_ERROR(store_.Scan(Table::kManifest, "", [&](std::string_view key, std::string_view value) {
      status = LoadRecord(key, value, *next, files, damaged);
      return status.ok();
    }));
    RETURN_IF_ERROR(status);
    CrashPoint("recovery-loaded");
    RETURN_IF_ERROR(folder_.RemoveOthers(files));
    CrashPoint("recovery-cleaned");
    for (auto [source, segment] : damaged) RETURN_IF_ERROR(MarkFailed(source, segment, *next));
    snapshot_ = std::move(next);
    return OkStatus();
  }

  Status Commit(const IndexCommit& commit) override {
    std::lock_guard writing(write_mutex_);
    CrashPoint("commit-begun");
    WriteBatch batch;
    auto next = std::make_shared<Snapshot>(*CurrentSnapshot());
    std::map<std::string_view, std::pair<Hash256, SegmentId>> stored;  // path -> where its text now is
    std::vector<std::string> obsolete;
    for (const PartitionChange& change : commit.partitions) {
      RETURN_IF_ERROR(ApplyChange(commit, change, batch, *next, stored, obsolete));
    }
    std::vector<FileRecord> records = commit.ledger;
    for (FileRecord& record : records) {
      if (auto at = stored.find(record.path); at != stored.end()) std::tie(record.blob, record.segment) = at->second;
    }
    RETURN_IF_ERROR(WriteLedger(commit, std::move(records), batch));
    next->sources[commit.source] = commit.state;
    batch.Put(Table::kManifest, SourceKey(commit.source), Encode(commit.state));
    return Publish(batch, std::move(next), obsolete);
  }

  Status Embed(TenantId tenant, std::span<const PartitionId> partitions, const TextEncoder& encoder, int threads,
               std::stop_token stop, const std::function<void(const EmbedProgress&)>& progress) override {
    return EmbedPending(store_, *CurrentSnapshot(), tenant, partitions, encoder, threads, stop, progress, *this);
  }

  VectorSpaces ListVectorSpaces() const override {
    VectorSpaces all;
    auto snapshot = CurrentSnapshot();
    for (const auto& [id, partition] : snapshot->partitions) {
      for (const auto& segment : partition->segments) AddSpaces(*segment, all);
    }
    return all;
  }

  Status DropVectors(std::span<const TenantId> tenants, std::span<const Hash256> encoders) override {
    for (const Hash256& encoder : encoders) {
      for (TenantId tenant : tenants) RETURN_IF_ERROR(EraseCachedVectors(store_, tenant, encoder));
    }
    std::lock_guard writing(write_mutex_);
    WriteBatch batch;
    auto next = std::make_shared<Snapshot>(*CurrentSnapshot());
    std::vector<std::string> obsolete;
    for (auto& [id, partition] : next->partitions) {
      auto changed = std::make_shared<PartitionSnapshot>(*partition);
      size_t before = obsolete.size();
      for (auto& segment : changed->segments) segment = WithoutVectors(segment, encoders, obsolete);
      if (obsolete.size() == before) continue;
      batch.Put(Table::kManifest, PartitionKey(id), Encode(ManifestOf(*changed)));
      partition = std::move(changed);
    }
    return batch.empty() ? OkStatus() : Publish(batch, std::move(next), obsolete);
  }

  Status Merge(std::span<const PartitionId> partitions, std::stop_token stop) override {
    for (PartitionId partition : partitions) {
      for (bool merged = true; merged;) {
        if (stop.stop_requested()) return Unavailable("interrupted");
        ASSIGN_OR_RETURN(merged, MergeOnce(partition, stop));
      }
    }
    return OkStatus();
  }

  Status AddBranch(SourceId source, uint32_t like, const SourceState& state) override {
    auto known = StateOf(source);
    BranchSet added = 0;
    for (const BranchState& branch : state.others) {
      if (FindBranch(*known, branch.bit) == nullptr) added |= BranchSet{1} << branch.bit;
    }
    return ChangeBranches(source, [&](BranchSet set) { return (set >> like & 1) != 0 ? set | added : set; }, state);
  }
  Status DropBranches(SourceId source, BranchSet branches, const SourceState& state) override {
    return ChangeBranches(source, [&](BranchSet set) { return set & ~branches; }, state);
  }

  Status RemoveSource(SourceId source, std::span<const PartitionId> partitions) override {
    std::lock_guard writing(write_mutex_);
    WriteBatch batch;
    auto next = std::make_shared<Snapshot>(*CurrentSnapshot());
    std::vector<std::string> obsolete;
    for (PartitionId partition : partitions) {
      if (auto at = next->partitions.find(partition); at != next->partitions.end()) {
        for (const auto& segment : at->second->segments) NameFiles(segment->entry, obsolete);
        next->partitions.erase(at);
        batch.Delete(Table::kManifest, PartitionKey(partition));
      }
    }
    RETURN_IF_ERROR(ScanLedger(source, [&](const FileRecord& record) {
      batch.Delete(Table::kFiles, LedgerKey(source, record.path, record.branches));
      return true;
    }));
    next->sources.erase(source);
    batch.Delete(Table::kManifest, SourceKey(source));
    return Publish(batch, std::move(next), obsolete);
  }

  // What is found without the lock is looked at again under it: commits may need it since.
  Result<uint64_t> CollectGarbage(int64_t now_unix_ms, std::chrono::milliseconds age, const Hash256& encoder,
                                  const std::stop_token& stop) override {
    auto snapshot = CurrentSnapshot();
    NeededKeys needed, since;
    RETURN_IF_ERROR(AddNeeded(store_, *snapshot, nullptr, encoder, stop, needed));
    ASSIGN_OR_RETURN(auto unused, FindUnused(store_, needed, now_unix_ms, now_unix_ms - age.count(), stop));
    if (unused.empty()) return uint64_t{0};
    std::lock_guard writing(write_mutex_);
    RETURN_IF_ERROR(AddNeeded(store_, *CurrentSnapshot(), snapshot.get(), encoder, stop, since));
    return RemoveUnused(store_, unused, since);
  }

  Result<std::vector<SourceId>> KeepSources(const std::vector<SourceId>& sources) override {
    std::map<SourceId, std::vector<PartitionId>> others;
    auto snapshot = CurrentSnapshot();
    auto kept = [&](SourceId source) { return std::ranges::find(sources, source) != sources.end(); };
    for (const auto& [source, state] : snapshot->sources) {
      if (!kept(source)) others[source];
    }
    for (const auto& [id, partition] : snapshot->partitions) {
      if (!kept(partition->source)) others[partition->source].push_back(id);
    }
    std::vector<SourceId> removed;
    for (const auto& [source, partitions] : others) {
      RETURN_IF_ERROR(RemoveSource(source, partitions));
      removed.push_back(source);
    }
    return removed;
  }

  Status LinkTo(const std::string& segments_folder, const std::string& store_folder) const override {
    std::lock_guard writing(write_mutex_);  // what the store names is what the snapshot holds
    RETURN_IF_ERROR(MakeFolder(segments_folder));
    std::vector<std::string> names;
    auto snapshot = CurrentSnapshot();
    for (const auto& [id, partition] : snapshot->partitions) {
      for (const auto& segment : partition->segments) NameFiles(segment->entry, names);
    }
    for (const std::string& name : names) RETURN_IF_ERROR(folder_.Link(name, segments_folder));
    CrashPoint("backup-linked");
    return store_.CopyTo(store_folder);
  }

  Status ScanLedger(SourceId source, const std::function<bool(const FileRecord&)>& visit) const override {
    Status status;
    std::string prefix = LedgerKey(source, "");
    RETURN_IF_ERROR(store_.Scan(Table::kFiles, prefix, [&](std::string_view key, std::string_view value) {
      FileRecord record;
      record.path = PathInLedgerKey(key);
      status = Decode(value, record);
      return status.ok() && visit(record);
    }));
    return status;
  }

  Result<std::vector<FileRecord>> FindRecords(SourceId source, const std::vector<std::string>& paths) const override {
    ASSIGN_OR_RETURN(SourceState state, StateOf(source));
    if (!state.others.empty()) return ReadVersions(store_, source, paths);
    ASSIGN_OR_RETURN(auto found, RecordsOf(source, paths, {}));
    std::vector<FileRecord> records;
    for (auto& record : found) {
      if (record) records.push_back(std::move(*record));
    }
    return records;
  }

  uint64_t Generation() const override {
    std::lock_guard lock(snapshot_mutex_);
    return generation_;
  }

  Result<SourceState> StateOf(SourceId source) const override {
    auto snapshot = CurrentSnapshot();
    auto at = snapshot->sources.find(source);
    return at == snapshot->sources.end() ? SourceState() : at->second;
  }

  Result<SearchResult> Search(const Viewer& viewer, const SearchRequest& request, std::span<const float> query_vector,
                              const Hash256& encoder_fingerprint) const override {
    return SearchSnapshot(*CurrentSnapshot(), store_, viewer, request, query_vector, encoder_fingerprint);
  }

  Result<SymbolResult> FindSymbols(const Viewer& viewer, const SymbolRequest& request) const override {
    return FindSymbolsIn(*CurrentSnapshot(), store_, viewer, request);
  }
  Result<ReferenceResult> FindReferences(const Viewer& viewer, const ReferenceRequest& request) const override {
    return FindReferencesIn(*CurrentSnapshot(), store_, viewer, request);
  }
  Result<FileOutline> OutlineOf(const Viewer& viewer, SourceId source, const std::string& path,
                                const std::string& branch) const override {
    return OutlineIn(*CurrentSnapshot(), store_, viewer, source, path, branch);
  }

  Result<FileText> ReadFile(const Viewer& viewer, SourceId source, const std::string& path,
                            const std::string& branch) const override {
    return ReadFileIn(*CurrentSnapshot(), store_, viewer, source, path, branch);
  }

  Result<FileResult> FindFiles(const Viewer& viewer, const FileNameRequest& request) const override {
    return FindFilesByName(*CurrentSnapshot(), viewer, request);
  }

  Result<FileResult> FindSimilarFiles(const Viewer& viewer, const SimilarFilesRequest& request,
                                      const Hash256& encoder_fingerprint) const override {
    return FindSimilar(*CurrentSnapshot(), store_, viewer, request, encoder_fingerprint);
  }

  Result<ExactResult> SearchExact(const Viewer& viewer, const ExactRequest& request) const override {
    return SearchExactSnapshot(*CurrentSnapshot(), viewer, request);
  }

  Result<FileInsight> Explain(const Viewer& viewer, SourceId source, const std::string& path, const Hash256& encoder,
                              const std::string& branch) const override {
    Status missing = NotFound("there is no such file that you may read");
    bool visible = std::ranges::any_of(viewer.partitions(), [&](const auto& p) { return p.source == source; });
    if (!visible) return missing;
    FileInsight insight;
    ASSIGN_OR_RETURN(insight.state, StateOf(source));
    BranchSet asked = branch.empty() ? kDefaultBranch : BranchesNamed(insight.state, {branch});
    asked &= ~asked + 1;  // a pattern may name several: the first
    ASSIGN_OR_RETURN(auto records, FindRecords(source, {path}));
    auto record = std::ranges::find_if(records, [&](const FileRecord& each) { return (each.branches & asked) != 0; });
    if (record == records.end() || (record->partition && !viewer.MayRead(record->partition))) return missing;
    insight.record = std::move(*record);
    insight.branches = BranchNames(insight.state, insight.record.branches);
    const BranchState* other = FindBranch(insight.state, static_cast<uint32_t>(std::countr_zero(asked)));
    insight.branch = other != nullptr ? other->name : insight.state.branch;
    insight.revision = other != nullptr ? other->revision : insight.state.revision;
    auto snapshot = CurrentSnapshot();
    auto at = snapshot->partitions.find(insight.record.partition);
    if (at == snapshot->partitions.end()) return insight;
    for (const auto& segment : at->second->segments) {
      auto view = segment->entry.id == insight.record.segment ? ViewOf(segment, asked) : nullptr;
      if (view != nullptr) insight.chunks_with_vectors = VectorsOfFile(*view, path, encoder);
    }
    return insight;
  }

  Result<SourceSummary> Summarize(const Viewer& viewer, SourceId source, const Hash256& encoder) const override {
    bool visible = std::ranges::any_of(viewer.partitions(), [&](const auto& p) { return p.source == source; });
    if (!visible) return NotFound("no such source");
    SourceSummary summary;
    ASSIGN_OR_RETURN(summary.state, StateOf(source));
    auto snapshot = CurrentSnapshot();
    for (const ReadablePartition& readable : viewer.partitions()) {
      auto at = snapshot->partitions.find(readable.partition);
      if (readable.source != source || at == snapshot->partitions.end()) continue;
      for (const auto& segment : at->second->segments) {
        AddCounts(*segment, encoder, summary);
        if (auto view = ViewOf(segment, kDefaultBranch)) summary.files_indexed += view->live_files;
      }
    }
    return summary;
  }

  Result<SourceStatus> Describe(const Viewer& viewer, SourceId source,
                                const Hash256& encoder_fingerprint) const override {
    bool visible = std::ranges::any_of(viewer.partitions(), [&](const auto& p) { return p.source == source; });
    if (!visible) return NotFound("no such source");
    SourceStatus status;
    ASSIGN_OR_RETURN(status.state, StateOf(source));
    auto snapshot = CurrentSnapshot();
    for (const ReadablePartition& readable : viewer.partitions()) {
      auto at = snapshot->partitions.find(readable.partition);
      if (readable.source != source || at == snapshot->partitions.end()) continue;
      for (const auto& segment : at->second->segments) AddSegment(*segment, encoder_fingerprint, status);
    }
    RETURN_IF_ERROR(AddLedger(viewer, source, status));
    return status;
  }

 private:
  std::shared_ptr<const Snapshot> CurrentSnapshot() const {
    std::lock_guard lock(snapshot_mutex_);
    return snapshot_;
  }

  // Writes the batch, makes `next` current, and only then removes what nothing names any more.
  Status Publish(const WriteBatch& batch, std::shared_ptr<const Snapshot> next,
                 const std::vector<std::string>& obsolete) {
    CrashPoint("publish-before-batch");
    RETURN_IF_ERROR(store_.Write(batch));
    CrashPoint("publish-written");
    {
      std::lock_guard lock(snapshot_mutex_);
      snapshot_ = std::move(next);
      ++generation_;
    }
    for (const std::string& name : obsolete) {
      folder_.Remove(name);
      CrashPoint("obsolete-removed");
    }
    return OkStatus();
  }

  Status LoadRecord(std::string_view key, std::string_view value, Snapshot& snapshot,
                    std::unordered_set<std::string>& files,
                    std::vector<std::pair<SourceId, SegmentId>>& damaged) const {
    if (key == kNextSegmentKey || key.size() != 5) return OkStatus();
    uint32_t id = ByteReader(key.substr(1)).Key32();
    if (key[0] == 's') return Decode(value, snapshot.sources[{id}]);
    if (key[0] != 'p') return OkStatus();
    PartitionManifest manifest;
    RETURN_IF_ERROR(Decode(value, manifest));
    auto partition = std::make_shared<PartitionSnapshot>();
    partition->id = {id};
    partition->tenant = manifest.tenant;
    partition->source = manifest.source;
    for (SegmentEntry& entry : manifest.segments) {
      std::vector<std::string> names;
      NameFiles(entry, names);
      files.insert(names.begin(), names.end());
      auto live = OpenLive(entry);
      if (live.ok()) {
        partition->segments.push_back(std::move(*live));
      } else if (live.status().code() == StatusCode::kCorruption) {
        damaged.emplace_back(manifest.source, entry.id);
      } else {
        return live.status();
      }
    }
    snapshot.partitions[partition->id] = std::move(partition);
    return OkStatus();
  }

  Result<std::shared_ptr<const LiveSegment>> OpenLive(SegmentEntry entry) const {
    ASSIGN_OR_RETURN(auto reader, folder_.OpenSegment(entry));
    for (uint32_t file : entry.deleted_files) {
      if (file >= reader->file_count()) return Corruption("a deleted file is not in its segment");
    }
    bool sound = entry.branches.empty() || entry.branches.size() == reader->file_count();
    if (!sound) return Corruption("the branches of a segment are not those of its files");
    std::vector<std::shared_ptr<const VectorIndex>> vectors;
    // Damaged vectors are left out: the chunks wait for new ones, their text stays searchable.
    std::erase_if(entry.vectors, [&](const VectorEntry& vector_entry) {
      auto opened = folder_.OpenVectors(entry.id, vector_entry);
      if (opened.ok() && vector_entry.rows <= reader->chunk_count()) vectors.push_back(std::move(*opened));
      return !opened.ok() || vector_entry.rows > reader->chunk_count();
    });
    return MakeLive(std::move(entry), std::move(reader), std::move(vectors));
  }

  // The files of a damaged segment wait for the next run of their source.
  Status MarkFailed(SourceId source, SegmentId segment, Snapshot& snapshot) {
    WriteBatch batch;
    SourceState& state = snapshot.sources[source];
    state.walk.clear();  // it looks at every file
    for (BranchState& branch : state.others) branch.walk.clear();
    batch.Put(Table::kManifest, SourceKey(source), Encode(state));
    RETURN_IF_ERROR(ScanLedger(source, [&](const FileRecord& record) {
      if (record.state == FileState::kIndexed && record.segment == segment) {
        FileRecord failed = record;
        failed.state = FileState::kFailed;
        failed.reason = "its segment was damaged; the next run indexes it again";
        failed.version.clear();
        batch.Put(Table::kFiles, LedgerKey(source, record.path, record.branches), Encode(failed));
      }
      return true;
    }));
    return store_.Write(batch);
  }

  Status ApplyChange(const IndexCommit& commit, const PartitionChange& change, WriteBatch& batch, Snapshot& next,
                     std::map<std::string_view, std::pair<Hash256, SegmentId>>& stored,
                     std::vector<std::string>& obsolete) {
    auto partition = std::make_shared<PartitionSnapshot>();
    partition->id = change.partition;
    partition->tenant = commit.tenant;
    partition->source = commit.source;
    if (auto before = next.partitions.find(change.partition); before != next.partitions.end()) {
      for (const auto& segment : before->second->segments) {
        if (auto rest = WithChange(segment, change, commit.branch)) {
          partition->segments.push_back(std::move(rest));
        } else {
          NameFiles(segment->entry, obsolete);
        }
      }
    }
    if (!change.add.empty()) {
      ASSIGN_OR_RETURN(auto added, WriteSegment(commit, change, batch, stored));
      partition->segments.push_back(std::move(added));
    }
    batch.Put(Table::kManifest, PartitionKey(change.partition), Encode(ManifestOf(*partition)));
    next.partitions[change.partition] = std::move(partition);
    return OkStatus();
  }

  Result<std::shared_ptr<const LiveSegment>> WriteSegment(
      const IndexCommit& commit, const PartitionChange& change, WriteBatch& batch,
      std::map<std::string_view, std::pair<Hash256, SegmentId>>& stored) {
    SegmentEntry entry;
    ASSIGN_OR_RETURN(entry.id, TakeSegmentId(batch));
    entry.revision = commit.revision;
    SegmentBuilder builder;
    std::vector<std::string> blobs;
    for (const NewFile& file : change.add) {
      Hash256 blob = Sha256(file.text);
      builder.AddFile(file, blob);
      blobs.push_back(BlobKey(commit.tenant, blob));
      batch.Put(Table::kBlobs, blobs.back(), file.text);
      stored[file.path] = {blob, entry.id};
    }
    RETURN_IF_ERROR(ForgetNotes(store_, Shared::kText, blobs, batch));
    ASSIGN_OR_RETURN(entry.file, folder_.Write(SegmentFileName(entry.id), builder.Finish()));
    CrashPoint("segment-written");
    ASSIGN_OR_RETURN(auto reader, folder_.OpenSegment(entry));
    if (commit.branch != 0) entry.branches.assign(reader->file_count(), BranchSet{1} << commit.branch);
    return MakeLive(std::move(entry), std::move(reader), {});
  }

  // `records` are the commit's, complete.
  Status WriteLedger(const IndexCommit& commit, std::vector<FileRecord> records, WriteBatch& batch) const {
    if (commit.branch != 0 || !commit.state.others.empty()) return WriteVersions(store_, commit, std::move(records), batch);
    for (const FileRecord& record : records) batch.Put(Table::kFiles, LedgerKey(commit.source, record.path), Encode(record));
    for (const std::string& path : commit.ledger_gone) batch.Delete(Table::kFiles, LedgerKey(commit.source, path));
    return OkStatus();
  }

  // In one commit: all of a source's segments, its ledger and its state.
  Status ChangeBranches(SourceId source, const std::function<BranchSet(BranchSet)>& change, const SourceState& state) {
    std::lock_guard writing(write_mutex_);
    CrashPoint("branches-begun");
    WriteBatch batch;
    auto next = std::make_shared<Snapshot>(*CurrentSnapshot());
    std::vector<std::string> obsolete;
    for (auto& [id, partition] : next->partitions) {
      if (partition->source != source) continue;
      auto changed = std::make_shared<PartitionSnapshot>(*partition);
      changed->segments.clear();
      for (const auto& segment : partition->segments) {
        auto rest = WithBranches(segment, [&](uint32_t, BranchSet set) { return change(set); });
        rest != nullptr ? changed->segments.push_back(std::move(rest)) : NameFiles(segment->entry, obsolete);
      }
      batch.Put(Table::kManifest, PartitionKey(id), Encode(ManifestOf(*changed)));
      partition = std::move(changed);
    }
    RETURN_IF_ERROR(RewriteBranches(store_, source, change, batch));
    next->sources[source] = state;
    batch.Put(Table::kManifest, SourceKey(source), Encode(state));
    return Publish(batch, std::move(next), obsolete);
  }

  Result<SegmentId> TakeSegmentId(WriteBatch& batch) {
    if (next_segment_ == 0) {
      ASSIGN_OR_RETURN(auto stored, store_.Get(Table::kManifest, kNextSegmentKey));
      next_segment_ = stored ? ByteReader(*stored).Fixed<uint64_t>() : 1;
    }
    SegmentId id{next_segment_++};
    batch.Put(Table::kManifest, kNextSegmentKey, ByteWriter().Fixed(next_segment_).Take());
    return id;
  }

  // False when there is nothing to merge. The work is done without the lock; what was deleted meanwhile is deleted in
  // the merged segment, too.
  Result<bool> MergeOnce(PartitionId id, const std::stop_token& stop) {
    auto snapshot = CurrentSnapshot();
    auto at = snapshot->partitions.find(id);
    if (at == snapshot->partitions.end() || IsBetweenRevisions(*snapshot, at->second->source)) return false;
    PartitionMerge merge = ChooseSegments(at->second);
    if (merge.segments.empty()) return false;
    SegmentEntry entry;
    {
      std::lock_guard writing(write_mutex_);
      WriteBatch unused;  // the number is written with the segment; one that is not used is given again
      ASSIGN_OR_RETURN(entry.id, TakeSegmentId(unused));
    }
    entry.revision = snapshot->sources.at(merge.partition->source).revision;
    ASSIGN_OR_RETURN(MergedSegment merged, WriteMerged(merge, std::move(entry), folder_, store_, stop));
    return CommitMerged(merge, std::move(merged));
  }

  Result<bool> CommitMerged(const PartitionMerge& merge, MergedSegment merged) {
    std::lock_guard writing(write_mutex_);
    auto next = std::make_shared<Snapshot>(*CurrentSnapshot());
    std::vector<std::string> obsolete;
    SegmentEntry& entry = merged.entry;
    auto at = next->partitions.find(merge.partition->id);
    bool sound = at != next->partitions.end() && !IsBetweenRevisions(*next, merge.partition->source) &&
                 CatchUp(merge, *at->second, merged);
    if (!sound || entry.deleted_files.size() == merged.reader->file_count()) {
      NameFiles(entry, obsolete);
      for (const std::string& name : obsolete) folder_.Remove(name);
      return false;
    }
    auto partition = std::make_shared<PartitionSnapshot>(*at->second);
    std::erase_if(partition->segments, [&](const auto& segment) {
      bool is_input = std::ranges::any_of(merge.segments, [&](const auto& one) { return one->entry.id == segment->entry.id; });
      if (is_input) NameFiles(segment->entry, obsolete);
      return is_input;
    });
    WriteBatch batch;
    batch.Put(Table::kManifest, kNextSegmentKey, ByteWriter().Fixed(next_segment_).Take());
    RETURN_IF_ERROR(MoveRecords(merge.partition->source, entry, *merged.reader, batch));
    partition->segments.push_back(MakeLive(std::move(entry), std::move(merged.reader), std::move(merged.vectors)));
    batch.Put(Table::kManifest, PartitionKey(partition->id), Encode(ManifestOf(*partition)));
    at->second = std::move(partition);
    CrashPoint("merge-before-batch");
    RETURN_IF_ERROR(Publish(batch, std::move(next), obsolete));
    CrashPoint("merge-done");
    return true;
  }

  // The ledger says which segment holds a file.
  Status MoveRecords(SourceId source, const SegmentEntry& entry, const SegmentReader& reader, WriteBatch& batch) const {
    std::vector<std::string> paths;
    std::vector<BranchSet> branches;
    for (uint32_t file = 0; file < reader.file_count(); ++file) {
      if (std::ranges::binary_search(entry.deleted_files, file)) continue;
      paths.emplace_back(reader.StringsOf(reader.file(file)).path);
      branches.push_back(entry.branches.empty() ? kDefaultBranch : entry.branches[file]);
    }
    ASSIGN_OR_RETURN(auto records, RecordsOf(source, paths, branches));
    for (auto& record : records) {
      if (!record) continue;
      record->segment = entry.id;
      batch.Put(Table::kFiles, LedgerKey(source, record->path, record->branches), Encode(*record));
    }
    return OkStatus();
  }

  // The records of these paths, beside them, in the version that these branches (without any: the default one) hold.
  Result<std::vector<std::optional<FileRecord>>> RecordsOf(SourceId source, const std::vector<std::string>& paths,
                                                           const std::vector<BranchSet>& branches) const {
    std::vector<std::string> keys;
    for (size_t i = 0; i < paths.size(); ++i) keys.push_back(LedgerKey(source, paths[i], branches.empty() ? kDefaultBranch : branches[i]));
    ASSIGN_OR_RETURN(auto values, store_.MultiGet(Table::kFiles, keys));
    std::vector<std::optional<FileRecord>> records(paths.size());
    for (size_t i = 0; i < paths.size(); ++i) {
      if (!values[i]) continue;
      records[i].emplace().path = paths[i];
      RETURN_IF_ERROR(Decode(*values[i], *records[i]));
    }
    return records;
  }

  // VectorSink: the segment may have lost files, or may be gone, since the embedding began.
  Status CommitVectors(PartitionId id, SegmentId segment_id, const Hash256& encoder, uint32_t dimension,
                       std::span<const std::string> rows) override {
    std::lock_guard writing(write_mutex_);
    auto next = std::make_shared<Snapshot>(*CurrentSnapshot());
    auto at = next->partitions.find(id);
    if (at == next->partitions.end()) return OkStatus();
    auto partition = std::make_shared<PartitionSnapshot>(*at->second);
    auto segment = std::ranges::find(partition->segments, segment_id, [](const auto& s) { return s->entry.id; });
    if (segment == partition->segments.end()) return OkStatus();

    VectorEntry added{encoder, static_cast<uint32_t>(rows.size()), {}};
    ASSIGN_OR_RETURN(added.file, folder_.Write(VectorFileName(segment_id, encoder, added.rows),
                                               BuildVectorFile(dimension, rows)));
    CrashPoint("vectors-written");
    ASSIGN_OR_RETURN(auto opened, folder_.OpenVectors(segment_id, added));
    SegmentEntry entry = (*segment)->entry;
    auto vectors = (*segment)->vectors;
    std::vector<std::string> obsolete;
    for (size_t i = 0; i < entry.vectors.size(); ++i) {
      if (entry.vectors[i].encoder != encoder) continue;
      if (entry.vectors[i].rows != added.rows) {
        obsolete.push_back(VectorFileName(segment_id, encoder, entry.vectors[i].rows));
      }
      entry.vectors.erase(entry.vectors.begin() + static_cast<ptrdiff_t>(i));
      vectors.erase(vectors.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
    entry.vectors.push_back(added);
    vectors.push_back(std::move(opened));
    *segment = MakeLive(std::move(entry), (*segment)->reader, std::move(vectors));
    WriteBatch batch;
    batch.Put(Table::kManifest, PartitionKey(id), Encode(ManifestOf(*partition)));
    at->second = std::move(partition);
    return Publish(batch, std::move(next), obsolete);
  }

  static void NameFiles(const SegmentEntry& entry, std::vector<std::string>& names) {
    names.push_back(SegmentFileName(entry.id));
    for (const VectorEntry& vectors : entry.vectors) {
      names.push_back(VectorFileName(entry.id, vectors.encoder, vectors.rows));
    }
  }

  Status AddLedger(const Viewer& viewer, SourceId source, SourceStatus& status) const {
    std::map<std::string, uint64_t> reasons, languages;
    RETURN_IF_ERROR(ScanLedger(source, [&](const FileRecord& record) {
      if (record.partition && !viewer.MayRead(record.partition)) return true;
      if ((record.branches & kDefaultBranch) == 0) return true;  // counted as the default branch has them
      switch (record.state) {
        case FileState::kIndexed:
          ++status.files_indexed;
          ++languages[record.language];
          break;
        case FileState::kSkipped:
          ++status.files_skipped;
          ++reasons[record.reason];
          break;
        case FileState::kFailed:
          if (++status.files_failed <= 100) status.failed.push_back(record);
          break;
      }
      return true;
    }));
    auto sorted = [](const std::map<std::string, uint64_t>& counts) {
      std::vector<std::pair<std::string, uint64_t>> list(counts.begin(), counts.end());
      std::ranges::stable_sort(list, std::greater<>(), &std::pair<std::string, uint64_t>::second);
      return list;
    };
    status.skipped_by_reason = sorted(reasons);
    status.indexed_by_language = sorted(languages);
    return OkStatus();
  }

  SegmentFolder folder_;
  KeyValueStore& store_;
  mutable std::mutex write_mutex_;
  uint64_t next_segment_ = 0;  // guarded by write_mutex_; 0: not read yet
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();
  uint64_t generation_ = 1;  // of snapshot_; guarded with it
};

}  // namespace

Result<std::unique_ptr<Index>> OpenEmbeddedIndex(std::string folder, KeyValueStore& store) {
  auto index = std::make_unique<EmbeddedIndex>(std::move(folder), store);
  RETURN_IF_ERROR(index->Open());
  return std::unique_ptr<Index>(std::move(index));
}

}  // namespace codelore::index
