#include "acl/directory.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <tuple>
#include <optional>
#include <utility>

#include "acl/edit.h"
#include "acl/state.h"
#include "acl/token_text.h"
#include "codelore/crash_point.h"
#include "codelore/utf8.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxLocationBytes = 4096;
constexpr size_t kMaxOriginBytes = 64;

int64_t SystemNow() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Status ValidateText(std::string_view what, std::string_view text) {
  bool control = std::ranges::any_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
  if (text.size() > kMaxLocationBytes || control || !IsValidUtf8(text)) {
    return InvalidArgument(std::string(what) + ": not plain text of at most 4096 bytes");
  }
  return OkStatus();
}

}  // namespace

// ---- loading and committing ----------------------------------------------------------------------------

Directory::Directory(KeyValueStore& store, Options options)
    : store_(store), options_(std::move(options)), uses_(std::make_unique<TokenUses>(store)) {}

Directory::~Directory() = default;

Result<std::unique_ptr<Directory>> Directory::Open(KeyValueStore& store, Options options) {
  if (!options.now_unix_ms) options.now_unix_ms = SystemNow;
  std::unique_ptr<Directory> directory(new Directory(store, std::move(options)));
  std::lock_guard lock(directory->write_mutex_);
  RETURN_IF_ERROR(directory->Load());
  directory->uses_->Load();
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

Status Directory::ChangeLabel(SourceId id, const std::function<Status(Label&)>& change) {
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  Label label = *state->FindLabel(source->label);
  RETURN_IF_ERROR(change(label));
  Edit edit(*state);
  edit.Put(RecordKey(kLabelPrefix, label.id.value), Encode(label));
  return Commit(*state, std::move(edit));
}

Status Directory::Grant(SourceId source, std::string_view principal) {
  RETURN_IF_ERROR(ValidatePrincipal(principal));
  return ChangeLabel(source, [&](Label& label) {
    label.principals.emplace_back(principal);
    SortUnique(label.principals);
    return OkStatus();
  });
}

Status Directory::Revoke(SourceId source, std::string_view principal) {
  return ChangeLabel(source, [&](Label& label) {
    size_t found = std::erase(label.principals, principal);
    found += std::erase_if(label.verified, [&](const VerifiedGrant& grant) { return grant.principal == principal; });
    return found > 0 ? OkStatus() : NotFound("no such grant");
  });
}

Status Directory::SetFoundGrants(SourceId source, const FoundGrants& found) {
  RETURN_IF_ERROR(ValidateName("origin", found.origin));
  if (found.valid_ms <= 0 || found.origin.size() > kMaxOriginBytes) return InvalidArgument("found grants need a short origin and a time to count for");
  for (const std::string& principal : found.principals) RETURN_IF_ERROR(ValidatePrincipal(principal));
  int64_t now = options_.now_unix_ms();
  return ChangeLabel(source, [&](Label& label) {
    std::erase_if(label.verified, [&](const VerifiedGrant& grant) { return grant.origin == found.origin; });
    std::vector<std::string> principals = found.principals;
    SortUnique(principals);
    for (std::string& each : principals) label.verified.push_back({std::move(each), found.origin, now, now + found.valid_ms});
    return OkStatus();
  });
}

Result<std::vector<GrantRecord>> Directory::GrantsOf(SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  if (source == nullptr) return NoSuchSource();
  const Label& label = *state->FindLabel(source->label);
  std::vector<GrantRecord> grants;
  for (const std::string& principal : label.principals) grants.push_back({.principal = principal, .origin = ""});
  for (const VerifiedGrant& each : label.verified) grants.push_back({each.principal, each.origin, each.verified_unix_ms, each.valid_until_unix_ms});
  std::ranges::sort(grants, {}, [](const GrantRecord& grant) { return std::tie(grant.principal, grant.origin); });
  return grants;
}

Result<std::vector<std::string>> Directory::PrincipalsOf(SourceId id) const {
  ASSIGN_OR_RETURN(auto grants, GrantsOf(id));
  int64_t now = options_.now_unix_ms();
  std::vector<std::string> principals;
  for (GrantRecord& grant : grants) {
    if (grant.origin.empty() || now < grant.valid_until_unix_ms) principals.push_back(std::move(grant.principal));
  }
  SortUnique(principals);
  return principals;
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

// ---- viewers -----------------------------------------------------------------------------------------------

Result<Viewer> Directory::ViewerFor(const Identity& identity) const {
  ASSIGN_OR_RETURN(Viewer viewer, ViewerForUser(identity.tenant, identity.user, identity.teams));
  if (!identity.scope.some_sources) return viewer;
  std::vector<ReadablePartition> readable(viewer.partitions().begin(), viewer.partitions().end());
  std::erase_if(readable, [&](const ReadablePartition& each) { return !std::ranges::binary_search(identity.scope.sources, each.source); });
  return Viewer(identity.tenant, viewer.name(), std::move(readable));
}

Result<Viewer> Directory::ViewerForUser(TenantId tenant, std::string_view user,
                                        const std::vector<std::string>& teams) const {
  RETURN_IF_ERROR(ValidateUser(user, teams));
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(tenant)) return NoSuchTenant();
  auto principals = state->PrincipalsOf(tenant, user, teams);
  return Viewer(tenant, UserPrincipal(user), state->ReadableBy(tenant, principals, options_.now_unix_ms()));
}

Result<Viewer> Directory::WithinTeam(const Viewer& viewer, std::string_view team) const {
  RETURN_IF_ERROR(ValidateName("team", team));
  ASSIGN_OR_RETURN(auto state, Current());
  const std::vector<std::string> principals = state->PrincipalsOf(viewer.tenant(), "", {std::string(team)});  // nobody is ""
  std::vector<ReadablePartition> readable;
  std::ranges::set_intersection(viewer.partitions(), state->ReadableBy(viewer.tenant(), principals, options_.now_unix_ms()), std::back_inserter(readable));
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

bool Directory::ReadsWhole(const Viewer& viewer, SourceId id) const {
  auto state = Current();
  const Source* source = state.ok() ? (*state)->FindSource(id) : nullptr;
  return source != nullptr && std::ranges::all_of(source->partitions, [&](const LabelPartition& each) { return viewer.MayRead(each.partition); });
}

Result<std::string> Directory::SourceName(const Viewer& viewer, SourceId id) const {
  ASSIGN_OR_RETURN(auto state, Current());
  const Source* source = state->FindSource(id);
  bool visible = std::ranges::find(viewer.partitions(), id, &ReadablePartition::source) != viewer.partitions().end();
  if (source == nullptr || !visible) return NoSuchSource();
  return source->name;
}

}  // namespace codelore::acl
