// State: what the directory's records say, in memory, with the index that answers "what may this principal
// read" in one look-up. It is built and changed record by record, by one thread; once published it is constant
// and shared by all readers. Copying one costs no more than its names and tokens: principals are shared.
#ifndef CODELORE_ACL_STATE_H_
#define CODELORE_ACL_STATE_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "acl/path_rules.h"
#include "acl/records.h"
#include "codelore/status.h"
#include "codelore/viewer.h"

namespace codelore::acl {

class State {
 public:
  // The record under `key` is now `value`, or is gone. kCorruption, naming the key, if it cannot be read; the
  // state is then good for nothing.
  Status Apply(std::string_view key, const std::optional<std::string>& value);

  // kCorruption unless the records belong together: nothing refers to what is not there, and no id is above the
  // last one handed out.
  Status Check() const;

  bool empty() const { return last_id_ == 0 && tenants_.empty() && sources_.empty() && tokens_.empty(); }
  uint32_t last_id() const { return last_id_; }
  const std::string& token_key() const { return token_key_; }
  const std::map<TenantId, Tenant>& tenants() const { return tenants_; }
  const std::map<SourceId, Source>& sources() const { return sources_; }
  const std::map<TokenId, Token>& tokens() const { return tokens_; }
  const std::map<UserId, User>& users() const { return users_; }
  const std::map<TeamId, Team>& teams() const { return teams_; }
  const std::map<LabelId, std::shared_ptr<const Label>>& labels() const { return labels_; }

  // nullptr: there is none.
  const Tenant* FindTenant(std::string_view name) const;
  const Source* FindSource(TenantId tenant, std::string_view name) const;
  const Source* FindSource(SourceId id) const;
  const Label* FindLabel(LabelId id) const;
  const Token* FindTokenByHash(const std::string& hash) const;
  const std::string* HashOf(TokenId id) const;
  const User* FindUser(TenantId tenant, std::string_view name) const;
  const Team* FindTeam(TenantId tenant, std::string_view name) const;

  // Everybody this user is when in these teams: "user:NAME", "everyone", and "team:NAME" of these teams, of those that name
  // the user, and of all teams that they are in.
  std::vector<std::string> PrincipalsOf(TenantId tenant, std::string_view user, const std::vector<std::string>& teams) const;
  // `outer` is `team`, or a team that it is in, however deep.
  bool IsWithin(TenantId tenant, std::string_view team, std::string_view outer) const;

  // What labels name any of these principals for, by hand or by a grant that is valid `now`, sorted by partition; but for
  // partitions with files that may belong under another label too, where none of them is named.
  std::vector<ReadablePartition> ReadableBy(TenantId tenant, const std::vector<std::string>& principals, int64_t now_unix_ms) const;
  // What is read can change without a change of the state.
  bool has_verified_grants() const { return !verified_.empty(); }
  const PathRules* RulesOf(SourceId id) const;  // nullptr: it has none

 private:
  Status ApplyRecord(std::string_view key, std::optional<std::string_view> fields);
  bool ApplyLabel(LabelId id, std::optional<std::string_view> fields);
  bool ApplySource(SourceId id, std::optional<std::string_view> fields);
  bool ApplyToken(TokenId id, std::optional<std::string_view> fields);
  bool ApplyUser(UserId id, std::optional<std::string_view> fields);
  bool ApplyTeam(TeamId id, std::optional<std::string_view> fields);
  Status CheckPeople() const;
  bool Names(LabelId label, const std::vector<std::string>& principals, int64_t now_unix_ms) const;
  bool IsWithheld(const ReadablePartition& readable, const std::vector<std::string>& principals, int64_t now_unix_ms) const;
  Status CheckSource(const Source& source) const;
  static Status Damaged(std::string_view what, uint32_t id);
  static std::string ReaderKey(TenantId tenant, std::string_view principal);  // one principal of one tenant

  // Enters the partitions of `source` that have label `only`, or any, for their readers; or takes them out.
  enum class Change { kEnter, kLeave };
  void ChangeReaders(const Source& source, std::optional<LabelId> only, Change change);
  void ChangeVerified(const Label& label, const ReadablePartition& entry, Change change);

  uint32_t last_id_ = 0;
  std::string token_key_;
  std::map<TenantId, Tenant> tenants_;
  std::map<LabelId, std::shared_ptr<const Label>> labels_;
  std::map<SourceId, Source> sources_;
  std::map<TokenId, Token> tokens_;
  std::unordered_map<std::string, TokenId> token_of_hash_;
  std::unordered_map<std::string, std::vector<ReadablePartition>> readable_;  // by ReaderKey
  struct UntilThen {
    ReadablePartition readable;
    int64_t valid_until_unix_ms = 0;
  };
  std::unordered_map<std::string, std::vector<UntilThen>> verified_;  // by ReaderKey
  std::map<UserId, User> users_;
  std::map<TeamId, Team> teams_;
  std::unordered_map<std::string, UserId> user_of_name_;                  // by ReaderKey of "user:NAME"
  std::unordered_map<std::string, TeamId> team_of_name_;                  // by ReaderKey of "team:NAME"
  std::unordered_map<std::string, std::vector<TeamId>> teams_of_member_;  // by ReaderKey
  std::map<SourceId, std::shared_ptr<const PathRules>> rules_;                // of sources that have any
  std::map<PartitionId, std::vector<LabelId>> unsorted_;                      // LabelPartition::also, where it is not empty
};

}  // namespace codelore::acl

#endif  // CODELORE_ACL_STATE_H_
