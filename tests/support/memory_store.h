// MemoryStore: a KeyValueStore without a disk, for tests of what stands on one. Thread-safe. Single records can
// be damaged, and writes made to fail.
#ifndef CODELORE_TESTS_SUPPORT_MEMORY_STORE_H_
#define CODELORE_TESTS_SUPPORT_MEMORY_STORE_H_

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/store.h"

namespace codelore::testing {

class MemoryStore : public KeyValueStore {
 public:
  enum class Fault { kNone, kFailAndDrop, kFailButKeep, kDown };

  MemoryStore() = default;
  MemoryStore(const MemoryStore& other) : tables_(other.tables_) {}

  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    std::lock_guard lock(mutex_);
    if (fault_ == Fault::kDown) return Down();
    const auto& rows = tables_[static_cast<size_t>(table)];
    auto at = rows.find(key);
    if (at == rows.end()) return std::optional<std::string>();
    return std::optional<std::string>(at->second);
  }

  Result<std::vector<std::optional<std::string>>> MultiGet(
      Table table, const std::vector<std::string>& keys) const override {
    std::vector<std::optional<std::string>> values;
    for (const std::string& key : keys) {
      ASSIGN_OR_RETURN(auto value, Get(table, key));
      values.push_back(std::move(value));
    }
    return values;
  }

  Status Scan(Table table, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    std::map<std::string, std::string, std::less<>> snapshot;
    {
      std::lock_guard lock(mutex_);
      if (fault_ == Fault::kDown) return Down();
      snapshot = tables_[static_cast<size_t>(table)];
    }
    for (auto at = snapshot.lower_bound(prefix); at != snapshot.end() && at->first.starts_with(prefix); ++at) {
      if (!visit(at->first, at->second)) break;
    }
    return OkStatus();
  }

  Status Write(const WriteBatch& batch) override {
    std::lock_guard lock(mutex_);
    if (fault_ == Fault::kDown || fault_ == Fault::kFailAndDrop) return Down();
    for (const auto& operation : batch.operations()) {
      auto& rows = tables_[static_cast<size_t>(operation.table)];
      if (operation.value) {
        rows[operation.key] = *operation.value;
      } else {
        rows.erase(operation.key);
      }
    }
    return fault_ == Fault::kFailButKeep ? Down() : OkStatus();
  }

  // ---- for the test
  void set_fault(Fault fault) {
    std::lock_guard lock(mutex_);
    fault_ = fault;
  }
  std::map<std::string, std::string, std::less<>>& rows(Table table) {
    return tables_[static_cast<size_t>(table)];
  }

 private:
  static Status Down() { return Unavailable("the store is down"); }

  mutable std::mutex mutex_;
  std::array<std::map<std::string, std::string, std::less<>>, kTableCount> tables_;
  Fault fault_ = Fault::kNone;
};

}  // namespace codelore::testing

#endif  // CODELORE_TESTS_SUPPORT_MEMORY_STORE_H_
