// WebSessions: people who signed in with a browser, by the value of a cookie.
//
// Values are 256 random bits and are kept as keyed hashes, in memory: a restart signs everybody out. Who somebody is, is asked
// of the directory anew at each use, so that a session ends with its token, its user, or its time. Thread-safe.
#ifndef CODELORE_API_IDENTITY_WEB_SESSIONS_H_
#define CODELORE_API_IDENTITY_WEB_SESSIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "acl/directory.h"

namespace codelore::api {

struct WebSession {
  acl::Identity identity;
  std::string csrf;  // what a request must repeat that changes something
};

class WebSessions {
 public:
  using Clock = std::function<int64_t()>;  // milliseconds
  static constexpr int64_t kIdleMs = 3'600'000, kLongestMs = 12 * 3'600'000;
  static constexpr size_t kMaxOfUser = 20, kMax = 20'000;  // beyond: the one that was unused longest ends

  // `directory` must outlive it. kUnavailable when the system has no random bytes.
  static Result<std::unique_ptr<WebSessions>> Open(const acl::Directory& directory, Clock now);

  Result<std::string> Begin(const acl::Identity& identity);  // the cookie's value
  // None: there is no such session any more.
  std::optional<WebSession> Find(std::string_view value);
  void End(std::string_view value);
  void EndAllOf(TenantId tenant, const std::string& user);

 private:
  struct Entry {
    acl::Identity identity;
    std::string csrf;
    int64_t began_ms = 0, used_ms = 0;
  };
  WebSessions(const acl::Directory& directory, Clock now, std::string key) : directory_(directory), now_(std::move(now)), key_(std::move(key)) {}
  void MakeRoom(TenantId tenant, const std::string& user);

  const acl::Directory& directory_;
  const Clock now_;
  const std::string key_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by hash; guarded by mutex_
};

}  // namespace codelore::api

#endif  // CODELORE_API_IDENTITY_WEB_SESSIONS_H_
