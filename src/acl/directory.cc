#include "acl/directory.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "acl/state.h"
#include "acl/token_text.h"
#include "codelore/crash_point.h"
#include "codelore/utf8.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxTeams = 1000;
constexpr size_t kMaxRules = 1000;
constexpr size_t kMaxLocationBytes = 4096;
constexpr size_t kMaxTokenTextBytes = 256;

int64_t SystemNow() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Status NoSuchSource() { return NotFound("no such source"); }
Status NoSuchTenant() { return NotFound("no such tenant"); }

Status ValidateText(std::string_view what, std::string_view text) {
  bool control = std::ranges::any_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
  if (text.size() > kMaxLocationBytes || control || !IsValidUtf8(text)) {
    return InvalidArgument(std::string(what) + ": not plain text of at most 4096 bytes");
  }
  return OkStatus();
}

Status ValidateUser(std::string_view user, const std::vector<std::string>& teams) {
  RETURN_IF_ERROR(ValidateName("user", user));
  if (teams.size() > kMaxTeams) return InvalidArgument("more than 1000 teams");
  for (const std::string& team : teams) RETURN_IF_ERROR(ValidateName("team", team));
  return OkStatus();
}

void SortUnique(std::vector<std::string>& strings) {
  std::ranges::sort(strings);
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
}

}  // namespace

// What one change writes.
struct Directory::Edit {
  explicit Edit(const State& before) : last_id(before.last_id()) {}

  uint32_t NewId() { return ++last_id; }
  void Put(std::string key, std::string_view fields) {
    std::string sealed = Seal(key, fields);
    batch.Put(Table::kMeta, std::move(key), std::move(sealed));
  }
  void Delete(std::string key) { batch.Delete(Table::kMeta, std::move(key)); }

  uint32_t last_id;
  WriteBatch batch;
};

// ---- loading and committing ----------------------------------------------------------------------------

Directory::~Directory() = default;

Result<std::unique_ptr<Directory>> Directory::Open(KeyValueStore& store, Options options) {
  if (!options.now_unix_ms) options.now_unix_ms = SystemNow;
  std::unique_ptr<Directory> directory(new Directory(store, std::move(options)));
  std::lock_guard lock(directory->write_mutex_);
  RETURN_IF_ERROR(directory->Load());
  ASSIGN_OR_RETURN(auto state, directory->Current());
  if (state->empty()) {
    Edit edit(*state);
    ASSIGN_OR_RETURN(std::string key, RandomBytes(kTokenKeyBytes));
    edit.Put(std::string(kTokenKeyKey), key);
    edit.Put(RecordKey(kTenantPrefix, edit.NewId()), Encode(Tenant{.id = {}, .name = std::string(kDefaultTenant)}));
    RETURN_IF_ERROR(directory->Commit(*state, std::move(edit)));
  }
  return directory;
}

// Publishes what the store holds, or that it is damaged.
Status Directory::Load() {
  auto state = std::make_shared<State>();
  Status applied;
  Status scanned = store_.Scan(Table::kMeta, kRecordPrefix, [&](std::string_view key, std::string_view value) {
    applied = state->Apply(key, std::string(value));
    return applied.ok();
  });
  Status status = !scanned.ok() ? scanned : applied;
  if (status.ok() && !state->empty()) status = state->Check();
  if (status.ok()) {
    Publish(std::shared_ptr<const State>(std::move(state)));
  } else {
    Publish(status);
  }
  return status;
}

Result<std::shared_ptr<const State>> Directory::Current() const {
  std::lock_guard lock(state_mutex_);
  if (!state_) return health_;
  return state_;
}

void Directory::Publish(Result<std::shared_ptr<const State>> state) {
  std::shared_ptr<const State> next = state.ok() ? *state : nullptr;
  std::lock_guard lock(state_mutex_);
  health_ = state.status();
  state_.swap(next);  // the old one ends outside of the lock
  ++generation_;
}

// After a failed write nobody knows what the store holds, so it is asked.
Status Directory::Commit(const State& before, Edit edit) {
  if (edit.last_id < before.last_id()) return ResourceExhausted("all ids are used up");
  if (edit.last_id != before.last_id()) {
    edit.Put(std::string(kLastIdKey), ByteWriter().Fixed(edit.last_id).view());
  }
  auto next = std::make_shared<State>(before);
  for (const auto& operation : edit.batch.operations()) {
    RETURN_IF_ERROR(next->Apply(operation.key, operation.value));
  }
  CrashPoint("grant-before-write");
  if (Status written = store_.Write(edit.batch); !written.ok()) {
    Status reloaded = Load();
    return reloaded.ok() ? written : reloaded;
  }
  CrashPoint("grant-written");
  Publish(std::shared_ptr<const State>(std::move(next)));
  return OkStatus();
}

// ---- tenants ---------------------------------------------------------------------------------------------

Result<TenantId> Directory::CreateTenant(std::string_view name) {
  RETURN_IF_ERROR(ValidateName("tenant", name));
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  if (state->FindTenant(name) != nullptr) return InvalidArgument("there is a tenant of this name already");
  Edit edit(*state);
  TenantId id{edit.NewId()};
  edit.Put(RecordKey(kTenantPrefix, id.value), Encode(Tenant{.id = id, .name = std::string(name)}));
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  return id;
}

Result<TenantId> Directory::FindTenant(std::string_view name) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Tenant* tenant = state->FindTenant(name);
  if (tenant == nullptr) return NoSuchTenant();
  return tenant->id;
}

Result<std::vector<Tenant>> Directory::ListTenants() const {
  ASSIGN_OR_RETURN(auto state, Current());
  std::vector<Tenant> tenants;
  for (const auto& [id, tenant] : state->tenants()) tenants.push_back(tenant);
  return tenants;
}

// ---- sources -------------------------------------------------------------------------------------------

Result<Source> Directory::AddSource(const NewSource& wanted) {
  RETURN_IF_ERROR(ValidateName("source", wanted.name));
  RETURN_IF_ERROR(ValidateText("location", wanted.location));
  RETURN_IF_ERROR(ValidateText("branch", wanted.branch));
  for (const std::string& reader : wanted.readers) RETURN_IF_ERROR(ValidatePrincipal(reader));
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(wanted.tenant)) return NoSuchTenant();
  if (state->FindSource(wanted.tenant, wanted.name) != nullptr) {
    return InvalidArgument("there is a source named " + wanted.name + " already");
  }
  Edit edit(*state);
  Label label{.id = {edit.NewId()}, .tenant = wanted.tenant, .principals = wanted.readers};
  SortUnique(label.principals);
  Source source{.id = {edit.NewId()}, .tenant = wanted.tenant, .name = wanted.name, .location = wanted.location,
                .branch = wanted.branch, .kind = wanted.kind, .label = label.id,
                .partitions = {{label.id, {edit.NewId()}}}};
  edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
  edit.Put(RecordKey(kSourcePrefix, source.id.value), Encode(source));
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  return source;
}

Result<Source> Directory::FindSource(TenantId tenant, std::string_view name) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(tenant, name);
  if (source == nullptr) return NotFound("there is no source '" + std::string(name) + "'");
  return *source;
}

Result<Source> Directory::FindSource(SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  return *source;
}

Result<std::vector<Source>> Directory::ListSources(TenantId tenant) const {
  ASSIGN_OR_RETURN(auto state, Current());
  std::vector<Source> sources;
  for (const auto& [id, source] : state->sources()) {
    if (source.tenant == tenant) sources.push_back(source);
  }
  std::ranges::sort(sources, {}, &Source::name);
  return sources;
}

Status Directory::RemoveSource(SourceId id) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  Edit edit(*state);
  edit.Delete(RecordKey(kSourcePrefix, id.value));
  for (const LabelPartition& each : source->partitions) {  // labels are not shared between sources
    edit.Delete(RecordKey(kLabelPrefix, each.label.value));
  }
  return Commit(*state, std::move(edit));
}

Status Directory::ChangePrincipals(SourceId id, const std::function<Status(std::vector<std::string>&)>& change) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  Label label = *state->FindLabel(source->label);
  RETURN_IF_ERROR(change(label.principals));
  Edit edit(*state);
  edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
  return Commit(*state, std::move(edit));
}

Status Directory::Grant(SourceId source, std::string_view principal) {
  RETURN_IF_ERROR(ValidatePrincipal(principal));
  return ChangePrincipals(source, [&](std::vector<std::string>& principals) {
    principals.emplace_back(principal);
    SortUnique(principals);
    return OkStatus();
  });
}

Status Directory::Revoke(SourceId source, std::string_view principal) {
  return ChangePrincipals(source, [&](std::vector<std::string>& principals) {
    return std::erase(principals, principal) > 0 ? OkStatus() : NotFound("no such grant");
  });
}

Result<std::vector<std::string>> Directory::PrincipalsOf(SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  return state->FindLabel(source->label)->principals;
}

Result<std::vector<PartitionId>> Directory::PartitionsOf(SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  std::vector<PartitionId> partitions;
  for (const LabelPartition& each : source->partitions) partitions.push_back(each.partition);
  return partitions;
}

Result<PartitionId> Directory::PartitionFor(SourceId id, std::string_view path) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  LabelId label = source->label;
  if (const PathRules* rules = state->RulesOf(id)) label = rules->LabelOf(path).value_or(label);
  return std::ranges::find(source->partitions, label, &LabelPartition::label)->partition;
}

// ---- path rules ------------------------------------------------------------------------------------------

Status Directory::SetRule(SourceId id, std::string_view pattern, std::vector<std::string> principals) {
  RETURN_IF_ERROR(ValidateRulePattern(pattern));
  for (const std::string& principal : principals) RETURN_IF_ERROR(ValidatePrincipal(principal));
  SortUnique(principals);
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  Edit edit(*state);
  Source source = *found;
  auto rule = std::ranges::find(source.rules, pattern, &PathRule::pattern);
  if (rule != source.rules.end()) {
    Label label{.id = rule->label, .tenant = source.tenant, .principals = std::move(principals)};
    edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
    return Commit(*state, std::move(edit));
  }
  if (source.rules.size() >= kMaxRules) return InvalidArgument("more than 1000 rules for one source");
  Label label{.id = {edit.NewId()}, .tenant = source.tenant, .principals = std::move(principals)};
  for (LabelPartition& each : source.partitions) each.also.push_back(label.id);  // any may hold files of the new rule
  source.partitions.push_back({label.id, {edit.NewId()}});
  source.rules.push_back({std::string(pattern), label.id});
  ++source.rules_version;
  edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

Status Directory::RemoveRule(SourceId id, std::string_view pattern) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  Source source = *found;
  auto rule = std::ranges::find(source.rules, pattern, &PathRule::pattern);
  if (rule == source.rules.end()) return NotFound("there is no rule for '" + std::string(pattern) + "'");
  // Its files may go anywhere; they stay under its label, too, as long as they lie where they are.
  LabelPartition& own = *std::ranges::find(source.partitions, rule->label, &LabelPartition::label);
  source.rules.erase(rule);
  own.also.push_back(source.label);
  for (const PathRule& other : source.rules) own.also.push_back(other.label);
  std::ranges::sort(own.also);
  own.also.erase(std::unique(own.also.begin(), own.also.end()), own.also.end());
  ++source.rules_version;
  Edit edit(*state);
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

Result<std::vector<Directory::NamedRule>> Directory::RulesOf(SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  std::vector<NamedRule> rules;
  for (const PathRule& rule : source->rules) rules.push_back({rule.pattern, state->FindLabel(rule.label)->principals});
  std::ranges::sort(rules, {}, &NamedRule::pattern);
  return rules;
}

Status Directory::SettleRules(SourceId id, uint32_t rules_version, const std::function<Status(std::span<const PartitionId>)>& remove) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* found = state->FindSource(id);
  if (found == nullptr) return NoSuchSource();
  std::vector<PartitionId> dropped;
  bool unsorted = std::ranges::any_of(found->partitions, [](const LabelPartition& each) { return !each.also.empty(); });
  if (found->rules_version != rules_version || !unsorted) return OkStatus();
  Edit edit(*state);
  Source source = *found;
  std::erase_if(source.partitions, [&](const LabelPartition& each) {
    bool used = each.label == source.label || std::ranges::find(source.rules, each.label, &PathRule::label) != source.rules.end();
    if (!used) {
      dropped.push_back(each.partition);
      edit.Delete(RecordKey(kLabelPrefix, each.label.value));
    }
    return !used;
  });
  for (LabelPartition& each : source.partitions) each.also.clear();
  // First: as long as the partitions are on record, the next run comes here again.
  if (!dropped.empty()) RETURN_IF_ERROR(remove(dropped));
  edit.Put(RecordKey(kSourcePrefix, id.value), Encode(source));
  return Commit(*state, std::move(edit));
}

// ---- tokens ----------------------------------------------------------------------------------------------

Result<CreatedToken> Directory::CreateToken(const NewToken& wanted) {
  RETURN_IF_ERROR(ValidateUser(wanted.user, wanted.teams));
  int64_t now = options_.now_unix_ms();
  if (wanted.expires_unix_ms != 0 && wanted.expires_unix_ms <= now) {
    return InvalidArgument("the token would expire before it is used");
  }
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(wanted.tenant)) return NoSuchTenant();
  ASSIGN_OR_RETURN(std::string text, NewTokenText());
  ASSIGN_OR_RETURN(std::string hash, HashToken(state->token_key(), text));
  Edit edit(*state);
  Token token{.id = {edit.NewId()}, .tenant = wanted.tenant, .user = wanted.user, .teams = wanted.teams,
              .administrator = wanted.administrator, .created_unix_ms = now,
              .expires_unix_ms = wanted.expires_unix_ms};
  SortUnique(token.teams);
  edit.Put(RecordKey(kTokenPrefix, token.id.value), Encode(token, hash));
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  return CreatedToken{token.id, std::move(text)};
}

Result<std::vector<Token>> Directory::ListTokens(TenantId tenant) const {
  ASSIGN_OR_RETURN(auto state, Current());
  std::vector<Token> tokens;
  for (const auto& [id, token] : state->tokens()) {
    if (token.tenant == tenant) tokens.push_back(token);
  }
  return tokens;
}

Status Directory::RevokeToken(TenantId tenant, TokenId id) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  auto token = state->tokens().find(id);
  if (token == state->tokens().end() || token->second.tenant != tenant) return NotFound("no such token");
  Edit edit(*state);
  edit.Delete(RecordKey(kTokenPrefix, id.value));
  return Commit(*state, std::move(edit));
}

// The look-up is by a keyed hash, whose bytes a caller can neither choose nor predict: how long it takes says
// nothing about the tokens there are. Every text that is looked at costs the same work.
Result<Identity> Directory::Authenticate(std::string_view text) const {
  uint64_t generation = generation_;  // before the state: what changes in between is looked at again
  ASSIGN_OR_RETURN(auto state, Current());
  bool well_formed = IsWellFormedToken(text);
  ASSIGN_OR_RETURN(std::string hash, HashToken(state->token_key(), text.substr(0, kMaxTokenTextBytes)));
  const Token* token = state->FindTokenByHash(hash);
  bool alive = token != nullptr &&
               (token->expires_unix_ms == 0 || options_.now_unix_ms() < token->expires_unix_ms);
  if (!well_formed || !alive) return PermissionDenied("unknown or expired token");
  return Identity{token->tenant, token->user, token->teams, token->administrator, token->id, generation};
}

bool Directory::StillHolds(const Identity& identity, const Viewer& viewer) const {
  uint64_t generation = generation_;
  auto state = Current();
  if (!state.ok()) return false;
  auto token = (*state)->tokens().find(identity.token);
  if (token == (*state)->tokens().end()) return false;
  if (int64_t expires = token->second.expires_unix_ms; expires != 0 && options_.now_unix_ms() >= expires) return false;
  if (generation == identity.generation) return true;
  auto now = ViewerFor(identity);
  return now.ok() && std::ranges::includes(now->partitions(), viewer.partitions());
}

// ---- viewers -----------------------------------------------------------------------------------------------

Result<Viewer> Directory::ViewerFor(const Identity& identity) const {
  return ViewerForUser(identity.tenant, identity.user, identity.teams);
}

Result<Viewer> Directory::ViewerForUser(TenantId tenant, std::string_view user,
                                        const std::vector<std::string>& teams) const {
  RETURN_IF_ERROR(ValidateUser(user, teams));
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(tenant)) return NoSuchTenant();
  std::string name = UserPrincipal(user);
  std::vector<std::string> principals = {name, std::string(kEveryone)};
  for (const std::string& team : teams) principals.push_back(TeamPrincipal(team));
  std::vector<ReadablePartition> readable, merged;
  for (const std::string& principal : principals) {
    merged.clear();
    std::ranges::set_union(readable, state->ReadableBy(tenant, principal), std::back_inserter(merged));
    readable.swap(merged);
  }
  std::erase_if(readable, [&](const ReadablePartition& each) { return state->IsWithheld(each, principals); });
  return Viewer(tenant, std::move(name), std::move(readable));
}

Result<Viewer> Directory::WithinTeam(const Viewer& viewer, std::string_view team) const {
  RETURN_IF_ERROR(ValidateName("team", team));
  ASSIGN_OR_RETURN(auto state, Current());
  const std::vector<std::string> principals = {TeamPrincipal(team), std::string(kEveryone)};
  std::vector<ReadablePartition> teams, readable;
  std::ranges::set_union(state->ReadableBy(viewer.tenant(), principals[0]), state->ReadableBy(viewer.tenant(), principals[1]), std::back_inserter(teams));
  std::ranges::set_intersection(viewer.partitions(), teams, std::back_inserter(readable));
  std::erase_if(readable, [&](const ReadablePartition& each) { return state->IsWithheld(each, principals); });
  return Viewer(viewer.tenant(), viewer.name(), std::move(readable));
}

Result<Viewer> Directory::OperatorViewer(TenantId tenant) const {
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(tenant)) return NoSuchTenant();
  std::vector<ReadablePartition> readable;
  for (const auto& [id, source] : state->sources()) {
    if (source.tenant != tenant) continue;
    for (const LabelPartition& each : source.partitions) readable.push_back({each.partition, id});
  }
  return Viewer(tenant, "operator", std::move(readable));
}

Result<std::vector<VisibleSource>> Directory::VisibleSources(const Viewer& viewer) const {
  ASSIGN_OR_RETURN(auto state, Current());
  std::map<std::string, SourceId> by_name;
  for (const ReadablePartition& each : viewer.partitions()) {
    const Source* source = state->FindSource(each.source);
    if (source != nullptr) by_name.emplace(source->name, source->id);
  }
  std::vector<VisibleSource> sources;
  for (auto& [name, id] : by_name) sources.push_back({id, name});
  return sources;
}

Result<std::string> Directory::SourceName(const Viewer& viewer, SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  bool visible = std::ranges::find(viewer.partitions(), id, &ReadablePartition::source) != viewer.partitions().end();
  if (source == nullptr || !visible) return NoSuchSource();
  return source->name;
}

}  // namespace codelore::acl
