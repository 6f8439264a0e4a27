#include "acl/token_uses.h"

#include <string>
#include <string_view>

#include "codelore/coding.h"

namespace codelore::acl {
namespace {

constexpr std::string_view kUsePrefix = "acl-use/";
constexpr int64_t kStoreEveryMs = 3'600'000;

}  // namespace

TokenUses::~TokenUses() {
  for (const auto& [token, use] : uses_) {
    if (use.last_unix_ms != use.stored_unix_ms) Store(token, use.last_unix_ms);
  }
}

void TokenUses::Load() {
  std::lock_guard lock(mutex_);
  Status scanned = store_.Scan(Table::kMeta, kUsePrefix, [&](std::string_view key, std::string_view value) {
    TokenId token{ByteReader(key.substr(kUsePrefix.size())).Key32()};
    auto fields = Unseal(key, value);
    if (!fields.ok()) return true;
    ByteReader in(*fields);
    auto last = in.Fixed<int64_t>();
    if (in.done()) uses_[token] = {last, last};
    return true;
  });
  (void)scanned.ok();
}

void TokenUses::Used(TokenId token, int64_t now_unix_ms) {
  bool store = false;
  {
    std::lock_guard lock(mutex_);
    Use& use = uses_[token];
    use.last_unix_ms = now_unix_ms;
    store = now_unix_ms - use.stored_unix_ms >= kStoreEveryMs || now_unix_ms < use.stored_unix_ms;
    if (store) use.stored_unix_ms = now_unix_ms;
  }
  if (store) Store(token, now_unix_ms);
}

int64_t TokenUses::LastOf(TokenId token) const {
  std::lock_guard lock(mutex_);
  auto at = uses_.find(token);
  return at == uses_.end() ? 0 : at->second.last_unix_ms;
}

void TokenUses::Forget(TokenId token) {
  {
    std::lock_guard lock(mutex_);
    uses_.erase(token);
  }
  WriteBatch batch;
  batch.Delete(Table::kMeta, RecordKey(kUsePrefix, token.value));
  (void)store_.Write(batch).ok();
}

void TokenUses::Store(TokenId token, int64_t last_unix_ms) {
  std::string key = RecordKey(kUsePrefix, token.value);
  std::string sealed = Seal(key, ByteWriter().Fixed(last_unix_ms).view());
  WriteBatch batch;
  batch.Put(Table::kMeta, std::move(key), std::move(sealed));
  (void)store_.Write(batch).ok();
}

}  // namespace codelore::acl
