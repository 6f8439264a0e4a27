// The records of the directory, and how they are stored in Table::kMeta under "acl/".
//
// A value is: format version (one byte), the fields (coding.h), CRC-32 of key and all before. The key is part of
// the checksum, so a record that ended up under another's key is as damaged as one with a flipped bit.
//   acl/ids               the last id handed out
//   acl/token-key         random key of the token hashes
//   acl/tenant/ID, acl/label/ID, acl/source/ID, acl/token/ID      ID: 4 bytes, big-endian
#ifndef CODELORE_ACL_RECORDS_H_
#define CODELORE_ACL_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/coding.h"
#include "codelore/ids.h"
#include "codelore/status.h"

namespace codelore::acl {

using TokenId = Id<struct TokenTag>;

struct Tenant {
  TenantId id;
  std::string name;
};

// Values are stored: append only.
enum class SourceKind : uint8_t { kGit = 0, kFolder = 1, kDocuments = 2 };

// Files of one source under one label live in one partition.
struct LabelPartition {
  LabelId label;
  PartitionId partition;
  // Rules have changed, and until a run has sorted the files anew, some of these may belong under these labels: only who
  // may read under all of them and under `label` reads any.
  std::vector<LabelId> also = {};
};

// Files at paths that `pattern` stands for (path_rules.h) are under `label` instead of the source's own.
struct PathRule {
  std::string pattern;  // unique in its source
  LabelId label;        // of this rule alone
};

struct Source {
  SourceId id;
  TenantId tenant;
  std::string name;      // unique in its tenant
  std::string location;  // a path or a URL; empty for pushed documents
  std::string branch;    // empty: the default branch
  SourceKind kind = SourceKind::kGit;
  LabelId label;         // of files that no rule stands for
  std::vector<LabelPartition> partitions;
  std::vector<PathRule> rules = {};
  uint32_t rules_version = 0;  // of the patterns
};

struct Label {
  LabelId id;
  TenantId tenant;
  std::vector<std::string> principals;  // sorted, unique
};

// What is known of a token; its text is not.
struct Token {
  TokenId id;
  TenantId tenant;
  std::string user;
  std::vector<std::string> teams;
  bool administrator = false;
  int64_t created_unix_ms = 0;
  int64_t expires_unix_ms = 0;  // 0: never
};

inline constexpr std::string_view kRecordPrefix = "acl/";
inline constexpr std::string_view kLastIdKey = "acl/ids";
inline constexpr std::string_view kTokenKeyKey = "acl/token-key";
inline constexpr std::string_view kTenantPrefix = "acl/tenant/";
inline constexpr std::string_view kLabelPrefix = "acl/label/";
inline constexpr std::string_view kSourcePrefix = "acl/source/";
inline constexpr std::string_view kTokenPrefix = "acl/token/";

std::string RecordKey(std::string_view prefix, uint32_t id);

std::string Seal(std::string_view key, std::string_view fields);
// The fields; kCorruption unless they are what was sealed under this key. Borrows from `value`.
Result<std::string_view> Unseal(std::string_view key, std::string_view value);

// Fields without the id, which the key holds.
std::string Encode(const Tenant& tenant);
std::string Encode(const Label& label);
std::string Encode(const Source& source);
std::string Encode(const Token& token, std::string_view hash);

// False for fields that no Encode made.
bool Decode(std::string_view fields, Tenant& tenant);
bool Decode(std::string_view fields, Label& label);
bool Decode(std::string_view fields, Source& source);
bool Decode(std::string_view fields, Token& token, std::string& hash);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_RECORDS_H_
