#include "ingest/indexer.h"

#include <openssl/sha.h>

#include <algorithm>
#include <atomic>
#include <bit>
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
#include "ingest/branch_plan.h"
#include "ingest/classify.h"
#include "ingest/document_store.h"
#include "ingest/document_text.h"
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

// A file that is to be indexed. A first import holds all of them at once, so there is no more in it than needed.
struct Change {
  TreeEntry entry;
  FileAttributes attributes;
  PartitionId partition, old_partition;  // the second: where the index holds it now; none if it does not
};

// A file on its way into the index: as many as a window has.
struct Work {
  TreeEntry entry;
  FileAttributes attributes;
  PartitionId old_partition;
  Classification classification;
  FileRecord record;
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

// Puts the text of a PDF or DOCX in the place of its bytes. False: it is to be left out.
bool ReplaceByText(Work& work, const DocumentLimits& limits) {
  DocumentFormat format = DocumentFormatOf(work.entry.path);
  if (format == DocumentFormat::kNone || work.attributes.binary) return true;
  auto text = DocumentText(format, work.bytes, limits);
  if (!text.ok()) {
    Skip(work, text.status().message());
    if (limits.stop.stop_requested()) work.record.state = FileState::kFailed;  // it says nothing of the file
    return false;
  }
  work.bytes = std::move(*text);
  bool blank = work.bytes.find_first_not_of(" \t\r\n\f") == std::string::npos;
  if (blank) Skip(work, "no text layer");
  if (work.attributes.language.empty()) work.attributes.language = "text";
  return !blank;
}

// Decodes, masks, classifies and chunks one file; touches nothing but `work`.
void Prepare(Work& work, Masking masking, const DocumentLimits& documents) {
  if (!ReplaceByText(work, documents)) return;
  Classification by_content = ClassifyContent(work.entry.path, work.bytes, work.attributes);
  if (by_content.treatment == Treatment::kSkip) return Skip(work, by_content.reason);
  if (by_content.treatment == Treatment::kIndexByLines) work.classification = by_content;
  chunker::DecodedText decoded = chunker::DecodeToUtf8(work.bytes);
  if (decoded.is_binary) return Skip(work, "binary");
  std::string().swap(work.bytes);
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

// The default branch, like the others.
BranchState DefaultBranchOf(const SourceState& state) {
  return {.bit = 0, .name = state.branch, .revision = state.revision, .target_revision = state.target_revision,
          .updated_unix_ms = state.updated_unix_ms, .walk = state.walk, .files = state.files};
}

BranchState BranchOf(const SourceState& state, uint32_t bit) {
  auto at = std::ranges::find(state.others, bit, &BranchState::bit);
  return bit == 0 || at == state.others.end() ? DefaultBranchOf(state) : *at;
}

void SetBranch(const BranchState& branch, SourceState& state) {
  if (auto at = std::ranges::find(state.others, branch.bit, &BranchState::bit); at != state.others.end()) *at = branch;
  if (branch.bit != 0) return;
  state.branch = branch.name;
  state.revision = branch.revision;
  state.target_revision = branch.target_revision;
  state.updated_unix_ms = branch.updated_unix_ms;
  state.walk = branch.walk;
  state.files = branch.files;
}

// Which branch a run is about, and, for one that has just been made like another, the revision it is like.
struct RunBranch {
  uint32_t bit = 0;
  std::string like_revision = {};
};

// One run over one branch of a source.
class Run {
 public:
  Run(Index& index, acl::Directory& directory, const acl::Source& source, const RunOptions& run, RunBranch branch,
      SourceTree& tree, const IndexerOptions& options, std::stop_token stop, const Indexer::Progress& progress, IndexReport& report)
      : index_(index), directory_(directory), source_(source), branch_(std::move(branch)), tree_(tree), limits_(options.limits), pipeline_(PipelineOf(run)), masking_(run.masking), documents_{.scratch_folder = options.repositories_folder + "/scratch", .stop = stop},
        threads_(std::max(options.threads, 1)), stop_(std::move(stop)), show_(progress), report_(report) {}

  // As far as the state tells: the tree's commit is indexed, and was walked as it would be now.
  bool IsUpToDate() const {
    auto state = index_.StateOf(source_.id);
    BranchState branch = state.ok() ? BranchOf(*state, branch_.bit) : BranchState();
    return branch.revision == tree_.revision() && branch.target_revision.empty() && branch.walk == WalkKey();
  }

  Status IndexText() {
    ASSIGN_OR_RETURN(state_, index_.StateOf(source_.id));
    before_ = BranchOf(state_, branch_.bit);
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
        ForEachInParallel(window_, threads_, [this](Work& work) {
          if (work.record.state == FileState::kIndexed) Prepare(work, masking_, documents_);
        });
      }
      for (Work& work : window_) AddToBatch(work);
      window_.clear();
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
    uint32_t branch;  // the bit of one that has it
  };

  // How a complete walk would be done now. Labels decide on partitions, so they are part of it.
  std::string WalkKey() const {
    std::string key = pipeline_ + programs_;
    for (const acl::LabelPartition& each : source_.partitions) {
      key += "/" + std::to_string(each.label.value) + "=" + std::to_string(each.partition.value);
    }
    for (const acl::PathRule& rule : source_.rules) key += "\n" + std::to_string(rule.label.value) + "=" + rule.pattern;
    return key;
  }

  Status FindChanges() {
    bool made_like = !branch_.like_revision.empty();
    bool same_walk = before_.walk == WalkKey() && (made_like || before_.target_revision.empty());
    const std::string& since = made_like ? branch_.like_revision : before_.revision;
    bool partial = false;
    if (same_walk && !since.empty()) {
      ASSIGN_OR_RETURN(partial, FindChangesSince(since));
    }
    if (!partial) RETURN_IF_ERROR(FindChangesInAll());
    report_.walked_all = !partial && (branch_.bit == 0 || report_.walked_all);
    report_.files_changed += changed_.size();
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
    for (const FileRecord& record : records) Remember(record);
    files_seen_ = before_.files - ledger_.size() + present;  // the ledger's other files, and these
    report_.files_unchanged += before_.files - ledger_.size();
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
    files_seen_ = entries.size();
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
    Known known{record.version, partition, record.state, static_cast<uint32_t>(std::countr_zero(record.branches))};
    bool own = (record.branches >> branch_.bit & 1) != 0;
    own ? void(ledger_.emplace(record.path, std::move(known))) : void(elsewhere_.emplace(record.path, std::move(known)));
  }

  Status CompareWithLedger(TreeEntry entry, const Attributes& attributes) {
    const std::string path = entry.path;
    Change change{.entry = std::move(entry), .attributes = attributes.Of(path), .partition = {}, .old_partition = {}};
    ASSIGN_OR_RETURN(change.partition, directory_.PartitionFor(source_.id, path));
    const std::string version = VersionOf(change);
    if (auto known = ledger_.find(path); known != ledger_.end()) {
      Known old = std::move(known->second);
      ledger_.erase(known);  // what is left in the end is gone from the source
      bool moved = old.partition && old.partition != change.partition;
      if (old.version == version && old.state != FileState::kFailed && !moved) {
        ++report_.files_unchanged;
        return OkStatus();
      }
      change.old_partition = old.partition;
    }
    if (!ShareWithBranch(change, version)) changed_.push_back(std::move(change));
    return OkStatus();
  }

  std::string VersionOf(const Change& change) const {
    bool document = DocumentFormatOf(change.entry.path) != DocumentFormat::kNone;
    return pipeline_ + (document ? programs_ : "") + ":" + KeyOf(change.attributes) + ":" + change.entry.version;
  }

  // True: another branch has the very file, so that nothing is to be read.
  bool ShareWithBranch(const Change& change, const std::string& version) {
    const std::string& path = change.entry.path;
    auto [begin, end] = elsewhere_.equal_range(path);
    for (auto at = begin; at != end; ++at) {
      const Known& known = at->second;
      bool moves = known.partition && known.partition != change.partition;
      if (known.version != version || known.state == FileState::kFailed || moves) continue;
      if (change.old_partition && change.old_partition != known.partition) ChangeOf(change.old_partition).remove.push_back(path);
      if (known.partition) ChangeOf(known.partition).share.push_back({path, known.branch});
      batch_.ledger_share.push_back({path, known.branch});
      ++report_.files_shared;
      return true;
    }
    return false;
  }

  // What is known of a changed file before it is read; of `change` nothing is left.
  Work Begin(Change& change) const {
    Work work;
    work.record.path = change.entry.path;
    work.record.size_bytes = change.entry.size_bytes;
    work.record.version = VersionOf(change);
    work.record.partition = change.partition;
    work.old_partition = change.old_partition;
    Change taken = std::move(change);  // a string that is moved from may keep its memory
    work.entry = std::move(taken.entry);
    work.attributes = std::move(taken.attributes);
    return work;
  }

  // Reads the files of [begin, end) into the window, where end is chosen so that their bytes fit in memory.
  Status ReadWindow(size_t begin, size_t& end) {
    Stopwatch watch(report_.times.read);
    size_t bytes = 0;
    for (end = begin; end < changed_.size() && end - begin < limits_.window_files && bytes < limits_.window_bytes; ++end) {
      Work& work = window_.emplace_back(Begin(changed_[end]));
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
      bool skipped = work.record.state == FileState::kSkipped;
      ++(skipped ? report_.files_skipped : report_.files_failed);
      failed_ += !skipped;
    }
    batch_.ledger.push_back(std::move(work.record));
  }

  Status AddRemovals() {
    for (const auto& [path, known] : ledger_) {
      if (known.partition) ChangeOf(known.partition).remove.push_back(path);
      batch_.ledger_gone.push_back(path);
    }
    report_.files_removed += ledger_.size();
    return OkStatus();
  }

  // Commits the batch in the background; waits for the one before it first.
  Status StartCommit(bool last) {
    RETURN_IF_ERROR(FinishCommit());
    batch_.tenant = source_.tenant;
    batch_.source = source_.id;
    batch_.branch = branch_.bit;
    batch_.revision = tree_.revision();
    BranchState now = before_;
    now.name = branch_.bit == 0 ? tree_.branch() : before_.name;
    if (last) {
      now.revision = tree_.revision();
      now.target_revision.clear();
      now.updated_unix_ms = NowUnixMs();
      now.walk = failed_ == 0 ? WalkKey() : "";  // what failed is tried again
      now.files = files_seen_;
      report_.files_seen += files_seen_;
    } else {
      now.target_revision = tree_.revision();
    }
    batch_.state = state_;
    SetBranch(now, batch_.state);
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
  const RunBranch branch_;
  SourceTree& tree_;
  const BatchLimits limits_;
  const std::string pipeline_;
  const std::string programs_ = DocumentPrograms();  // one that is installed later makes documents changed files
  const Masking masking_;
  const DocumentLimits documents_;
  const int threads_;
  const std::stop_token stop_;
  const Indexer::Progress& show_;
  IndexReport& report_;
  IndexProgress progress_;
  SourceState state_;   // as the run found it
  BranchState before_;  // of it, this branch
  uint64_t files_seen_ = 0, failed_ = 0;
  std::unordered_map<std::string, Known> ledger_;  // the branch's, by path; in the end, what is gone
  std::unordered_multimap<std::string, Known> elsewhere_;  // versions that other branches alone have
  std::vector<Change> changed_;
  std::vector<Work> window_;
  IndexCommit batch_;
  size_t batch_bytes_ = 0;
  std::future<Status> committing_;  // last: its thread uses the rest
};

std::string MirrorFolder(const IndexerOptions& options, SourceId source) {
  return options.repositories_folder + "/" + std::to_string(source.value) + ".git";
}

MirrorOptions MirrorOptionsFor(const acl::Source& source, const RunOptions& run, const IndexerOptions& options, std::stop_token stop) {
  return {.folder = MirrorFolder(options, source.id), .branch = source.branch, .also = run.also, .token = run.token,
          .networks = options.networks, .stop = std::move(stop)};
}

// Every file lies where the rules of `source` want it.
Status SettleRules(Index& index, acl::Directory& directory, const acl::Source& source) {
  return directory.SettleRules(source.id, source.rules_version, [&](std::span<const PartitionId> partitions) {
    return index.RemoveSource(SourceId(), partitions);  // of no source: these partitions alone
  });
}

}  // namespace

// The default branch's tree, and where other branches are found.
struct OpenedSource {
  std::unique_ptr<SourceTree> tree;
  std::optional<GitRepository> repository = {};
  std::vector<GitRef> refs = {};  // what is followed besides
};

namespace {

Result<OpenedSource> OpenSource(const acl::Source& source, const RunOptions& run, const IndexerOptions& options, std::stop_token stop) {
  if (source.kind == acl::SourceKind::kDocuments) {
    if (options.documents == nullptr) return Internal("there is no store of documents");
    return OpenedSource{std::make_unique<StoredDocumentTree>(*options.documents, source.id)};
  }
  if (source.kind == acl::SourceKind::kFolder) {
    ASSIGN_OR_RETURN(auto folder, FolderTree::Open(source.location, {.limits = {}, .stop = stop}));
    return OpenedSource{std::move(folder)};
  }
  auto open = [&]() -> Result<GitRepository> {
    if (!IsRemote(source.location)) return GitRepository::Open(source.location);
    return GitRepository::Mirror(source.location, MirrorOptionsFor(source, run, options, stop));
  };
  ASSIGN_OR_RETURN(GitRepository repository, open());
  ASSIGN_OR_RETURN(GitHead head, repository.Head(source.branch));
  OpenedSource opened{std::make_unique<GitTree>(repository, std::move(head), GitTree::Options{.limits = {}, .stop = stop}), repository};
  if (!run.also.empty()) {
    ASSIGN_OR_RETURN(opened.refs, repository.Refs(run.also));
  }
  return opened;
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
  OpenedSource opened;
  {
    Stopwatch watch(report.times.fetch);
    progress({.stage = IndexStage::kFetching, .vectors = {}});
    ASSIGN_OR_RETURN(opened, OpenSource(source, run, options_, stop));
  }
  RETURN_IF_ERROR(IndexOpened(source, run, opened, /*with_vectors=*/true, stop, progress, report));
  return report;
}

Result<bool> Indexer::HasNews(const acl::Source& source, const RunOptions& run, std::stop_token stop) const {
  if (source.kind == acl::SourceKind::kFolder) return true;
  if (source.kind == acl::SourceKind::kDocuments) return false;  // what is pushed is indexed then
  ASSIGN_OR_RETURN(SourceState state, index_.StateOf(source.id));
  if (state.revision.empty() || !state.target_revision.empty()) return true;
  std::vector<GitRef> refs;
  if (IsRemote(source.location)) {
    MirrorOptions remote = MirrorOptionsFor(source, run, options_, std::move(stop));
    remote.timeout = std::chrono::seconds(60);
    ASSIGN_OR_RETURN(GitHead tip, GitRepository::RemoteTip(source.location, remote));
    if (tip.commit != state.revision) return true;
    if (!run.also.empty()) {
      ASSIGN_OR_RETURN(refs, GitRepository::RemoteRefs(source.location, remote));
    }
  } else {
    ASSIGN_OR_RETURN(GitRepository repository, GitRepository::Open(source.location));
    ASSIGN_OR_RETURN(GitHead head, repository.Head(source.branch));
    if (head.commit != state.revision) return true;
    if (!run.also.empty()) {
      ASSIGN_OR_RETURN(refs, repository.Refs(run.also));
    }
  }
  return HasBranchNews(state, state.branch, refs);
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
  OpenedSource opened{std::make_unique<DocumentTree>(documents)};
  RETURN_IF_ERROR(IndexOpened(source, {.masking = Masking::kOff}, opened, with_vectors, stop, progress, report));
  return report;
}

// The default branch is there already: what the others share with it costs nothing. One that cannot be indexed holds up no
// other.
Status Indexer::IndexOthers(const acl::Source& source, const RunOptions& run, const OpenedSource& opened, std::stop_token stop,
                            const Progress& progress, IndexReport& report) {
  ASSIGN_OR_RETURN(SourceState state, index_.StateOf(source.id));
  BranchPlan plan = PlanBranches(state, opened.tree->branch(), opened.refs);
  auto drop = [&](BranchSet gone) -> Status {
    ASSIGN_OR_RETURN(SourceState now, index_.StateOf(source.id));
    std::erase_if(now.others, [&](const BranchState& branch) { return (gone >> branch.bit & 1) != 0; });
    now.left_out = plan.left_out;
    return gone != 0 || now.left_out != state.left_out ? index_.DropBranches(source.id, gone, now) : OkStatus();
  };
  BranchSet taken = 0;  // from branches that are gone
  for (const PlannedBranch& branch : plan.branches) {
    if (branch.added) taken |= BranchSet{1} << branch.bit;
  }
  RETURN_IF_ERROR(drop(plan.gone & taken));
  Status failure;
  for (const PlannedBranch& planned : plan.branches) {
    RunBranch branch{.bit = planned.bit};
    if (planned.added) {
      ASSIGN_OR_RETURN(state, index_.StateOf(source.id));
      BranchState like = BranchOf(state, ClosestBranch(state, planned.ref.commit));
      branch.like_revision = like.revision;
      uint32_t like_bit = like.bit;
      state.others.push_back({.bit = planned.bit, .name = planned.ref.name, .revision = {}, .target_revision = planned.ref.commit,
                              .updated_unix_ms = 0, .walk = like.walk, .files = like.files});
      std::ranges::sort(state.others, {}, &BranchState::bit);
      RETURN_IF_ERROR(index_.AddBranch(source.id, like_bit, state));
      CrashPoint("branch-added");
    }
    GitTree tree(*opened.repository, {.commit = planned.ref.commit, .branch = planned.ref.name}, GitTree::Options{.limits = {}, .stop = stop});
    ingest::Run one(index_, directory_, source, run, std::move(branch), tree, options_, stop, progress, report);
    if (!planned.added && one.IsUpToDate()) continue;
    ++report.branches_changed;
    Status indexed = one.IndexText();
    if (stop.stop_requested()) return indexed;
    if (failure.ok() && !indexed.ok()) failure = Status(indexed.code(), "branch " + planned.ref.name + ": " + indexed.message());
  }
  report.branches = 1 + plan.branches.size();
  RETURN_IF_ERROR(drop(plan.gone & ~taken));
  return failure;
}

Status Indexer::IndexOpened(const acl::Source& source, const RunOptions& run, OpenedSource& opened, bool with_vectors,
                            std::stop_token stop, const Progress& progress, IndexReport& report) {
  Status failure;  // of a branch
  {
    Stopwatch watch(report.times.total);
    report.branch = opened.tree->branch();
    report.revision = opened.tree->revision();
    RETURN_IF_ERROR(ingest::Run(index_, directory_, source, run, RunBranch(), *opened.tree, options_, stop, progress, report).IndexText());
    failure = IndexOthers(source, run, opened, stop, progress, report);
    if (stop.stop_requested()) return failure.ok() ? Unavailable("interrupted") : failure;
    CrashPoint("text-done");
    if (failure.ok()) RETURN_IF_ERROR(SettleRules(index_, directory_, source));
    if (!with_vectors) return failure;
    ASSIGN_OR_RETURN(auto partitions, directory_.PartitionsOf(source.id));
    Stopwatch vectors(report.times.vectors);
    std::shared_ptr<const TextEncoder> done;
    while (done != encoder_()) {  // another model may have taken its place meanwhile
      done = encoder_();
      RETURN_IF_ERROR(index_.Embed(source.tenant, partitions, *done, options_.threads, stop, [&](const EmbedProgress& embedded) {
        report.vectors = embedded;
        progress({.stage = IndexStage::kVectors, .vectors = embedded});
      }));
    }
    // Still at the stage that gives way: what is not merged now is merged after the next run.
    RETURN_IF_ERROR(index_.Merge(partitions, stop));
  }
  report.times.total += report.times.fetch;
  if (failure.ok()) progress({.stage = IndexStage::kDone, .vectors = report.vectors});
  return failure;
}

}  // namespace codelore::ingest
