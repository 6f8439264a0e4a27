// The records of the directory, and how they are stored in Table::kMeta under "acl/".
//
// A value is: format version (one byte), the fields (coding.h), CRC-32 of key and all before. The key is part of
// the checksum, so a record that ended up under another's key is as damaged as one with a flipped bit.
//   acl/ids               the last id handed out
//   acl/token-key         random key of the token hashes
//   acl/tenant/ID, acl/label/ID, acl/source/ID, acl/token/ID, acl/user/ID, acl/team/ID      ID: 4 bytes, big-endian
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
using UserId = Id<struct UserTag>;
using TeamId = Id<struct TeamTag>;

// What one may do besides reading what is granted; each may do what those before it may. Values are stored: append only.
enum class Role : uint8_t {
  kReader = 0,         // nothing ("member")
  kAuditor = 1,        // see who may do what, and who did what; change nothing
  kAdministrator = 2,  // look after one tenant
  kPlatform = 3,       // add tenants and their administrators, back up
  kOperator = 4,       // who holds the data folder; no token and no user has this
};

// Ways to talk to the server; a token may be good for some only.
enum class Protocol : uint8_t { kRest = 1, kOpenAi = 2, kOllama = 4, kMcp = 8 };

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
  std::string pattern;  // unique in its source, among rules made by hand and among imported ones
  LabelId label;        // of this rule alone
  uint32_t order = 0;   // of an imported rule: its place in the list, from 1; 0: made by hand
  bool exact = false;   // stands for what it matches, but not for what is below that
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

// A grant that somebody else decides on, and that counts only as long as it was confirmed lately.
struct VerifiedGrant {
  std::string principal;
  std::string origin;                // who says so: "github"
  int64_t verified_unix_ms = 0;      // when it was last confirmed
  int64_t valid_until_unix_ms = 0;   // from then on it does not count
  bool operator==(const VerifiedGrant&) const = default;
};

struct Label {
  LabelId id;
  TenantId tenant;
  std::vector<std::string> principals;    // granted by hand; sorted, unique
  std::vector<VerifiedGrant> verified = {};
};

enum class UserKind : uint8_t { kPerson = 0, kService = 1 };

// Users need no record: a token or an identity provider may name any. One that has a record has its role and can be disabled.
struct User {
  UserId id;
  TenantId tenant;
  std::string name;  // unique in its tenant
  UserKind kind = UserKind::kPerson;
  Role role = Role::kReader;
  bool disabled = false;
};

struct Team {
  TeamId id;
  TenantId tenant;
  std::string name;                  // unique in its tenant
  std::vector<std::string> members;  // "user:NAME", "team:NAME" of a team that is there; sorted, unique
};

// What a token is good for, beneath what its user may do.
struct TokenScope {
  uint8_t protocols = 0;               // of Protocol; 0: all
  bool some_sources = false;           // only these:
  std::vector<SourceId> sources = {};  // sorted
  bool Allows(Protocol protocol) const { return protocols == 0 || (protocols & static_cast<uint8_t>(protocol)) != 0; }
};

// What is known of a token; its text is not.
struct Token {
  TokenId id;
  TenantId tenant;
  std::string user;
  std::vector<std::string> teams;
  Role role = Role::kReader;
  int64_t created_unix_ms = 0;
  int64_t expires_unix_ms = 0;  // 0: never
  TokenScope scope = {};
  TokenId family = {};  // of the first of those that replaced each other
};

inline constexpr std::string_view kRecordPrefix = "acl/";
inline constexpr std::string_view kLastIdKey = "acl/ids";
inline constexpr std::string_view kTokenKeyKey = "acl/token-key";
inline constexpr std::string_view kTenantPrefix = "acl/tenant/";
inline constexpr std::string_view kLabelPrefix = "acl/label/";
inline constexpr std::string_view kSourcePrefix = "acl/source/";
inline constexpr std::string_view kTokenPrefix = "acl/token/";
inline constexpr std::string_view kUserPrefix = "acl/user/";
inline constexpr std::string_view kTeamPrefix = "acl/team/";

std::string RecordKey(std::string_view prefix, uint32_t id);

std::string Seal(std::string_view key, std::string_view fields);
// The fields; kCorruption unless they are what was sealed under this key. Borrows from `value`.
Result<std::string_view> Unseal(std::string_view key, std::string_view value);

// Fields without the id, which the key holds.
std::string Encode(const Tenant& tenant);
std::string Encode(const Label& label);
std::string Encode(const Source& source);
std::string Encode(const User& user);
std::string Encode(const Team& team);
std::string Encode(const Token& token, std::string_view hash);

// False for fields that no Encode made.
bool Decode(std::string_view fields, Tenant& tenant);
bool Decode(std::string_view fields, Label& label);
bool Decode(std::string_view fields, Source& source);
bool Decode(std::string_view fields, User& user);
bool Decode(std::string_view fields, Team& team);
bool Decode(std::string_view fields, Token& token, std::string& hash);

}  // namespace codelore::acl

#endif  // CODELORE_ACL_RECORDS_H_
