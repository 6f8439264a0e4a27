#include "api/feedback.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "api/http/request_id.h"
#include "codelore/coding.h"

namespace codelore::api {
namespace {

constexpr size_t kIdBytes = 32;

std::string TenantPrefix(TenantId tenant) { return ByteWriter().Key32(tenant.value).Take(); }
std::string UserPrefix(const SessionOwner& from) {
  return ByteWriter().Key32(from.tenant.value).String(from.user).Take();
}
// Behind the user: the time, so that what came later stands later.
std::string KeyOf(const SessionOwner& from, const Feedback& feedback) {
  auto at = static_cast<uint64_t>(feedback.at_unix_ms);
  return UserPrefix(from) + ByteWriter().Key32(static_cast<uint32_t>(at >> 32)).Key32(static_cast<uint32_t>(at)).Raw(feedback.id).Take();
}

std::string Encode(const Feedback& feedback) {
  ByteWriter out;
  out.String(feedback.id).Fixed(feedback.at_unix_ms).String(feedback.user).Varint(feedback.up ? 1 : 0);
  out.String(feedback.question).String(feedback.answer).String(feedback.text);
  WriteCitations(feedback.cited, out);
  WriteCitations(feedback.corrected, out);
  WriteCitations(feedback.behind, out);
  return out.Take();
}

Result<Feedback> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Feedback feedback;
  feedback.id = in.String();
  feedback.at_unix_ms = in.Fixed<int64_t>();
  feedback.user = in.String();
  feedback.up = in.Varint() != 0;
  feedback.question = in.String();
  feedback.answer = in.String();
  feedback.text = in.String();
  feedback.cited = ReadCitations(in);
  feedback.corrected = ReadCitations(in);
  if (!in.done()) feedback.behind = ReadCitations(in);  // older ones end here
  return in.done() ? Result<Feedback>(std::move(feedback)) : Corruption("a stored feedback cannot be read");
}

}  // namespace

FeedbackLog::FeedbackLog(KeyValueStore& store, Sessions::Clock now) : store_(store), now_(now ? std::move(now) : [] {
  return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}) {}

Result<Feedback> FeedbackLog::Add(const SessionOwner& from, Feedback feedback) {
  std::lock_guard lock(write_mutex_);
  size_t count = 0;
  RETURN_IF_ERROR(store_.Scan(Table::kFeedback, UserPrefix(from), [&](std::string_view, std::string_view) { return ++count < kMaxOfUser; }));
  if (count >= kMaxOfUser) return ResourceExhausted("you have given feedback " + std::to_string(kMaxOfUser) + " times; an administrator has to read it first");
  feedback.id = MakeRequestId();
  feedback.at_unix_ms = last_unix_ms_ = std::max(now_(), last_unix_ms_ + 1);  // no two at once: they keep their order
  feedback.user = from.user;
  WriteBatch batch;
  batch.Put(Table::kFeedback, KeyOf(from, feedback), Encode(feedback));
  RETURN_IF_ERROR(store_.Write(batch));
  return feedback;
}

Status FeedbackLog::Scan(TenantId tenant, const std::function<bool(const Feedback&)>& visit, std::vector<std::string>* damaged) const {
  Status status;
  RETURN_IF_ERROR(store_.Scan(Table::kFeedback, TenantPrefix(tenant), [&](std::string_view key, std::string_view value) {
    auto feedback = Decode(value);
    if (!feedback.ok() && damaged != nullptr && key.size() >= kIdBytes) {
      damaged->emplace_back(key.substr(key.size() - kIdBytes));
      return true;
    }
    if (!feedback.ok()) status = feedback.status();
    return status.ok() && visit(*feedback);
  }));
  return status;
}

Status FeedbackLog::Remove(TenantId tenant, const std::string& id) {
  std::lock_guard lock(write_mutex_);
  std::optional<std::string> found;
  RETURN_IF_ERROR(store_.Scan(Table::kFeedback, TenantPrefix(tenant), [&](std::string_view key, std::string_view) {
    if (id.size() == kIdBytes && key.ends_with(id)) found = key;
    return !found;
  }));
  if (!found) return NotFound("there is no feedback with this id that you may read");
  WriteBatch batch;
  batch.Delete(Table::kFeedback, *found);
  return store_.Write(batch);
}

}  // namespace codelore::api
