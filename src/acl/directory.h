// Directory: tenants, users, teams, sources, labels, grants and tokens, and the only maker of Viewers.
//
// Every record lives in Table::kMeta of the store and every change is one WriteBatch, so it is there completely
// after a crash or not at all. What the records say is also held in memory as an immutable State: a change is
// durable first and in the State published before its call returns, so the next Viewer made, by any thread,
// already obeys it. Ids come from one stored counter and are never used twice: who could read a removed source
// reads nothing of one that is added later under its name.
//
// Whatever cannot be read or does not fit together gives kCorruption and no Viewer at all. Thread-safe.
// The calls that change or list things take no Viewer: their caller is the operator of the data folder, or has
// checked Identity::role and keeps to the tenant of that identity.
#ifndef CODELORE_ACL_DIRECTORY_H_
#define CODELORE_ACL_DIRECTORY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl/principal.h"
#include "acl/records.h"
#include "acl/token_uses.h"
#include "codelore/ids.h"
#include "codelore/status.h"
#include "codelore/store.h"
#include "codelore/viewer.h"

namespace codelore::acl {

class State;

inline constexpr std::string_view kDefaultTenant = "default";  // made at the first open

// Who a request comes from. A role allows changes and lists; it does not widen what is read.
struct Identity {
  TenantId tenant;
  std::string user;
  std::vector<std::string> teams;  // as the token or the identity provider says; those of the directory come on top
  Role role = Role::kReader;
  TokenId token = {};       // none: not by a token of ours
  TokenScope scope = {};
  int64_t expires_unix_ms = 0;  // 0: never
  uint64_t generation = 0;  // see Directory::StillHolds
};

struct NewSource {
  TenantId tenant;
  std::string name;
  std::string location;
  std::string branch = "";  // empty: the default branch
  SourceKind kind = SourceKind::kGit;
  std::vector<std::string> readers = {};  // principals; none: the operator alone
};

struct NewToken {
  TenantId tenant;
  std::string user;
  std::vector<std::string> teams = {};
  Role role = Role::kReader;
  int64_t expires_unix_ms = 0;  // 0: never
  TokenScope scope = {};
};

struct NewUser {
  TenantId tenant;
  std::string name;
  UserKind kind = UserKind::kPerson;
  Role role = Role::kReader;
};

// What is said of somebody else's grants on a source, as it was just found.
struct FoundGrants {
  std::string origin;                   // "github"; 1 to 64 bytes
  std::vector<std::string> principals;
  int64_t valid_ms = 0;                 // they count for so long, unless found again
};

struct GrantRecord {
  std::string principal;
  std::string origin;                                       // empty: by hand
  int64_t verified_unix_ms = 0, valid_until_unix_ms = 0;    // not of those by hand
};

// A line of a list in which the last that matches counts.
struct ImportedRule {
  std::string pattern;
  bool exact = false;                   // nothing below what it matches
  std::vector<std::string> principals;  // none: nobody
};

struct CreatedToken {
  TokenId id;
  std::string text;  // shown once: it is not stored
};

struct VisibleSource {
  SourceId id;
  std::string name;
};

class Directory {
 public:
  struct Options {
    std::function<int64_t()> now_unix_ms;  // for expiry; empty: the system clock
  };
  // `store` must outlive the directory, and nobody else may write its "acl/" keys.
  static Result<std::unique_ptr<Directory>> Open(KeyValueStore& store, Options options);
  static Result<std::unique_ptr<Directory>> Open(KeyValueStore& store) { return Open(store, Options()); }
  ~Directory();

  // ---- tenants
  Result<TenantId> CreateTenant(std::string_view name);
  Result<TenantId> FindTenant(std::string_view name) const;
  Result<std::vector<Tenant>> ListTenants() const;

  // ---- users and teams
  Status CreateUser(const NewUser& user);
  struct UserChange {
    std::optional<Role> role = {};
    std::optional<bool> disabled = {};
  };
  Status ChangeUser(TenantId tenant, std::string_view name, const UserChange& change);
  // With all tokens, memberships and grants of this name: who gets it later has none of them. kNotFound: there is nothing.
  Status RemoveUser(TenantId tenant, std::string_view name);
  Result<std::vector<User>> ListUsers(TenantId tenant) const;  // by name
  Result<std::optional<User>> FindUser(TenantId tenant, std::string_view name) const;
  // Somebody of this name is or was here: a user with a record or a token, or a team.
  Result<bool> IsKnown(TenantId tenant, std::string_view principal) const;

  Status CreateTeam(TenantId tenant, std::string_view name);
  Status RemoveTeam(TenantId tenant, std::string_view name);  // with memberships and grants, and out of all tokens
  // A member is "user:NAME", or "team:NAME" of a team that is there. kInvalidArgument where a team would be within itself.
  Status AddMember(TenantId tenant, std::string_view team, std::string_view member);  // twice is no error
  Status RemoveMember(TenantId tenant, std::string_view team, std::string_view member);
  Result<std::vector<Team>> ListTeams(TenantId tenant) const;  // by name
  // "user:NAME", "everyone" and the teams they are in, however deep.
  Result<std::vector<std::string>> PrincipalsOfUser(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const;
  // The names of the teams among them.
  Result<std::vector<std::string>> TeamsOfUser(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const;

  // ---- sources and who may read them
  Result<Source> AddSource(const NewSource& source);
  Result<Source> FindSource(TenantId tenant, std::string_view name) const;
  Result<Source> FindSource(SourceId id) const;
  Result<std::vector<Source>> ListSources(TenantId tenant) const;  // by name
  // From here on nobody sees it; what the index holds of its partitions is removed by the caller, afterwards.
  Status RemoveSource(SourceId source);
  Status Grant(SourceId source, std::string_view principal);   // granting twice is no error
  Status Revoke(SourceId source, std::string_view principal);  // whoever granted it; kNotFound: there is no such grant
  // Replaces all grants of this origin on the source. Those that are found no more, or not again in time, do not count.
  Status SetFoundGrants(SourceId source, const FoundGrants& found);
  Result<std::vector<GrantRecord>> GrantsOf(SourceId source) const;  // by principal; those that lapsed, too
  // Who reads: granted by hand, or by a found grant that counts now.
  Result<std::vector<std::string>> PrincipalsOf(SourceId source) const;
  Result<std::vector<PartitionId>> PartitionsOf(SourceId source) const;

  // ---- path rules (path_rules.h): files that stand under readers of their own
  struct NamedRule {
    std::string pattern;
    std::vector<std::string> principals;
    uint32_t order = 0;  // of an imported one; see PathRule
  };
  // Adds a rule, or changes who may read under it. A new pattern makes files move: until SettleRules, who reads any of
  // the source must be allowed to under the old rules and the new.
  Status SetRule(SourceId source, std::string_view pattern, std::vector<std::string> principals);
  Status RemoveRule(SourceId source, std::string_view pattern);  // kNotFound: there is no such rule
  // Replaces all imported rules, in one step; none: takes them out. Rules made by hand stand above them.
  Status ImportRules(SourceId source, std::vector<ImportedRule> rules);
  Result<std::vector<NamedRule>> RulesOf(SourceId source) const;  // by hand, by pattern; then imported ones, in their order
  // A run that began under this version of the rules has put every file where it belongs. Partitions that no rule has any
  // more are dropped after `remove` has taken them out of the index. Does nothing for another version.
  Status SettleRules(SourceId source, uint32_t rules_version, const std::function<Status(std::span<const PartitionId>)>& remove);

  // Where a file of this source belongs.
  Result<PartitionId> PartitionFor(SourceId source, std::string_view path) const;

  // ---- tokens
  Result<CreatedToken> CreateToken(const NewToken& token);
  // A token like this one, with the same lifetime from now on; the old one ends within `overlap_ms`. At most two of those that
  // replaced each other live at once: kInvalidArgument for a third.
  Result<CreatedToken> RotateToken(TenantId tenant, TokenId token, int64_t overlap_ms);
  Result<std::vector<Token>> ListTokens(TenantId tenant) const;  // by id
  int64_t LastUseOf(TokenId token) const { return uses_->LastOf(token); }  // 0: not known; to within an hour after a crash
  Status RevokeToken(TenantId tenant, TokenId token);
  // kPermissionDenied, in one and the same wording, for whatever is not a living token.
  Result<Identity> Authenticate(std::string_view token_text) const;
  // Somebody whom an identity provider vouches for until then. kPermissionDenied for a service account, which has tokens only,
  // and for a user who is disabled.
  Result<Identity> Vouched(TenantId tenant, std::string_view user, const std::vector<std::string>& teams, int64_t expires_unix_ms) const;
  // Somebody who was known before, as they are now, by the same token or voucher. kPermissionDenied as above, and for a token
  // that is gone or has expired.
  Result<Identity> Renewed(const Identity& before) const;
  // For answers that take long: the identity's token lives, and `viewer`, which was made for it, shows nothing that it
  // may not read now. Cheap as long as nothing has changed since.
  bool StillHolds(const Identity& identity, const Viewer& viewer) const;

  // ---- viewers
  Result<Viewer> ViewerFor(const Identity& identity) const;
  Result<Viewer> ViewerForUser(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const;
  // What of `viewer` a team may read by itself, what is everyone's included: never more than the viewer.
  Result<Viewer> WithinTeam(const Viewer& viewer, std::string_view team) const;
  // All of one tenant: for who holds the data folder itself.
  Result<Viewer> OperatorViewer(TenantId tenant) const;
  Result<std::vector<VisibleSource>> VisibleSources(const Viewer& viewer) const;  // by name
  // Every partition of a source that the viewer reads something of. Whoever does not is told nothing that a file in another
  // partition can change, such as which commit is indexed.
  bool ReadsWhole(const Viewer& viewer, SourceId source) const;
  Result<std::string> SourceName(const Viewer& viewer, SourceId source) const;

 private:
  struct Edit;
  Directory(KeyValueStore& store, Options options);

  Status Load();
  Result<std::shared_ptr<const State>> Current() const;
  void Publish(Result<std::shared_ptr<const State>> state);
  Status Commit(const State& before, Edit edit);
  Status ChangeLabel(SourceId source, const std::function<Status(Label&)>& change);
  static void TakeOut(const State& state, TenantId tenant, const std::string& principal, Edit& edit);
  Status CheckHolder(const State& state, const NewToken& token) const;

  KeyValueStore& store_;
  const Options options_;
  std::unique_ptr<TokenUses> uses_;
  std::mutex write_mutex_;          // held through a change, from reading the State to publishing the next
  mutable std::mutex state_mutex_;  // guards the next two
  std::shared_ptr<const State> state_;
  Status health_;  // why there is no state
  std::atomic<uint64_t> generation_ = 0;  // of state_
};

}  // namespace codelore::acl

#endif  // CODELORE_ACL_DIRECTORY_H_
