#include "api/sessions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "api/http/request_id.h"
#include "codelore/utf8.h"

namespace codelore::api {
namespace {

// Keys: "i" or "t", tenant, user, id; a turn's then its number.
constexpr char kInfo = 'i', kTurn = 't';
constexpr size_t kTitleBytes = 100;  // of a question that serves as one

std::string PrefixOf(char kind, const SessionOwner& owner) {
  ByteWriter key;
  key.Raw(std::string_view(&kind, 1)).Key32(owner.tenant.value).String(owner.user);
  return key.Take();
}
std::string KeyOf(char kind, const SessionOwner& owner, std::string_view id) { return PrefixOf(kind, owner) + std::string(id); }
std::string TurnKey(const SessionOwner& owner, std::string_view id, uint32_t number) {
  return KeyOf(kTurn, owner, id) + ByteWriter().Key32(number).Take();
}

// 32 hexadecimal digits; anything else is no key.
bool IsId(std::string_view id) { return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == id.npos; }

Status NoSession() { return NotFound("there is no session of yours with this id; it may have expired"); }
Status Damaged() { return Corruption("a stored session cannot be read"); }

std::string Encode(const SessionInfo& info) {
  ByteWriter out;
  out.String(info.id).String(info.title).Fixed(info.created_unix_ms).Fixed(info.used_unix_ms).Fixed(info.lifetime_ms).Varint(info.turns);
  return out.Take();
}

Result<SessionInfo> DecodeInfo(std::string_view bytes) {
  ByteReader in(bytes);
  SessionInfo info;
  info.id = in.String();
  info.title = in.String();
  info.created_unix_ms = in.Fixed<int64_t>();
  info.used_unix_ms = in.Fixed<int64_t>();
  info.lifetime_ms = in.Fixed<int64_t>();
  info.turns = static_cast<uint32_t>(in.Varint());
  return in.done() ? Result<SessionInfo>(std::move(info)) : Damaged();
}

std::string Encode(const Turn& turn) {
  ByteWriter out;
  out.Fixed(turn.asked_unix_ms).String(turn.question).String(turn.answer).String(turn.generator).Varint(turn.found ? 1 : 0);
  WriteCitations(turn.citations, out);
  out.Varint(turn.built_on.size());
  for (uint32_t number : turn.built_on) out.Varint(number);
  return out.Take();
}

Result<Turn> DecodeTurn(std::string_view bytes) {
  ByteReader in(bytes);
  Turn turn;
  turn.asked_unix_ms = in.Fixed<int64_t>();
  turn.question = in.String();
  turn.answer = in.String();
  turn.generator = in.String();
  turn.found = in.Varint() != 0;
  turn.citations = ReadCitations(in);
  for (uint64_t n = in.Count(); n > 0 && in.ok(); --n) turn.built_on.push_back(static_cast<uint32_t>(in.Varint()));
  return in.done() ? Result<Turn>(std::move(turn)) : Damaged();
}

int64_t SystemNow() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void WriteCitations(const std::vector<StoredCitation>& citations, ByteWriter& out) {
  out.Varint(citations.size());
  for (const StoredCitation& citation : citations) {
    out.Varint(citation.source.value).String(citation.source_name).String(citation.commit).String(citation.path).String(citation.symbol);
    out.Varint(citation.start_line).Varint(citation.end_line);
  }
}

std::vector<StoredCitation> ReadCitations(ByteReader& in) {
  std::vector<StoredCitation> citations;
  for (uint64_t n = in.Count(7); n > 0 && in.ok(); --n) {
    StoredCitation citation;
    citation.source.value = static_cast<uint32_t>(in.Varint());
    citation.source_name = in.String();
    citation.commit = in.String();
    citation.path = in.String();
    citation.symbol = in.String();
    citation.start_line = static_cast<uint32_t>(in.Varint());
    citation.end_line = static_cast<uint32_t>(in.Varint());
    citations.push_back(std::move(citation));
  }
  return citations;
}

Result<std::unique_ptr<Sessions>> Sessions::Open(KeyValueStore& store, Clock now) {
  std::unique_ptr<Sessions> sessions(new Sessions(store, now ? std::move(now) : SystemNow));
  RETURN_IF_ERROR(sessions->DropExpired(std::string(1, kInfo)));
  return sessions;
}

// `prefix` of keys of infos. A record that cannot be read stays: it is somebody's, and says so when asked for.
Status Sessions::DropExpired(std::string_view prefix) {
  const int64_t now = now_();
  std::vector<std::string> expired;  // keys of infos
  RETURN_IF_ERROR(store_.Scan(Table::kSessions, prefix, [&](std::string_view key, std::string_view value) {
    auto info = DecodeInfo(value);
    if (info.ok() && info->expires_unix_ms() <= now) expired.emplace_back(key);
    return true;
  }));
  WriteBatch batch;
  for (const std::string& key : expired) {
    batch.Delete(Table::kSessions, key);
    RETURN_IF_ERROR(store_.Scan(Table::kSessions, kTurn + key.substr(1), [&](std::string_view turn, std::string_view) {
      batch.Delete(Table::kSessions, std::string(turn));
      return true;
    }));
  }
  return batch.empty() ? OkStatus() : store_.Write(batch);
}

Result<SessionInfo> Sessions::Create(const SessionOwner& owner, std::string_view title, int64_t lifetime_ms) {
  std::lock_guard lock(write_mutex_);
  RETURN_IF_ERROR(DropExpired(PrefixOf(kInfo, owner)));
  size_t count = 0;
  RETURN_IF_ERROR(store_.Scan(Table::kSessions, PrefixOf(kInfo, owner), [&](std::string_view, std::string_view) { return ++count < kMaxSessions; }));
  if (count >= kMaxSessions) return ResourceExhausted("you have " + std::to_string(kMaxSessions) + " sessions; delete some first");
  const int64_t now = now_();
  SessionInfo info{.id = MakeRequestId(), .title = std::string(title), .created_unix_ms = now, .used_unix_ms = now, .lifetime_ms = lifetime_ms};
  WriteBatch batch;
  batch.Put(Table::kSessions, KeyOf(kInfo, owner, info.id), Encode(info));
  RETURN_IF_ERROR(store_.Write(batch));
  return info;
}

Result<std::vector<SessionInfo>> Sessions::List(const SessionOwner& owner) const {
  std::vector<SessionInfo> list;
  Status status;
  RETURN_IF_ERROR(store_.Scan(Table::kSessions, PrefixOf(kInfo, owner), [&](std::string_view, std::string_view value) {
    auto info = DecodeInfo(value);
    if (!info.ok()) status = info.status();
    else if (info->expires_unix_ms() > now_()) list.push_back(std::move(*info));
    return status.ok();
  }));
  RETURN_IF_ERROR(status);
  std::ranges::stable_sort(list, std::ranges::greater(), &SessionInfo::used_unix_ms);
  return list;
}

Result<SessionInfo> Sessions::FindInfo(const SessionOwner& owner, std::string_view id) const {
  if (!IsId(id)) return NoSession();
  ASSIGN_OR_RETURN(auto record, store_.Get(Table::kSessions, KeyOf(kInfo, owner, id)));
  if (!record) return NoSession();
  ASSIGN_OR_RETURN(SessionInfo info, DecodeInfo(*record));
  return info.expires_unix_ms() > now_() ? Result<SessionInfo>(std::move(info)) : NoSession();
}

Result<Session> Sessions::Find(const SessionOwner& owner, std::string_view id) const {
  Session session;
  ASSIGN_OR_RETURN(session.info, FindInfo(owner, id));
  Status status;
  RETURN_IF_ERROR(store_.Scan(Table::kSessions, KeyOf(kTurn, owner, id), [&](std::string_view, std::string_view value) {
    auto turn = DecodeTurn(value);
    if (turn.ok()) session.turns.push_back(std::move(*turn));
    else status = turn.status();
    return status.ok();
  }));
  RETURN_IF_ERROR(status);
  session.info.turns = static_cast<uint32_t>(session.turns.size());  // one may have come in between
  return session;
}

Result<uint32_t> Sessions::Append(const SessionOwner& owner, std::string_view id, const Turn& turn) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(SessionInfo info, FindInfo(owner, id));
  if (info.turns >= kMaxTurns) return ResourceExhausted("this session has " + std::to_string(kMaxTurns) + " turns; begin another one");
  if (info.title.empty()) info.title = Utf8Prefix(turn.question, kTitleBytes);
  info.used_unix_ms = now_();
  ++info.turns;
  WriteBatch batch;
  batch.Put(Table::kSessions, KeyOf(kInfo, owner, id), Encode(info));
  batch.Put(Table::kSessions, TurnKey(owner, id, info.turns), Encode(turn));
  RETURN_IF_ERROR(store_.Write(batch));
  return info.turns;
}

Result<Sessions::Condition> Sessions::Examine() const {
  Condition condition;
  RETURN_IF_ERROR(store_.Scan(Table::kSessions, "", [&](std::string_view key, std::string_view value) {
    ++condition.records;
    bool sound = key.starts_with(kInfo) ? DecodeInfo(value).ok() : key.starts_with(kTurn) && DecodeTurn(value).ok();
    if (!sound) ++condition.damaged;
    return true;
  }));
  return condition;
}

Status Sessions::Remove(const SessionOwner& owner, std::string_view id) {
  std::lock_guard lock(write_mutex_);
  RETURN_IF_ERROR(FindInfo(owner, id).status());
  WriteBatch batch;
  batch.Delete(Table::kSessions, KeyOf(kInfo, owner, id));
  RETURN_IF_ERROR(store_.Scan(Table::kSessions, KeyOf(kTurn, owner, id), [&](std::string_view key, std::string_view) {
    batch.Delete(Table::kSessions, std::string(key));
    return true;
  }));
  return store_.Write(batch);
}

}  // namespace codelore::api
