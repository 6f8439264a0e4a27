#include "api/forge/mirror_settings.h"

#include <algorithm>

#include "acl/principal.h"
#include "api/http/http_client.h"
#include "api/source_records.h"
#include "codelore/coding.h"

namespace codelore::api {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kMaxRepositoryBytes = 512, kMaxUrlBytes = 2048, kMaxNames = 10'000;

std::string Encode(const MirrorSettings& settings) {
  ByteWriter out;
  out.Fixed(kVersion).Fixed(static_cast<uint8_t>(settings.forge)).String(settings.url).String(settings.repository).String(settings.token);
  out.Varint(settings.interval_seconds).Varint(settings.limit_seconds).Fixed(static_cast<uint8_t>(settings.public_is_tenant));
  out.Varint(settings.names.size());
  for (const auto& [there, here] : settings.names) out.String(there).String(here);
  return out.Take();
}

Result<MirrorSettings> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  MirrorSettings settings;
  auto version = in.Fixed<uint8_t>();
  auto forge = in.Fixed<uint8_t>();
  settings.forge = static_cast<Forge>(forge);
  settings.url = in.String();
  settings.repository = in.String();
  settings.token = in.String();
  settings.interval_seconds = static_cast<uint32_t>(in.Varint());
  settings.limit_seconds = static_cast<uint32_t>(in.Varint());
  settings.public_is_tenant = in.Fixed<uint8_t>() == 1;
  for (size_t i = in.Count(); i > 0; --i) {
    std::string there(in.String());
    settings.names[std::move(there)] = in.String();
  }
  bool known = version == kVersion && forge <= static_cast<uint8_t>(Forge::kForgejo);
  if (!known || !in.done()) return Corruption("the record of where a source's permissions are mirrored from is malformed");
  return settings;
}

bool IsRepository(std::string_view text, bool nested) {
  size_t parts = 0;
  while (true) {
    std::string_view part = text.substr(0, text.find('/'));
    bool plain = std::ranges::all_of(part, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_'; });
    if (part.empty() || part == "." || part == ".." || !plain) return false;
    ++parts;
    if (part.size() == text.size()) break;
    text.remove_prefix(part.size() + 1);
  }
  return nested ? parts >= 2 : parts == 2;
}

constexpr SourceRecords<MirrorSettings> kRecords{"forge/", Encode, Decode};

}  // namespace

Result<std::optional<MirrorSettings>> ReadMirrorSettings(const KeyValueStore& store, SourceId source) { return kRecords.Read(store, source); }

Status WriteMirrorSettings(KeyValueStore& store, SourceId source, const MirrorSettings& settings) { return kRecords.Write(store, source, settings); }

Status EraseMirrorSettings(KeyValueStore& store, SourceId source) { return kRecords.Erase(store, source); }

Status ForEachMirrorSettings(const KeyValueStore& store, const std::function<void(SourceId, const MirrorSettings&)>& visit) {
  return kRecords.ForEach(store, visit);
}

Status CheckMirrorSettings(const MirrorSettings& settings) {
  bool plain = std::ranges::all_of(settings.url, [](char c) { return c > ' ' && c < 0x7F; }) && settings.url.find_first_of("@?#\\") == std::string::npos;
  if (settings.url.size() > kMaxUrlBytes || !plain || !HttpClient::Open({.server = settings.url}).ok()) {
    return InvalidArgument("the forge's address is https://HOST[:PORT][/PATH] or http://HOST[:PORT][/PATH], not '" + settings.url + "'");
  }
  if (settings.repository.size() > kMaxRepositoryBytes || !IsRepository(settings.repository, settings.forge == Forge::kGitLab)) {
    return InvalidArgument("the forge's name of the repository is OWNER/NAME, not '" + settings.repository + "'; give it with --forge-repository");
  }
  if (std::ranges::any_of(settings.token, [](unsigned char c) { return c <= ' ' || c >= 0x7F; })) return InvalidArgument("the forge's token holds characters no token has");
  if (settings.token.empty()) return InvalidArgument("a forge shows who may read a repository to those with a token only; give one with --forge-token-file");
  if (settings.limit_seconds <= settings.interval_seconds) return InvalidArgument("grants that are found must count for longer than it takes to look again");
  return OkStatus();
}

Status ParseMapping(std::string_view text, std::map<std::string, std::string>& names) {
  size_t equals = text.find('=');
  std::string there(text.substr(0, equals)), here(equals == text.npos ? "" : text.substr(equals + 1));
  if (!there.starts_with("user:") && !there.starts_with("team:")) there = "user:" + there;
  if (!here.empty() && !here.starts_with("user:") && !here.starts_with("team:")) here = there.substr(0, 5) + here;
  bool sound = equals != text.npos && there.size() > 5 && names.size() < kMaxNames && (here.empty() || acl::ValidatePrincipal(here).ok());
  if (!sound) return InvalidArgument("'" + std::string(text) + "' maps nothing: write octocat=ann, team:core=team:backend, or bot= for nobody");
  names[std::move(there)] = std::move(here);
  return OkStatus();
}

std::string RepositoryOf(std::string_view location) {
  size_t scheme = location.find("://");
  if (scheme == location.npos) {
    size_t colon = location.find(':');  // user@host:path
    if (colon == location.npos || location.find('/') < colon) return "";
    location.remove_prefix(colon + 1);
  } else {
    size_t slash = location.find('/', scheme + 3);
    if (slash == location.npos) return "";
    location.remove_prefix(slash + 1);
  }
  while (location.ends_with('/')) location.remove_suffix(1);
  if (location.ends_with(".git")) location.remove_suffix(4);
  return std::string(location);
}

}  // namespace codelore::api
