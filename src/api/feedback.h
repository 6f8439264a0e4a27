// FeedbackLog: what users say of answers, on disk, until an administrator has read it. Thread-safe; synced when a call
// returns.
#ifndef CODELORE_API_FEEDBACK_H_
#define CODELORE_API_FEEDBACK_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "api/sessions.h"

namespace codelore::api {

struct Feedback {
  std::string id;
  int64_t at_unix_ms = 0;
  std::string user;
  bool up = false;
  std::string question, answer, text;    // the answer, as far as it was sent or stored
  std::vector<StoredCitation> cited;     // what the answer rested on
  std::vector<StoredCitation> corrected;  // what it should have rested on
  std::vector<StoredCitation> behind;     // what the answers before it rested on, which it was made with
};

class FeedbackLog {
 public:
  static constexpr size_t kMaxOfUser = 10'000;

  explicit FeedbackLog(KeyValueStore& store, Sessions::Clock now = {});

  // Sets id and time. kResourceExhausted when the user has given too much of it.
  Result<Feedback> Add(const SessionOwner& from, Feedback feedback);
  // Of a tenant, by user and time, until `visit` returns false. Records that cannot be read are passed over with their ids in
  // `damaged`; without it they are an error.
  Status Scan(TenantId tenant, const std::function<bool(const Feedback&)>& visit, std::vector<std::string>* damaged = nullptr) const;
  // kNotFound: there is none. One that cannot be read goes like any other.
  Status Remove(TenantId tenant, const std::string& id);

 private:
  KeyValueStore& store_;
  const Sessions::Clock now_;
  std::mutex write_mutex_;
  int64_t last_unix_ms_ = 0;  // guarded by write_mutex_
};

}  // namespace codelore::api

#endif  // CODELORE_API_FEEDBACK_H_
