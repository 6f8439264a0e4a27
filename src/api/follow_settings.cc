#include "api/follow_settings.h"

#include <charconv>

#include "api/source_records.h"
#include "codelore/coding.h"

namespace codelore::api {
namespace {

constexpr uint8_t kVersion = 3;
constexpr uint64_t kLeastPoll = 5, kMostPoll = 30 * 86'400;

std::string Encode(const FollowSettings& settings) {
  ByteWriter out;
  out.Fixed(kVersion).Varint(settings.poll_seconds).Fixed(static_cast<uint8_t>(settings.paused));
  out.Varint(settings.generation).String(settings.token).Varint(settings.webhook_secrets.size());
  for (const std::string& secret : settings.webhook_secrets) out.String(secret);
  out.Fixed(static_cast<uint8_t>(settings.masking));
  for (const auto* patterns : {&settings.also.branches, &settings.also.tags}) {
    out.Varint(patterns->size());
    for (const std::string& pattern : *patterns) out.String(pattern);
  }
  return out.Take();
}

Result<FollowSettings> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  FollowSettings settings;
  auto version = in.Fixed<uint8_t>();
  settings.poll_seconds = static_cast<uint32_t>(in.Varint());
  settings.paused = in.Fixed<uint8_t>() == 1;
  settings.generation = static_cast<uint32_t>(in.Varint());
  settings.token = in.String();
  settings.webhook_secrets.resize(in.Count());
  for (std::string& secret : settings.webhook_secrets) secret = in.String();
  uint8_t masking = version >= 2 ? in.Fixed<uint8_t>() : 0;
  settings.masking = static_cast<ingest::Masking>(masking);
  for (auto* patterns : {&settings.also.branches, &settings.also.tags}) {
    if (version < 3) break;
    patterns->resize(in.Count());
    for (std::string& pattern : *patterns) pattern = in.String();
  }
  bool known = version >= 1 && version <= kVersion && masking <= static_cast<uint8_t>(ingest::Masking::kRefuse);
  if (!known || !in.done()) return Corruption("the record of how a source is followed is malformed");
  return settings;
}

constexpr SourceRecords<FollowSettings> kRecords{"follow/", Encode, Decode};

}  // namespace

Result<FollowSettings> ReadFollowSettings(const KeyValueStore& store, SourceId source) {
  ASSIGN_OR_RETURN(auto stored, kRecords.Read(store, source));
  return stored ? std::move(*stored) : FollowSettings();
}

Status WriteFollowSettings(KeyValueStore& store, SourceId source, const FollowSettings& settings) { return kRecords.Write(store, source, settings); }

Status EraseFollowSettings(KeyValueStore& store, SourceId source) { return kRecords.Erase(store, source); }

Status ForEachFollowSettings(const KeyValueStore& store, const std::function<void(SourceId, const FollowSettings&)>& visit) {
  return kRecords.ForEach(store, visit);
}

Result<uint32_t> ParsePollInterval(std::string_view text) {
  if (text == "never" || text == "0") return 0u;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  uint64_t factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86'400 : 0;
  bool fits = error == std::errc() && factor != 0 && number <= kMostPoll && number * factor >= kLeastPoll && number * factor <= kMostPoll;
  if (!fits) return InvalidArgument("how often to look is 'never' or a time from 5s to 30d, such as 30s, 5m, 2h, 1d");
  return static_cast<uint32_t>(number * factor);
}

}  // namespace codelore::api
