// AuditLog: who did what, when and from where; appended to files, one JSON object a line, each holding the SHA-256 of
// the one before it, so that a line that is changed, taken out or put in is found.
//
// Files, and not the store: what is on record can be read and checked with any tool, beside a running server that holds
// the store's lock, and when the store is damaged. The chain has no key: whoever may write the folder can make a new one,
// against which only a copy of the newest hash kept elsewhere helps (`audit verify` prints it).
//
// A record is on disk when Append returns. A last line that a crash cut off was never acknowledged and goes at the next
// start. Files are rotated and the oldest removed beyond a limit; what strangers can cause (refused tokens, denied
// calls) is recorded so many times a minute and counted beyond, so that a flood pushes nothing out. Thread-safe.
#ifndef CODELORE_API_AUDIT_LOG_H_
#define CODELORE_API_AUDIT_LOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codelore/ids.h"
#include "codelore/status.h"

namespace codelore::api {

struct AuditEvent {
  TenantId tenant;      // none: nobody's, for the operator alone
  std::string who;      // "user:ann"; "operator"; empty: not known
  std::string what;     // "grant", "sign-in"
  std::string result = "ok";
  std::vector<std::pair<std::string, std::string>> about = {};  // never the text of a query
  std::string from = {};     // address of the peer
  std::string request = {};  // its id
};

class AuditLog {
 public:
  struct Options {
    size_t max_file_bytes = 8 << 20;
    size_t max_files = 32;
    size_t noise_per_minute = 60;  // records of what strangers can cause
    std::function<int64_t()> now_unix_ms = {};  // empty: the system clock
  };
  static Result<std::unique_ptr<AuditLog>> Open(const std::string& folder, Options options);
  static Result<std::unique_ptr<AuditLog>> Open(const std::string& folder) { return Open(folder, Options()); }
  ~AuditLog();

  Status Append(const AuditEvent& event);
  // Of what strangers can cause: counted instead of written beyond noise_per_minute.
  Status AppendNoise(const AuditEvent& event);
  // The first time within an hour that `event.who` does `event.what`, as `key` tells them apart.
  Status AppendHourly(const std::string& key, const AuditEvent& event);

  struct Selection {
    std::optional<TenantId> tenant = {};  // none: all
    int64_t since_unix_ms = 0;
    size_t skip = 0;
    size_t limit = 1000;
  };
  // Lines as they are, oldest first.
  Result<std::vector<std::string>> List(const Selection& selection) const { return ListIn(folder_, selection); }
  // Of a folder that any process may hold.
  static Result<std::vector<std::string>> ListIn(const std::string& folder, const Selection& selection);

  struct Verdict {
    uint64_t records = 0, first = 0;  // number of the first that is still there
    std::string last_hash;
    std::string altered;  // "FILE line N: why"; empty: none
  };
  static Result<Verdict> Verify(const std::string& folder);

 private:
  AuditLog(std::string folder, Options options) : folder_(std::move(folder)), options_(std::move(options)) {}
  int64_t Now() const;
  Status OpenNewest();
  // With mutex_ held:
  Status Write(const AuditEvent& event, int64_t now);
  Status Rotate();
  Status FlushNoise(int64_t now);

  const std::string folder_;
  const Options options_;
  std::mutex mutex_;
  // Guarded by mutex_.
  int file_ = -1;
  size_t file_bytes_ = 0;
  uint64_t next_ = 1;
  std::string last_hash_;
  int64_t noise_minute_ = 0;
  size_t noise_ = 0;
  int64_t hour_ = 0;
  std::set<std::string> seen_this_hour_;
};

}  // namespace codelore::api

#endif  // CODELORE_API_AUDIT_LOG_H_
