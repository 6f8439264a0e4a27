#include "ingest/indexer.h"

#include <openssl/sha.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "chunker/chunker.h"
#include "chunker/decode.h"
#include "chunker/language.h"
#include "codelore/crash_point.h"
#include "ingest/attributes.h"
#include "ingest/classify.h"
#include "ingest/document_store.h"
#include "ingest/folder.h"
#include "ingest/git_tree.h"
#include "ingest/tree.h"

namespace codelore::ingest {
namespace {

// Part of every file's version: raise it when the same bytes would be indexed in another way.
constexpr std::string_view kPipelineVersion = "1";
constexpr uint64_t kMaxFileBytes = ClassifyLimits().max_bytes;

// Rules that find more, and another policy, make every file a changed one: what is stored is masked anew.
std::string PipelineOf(const RunOptions& run) {
  return std::string(kPipelineVersion) + MaskingVersion(run.masking) + (run.generation == 0 ? "" : "." + std::to_string(run.generation));
}

class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum) {}
  ~Stopwatch() { sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double& sum_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

int64_t NowUnixMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Documents that came with their text, as a tree.
class DocumentTree final : public SourceTree {
 public:
  explicit DocumentTree(const std::vector<Document>& documents) {
    for (const Document& document : documents) by_path_[document.path] = &document.bytes;
    revision_ = std::to_string(NowUnixMs());
  }
  const std::string& revision() const override { return revision_; }
  const std::string& branch() const override { return branch_; }
  Status List(const std::function<Status(TreeEntry)>& visit) override {
    for (const auto& [path, bytes] : by_path_) {
      TreeEntry entry = EntryAt(path, {});
      entry.size_bytes = bytes->size();
      unsigned char hash[SHA256_DIGEST_LENGTH];
      SHA256(reinterpret_cast<const unsigned char*>(bytes->data()), bytes->size(), hash);
      entry.version.assign(reinterpret_cast<const char*>(hash), sizeof hash);
      RETURN_IF_ERROR(visit(std::move(entry)));
    }
    return OkStatus();
  }
  Result<std::string> Read(const TreeEntry& entry, uint64_t) override { return *by_path_.at(entry.raw_path); }

 private:
  std::map<std::string, const std::string*> by_path_;
  std::string revision_, branch_;
};

// A file on its way into the index.
struct Work {
  TreeEntry entry;
  FileAttributes attributes;
  Classification classification;
  FileRecord record;
  PartitionId old_partition;  // where the index holds it now; none if it does not
  std::string bytes;
  NewFile file;               // filled when record.state is indexed
};

// A file whose attributes change is indexed again, though its bytes are the same.
std::string KeyOf(const FileAttributes& attributes) {
  auto mark = [](const std::optional<bool>& value) { return value ? (*value ? "+" : "-") : "."; };
  return std::string(mark(attributes.generated)) + mark(attributes.vendored) + mark(attributes.documentation) +
         (attributes.binary ? "b" : ".") + attributes.language;
}

void Skip(Work& work, std::string_view reason) {
  work.record.state = FileState::kSkipped;
  work.record.reason = reason;
}

// Decodes, masks, classifies and chunks one file; touches nothing but `work`.
void Prepare(Work& work, Masking masking) {
  Classification by_content = ClassifyContent(work.entry.path, work.bytes, work.attributes);
  if (by_content.treatment == Treatment::kSkip) return Skip(work, by_content.reason);
  if (by_content.treatment == Treatment::kIndexByLines) work.classification = by_content;
  chunker::DecodedText decoded = chunker::DecodeToUtf8(work.bytes);
  if (decoded.is_binary) return Skip(work, "binary");
  work.bytes = {};
  std::string findings = MaskText(masking, &decoded.text);
  if (findings.empty()) findings = work.entry.masked;  // when it came
  if (masking == Masking::kRefuse && !findings.empty()) return Skip(work, "secrets or personal data");
  std::string_view language = chunker::CanonicalLanguage(work.attributes.language);
  if (language.empty()) language = chunker::DetectLanguage(work.entry.path, decoded.text);
  chunker::ChunkOptions options;
  if (work.classification.treatment == Treatment::kIndexByLines) options.max_parse_bytes = 0;
  work.file.chunked = chunker::ChunkText(work.entry.path, language, decoded.text, options);
  work.file.path = work.entry.path;
  work.file.text = std::move(decoded.text);
  work.record.language = work.file.chunked.language;
  work.record.chunks = static_cast<uint32_t>(work.file.chunked.chunks.size());
  auto note = [&](const std::string& text) { work.record.reason += (work.record.reason.empty() ? "" : "; ") + text; };
  if (decoded.charset != "utf-8") note("decoded from " + decoded.charset);
  if (decoded.replaced > 0) note(std::to_string(decoded.replaced) + " unreadable characters replaced");
  if (!work.classification.reason.empty()) {
    note(std::string(work.classification.reason));
  } else if (!work.file.chunked.fallback_reason.empty()) {
    note("by lines: " + work.file.chunked.fallback_reason);
  }
  if (!findings.empty()) note(findings);
  if (work.record.chunks == 0) Skip(work, "empty");
}

void ForEachInParallel(std::span<Work> items, int threads, const std::function<void(Work&)>& function) {
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < items.size(); i = next++) function(items[i]);
  };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
}

// One run over one source.
class Run {
 public:
  Run(Index& index, acl::Directory& directory, const acl::Source& source, const RunOptions& run, SourceTree& tree,
      const IndexerOptions& options, std::stop_token stop, const Indexer::Progress& progress, IndexReport& report)
      : index_(index), directory_(directory), source_(source), tree_(tree), limits_(options.limits), pipeline_(PipelineOf(run)), masking_(run.masking),
        threads_(std::max(options.threads, 1)), stop_(std::move(stop)), show_(progress), report_(report) {}

  Status IndexText() {
    report_.branch = tree_.branch();
    report_.revision = tree_.revision();
    ASSIGN_OR_RETURN(before_, index_.StateOf(source_.id));
    Show(IndexStage::kListing);
    {
      Stopwatch watch(report_.times.list);
      RETURN_IF_ERROR(FindChanges());
    }
    progress_.files_total = changed_.size();
    Show(IndexStage::kText);
    for (size_t begin = 0; begin < changed_.size();) {
      if (stop_.stop_requested()) return Interrupted();
      size_t end = 0;
      RETURN_IF_ERROR(ReadWindow(begin, end));
      {
        Stopwatch watch(report_.times.parse);
        ForEachInParallel(std::span(changed_).subspan(begin, end - begin), threads_, [this](Work& work) {
          if (work.record.state == FileState::kIndexed) Prepare(work, masking_);
        });
      }
      for (size_t i = begin; i < end; ++i) AddToBatch(changed_[i]);
      begin = end;
      Show(IndexStage::kText);
      bool full = batch_bytes_ >= limits_.commit_bytes || batch_.ledger.size() >= limits_.commit_files;
      if (full) RETURN_IF_ERROR(StartCommit(/*last=*/false));
    }
    RETURN_IF_ERROR(AddRemovals());
    RETURN_IF_ERROR(StartCommit(/*last=*/true));
    return FinishCommit();
  }

 private:
  struct Known {
    std::string version;
    PartitionId partition;  // none: not in the index
    FileState state;
  };

  // How a complete walk would be done now. Labels decide on partitions, so they are part of it.
  std::string WalkKey() const {
    std::string key = pipeline_;
    for (const acl::LabelPartition& each : source_.partitions) {
      key += "/" + std::to_string(each.label.value) + "=" + std::to_string(each.partition.value);
    }
    for (const acl::PathRule& rule : source_.rules) key += "\n" + std::to_string(rule.label.value) + "=" + rule.pattern;
    return key;
  }

  Status FindChanges() {
    bool same_walk = before_.walk == WalkKey() && before_.target_revision.empty();
    bool partial = false;
    if (same_walk && !before_.revision.empty()) {
      ASSIGN_OR_RETURN(partial, FindChangesSince(before_.revision));
    }
    if (!partial) RETURN_IF_ERROR(FindChangesInAll());
    report_.walked_all = !partial;
    report_.files_changed = changed_.size();
    return OkStatus();
  }

  // Looks at what differs from the revision that the ledger stands for. False, with nothing done, when it takes more
  // than that: attributes change what other files are, and odd spellings are made unique over all of the tree.
  Result<bool> FindChangesSince(const std::string& revision) {
    std::vector<TreeEntry> entries;
    std::vector<std::string> paths, gone;
    bool enough = true;
    Status listed = tree_.ListChanges(revision, [&](TreeChange change) -> Status {
      if (stop_.stop_requested()) return Unavailable("interrupted");
      const std::string& path = change.entry.path;
      enough = enough && !MayBeEscaped(path) && !Attributes::IsAttributesFile(path);
      (change.removed ? gone : paths).push_back(path);
      if (!change.removed) entries.push_back(std::move(change.entry));
      return OkStatus();
    });
    if (stop_.stop_requested()) return Unavailable("interrupted");
    if (!listed.ok() || !enough) return false;  // parts of the old revision may be gone
    Attributes attributes;
    if (!paths.empty()) {
      ASSIGN_OR_RETURN(attributes, Attributes::ReadAbove(tree_, paths));
    }
    size_t present = paths.size();
    paths.insert(paths.end(), gone.begin(), gone.end());
    ASSIGN_OR_RETURN(auto records, index_.FindRecords(source_.id, paths));
    for (const auto& record : records) {
      if (record) Remember(*record);
    }
    report_.files_seen = before_.files - ledger_.size() + present;  // the ledger's other files, and these
    report_.files_unchanged = before_.files - ledger_.size();
    for (TreeEntry& entry : entries) RETURN_IF_ERROR(CompareWithLedger(std::move(entry), attributes));
    return true;
  }

  Status FindChangesInAll() {
    std::vector<TreeEntry> entries;
    RETURN_IF_ERROR(tree_.List([&](TreeEntry entry) -> Status {
      if (stop_.stop_requested()) return Unavailable("interrupted");
      entries.push_back(std::move(entry));
      return OkStatus();
    }));
    report_.files_seen = entries.size();
    TellApart(entries);
    ASSIGN_OR_RETURN(Attributes attributes, Attributes::Read(tree_));
    RETURN_IF_ERROR(LoadLedger());
    for (TreeEntry& entry : entries) RETURN_IF_ERROR(CompareWithLedger(std::move(entry), attributes));
    return OkStatus();
  }

  static bool MayBeEscaped(const std::string& path) {
    return path.find('\\') != std::string::npos || path.find("...") != std::string::npos;
  }

  // A path that is no UTF-8 is spelled with escapes, and can then be spelled like another file's.
  static void TellApart(std::vector<TreeEntry>& entries) {
    std::unordered_set<std::string> spelled;
    for (TreeEntry& entry : entries) {
      if (!MayBeEscaped(entry.path)) continue;
      std::string unique = entry.path;
      for (size_t n = 2; !spelled.insert(unique).second; ++n) unique = entry.path + "~" + std::to_string(n);
      entry.path = std::move(unique);
    }
  }

  Status LoadLedger() {
    return index_.ScanLedger(source_.id, [&](const FileRecord& record) {
      Remember(record);
      return true;
    });
  }

  void Remember(const FileRecord& record) {
    PartitionId partition = record.state == FileState::kIndexed ? record.partition : PartitionId();
    ledger_.emplace(record.path, Known{record.version, partition, record.state});
  }

  Status CompareWithLedger(TreeEntry entry, const Attributes& attributes) {
    Work work;
    work.attributes = attributes.Of(entry.path);
    ASSIGN_OR_RETURN(work.record.partition, directory_.PartitionFor(source_.id, entry.path));
    work.record.path = entry.path;
    work.record.size_bytes = entry.size_bytes;
    work.record.version = pipeline_ + ":" + KeyOf(work.attributes) + ":" + entry.version;
    if (auto known = ledger_.find(entry.path); known != ledger_.end()) {
      Known old = std::move(known->second);
      ledger_.erase(known);  // what is left in the end is gone from the source
      bool moved = old.partition && old.partition != work.record.partition;
      if (old.version == work.record.version && old.state != FileState::kFailed && !moved) {
        ++report_.files_unchanged;
        return OkStatus();
      }
      work.old_partition = old.partition;
    }
    work.entry = std::move(entry);
    changed_.push_back(std::move(work));
    return OkStatus();
  }

  // Reads the files of [begin, end), where end is chosen so that their bytes fit in memory.
  Status ReadWindow(size_t begin, size_t& end) {
    Stopwatch watch(report_.times.read);
    size_t bytes = 0;
    for (end = begin; end < changed_.size() && end - begin < limits_.window_files && bytes < limits_.window_bytes; ++end) {
      Work& work = changed_[end];
      if (!work.entry.skip.empty()) {
        Skip(work, work.entry.skip);
        continue;
      }
      work.classification = ClassifyPath(work.entry.path, work.entry.size_bytes, work.attributes);
      if (work.classification.treatment == Treatment::kSkip) {
        Skip(work, work.classification.reason);
        continue;
      }
      auto read = tree_.Read(work.entry, kMaxFileBytes);
      if (read.ok()) {
        work.bytes = std::move(*read);
        bytes += work.bytes.size();
        report_.bytes_read += work.bytes.size();
      } else if (read.status().code() == StatusCode::kResourceExhausted) {
        Skip(work, "too large");
      } else if (stop_.stop_requested()) {
        return Interrupted();
      } else {
        work.record.state = FileState::kFailed;
        work.record.reason = read.status().message();
      }
    }
    progress_.bytes_done += bytes;
    return OkStatus();
  }

  PartitionChange& ChangeOf(PartitionId partition) {
    auto at = std::ranges::find(batch_.partitions, partition, &PartitionChange::partition);
    if (at != batch_.partitions.end()) return *at;
    return batch_.partitions.emplace_back(PartitionChange{.partition = partition, .add = {}, .remove = {}});
  }

  void AddToBatch(Work& work) {
    ++progress_.files_done;
    bool indexed = work.record.state == FileState::kIndexed;
    if (work.old_partition && (!indexed || work.old_partition != work.record.partition)) {
      ChangeOf(work.old_partition).remove.push_back(work.record.path);
    }
    if (indexed) {
      ++report_.files_indexed;
      batch_bytes_ += work.file.text.size();
      ChangeOf(work.record.partition).add.push_back(std::move(work.file));
    } else {
      ++(work.record.state == FileState::kSkipped ? report_.files_skipped : report_.files_failed);
    }
    batch_.ledger.push_back(std::move(work.record));
    work = {};
  }

  Status AddRemovals() {
    for (const auto& [path, known] : ledger_) {
      if (known.partition) ChangeOf(known.partition).remove.push_back(path);
      batch_.ledger_gone.push_back(path);
    }
    report_.files_removed = ledger_.size();
    return OkStatus();
  }

  // Commits the batch in the background; waits for the one before it first.
  Status StartCommit(bool last) {
    RETURN_IF_ERROR(FinishCommit());
    batch_.tenant = source_.tenant;
    batch_.source = source_.id;
    batch_.revision = tree_.revision();
    batch_.state = before_;
    batch_.state.branch = tree_.branch();
    if (last) {
      batch_.state.revision = tree_.revision();
      batch_.state.target_revision.clear();
      batch_.state.updated_unix_ms = NowUnixMs();
      batch_.state.walk = report_.files_failed == 0 ? WalkKey() : "";  // what failed is tried again
      batch_.state.files = report_.files_seen;
    } else {
      batch_.state.target_revision = tree_.revision();
    }
    committing_ = std::async(std::launch::async, [this, batch = std::exchange(batch_, {})] {
      Stopwatch watch(report_.times.commit);
      return index_.Commit(batch);
    });
    batch_bytes_ = 0;
    return OkStatus();
  }

  Status FinishCommit() { return committing_.valid() ? committing_.get() : OkStatus(); }

  // What is ready is kept.
  Status Interrupted() {
    RETURN_IF_ERROR(StartCommit(/*last=*/false));
    RETURN_IF_ERROR(FinishCommit());
    return Unavailable("interrupted");
  }

  void Show(IndexStage stage) {
    progress_.stage = stage;
    show_(progress_);
  }

  Index& index_;
  acl::Directory& directory_;
  const acl::Source& source_;
  SourceTree& tree_;
  const BatchLimits limits_;
  const std::string pipeline_;
  const Masking masking_;
  const int threads_;
  const std::stop_token stop_;
  const Indexer::Progress& show_;
  IndexReport& report_;
  IndexProgress progress_;
  SourceState before_;
  std::unordered_map<std::string, Known> ledger_;  // by path; in the end, what is gone
  std::vector<Work> changed_;
  IndexCommit batch_;
  size_t batch_bytes_ = 0;
  std::future<Status> committing_;  // last: its thread uses the rest
};

std::string MirrorFolder(const IndexerOptions& options, SourceId source) {
  return options.repositories_folder + "/" + std::to_string(source.value) + ".git";
}

Result<std::unique_ptr<SourceTree>> OpenTree(const acl::Source& source, const RunOptions& run, const IndexerOptions& options,
                                             std::stop_token stop) {
  if (source.kind == acl::SourceKind::kDocuments) {
    if (options.documents == nullptr) return Internal("there is no store of documents");
    return std::unique_ptr<SourceTree>(std::make_unique<StoredDocumentTree>(*options.documents, source.id));
  }
  if (source.kind == acl::SourceKind::kFolder) {
    ASSIGN_OR_RETURN(auto folder, FolderTree::Open(source.location, {.limits = {}, .stop = stop}));
    return std::unique_ptr<SourceTree>(std::move(folder));
  }
  auto open = [&]() -> Result<GitRepository> {
    if (!IsRemote(source.location)) return GitRepository::Open(source.location);
    return GitRepository::Mirror(source.location, {.folder = MirrorFolder(options, source.id),
                                                   .branch = source.branch, .token = run.token,
                                                   .networks = options.networks, .stop = stop});
  };
  ASSIGN_OR_RETURN(GitRepository repository, open());
  ASSIGN_OR_RETURN(GitHead head, repository.Head(source.branch));
  return std::unique_ptr<SourceTree>(std::make_unique<GitTree>(repository, std::move(head), GitTree::Options{.limits = {}, .stop = stop}));
}

// Every file lies where the rules of `source` want it.
Status SettleRules(Index& index, acl::Directory& directory, const acl::Source& source) {
  return directory.SettleRules(source.id, source.rules_version, [&](std::span<const PartitionId> partitions) {
    return index.RemoveSource(SourceId(), partitions);  // of no source: these partitions alone
  });
}

}  // namespace

Result<Location> ResolveLocation(const std::string& text) {
  RETURN_IF_ERROR(ValidateLocation(text));
  if (IsRemote(text)) return Location{text, acl::SourceKind::kGit};
  std::error_code error;
  std::string path = std::filesystem::canonical(text, error).string();
  if (error) return NotFound(text + ": " + error.message());
  if (!std::filesystem::is_directory(path, error)) return InvalidArgument(text + ": is not a folder");
  return Location{path, GitRepository::IsRepository(path) ? acl::SourceKind::kGit : acl::SourceKind::kFolder};
}

Result<IndexReport> Indexer::Run(const acl::Source& source, const RunOptions& run, std::stop_token stop, const Progress& progress) {
  IndexReport report;
  std::unique_ptr<SourceTree> tree;
  {
    Stopwatch watch(report.times.fetch);
    progress({.stage = IndexStage::kFetching, .vectors = {}});
    ASSIGN_OR_RETURN(tree, OpenTree(source, run, options_, stop));
  }
  RETURN_IF_ERROR(IndexTree(source, run, *tree, /*with_vectors=*/true, stop, progress, report));
  return report;
}

Result<bool> Indexer::HasNews(const acl::Source& source, const RunOptions& run, std::stop_token stop) const {
  if (source.kind == acl::SourceKind::kFolder) return true;
  if (source.kind == acl::SourceKind::kDocuments) return false;  // what is pushed is indexed then
  ASSIGN_OR_RETURN(SourceState state, index_.StateOf(source.id));
  if (state.revision.empty() || !state.target_revision.empty()) return true;
  if (IsRemote(source.location)) {
    ASSIGN_OR_RETURN(GitHead tip, GitRepository::RemoteTip(source.location, {.branch = source.branch, .token = run.token,
                                                                             .timeout = std::chrono::seconds(60), .networks = options_.networks,
                                                                             .stop = stop}));
    return tip.commit != state.revision;
  }
  ASSIGN_OR_RETURN(GitRepository repository, GitRepository::Open(source.location));
  ASSIGN_OR_RETURN(GitHead head, repository.Head(source.branch));
  return head.commit != state.revision;
}

void Indexer::RemoveMirror(SourceId source) const {
  std::error_code ignored;
  std::filesystem::remove_all(MirrorFolder(options_, source), ignored);
}

void Indexer::KeepMirrors(const std::vector<SourceId>& sources) const {
  std::unordered_set<std::string> kept;
  for (SourceId source : sources) kept.insert(std::filesystem::path(MirrorFolder(options_, source)).filename());
  std::vector<std::filesystem::path> others;
  std::error_code error;
  for (std::filesystem::directory_iterator at(options_.repositories_folder, error), end; !error && at != end; at.increment(error)) {
    if (!kept.contains(at->path().filename())) others.push_back(at->path());
  }
  for (const auto& path : others) std::filesystem::remove_all(path, error);
}

Result<IndexReport> Indexer::RunDocuments(const acl::Source& source, const std::vector<Document>& documents,
                                          bool with_vectors, std::stop_token stop, const Progress& progress) {
  IndexReport report;
  DocumentTree tree(documents);
  RETURN_IF_ERROR(IndexTree(source, RunOptions(), tree, with_vectors, stop, progress, report));
  return report;
}

Status Indexer::IndexTree(const acl::Source& source, const RunOptions& run, SourceTree& tree, bool with_vectors,
                          std::stop_token stop, const Progress& progress, IndexReport& report) {
  {
    Stopwatch watch(report.times.total);
    RETURN_IF_ERROR(ingest::Run(index_, directory_, source, run, tree, options_, stop, progress, report).IndexText());
    CrashPoint("text-done");
    RETURN_IF_ERROR(SettleRules(index_, directory_, source));
    if (!with_vectors) return OkStatus();
    ASSIGN_OR_RETURN(auto partitions, directory_.PartitionsOf(source.id));
    Stopwatch vectors(report.times.vectors);
    RETURN_IF_ERROR(index_.Embed(source.tenant, partitions, encoder_, options_.threads, stop, [&](const EmbedProgress& embedded) {
      report.vectors = embedded;
      progress({.stage = IndexStage::kVectors, .vectors = embedded});
    }));
    // Still at the stage that gives way: what is not merged now is merged after the next run.
    RETURN_IF_ERROR(index_.Merge(partitions, stop));
  }
  report.times.total += report.times.fetch;
  progress({.stage = IndexStage::kDone, .vectors = report.vectors});
  return OkStatus();
}

}  // namespace codelore::ingest
