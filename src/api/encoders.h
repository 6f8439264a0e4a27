// Encoders: the model whose vectors are searched, and the one that is to take its place.
//
// What they are is on record in the store, with the hashes of their files. A change of the model builds the new vectors beside
// the old ones, under the new fingerprint; the old ones are searched until every chunk has a new one. Then one write makes the
// new model the serving one, and the old vectors are freed as soon as nobody uses their encoder any more. A process that
// dies anywhere in between goes on from there: what was encoded is in the embedding cache.
//
// Thread-safe.
#ifndef CODELORE_API_ENCODERS_H_
#define CODELORE_API_ENCODERS_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "api/model_opening.h"
#include "codelore/index.h"
#include "codelore/store.h"

namespace codelore::api {

// What became of one of a model's files.
struct FileVerdict {
  std::string file, verdict;  // "unchanged", "changed", "missing" or "new"; of a server "answers", or what is wrong
};

struct ModelState {
  ModelIdentity identity;
  uint64_t chunks_with_vectors = 0, bytes = 0;
};

struct ModelReport {
  ModelState serving;
  std::optional<ModelState> building;  // takes the place of `serving` when it has all
  uint64_t chunks = 0;
  std::string problem;      // what ended the last attempt to build, or why the old model cannot serve
  uint64_t bytes_unused = 0;  // of vectors that are still to be freed
};

class Encoders {
 public:
  struct Options {
    // Empty: the model on record, without one the built-in one. Another than the one on record takes its place, as Use does.
    std::string model = {};
    std::optional<embed::Precision> precision = {};
    // Serves `model` and nothing else, puts nothing on record and frees nothing. For comparing models.
    bool fixed = false;
    std::shared_ptr<const TlsContext> trust = {};   // of https servers; none: the system's authorities
    std::optional<std::string> packed_folder = {};  // for weights, packed (embed/packed_file.h); none: in memory
  };

  // All must outlive it. Fails for a model that cannot be opened. Where the one on record cannot be opened any more, or is
  // another by its files or by what this version computes of them, the one that is asked for serves at once, and Build makes its
  // vectors.
  static Result<std::unique_ptr<Encoders>> Open(KeyValueStore& store, Index& index, acl::Directory& directory, const Options& options);

  // Whoever holds it may use it; its vectors are there as long as it is held.
  std::shared_ptr<const TextEncoder> serving() const;
  // Begins to build a model's vectors, or ends that when it is the serving one. On record when it returns.
  Status Use(const EncoderChoice& choice);
  // Builds what is to be built, makes it serve, frees what nobody uses. kUnavailable when stopped; any number of times.
  Status Build(int threads, std::stop_token stop, const std::function<void(const EmbedProgress&)>& progress);
  // Does so again and again, when there is something to do, until stopped. Where there is nothing, removes the packed weights
  // that nobody uses, and tells `log` so.
  void KeepBuilding(int threads, std::stop_token stop, const std::function<void(const std::string&)>& log = {});

  ModelReport Report() const;
  // Compares the files of the serving model, or of the one being built, with what was on record when it was taken up.
  Result<std::vector<FileVerdict>> Verify(bool building) const;

 private:
  struct Retired {
    Hash256 fingerprint;
    std::weak_ptr<const TextEncoder> encoder;
  };
  // What is on disk.
  struct Record {
    ModelIdentity serving;
    std::optional<ModelIdentity> building;
    std::vector<Hash256> retired;
  };

  Encoders(KeyValueStore& store, Index& index, acl::Directory& directory)
      : store_(store), index_(index), directory_(directory) {}
  static std::string Encode(const Record& record);
  static Result<Record> Decode(std::string_view bytes);

  Status Start(const Options& options);
  Status StartFromRecord(Record record, const Options& options);
  Status Serve(OpenedModel opened);
  Status UseOpened(OpenedModel opened);
  Result<std::shared_ptr<const TextEncoder>> OpenBuilding();
  Result<bool> BuildOnce(const std::shared_ptr<const TextEncoder>& encoder, int threads, std::stop_token stop,
                         const std::function<void(const EmbedProgress&)>& progress);
  Status Switch(const std::shared_ptr<const TextEncoder>& encoder);
  Status FreeRetired();
  void RemoveUnusedWeights(const std::function<void(const std::string&)>& log);
  Result<std::vector<TenantId>> Tenants() const;
  // With mutex_ held:
  Status Write(Record record);
  void Retire(const Hash256& fingerprint, Record& record) const;
  bool HasWork() const { return record_.building.has_value() || !record_.retired.empty(); }

  KeyValueStore& store_;
  Index& index_;
  acl::Directory& directory_;
  ModelSurroundings around_ = {.gate = std::make_shared<embed::EncodeGate>()};
  bool fixed_ = false;

  std::mutex build_mutex_;  // one build at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_:
  Record record_;  // as it is on disk
  std::shared_ptr<const TextEncoder> serving_, building_;  // building_: null until it is needed
  std::vector<Retired> retired_;  // those that may still be held by somebody
  std::stop_source restart_;      // ends the build of a model that is not wanted any more
  std::string problem_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_ENCODERS_H_
