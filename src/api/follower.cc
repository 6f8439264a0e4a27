#include "api/follower.h"

#include <algorithm>
#include <utility>

#include "api/follow_settings.h"

namespace codelore::api {
namespace {

constexpr double kLongestPauseMs = 3'600'000;

// After n failures in a row: twice as long each time, up to an hour or the source's own time.
double PauseMs(uint32_t poll_seconds, uint32_t failures) {
  double usual = 1000.0 * poll_seconds;
  return std::min(usual * static_cast<double>(1u << std::min(failures, 16u)), std::max(usual, kLongestPauseMs));
}

}  // namespace

Follower::Follower(KeyValueStore& store, Work work)
    : lookout_({.list =
                    [&store](const auto& visit) {
                      return ForEachFollowSettings(store, [&](SourceId source, const FollowSettings& settings) {
                        if (settings.poll_seconds != 0 && !settings.paused) visit(source, settings.poll_seconds);
                      });
                    },
                .look =
                    [work = std::move(work)](SourceId source, std::stop_token stop) -> Status {
                  ASSIGN_OR_RETURN(bool news, work.has_news(source, std::move(stop)));
                  return news ? work.submit(source) : OkStatus();
                },
                .pause_ms = PauseMs}) {}

}  // namespace codelore::api
