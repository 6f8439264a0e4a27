#include "api/forge/permission_mirror.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>

namespace codelore::api {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{5'000}, kSilence{10'000}, kExchange{15'000};
constexpr std::chrono::seconds kLook{60};
constexpr size_t kMaxAnswerBytes = 8 << 20;
constexpr size_t kNamesPerRecord = 100;

using Clock = std::chrono::steady_clock;

// One of the host's addresses, all of which must be public, or in networks of the operator's; without TLS not public.
Result<std::string> AllowedAddress(const ingest::NetworkPolicy& networks, const std::string& host, bool encrypted) {
  ASSIGN_OR_RETURN(auto addresses, networks.AddressesOf(host));
  for (const ingest::IpAddress& address : addresses) {
    if (encrypted || !ingest::IsPublic(address)) continue;
    return PermissionDenied("the forge's host " + host + " has the public address " + ingest::TextOf(address) +
                            ", where the token would travel in the clear: give its https:// address");
  }
  auto four = std::ranges::find_if(addresses, [](const auto& address) { return ingest::TextOf(address).find(':') == std::string::npos; });
  return ingest::TextOf(four == addresses.end() ? addresses[0] : *four);
}

std::vector<std::string> Without(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  std::vector<std::string> left;
  std::ranges::set_difference(all, some, std::back_inserter(left));
  return left;
}

}  // namespace

std::vector<std::string> PrincipalsFound(const MirrorSettings& settings, const ForgeAccess& access) {
  std::vector<std::string> principals;
  for (const std::string& user : access.users) {
    std::string there = acl::UserPrincipal(user);
    auto named = settings.names.find(there);
    principals.push_back(named == settings.names.end() ? there : named->second);
  }
  for (const std::string& team : access.teams) {
    auto named = settings.names.find(acl::TeamPrincipal(team));
    if (named != settings.names.end()) principals.push_back(named->second);
  }
  if (access.is_public && settings.public_is_tenant) principals.emplace_back(acl::kEveryone);
  // A name of theirs that is none here must not keep the others' from being taken back.
  std::erase_if(principals, [](const std::string& each) { return !acl::ValidatePrincipal(each).ok(); });
  std::ranges::sort(principals);
  principals.erase(std::ranges::unique(principals).begin(), principals.end());
  return principals;
}

Result<ForgeAccess> PermissionMirror::Ask(const MirrorSettings& settings, std::stop_token stop) const {
  HttpClient::Options options{.server = settings.url, .connect_timeout = kConnectTimeout, .read_timeout = kSilence, .total_timeout = kExchange,
                              .max_answer_bytes = kMaxAnswerBytes};
  while (options.server.ends_with('/')) options.server.pop_back();
  options.headers = {{"User-Agent", "codelore"}};
  HttpField token = TokenHeader(settings.forge, settings.token);
  options.headers.push_back(token);
  options.trust = trust_;
  options.resolve = [this, encrypted = options.server.starts_with("https://")](const std::string& host) { return AllowedAddress(networks_, host, encrypted); };
  ASSIGN_OR_RETURN(auto client, HttpClient::Open(std::move(options)));
  std::stop_callback cancel(stop, [&] { client->Cancel(); });
  auto until = Clock::now() + kLook;
  return ReadForgeAccess(settings.forge, settings.repository, [&](const std::string& target) -> Result<HttpAnswer> {
    if (stop.stop_requested()) return Unavailable("stopped");
    if (Clock::now() > until) return Unavailable("the forge takes too long to say who may read " + settings.repository);
    return client->Ask(target);
  });
}

Status PermissionMirror::Look(SourceId source, std::stop_token stop) {
  ASSIGN_OR_RETURN(auto settings, ReadMirrorSettings(store_, source));
  if (!settings) return OkStatus();
  auto start = Clock::now();
  ASSIGN_OR_RETURN(ForgeAccess access, Ask(*settings, std::move(stop)));
  // What was found is as old as the question.
  int64_t age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(auto now, ReadMirrorSettings(store_, source));
  auto& asked = asked_[source];
  if (now != settings || start < asked) return OkStatus();  // what counts is newer
  asked = start;
  if (!access.shown) {
    RETURN_IF_ERROR(Clear(source, *settings));
    return NotFound("the forge shows no repository " + settings->repository + " to this token; what was found before is taken back");
  }
  return Apply(source, *settings, PrincipalsFound(*settings, access), int64_t{settings->limit_seconds} * 1000 - age_ms);
}

Status PermissionMirror::Clear(SourceId source, const MirrorSettings& settings) { return Apply(source, settings, {}, 1); }

Status PermissionMirror::Apply(SourceId id, const MirrorSettings& settings, const std::vector<std::string>& principals, int64_t valid_ms) {
  if (valid_ms <= 0) return Unavailable("the forge took longer to answer than its answer counts");
  ASSIGN_OR_RETURN(acl::Source source, directory_.FindSource(id));
  ASSIGN_OR_RETURN(auto grants, directory_.GrantsOf(id));
  std::string origin(ForgeName(settings.forge));
  std::vector<std::string> before;
  for (const acl::GrantRecord& grant : grants) {
    if (grant.origin == origin) before.push_back(grant.principal);
  }
  std::ranges::sort(before);
  RETURN_IF_ERROR(directory_.SetFoundGrants(id, {.origin = origin, .principals = principals, .valid_ms = valid_ms}));
  RETURN_IF_ERROR(Record(source, settings, "grant.found", Without(principals, before)));
  return Record(source, settings, "grant.gone", Without(before, principals));
}

Status PermissionMirror::Record(const acl::Source& source, const MirrorSettings& settings, const char* what, const std::vector<std::string>& principals) {
  for (size_t at = 0; at < principals.size(); at += kNamesPerRecord) {
    std::string names;
    for (size_t i = at; i < std::min(principals.size(), at + kNamesPerRecord); ++i) names += (i == at ? "" : ", ") + principals[i];
    AuditEvent event{.tenant = source.tenant, .who = "forge:" + std::string(ForgeName(settings.forge)), .what = what, .from = "forge"};
    event.about = {{"source", source.name}, {"repository", settings.repository}, {"principals", names}};
    RETURN_IF_ERROR(audit_.Append(event));
  }
  return OkStatus();
}

Status PermissionMirror::Configure(SourceId source, const std::optional<MirrorSettings>& settings) {
  if (settings) RETURN_IF_ERROR(CheckMirrorSettings(*settings));
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(auto before, ReadMirrorSettings(store_, source));
  auto means = [](const MirrorSettings& each) { return std::tie(each.forge, each.url, each.repository, each.public_is_tenant, each.names); };
  if (before && (!settings || means(*settings) != means(*before))) RETURN_IF_ERROR(Clear(source, *before));
  return settings ? WriteMirrorSettings(store_, source, *settings) : EraseMirrorSettings(store_, source);
}

}  // namespace codelore::api
