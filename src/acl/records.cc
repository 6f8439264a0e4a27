#include "acl/records.h"

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
  return out.Take();
}

bool Decode(std::string_view fields, Label& label) {
  ByteReader in(fields);
  label.tenant = {static_cast<uint32_t>(in.Varint())};
  label.principals = TakeStrings(in);
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
  return in.done() && kind <= static_cast<uint8_t>(SourceKind::kDocuments);
}

std::string Encode(const Token& token, std::string_view hash) {
  ByteWriter out;
  out.String(hash).Varint(token.tenant.value).String(token.user);
  PutStrings(out, token.teams);
  out.Fixed(static_cast<uint8_t>(token.administrator)).Fixed(token.created_unix_ms).Fixed(token.expires_unix_ms);
  return out.Take();
}

bool Decode(std::string_view fields, Token& token, std::string& hash) {
  ByteReader in(fields);
  hash = in.String();
  token.tenant = {static_cast<uint32_t>(in.Varint())};
  token.user = in.String();
  token.teams = TakeStrings(in);
  token.administrator = in.Fixed<uint8_t>() == 1;
  token.created_unix_ms = in.Fixed<int64_t>();
  token.expires_unix_ms = in.Fixed<int64_t>();
  return in.done();
}

}  // namespace codelore::acl
