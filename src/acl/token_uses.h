// TokenUses: when tokens were last used. Kept in memory; the store learns of a token's use once an hour, so that signing in
// costs no write. These are remarks and no access records: what cannot be read or written is left out. Thread-safe.
#ifndef CODELORE_ACL_TOKEN_USES_H_
#define CODELORE_ACL_TOKEN_USES_H_

#include <cstdint>
#include <map>
#include <mutex>

#include "acl/records.h"
#include "codelore/store.h"

namespace codelore::acl {

class TokenUses {
 public:
  // `store` must outlive it. Keys: "acl-use/ID".
  explicit TokenUses(KeyValueStore& store) : store_(store) {}
  ~TokenUses();  // writes what the store has not heard of

  void Load();
  void Used(TokenId token, int64_t now_unix_ms);
  int64_t LastOf(TokenId token) const;  // 0: not known
  void Forget(TokenId token);

 private:
  struct Use {
    int64_t last_unix_ms = 0, stored_unix_ms = 0;
  };
  void Store(TokenId token, int64_t last_unix_ms);

  KeyValueStore& store_;
  mutable std::mutex mutex_;
  std::map<TokenId, Use> uses_;  // guarded by mutex_
};

}  // namespace codelore::acl

#endif  // CODELORE_ACL_TOKEN_USES_H_
