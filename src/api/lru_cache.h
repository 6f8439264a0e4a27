// LruCache: values by their keys, as many as fit; what was not used for longest goes first. Thread-safe.
#ifndef CODELORE_API_LRU_CACHE_H_
#define CODELORE_API_LRU_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace codelore::api {

template <typename Value>
class LruCache {
 public:
  // 0: keeps nothing.
  explicit LruCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  void SetLimit(size_t max_bytes) {
    std::lock_guard lock(mutex_);
    max_bytes_ = max_bytes;
  }
  bool enabled() const {
    std::lock_guard lock(mutex_);
    return max_bytes_ > 0;
  }
  // nullptr: it is not kept.
  std::shared_ptr<const Value> Find(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto at = index_.find(key);
    if (at == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, at->second);
    ++hits_;
    return at->second->value;
  }
  // `bytes`: about how much memory the value takes.
  void Keep(const std::string& key, std::shared_ptr<const Value> value, size_t bytes) {
    std::lock_guard lock(mutex_);
    bytes += 2 * key.size() + kFrame;
    if (bytes > max_bytes_ / 4) return;  // one must not drive out all others
    if (auto at = index_.find(key); at != index_.end()) Drop(at->second);
    entries_.push_front({key, std::move(value), bytes});
    index_.emplace(key, entries_.begin());
    bytes_ += bytes;
    while (bytes_ > max_bytes_) Drop(std::prev(entries_.end()));
  }
  uint64_t hits() const {
    std::lock_guard lock(mutex_);
    return hits_;
  }

 private:
  static constexpr size_t kFrame = 128;  // of an entry's own fields
  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    size_t bytes = 0;
  };
  using Place = typename std::list<Entry>::iterator;

  void Drop(Place place) {
    bytes_ -= place->bytes;
    index_.erase(place->key);
    entries_.erase(place);
  }

  mutable std::mutex mutex_;
  size_t max_bytes_;  // guarded by mutex_, as are the next
  size_t bytes_ = 0;
  uint64_t hits_ = 0;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string, Place> index_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_LRU_CACHE_H_
