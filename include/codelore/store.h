// KeyValueStore: the only truth. An ordered map per table, changed only by atomic, synced batches.
//
// Implementations are thread-safe. A Write that returned ok survives any crash; one that failed, or was cut
// off, left nothing or everything. Values that fail their checksum are reported as kCorruption, never
// returned.
#ifndef CODELORE_STORE_H_
#define CODELORE_STORE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/status.h"

namespace codelore {

enum class Table : uint8_t {
  kMeta,        // tenants, sources, labels, grants, tokens, settings, counters
  kFiles,       // the ledger: source, branch, path -> what became of the file
  kBlobs,       // tenant, content hash -> compressed text
  kEmbeddings,  // tenant, model fingerprint, hash of the embedded text -> vector
  kManifest,    // partition -> its segments; the store's generation
  kJobs,
  kAudit,
  kSessions,
  kFeedback,
  kDocuments,   // source, path -> a document that was pushed, as it came
};
inline constexpr int kTableCount = 10;

class WriteBatch {
 public:
  struct Operation {
    Table table;
    std::string key;
    std::optional<std::string> value;  // none: delete
  };
  void Put(Table table, std::string key, std::string value) {
    operations_.push_back({table, std::move(key), std::move(value)});
  }
  void Delete(Table table, std::string key) {
    operations_.push_back({table, std::move(key), std::nullopt});
  }
  bool empty() const { return operations_.empty(); }
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  std::vector<Operation> operations_;
};

class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;

  // No value: the key is absent.
  virtual Result<std::optional<std::string>> Get(Table table, std::string_view key) const = 0;

  // Values for keys, in order.
  virtual Result<std::vector<std::optional<std::string>>> MultiGet(
      Table table, const std::vector<std::string>& keys) const = 0;

  // Calls visit(key, value) for each key that starts with prefix, in key order, over one snapshot, until
  // visit returns false.
  virtual Status Scan(Table table, std::string_view prefix,
                      const std::function<bool(std::string_view, std::string_view)>& visit) const = 0;

  virtual Status Write(const WriteBatch& batch) = 0;

  // Everything as it is at one moment, as a store of its own at `folder`, which must not exist. It may share its files'
  // bytes with this one. kUnavailable where there is no such thing.
  virtual Status CopyTo(const std::string&) { return Unavailable("this store cannot be copied"); }
};

}  // namespace codelore

#endif  // CODELORE_STORE_H_
