// PermissionMirror: lets a forge say who may read a source. What it says become found grants of the directory, which
// count until the forge was not heard for the settings' limit.
//
// Fails closed: when nothing could be found out, nothing changes, and grants lapse by themselves. When the forge shows no
// such repository any more, or the settings point elsewhere, they go at once. A change is in force when a call returns.
// Only the configured address is asked: a public one by https alone, because a token goes along, and one that is not public
// if it lies in a network that the operator named. Thread-safe; one call at a time asks about a source.
#ifndef CODELORE_API_FORGE_PERMISSION_MIRROR_H_
#define CODELORE_API_FORGE_PERMISSION_MIRROR_H_

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acl/directory.h"
#include "api/audit_log.h"
#include "api/forge/forge_access.h"
#include "api/forge/mirror_settings.h"
#include "api/http/tls.h"
#include "codelore/store.h"
#include "ingest/network_policy.h"

namespace codelore::api {

class PermissionMirror {
 public:
  // The first three must outlive it.
  PermissionMirror(KeyValueStore& store, acl::Directory& directory, AuditLog& audit, ingest::NetworkPolicy networks,
                   std::shared_ptr<const TlsContext> trust = {})
      : store_(store), directory_(directory), audit_(audit), networks_(std::move(networks)), trust_(std::move(trust)) {}

  // None: the source is not mirrored any more. Grants found by settings that meant something else go first.
  Status Configure(SourceId source, const std::optional<MirrorSettings>& settings);
  // Asks the forge, and lets what it says count. kNotFound when it shows no such repository: its grants are gone then.
  // Every other error leaves them as they are.
  Status Look(SourceId source, std::stop_token stop);
  KeyValueStore& store() { return store_; }

 private:
  Result<ForgeAccess> Ask(const MirrorSettings& settings, std::stop_token stop) const;
  Status Apply(SourceId source, const MirrorSettings& settings, const std::vector<std::string>& principals, int64_t valid_ms);
  Status Clear(SourceId source, const MirrorSettings& settings);
  Status Record(const acl::Source& source, const MirrorSettings& settings, const char* what, const std::vector<std::string>& principals);

  KeyValueStore& store_;
  acl::Directory& directory_;
  AuditLog& audit_;
  const ingest::NetworkPolicy networks_;
  const std::shared_ptr<const TlsContext> trust_;  // see HttpClient::Options
  std::mutex mutex_;  // settings and found grants change together
  std::map<SourceId, std::chrono::steady_clock::time_point> asked_;  // when what counts now was asked for; guarded by mutex_
};

// Whom what was found lets read, by the settings' names; sorted, unique. Names that cannot be anyone's here are left out.
std::vector<std::string> PrincipalsFound(const MirrorSettings& settings, const ForgeAccess& access);

}  // namespace codelore::api

#endif  // CODELORE_API_FORGE_PERMISSION_MIRROR_H_
