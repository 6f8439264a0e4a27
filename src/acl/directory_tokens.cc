// Tokens of the Directory, and whom they stand for.
#include <algorithm>
#include <utility>

#include "acl/edit.h"
#include "acl/token_text.h"

namespace codelore::acl {
namespace {

constexpr size_t kMaxTeams = 1000;
constexpr size_t kMaxTokenTextBytes = 256;
constexpr size_t kMaxLiving = 2;  // of tokens that replaced each other

bool Lives(const Token& token, int64_t now) { return token.expires_unix_ms == 0 || now < token.expires_unix_ms; }

// What the user may do bounds what a token of theirs may.
Role RoleOf(const State& state, const Token& token) {
  const User* user = state.FindUser(token.tenant, token.user);
  return user == nullptr ? token.role : std::min(token.role, user->role);
}

bool IsDisabled(const State& state, TenantId tenant, std::string_view user) {
  const User* known = state.FindUser(tenant, user);
  return known != nullptr && known->disabled;
}

}  // namespace

Status ValidateUser(std::string_view user, const std::vector<std::string>& teams) {
  RETURN_IF_ERROR(ValidateName("user", user));
  if (teams.size() > kMaxTeams) return InvalidArgument("more than 1000 teams");
  for (const std::string& team : teams) RETURN_IF_ERROR(ValidateName("team", team));
  return OkStatus();
}

Status Directory::CheckHolder(const State& state, const NewToken& wanted) const {
  if (!state.tenants().contains(wanted.tenant)) return NoSuchTenant();
  if (wanted.role > Role::kPlatform) return InvalidArgument("no token has the operator's rights");
  const User* user = state.FindUser(wanted.tenant, wanted.user);
  if (user == nullptr) return OkStatus();
  if (user->disabled) return InvalidArgument("user '" + wanted.user + "' is disabled");
  if (wanted.role > user->role) return InvalidArgument("user '" + wanted.user + "' has a smaller role than this token would; change the user's role first");
  return OkStatus();
}

Result<CreatedToken> Directory::CreateToken(const NewToken& wanted) {
  RETURN_IF_ERROR(ValidateUser(wanted.user, wanted.teams));
  int64_t now = options_.now_unix_ms();
  if (wanted.expires_unix_ms != 0 && wanted.expires_unix_ms <= now) {
    return InvalidArgument("the token would expire before it is used");
  }
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  RETURN_IF_ERROR(CheckHolder(*state, wanted));
  for (SourceId source : wanted.scope.sources) {
    const Source* found = state->FindSource(source);
    if (found == nullptr || found->tenant != wanted.tenant) return NoSuchSource();
  }
  ASSIGN_OR_RETURN(std::string text, NewTokenText());
  ASSIGN_OR_RETURN(std::string hash, HashToken(state->token_key(), text));
  Edit edit(*state);
  TokenId id{edit.NewId()};
  Token token{.id = id, .tenant = wanted.tenant, .user = wanted.user, .teams = wanted.teams, .role = wanted.role,
              .created_unix_ms = now, .expires_unix_ms = wanted.expires_unix_ms, .scope = wanted.scope, .family = id};
  SortUnique(token.teams);
  SortUnique(token.scope.sources);
  edit.Put(RecordKey(kTokenPrefix, token.id.value), Encode(token, hash));
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  return CreatedToken{token.id, std::move(text)};
}

Result<CreatedToken> Directory::RotateToken(TenantId tenant, TokenId id, int64_t overlap_ms) {
  int64_t now = options_.now_unix_ms();
  std::lock_guard lock(write_mutex_);
  ASSIGN_OR_RETURN(auto state, Current());
  auto at = state->tokens().find(id);
  if (at == state->tokens().end() || at->second.tenant != tenant) return NotFound("no such token");
  Token old = at->second;
  if (!Lives(old, now)) return InvalidArgument("the token has expired; make a new one");
  auto living = std::ranges::count_if(state->tokens(), [&](const auto& entry) { return entry.second.family == old.family && Lives(entry.second, now); });
  if (static_cast<size_t>(living) >= kMaxLiving) return InvalidArgument("two tokens of this line are alive already; revoke the older one first");
  ASSIGN_OR_RETURN(std::string text, NewTokenText());
  ASSIGN_OR_RETURN(std::string hash, HashToken(state->token_key(), text));
  Edit edit(*state);
  Token next = old;
  next.id = {edit.NewId()};
  next.created_unix_ms = now;
  if (old.expires_unix_ms != 0) next.expires_unix_ms = now + (old.expires_unix_ms - old.created_unix_ms);
  int64_t ends = now + std::max<int64_t>(overlap_ms, 0);
  if (old.expires_unix_ms == 0 || ends < old.expires_unix_ms) old.expires_unix_ms = ends;
  edit.Put(RecordKey(kTokenPrefix, next.id.value), Encode(next, hash));
  edit.Put(RecordKey(kTokenPrefix, old.id.value), Encode(old, *state->HashOf(old.id)));
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  return CreatedToken{next.id, std::move(text)};
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
  RETURN_IF_ERROR(Commit(*state, std::move(edit)));
  uses_->Forget(id);
  return OkStatus();
}

// The look-up is by a keyed hash, whose bytes a caller can neither choose nor predict: how long it takes says
// nothing about the tokens there are. Every text that is looked at costs the same work.
Result<Identity> Directory::Authenticate(std::string_view text) const {
  uint64_t generation = generation_;  // before the state: what changes in between is looked at again
  ASSIGN_OR_RETURN(auto state, Current());
  bool well_formed = IsWellFormedToken(text);
  ASSIGN_OR_RETURN(std::string hash, HashToken(state->token_key(), text.substr(0, kMaxTokenTextBytes)));
  const Token* token = state->FindTokenByHash(hash);
  int64_t now = options_.now_unix_ms();
  bool alive = token != nullptr && Lives(*token, now) && !IsDisabled(*state, token->tenant, token->user);
  if (!well_formed || !alive) return PermissionDenied("unknown or expired token");
  uses_->Used(token->id, now);
  return Identity{.tenant = token->tenant, .user = token->user, .teams = token->teams, .role = RoleOf(*state, *token), .token = token->id,
                  .scope = token->scope, .expires_unix_ms = token->expires_unix_ms, .generation = generation};
}

Result<Identity> Directory::Vouched(TenantId tenant, std::string_view name, const std::vector<std::string>& teams, int64_t expires_unix_ms) const {
  RETURN_IF_ERROR(ValidateUser(name, teams));
  uint64_t generation = generation_;
  ASSIGN_OR_RETURN(auto state, Current());
  if (!state->tenants().contains(tenant)) return NoSuchTenant();
  const User* user = state->FindUser(tenant, name);
  if (user != nullptr && (user->disabled || user->kind == UserKind::kService)) return PermissionDenied("this user does not sign in");
  return Identity{.tenant = tenant, .user = std::string(name), .teams = teams, .role = user == nullptr ? Role::kReader : user->role,
                  .expires_unix_ms = expires_unix_ms, .generation = generation};
}

Result<Identity> Directory::Renewed(const Identity& before) const {
  if (!before.token) {
    if (before.expires_unix_ms != 0 && options_.now_unix_ms() >= before.expires_unix_ms) return PermissionDenied("it has expired");
    return Vouched(before.tenant, before.user, before.teams, before.expires_unix_ms);
  }
  uint64_t generation = generation_;
  ASSIGN_OR_RETURN(auto state, Current());
  auto at = state->tokens().find(before.token);
  int64_t now = options_.now_unix_ms();
  bool alive = at != state->tokens().end() && Lives(at->second, now) && !IsDisabled(*state, at->second.tenant, at->second.user);
  if (!alive) return PermissionDenied("unknown or expired token");
  uses_->Used(before.token, now);
  const Token& token = at->second;
  return Identity{.tenant = token.tenant, .user = token.user, .teams = token.teams, .role = RoleOf(*state, token), .token = token.id,
                  .scope = token.scope, .expires_unix_ms = token.expires_unix_ms, .generation = generation};
}

bool Directory::StillHolds(const Identity& identity, const Viewer& viewer) const {
  uint64_t generation = generation_;
  auto state = Current();
  if (!state.ok()) return false;
  int64_t now = options_.now_unix_ms(), expires = identity.expires_unix_ms;
  if (identity.token) {
    auto token = (*state)->tokens().find(identity.token);
    if (token == (*state)->tokens().end()) return false;
    expires = token->second.expires_unix_ms;
  }
  if ((expires != 0 && now >= expires) || IsDisabled(**state, identity.tenant, identity.user)) return false;
  if (generation == identity.generation && !(*state)->has_verified_grants()) return true;
  auto rights = ViewerFor(identity);
  return rights.ok() && std::ranges::includes(rights->partitions(), viewer.partitions());
}

}  // namespace codelore::acl
