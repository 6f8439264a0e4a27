#include "acl/state.h"

#include <algorithm>
#include <utility>

#include "acl/token_text.h"

namespace codelore::acl {
namespace {

// The id in a key that starts with `prefix`; 0 if it has another form.
uint32_t IdIn(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return 0;
  ByteReader in(key.substr(prefix.size()));
  uint32_t id = in.Key32();
  return in.done() ? id : 0;
}

}  // namespace

std::string State::ReaderKey(TenantId tenant, std::string_view principal) {
  return ByteWriter().Key32(tenant.value).Raw(principal).Take();
}

Status State::Damaged(std::string_view what, uint32_t id) {
  return Corruption("access records do not belong together: " + std::string(what) + " " + std::to_string(id));
}

Status State::Apply(std::string_view key, const std::optional<std::string>& value) {
  std::optional<std::string_view> fields;
  if (value) {
    auto unsealed = Unseal(key, *value);
    if (!unsealed.ok()) return unsealed.status().In(key);
    fields = *unsealed;
  }
  return ApplyRecord(key, fields);
}

Status State::ApplyRecord(std::string_view key, std::optional<std::string_view> fields) {
  bool good = false;
  if (key == kLastIdKey) {
    ByteReader in(fields.value_or(""));
    last_id_ = in.Fixed<uint32_t>();
    good = in.done();
  } else if (key == kTokenKeyKey) {
    token_key_ = fields.value_or("");
    good = token_key_.size() == kTokenKeyBytes;
  } else if (TenantId tenant{IdIn(key, kTenantPrefix)}) {
    Tenant& entry = tenants_[tenant] = {.id = tenant, .name = ""};
    good = fields && Decode(*fields, entry);  // tenants are not removed
  } else if (LabelId label{IdIn(key, kLabelPrefix)}) {
    good = ApplyLabel(label, fields);
  } else if (SourceId source{IdIn(key, kSourcePrefix)}) {
    good = ApplySource(source, fields);
  } else if (TokenId token{IdIn(key, kTokenPrefix)}) {
    good = ApplyToken(token, fields);
  } else if (UserId user{IdIn(key, kUserPrefix)}) {
    good = ApplyUser(user, fields);
  } else if (TeamId team{IdIn(key, kTeamPrefix)}) {
    good = ApplyTeam(team, fields);
  }
  return good ? OkStatus() : Corruption(std::string(key) + ": not an access record of this build");
}

bool State::ApplyLabel(LabelId id, std::optional<std::string_view> fields) {
  auto label = std::make_shared<Label>();
  label->id = id;
  if (fields && !Decode(*fields, *label)) return false;
  for (const auto& [unused, source] : sources_) ChangeReaders(source, id, Change::kLeave);
  if (fields) {
    labels_[id] = std::move(label);
  } else {
    labels_.erase(id);
  }
  for (const auto& [unused, source] : sources_) ChangeReaders(source, id, Change::kEnter);
  return true;
}

bool State::ApplySource(SourceId id, std::optional<std::string_view> fields) {
  if (auto old = sources_.find(id); old != sources_.end()) {
    ChangeReaders(old->second, std::nullopt, Change::kLeave);
    for (const LabelPartition& each : old->second.partitions) unsorted_.erase(each.partition);
    rules_.erase(id);
    sources_.erase(old);
  }
  if (!fields) return true;
  Source source;
  source.id = id;
  if (!Decode(*fields, source)) return false;
  ChangeReaders(source, std::nullopt, Change::kEnter);
  for (const LabelPartition& each : source.partitions) {
    if (!each.also.empty()) unsorted_[each.partition] = each.also;
  }
  if (!source.rules.empty()) rules_[id] = std::make_shared<PathRules>(source.rules);
  sources_.emplace(id, std::move(source));
  return true;
}

bool State::ApplyToken(TokenId id, std::optional<std::string_view> fields) {
  std::erase_if(token_of_hash_, [&](const auto& entry) { return entry.second == id; });
  tokens_.erase(id);
  if (!fields) return true;
  Token token;
  token.id = id;
  std::string hash;
  if (!Decode(*fields, token, hash)) return false;
  tokens_.emplace(id, std::move(token));
  token_of_hash_.emplace(std::move(hash), id);
  return true;
}

void State::ChangeReaders(const Source& source, std::optional<LabelId> only, Change change) {
  for (const LabelPartition& each : source.partitions) {
    if (only && *only != each.label) continue;
    const Label* label = FindLabel(each.label);
    if (label == nullptr || label->tenant != source.tenant) continue;  // fails closed
    ReadablePartition entry{each.partition, source.id};
    for (const std::string& principal : label->principals) {
      auto& readable = readable_[ReaderKey(source.tenant, principal)];
      auto at = std::ranges::lower_bound(readable, entry);
      bool present = at != readable.end() && *at == entry;
      if (change == Change::kEnter && !present) readable.insert(at, entry);
      if (change == Change::kLeave && present) readable.erase(at);
      if (readable.empty()) readable_.erase(ReaderKey(source.tenant, principal));
    }
    ChangeVerified(*label, entry, change);
  }
}

void State::ChangeVerified(const Label& label, const ReadablePartition& entry, Change change) {
  for (const VerifiedGrant& grant : label.verified) {
    std::string key = ReaderKey(label.tenant, grant.principal);
    auto& entries = verified_[key];
    std::erase_if(entries, [&](const UntilThen& each) {
      return each.readable == entry && (change == Change::kLeave || each.valid_until_unix_ms == grant.valid_until_unix_ms);
    });
    if (change == Change::kEnter) entries.push_back({entry, grant.valid_until_unix_ms});
    if (entries.empty()) verified_.erase(key);
  }
}

Status State::Check() const {
  if (token_key_.empty() || last_id_ == 0) return Corruption("access records: the token key or the last id is missing");
  for (const auto& [id, label] : labels_) {
    if (!tenants_.contains(label->tenant) || id.value > last_id_) return Damaged("label", id.value);
  }
  for (const auto& [id, source] : sources_) RETURN_IF_ERROR(CheckSource(source));
  for (const auto& [id, token] : tokens_) {
    if (!tenants_.contains(token.tenant) || id.value > last_id_) return Damaged("token", id.value);
  }
  for (const auto& [id, tenant] : tenants_) {
    if (id.value > last_id_) return Damaged("tenant", id.value);
  }
  return CheckPeople();
}

Status State::CheckSource(const Source& source) const {
  bool good = tenants_.contains(source.tenant) && source.id.value <= last_id_;
  bool has_main_label = false;
  for (const LabelPartition& each : source.partitions) {
    const Label* label = FindLabel(each.label);
    good = good && label != nullptr && label->tenant == source.tenant && each.partition.value <= last_id_;
    has_main_label = has_main_label || each.label == source.label;
    for (LabelId also : each.also) good = good && FindLabel(also) != nullptr;
  }
  for (const PathRule& rule : source.rules) {
    good = good && std::ranges::find(source.partitions, rule.label, &LabelPartition::label) != source.partitions.end();
  }
  return good && has_main_label ? OkStatus() : Damaged("source", source.id.value);
}

const Tenant* State::FindTenant(std::string_view name) const {
  auto at = std::ranges::find_if(tenants_, [&](const auto& entry) { return entry.second.name == name; });
  return at == tenants_.end() ? nullptr : &at->second;
}

const Source* State::FindSource(TenantId tenant, std::string_view name) const {
  auto at = std::ranges::find_if(
      sources_, [&](const auto& entry) { return entry.second.tenant == tenant && entry.second.name == name; });
  return at == sources_.end() ? nullptr : &at->second;
}

const Source* State::FindSource(SourceId id) const {
  auto at = sources_.find(id);
  return at == sources_.end() ? nullptr : &at->second;
}

const Label* State::FindLabel(LabelId id) const {
  auto at = labels_.find(id);
  return at == labels_.end() ? nullptr : at->second.get();
}

const std::string* State::HashOf(TokenId id) const {
  auto at = std::ranges::find_if(token_of_hash_, [&](const auto& entry) { return entry.second == id; });
  return at == token_of_hash_.end() ? nullptr : &at->first;
}

const Token* State::FindTokenByHash(const std::string& hash) const {
  auto at = token_of_hash_.find(hash);
  return at == token_of_hash_.end() ? nullptr : &tokens_.at(at->second);
}

const PathRules* State::RulesOf(SourceId id) const {
  auto at = rules_.find(id);
  return at == rules_.end() ? nullptr : at->second.get();
}

}  // namespace codelore::acl
