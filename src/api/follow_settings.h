// FollowSettings: how a server keeps up with a source. One record per source in Table::kMeta; a source without one is
// indexed when somebody says so.
//
// Record: "follow/" and the source's id -> version (1 byte), poll seconds, paused, generation, token, webhook secrets,
// from version 2 on masking, from version 3 on patterns of branches and of tags.
// Tokens and secrets are stored as they are, because they have to be shown to forges and computed with: the data folder
// is as secret as they are. No operation gives them out.
#ifndef CODELORE_API_FOLLOW_SETTINGS_H_
#define CODELORE_API_FOLLOW_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "codelore/ids.h"
#include "codelore/store.h"
#include "ingest/indexer.h"

namespace codelore::api {

inline constexpr uint32_t kDefaultPollSeconds = 300;
inline constexpr size_t kMaxWebhookSecrets = 2;  // the old one and the new one

struct FollowSettings {
  uint32_t poll_seconds = 0;  // 0: never
  bool paused = false;
  uint32_t generation = 0;  // raised to have every file indexed anew
  ingest::Masking masking = ingest::Masking::kAll;
  std::string token;        // for the forge
  std::vector<std::string> webhook_secrets;  // newest first
  ingest::RefPatterns also = {};  // branches and tags besides the source's own
};

// The defaults where there is no record.
Result<FollowSettings> ReadFollowSettings(const KeyValueStore& store, SourceId source);
Status WriteFollowSettings(KeyValueStore& store, SourceId source, const FollowSettings& settings);
Status EraseFollowSettings(KeyValueStore& store, SourceId source);
// Of all sources that have a record, by id.
Status ForEachFollowSettings(const KeyValueStore& store, const std::function<void(SourceId, const FollowSettings&)>& visit);

// "90", "90s", "5m", "2h", "1d": seconds, from 5 to 30 days; "0" and "never": 0.
Result<uint32_t> ParsePollInterval(std::string_view text);

}  // namespace codelore::api

#endif  // CODELORE_API_FOLLOW_SETTINGS_H_
