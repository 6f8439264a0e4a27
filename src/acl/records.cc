#include "acl/records.h"

#include <algorithm>

#include "acl/checksum.h"

namespace codelore::acl {
namespace {

constexpr uint8_t kVersion = 1;

void PutStrings(ByteWriter& out, const std::vector<std::string>& strings) {
  out.Varint(strings.size());
  for (const std::string& each : strings) out.String(each);
}

std::vector<std::string> TakeStrings(ByteReader& in) {
  std::vector<std::string> strings(in.Count());
  for (std::string& each : strings) each = in.String();
  return strings;
}

}  // namespace

std::string RecordKey(std::string_view prefix, uint32_t id) {
  return ByteWriter().Raw(prefix).Key32(id).Take();
}

std::string Seal(std::string_view key, std::string_view fields) {
  ByteWriter out;
  out.Fixed(kVersion).Raw(fields);
  out.Fixed(Crc32(out.view(), Crc32(key)));
  return out.Take();
}

Result<std::string_view> Unseal(std::string_view key, std::string_view value) {
  constexpr size_t kOverhead = sizeof kVersion + sizeof(uint32_t);
  if (value.size() < kOverhead) return Corruption("access record is cut off");
  std::string_view sealed = value.substr(0, value.size() - sizeof(uint32_t));
  if (ByteReader(value.substr(sealed.size())).Fixed<uint32_t>() != Crc32(sealed, Crc32(key))) {
    return Corruption("access record fails its checksum");
  }
  if (static_cast<uint8_t>(sealed[0]) != kVersion) {
    return Corruption("access record has a format version this build does not know");
  }
  return sealed.substr(sizeof kVersion);
}

std::string Encode(const Tenant& tenant) { return ByteWriter().String(tenant.name).Take(); }

bool Decode(std::string_view fields, Tenant& tenant) {
  ByteReader in(fields);
  tenant.name = in.String();
  return in.done();
}

std::string Encode(const Label& label) {
  ByteWriter out;
  out.Varint(label.tenant.value);
  PutStrings(out, label.principals);
  if (label.verified.empty()) return out.Take();  // as before there were any
  out.Varint(label.verified.size());
  for (const VerifiedGrant& each : label.verified) {
    out.String(each.principal).String(each.origin).Fixed(each.verified_unix_ms).Fixed(each.valid_until_unix_ms);
  }
  return out.Take();
}

bool Decode(std::string_view fields, Label& label) {
  ByteReader in(fields);
  label.tenant = {static_cast<uint32_t>(in.Varint())};
  label.principals = TakeStrings(in);
  if (in.done()) return true;
  label.verified.resize(in.Count(2 + 2 * sizeof(int64_t)));
  for (VerifiedGrant& each : label.verified) {
    each.principal = in.String();
    each.origin = in.String();
    each.verified_unix_ms = in.Fixed<int64_t>();
    each.valid_until_unix_ms = in.Fixed<int64_t>();
  }
  return in.done();
}

std::string Encode(const User& user) {
  ByteWriter out;
  out.Varint(user.tenant.value).String(user.name).Fixed(static_cast<uint8_t>(user.kind)).Fixed(static_cast<uint8_t>(user.role));
  return out.Fixed(static_cast<uint8_t>(user.disabled)).Take();
}

bool Decode(std::string_view fields, User& user) {
  ByteReader in(fields);
  user.tenant = {static_cast<uint32_t>(in.Varint())};
  user.name = in.String();
  auto kind = in.Fixed<uint8_t>(), role = in.Fixed<uint8_t>(), disabled = in.Fixed<uint8_t>();
  user.kind = static_cast<UserKind>(kind);
  user.role = static_cast<Role>(role);
  user.disabled = disabled != 0;
  return in.done() && kind <= static_cast<uint8_t>(UserKind::kService) && role <= static_cast<uint8_t>(Role::kPlatform) && disabled <= 1;
}

std::string Encode(const Team& team) {
  ByteWriter out;
  out.Varint(team.tenant.value).String(team.name);
  PutStrings(out, team.members);
  return out.Take();
}

bool Decode(std::string_view fields, Team& team) {
  ByteReader in(fields);
  team.tenant = {static_cast<uint32_t>(in.Varint())};
  team.name = in.String();
  team.members = TakeStrings(in);
  return in.done();
}

std::string Encode(const Source& source) {
  ByteWriter out;
  out.Varint(source.tenant.value).String(source.name).String(source.location).String(source.branch);
  out.Fixed(static_cast<uint8_t>(source.kind)).Varint(source.label.value);
  out.Varint(source.partitions.size());
  for (const LabelPartition& each : source.partitions) out.Varint(each.label.value).Varint(each.partition.value);
  if (source.rules_version == 0) return out.Take();  // as before there were rules
  out.Varint(source.rules_version).Varint(source.rules.size());
  for (const PathRule& rule : source.rules) out.String(rule.pattern).Varint(rule.label.value);
  for (const LabelPartition& each : source.partitions) {
    out.Varint(each.also.size());
    for (LabelId label : each.also) out.Varint(label.value);
  }
  if (std::ranges::all_of(source.rules, [](const PathRule& rule) { return rule.order == 0; })) return out.Take();  // as before any were imported
  for (const PathRule& rule : source.rules) out.Varint(rule.order).Fixed(static_cast<uint8_t>(rule.exact));
  return out.Take();
}

bool Decode(std::string_view fields, Source& source) {
  ByteReader in(fields);
  source.tenant = {static_cast<uint32_t>(in.Varint())};
  source.name = in.String();
  source.location = in.String();
  source.branch = in.String();
  auto kind = in.Fixed<uint8_t>();
  source.kind = static_cast<SourceKind>(kind);
  source.label = {static_cast<uint32_t>(in.Varint())};
  source.partitions.resize(in.Count(2));
  for (LabelPartition& each : source.partitions) {
    each.label = {static_cast<uint32_t>(in.Varint())};
    each.partition = {static_cast<uint32_t>(in.Varint())};
  }
  if (!in.done()) {
    source.rules_version = static_cast<uint32_t>(in.Varint());
    source.rules.resize(in.Count(2));
    for (PathRule& rule : source.rules) {
      rule.pattern = in.String();
      rule.label = {static_cast<uint32_t>(in.Varint())};
    }
    for (LabelPartition& each : source.partitions) {
      each.also.resize(in.Count());
      for (LabelId& label : each.also) label = {static_cast<uint32_t>(in.Varint())};
    }
  }
  if (!in.done()) {
    for (PathRule& rule : source.rules) {
      rule.order = static_cast<uint32_t>(in.Varint());
      rule.exact = in.Fixed<uint8_t>() != 0;
    }
  }
  return in.done() && kind <= static_cast<uint8_t>(SourceKind::kDocuments);
}

std::string Encode(const Token& token, std::string_view hash) {
  ByteWriter out;
  out.String(hash).Varint(token.tenant.value).String(token.user);
  PutStrings(out, token.teams);
  bool administrator = token.role >= Role::kAdministrator;  // where records of older builds end
  out.Fixed(static_cast<uint8_t>(administrator)).Fixed(token.created_unix_ms).Fixed(token.expires_unix_ms);
  out.Fixed(static_cast<uint8_t>(token.role)).Fixed(token.scope.protocols).Fixed(static_cast<uint8_t>(token.scope.some_sources));
  out.Varint(token.scope.sources.size());
  for (SourceId source : token.scope.sources) out.Varint(source.value);
  return out.Varint(token.family.value).Take();
}

bool Decode(std::string_view fields, Token& token, std::string& hash) {
  ByteReader in(fields);
  hash = in.String();
  token.tenant = {static_cast<uint32_t>(in.Varint())};
  token.user = in.String();
  token.teams = TakeStrings(in);
  token.role = in.Fixed<uint8_t>() == 1 ? Role::kAdministrator : Role::kReader;
  token.created_unix_ms = in.Fixed<int64_t>();
  token.expires_unix_ms = in.Fixed<int64_t>();
  token.family = token.id;
  if (in.done()) return true;
  auto role = in.Fixed<uint8_t>();
  token.role = static_cast<Role>(role);
  token.scope.protocols = in.Fixed<uint8_t>();
  token.scope.some_sources = in.Fixed<uint8_t>() != 0;
  token.scope.sources.resize(in.Count());
  for (SourceId& source : token.scope.sources) source = {static_cast<uint32_t>(in.Varint())};
  token.family = {static_cast<uint32_t>(in.Varint())};
  return in.done() && role <= static_cast<uint8_t>(Role::kPlatform);
}

}  // namespace codelore::acl
