// Sessions: conversations of a user, on disk: questions, answers, and what each answer was made of.
//
// A stored answer says what its citations said when it was written. Who may read these can change, so nothing stored here
// is shown or used but through Conversation (conversation.h), which asks again. Records are synced when a call returns.
// Thread-safe.
#ifndef CODELORE_API_SESSIONS_H_
#define CODELORE_API_SESSIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/coding.h"
#include "codelore/ids.h"
#include "codelore/status.h"
#include "codelore/store.h"

namespace codelore::api {

// Something an answer was made of.
struct StoredCitation {
  SourceId source;
  std::string source_name, commit, path, symbol;
  uint32_t start_line = 1, end_line = 1;
};

struct Turn {
  int64_t asked_unix_ms = 0;
  std::string question, answer, generator;
  bool found = false;
  std::vector<StoredCitation> citations;  // [1], [2], ...
  std::vector<uint32_t> built_on;         // turns whose answers this one was made from, numbered from 1
};

struct SessionInfo {
  std::string id;
  std::string title;
  int64_t created_unix_ms = 0, used_unix_ms = 0;
  int64_t lifetime_ms = 0;  // after its last use
  uint32_t turns = 0;
  int64_t expires_unix_ms() const { return used_unix_ms + lifetime_ms; }
};

struct Session {
  SessionInfo info;
  std::vector<Turn> turns;
};

// Whose sessions: a user of a tenant, by the viewer's name. Nobody else has any way to them.
struct SessionOwner {
  TenantId tenant;
  std::string user;
};

// As bytes within a record.
void WriteCitations(const std::vector<StoredCitation>& citations, ByteWriter& out);
std::vector<StoredCitation> ReadCitations(ByteReader& in);

class Sessions {
 public:
  static constexpr size_t kMaxSessions = 200;  // of one owner
  static constexpr size_t kMaxTurns = 200;     // of one session
  using Clock = std::function<int64_t()>;      // milliseconds since 1970

  // Drops what has expired. `store` must outlive it.
  static Result<std::unique_ptr<Sessions>> Open(KeyValueStore& store, Clock now = {});

  Result<SessionInfo> Create(const SessionOwner& owner, std::string_view title, int64_t lifetime_ms);
  Result<std::vector<SessionInfo>> List(const SessionOwner& owner) const;  // last used first
  // kNotFound, in the same words, for one there is not, one that has expired, and one of somebody else.
  Result<Session> Find(const SessionOwner& owner, std::string_view id) const;
  Result<uint32_t> Append(const SessionOwner& owner, std::string_view id, const Turn& turn);  // its number, from 1
  Status Remove(const SessionOwner& owner, std::string_view id);
  // How many records of any owner there are, and how many of them cannot be read.
  struct Condition {
    uint64_t records = 0, damaged = 0;
  };
  Result<Condition> Examine() const;

 private:
  Sessions(KeyValueStore& store, Clock now) : store_(store), now_(std::move(now)) {}
  Status DropExpired(std::string_view prefix);
  Result<SessionInfo> FindInfo(const SessionOwner& owner, std::string_view id) const;

  KeyValueStore& store_;
  const Clock now_;
  std::mutex write_mutex_;  // from reading a record to writing it
};

}  // namespace codelore::api

#endif  // CODELORE_API_SESSIONS_H_
