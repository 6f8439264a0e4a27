// Indexer: brings a source's files into the index: list, compare with the ledger, read what changed, decode, chunk,
// commit; then vectors.
//
// Only files whose version (git object id) differs from the ledger's are read. Text is committed in batches, each
// with its ledger records, so a run that is stopped or killed loses the current batch at most and the next run goes
// on behind it. Every file listed has a record afterwards: indexed, skipped with the reason, or failed with the
// error.
#ifndef CODELORE_INGEST_INDEXER_H_
#define CODELORE_INGEST_INDEXER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "codelore/encoder.h"
#include "codelore/index.h"
#include "codelore/store.h"
#include "ingest/git.h"
#include "ingest/masking.h"
#include "ingest/network_policy.h"

namespace codelore::ingest {

class SourceTree;
struct OpenedSource;

// How much is worked on at once. A stop request is seen between two windows.
struct BatchLimits {
  size_t window_files = 256;  // in memory at once, with their bytes: read, decoded and chunked
  size_t window_bytes = 8 << 20;
  size_t commit_files = 4096;  // in one commit
  size_t commit_bytes = 16 << 20;  // of text
};

struct IndexerOptions {
  std::string repositories_folder;  // where mirrors of remote repositories lie
  const KeyValueStore* documents = nullptr;  // where pushed documents lie (document_store.h)
  int threads = 2;
  BatchLimits limits = {};
  NetworkPolicy networks = {};  // where repositories may be fetched from
};

enum class IndexStage { kFetching, kListing, kText, kVectors, kDone };

struct IndexProgress {
  IndexStage stage = IndexStage::kFetching;
  uint64_t files_total = 0;  // to be read in this run
  uint64_t files_done = 0;
  uint64_t bytes_done = 0;
  EmbedProgress vectors;
};

// Wall seconds per stage: walking is "fetch" and "list", "parse" is decoding and chunking on all threads, "commit" is
// the lexical index; it runs beside the stages before it.
struct IndexTimes {
  double fetch = 0, list = 0, read = 0, parse = 0, commit = 0, vectors = 0, total = 0;
};

// What a source's settings say about a run.
struct RunOptions {
  std::string token = {};   // for its remote, see MirrorOptions
  uint32_t generation = 0;  // raised to have every file indexed anew
  Masking masking = Masking::kAll;
  RefPatterns also = {};    // branches and tags besides the source's own
};

struct IndexReport {
  std::string branch;
  std::string revision;
  uint64_t files_seen = 0, files_changed = 0, files_removed = 0, files_unchanged = 0;
  uint64_t files_shared = 0;  // changed, and there already: another branch has them
  uint64_t branches = 1, branches_changed = 0;  // of those besides the default one
  uint64_t files_indexed = 0, files_skipped = 0, files_failed = 0;  // of those changed
  uint64_t bytes_read = 0;
  bool walked_all = true;  // false: only what differs from the commit before was looked at
  EmbedProgress vectors;
  IndexTimes times;
};

// A document that comes with its text instead of from a repository or folder.
struct Document {
  std::string path;
  std::string bytes;
};

// What a user names as a source: the canonical path of a folder, or a URL as it is.
struct Location {
  std::string text;
  acl::SourceKind kind = acl::SourceKind::kGit;
};

// kInvalidArgument for what git must not be given (git_location.h), kNotFound for a path that is not there.
Result<Location> ResolveLocation(const std::string& text);

// Thread-safe as long as no two runs work on one source.
class Indexer {
 public:
  // The encoder that a run's vectors are to be of; asked again at the end of a run.
  using EncoderSource = std::function<std::shared_ptr<const TextEncoder>()>;

  // All must outlive the indexer.
  Indexer(Index& index, acl::Directory& directory, EncoderSource encoder, IndexerOptions options)
      : index_(index), directory_(directory), encoder_(std::move(encoder)), options_(std::move(options)) {}
  Indexer(Index& index, acl::Directory& directory, const TextEncoder& encoder, IndexerOptions options)
      : Indexer(index, directory, [&encoder] { return std::shared_ptr<const TextEncoder>(std::shared_ptr<void>(), &encoder); },
                std::move(options)) {}

  using Progress = std::function<void(const IndexProgress&)>;

  // kUnavailable when stopped; what was committed stays.
  Result<IndexReport> Run(const acl::Source& source, std::stop_token stop, const Progress& progress) {
    return Run(source, RunOptions(), std::move(stop), progress);
  }
  Result<IndexReport> Run(const acl::Source& source, const RunOptions& run, std::stop_token stop, const Progress& progress);

  // Whether the source has something that a run would see and the index does not, as far as a quick look tells: the
  // commit at the tip of its branch, fetching nothing. A folder is always taken to have.
  Result<bool> HasNews(const acl::Source& source, const RunOptions& run, std::stop_token stop) const;

  // The mirror of a source that is no more; it need not have one.
  void RemoveMirror(SourceId source) const;
  // All mirrors but those of these sources.
  void KeepMirrors(const std::vector<SourceId>& sources) const;

  // Makes `documents` the whole content of `source`, for an evaluation: nothing is masked. Without vectors only for lexical
  // search.
  Result<IndexReport> RunDocuments(const acl::Source& source, const std::vector<Document>& documents, bool with_vectors,
                                   std::stop_token stop, const Progress& progress);

 private:
  Status IndexOpened(const acl::Source& source, const RunOptions& run, OpenedSource& opened, bool with_vectors,
                     std::stop_token stop, const Progress& progress, IndexReport& report);
  Status IndexOthers(const acl::Source& source, const RunOptions& run, const OpenedSource& opened, std::stop_token stop,
                     const Progress& progress, IndexReport& report);

  Index& index_;
  acl::Directory& directory_;
  const EncoderSource encoder_;
  const IndexerOptions options_;
};

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_INDEXER_H_
