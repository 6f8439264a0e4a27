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

  // nullptr: there is none.
  const Tenant* FindTenant(std::string_view name) const;
  const Source* FindSource(TenantId tenant, std::string_view name) const;
  const Source* FindSource(SourceId id) const;
  const Label* FindLabel(LabelId id) const;
  const Token* FindTokenByHash(const std::string& hash) const;

  // What a label names this principal for, sorted by partition.
  std::span<const ReadablePartition> ReadableBy(TenantId tenant, std::string_view principal) const;
  // It holds files that may belong under another label too, and none of these principals is named there.
  bool IsWithheld(const ReadablePartition& readable, const std::vector<std::string>& principals) const;
  const PathRules* RulesOf(SourceId id) const;  // nullptr: it has none

 private:
  Status ApplyRecord(std::string_view key, std::optional<std::string_view> fields);
  bool ApplyLabel(LabelId id, std::optional<std::string_view> fields);
  bool ApplySource(SourceId id, std::optional<std::string_view> fields);
  bool ApplyToken(TokenId id, std::optional<std::string_view> fields);
  Status CheckSource(const Source& source) const;

  // Enters the partitions of `source` that have label `only`, or any, for their readers; or takes them out.
  enum class Change { kEnter, kLeave };
  void ChangeReaders(const Source& source, std::optional<LabelId> only, Change change);

  uint32_t last_id_ = 0;
  std::string token_key_;
  std::map<TenantId, Tenant> tenants_;
  std::map<LabelId, std::shared_ptr<const Label>> labels_;
  std::map<SourceId, Source> sources_;
  std::map<TokenId, Token> tokens_;
  std::unordered_map<std::string, TokenId> token_of_hash_;
  std::unordered_map<std::string, std::vector<ReadablePartition>> readable_;  // by ReaderKey
  std::map<SourceId, std::shared_ptr<const PathRules>> rules_;                // of sources that have any
  std::map<PartitionId, std::vector<LabelId>> unsorted_;                      // LabelPartition::also, where it is not empty
};

}  // namespace codelore::acl

#endif  // CODELORE_ACL_STATE_H_
