#include "api/server.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "api/follow_settings.h"
#include "api/forge/permission_mirror.h"
#include "api/low_priority.h"
#include "api/routes.h"

namespace codelore::api {

namespace {

constexpr uint64_t kLittleSpaceBytes = 256 << 20;

IndexQueue::Options QueueOptions(Service& service) {
  IndexQueue::Options options;
  options.is_large = [&service](SourceId source) { return !service.IsIndexed(source); };
  options.is_paused = [&service](SourceId source) {
    auto settings = ReadFollowSettings(service.store(), source);
    return settings.ok() && settings->paused;
  };
  options.lacks_space = [&service] {
    std::error_code error;
    auto space = std::filesystem::space(service.data_folder(), error);
    return !error && space.available < kLittleSpaceBytes;
  };
  options.on_visible = [&service](SourceId id, PushStage stage, double seconds) {
    if (auto source = service.directory().FindSource(id); source.ok()) service.metrics().AddPush(source->tenant, stage, seconds);
  };
  return options;
}

constexpr double kFirstRetryMs = 250;

// At once when a server starts, because nobody told of what has changed since; soon again after a failure, because grants
// lapse meanwhile.
Lookout::Options PermissionLookout(PermissionMirror& mirror) {
  return {.list = [&mirror](const auto& visit) {
            return ForEachMirrorSettings(mirror.store(), [&](SourceId source, const MirrorSettings& settings) { visit(source, settings.interval_seconds); });
          },
          .look = [&mirror](SourceId source, std::stop_token stop) { return mirror.Look(source, std::move(stop)); },
          .pause_ms = [](uint32_t seconds, uint32_t failures) {
            double usual = 1000.0 * seconds;
            return failures == 0 ? usual : std::min(usual, kFirstRetryMs * static_cast<double>(1u << std::min(failures - 1, 16u)));
          },
          .first = 0};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server());
  ASSIGN_OR_RETURN(server->service_, Service::Open(options.service));
  Service& service = *server->service_;
  auto index = [&service](SourceId id, std::stop_token stop, const std::function<void(const ingest::IndexProgress&)>& progress) -> Status {
    ASSIGN_OR_RETURN(acl::Source source, service.directory().FindSource(id));
    return service.IndexSource(source, stop, progress).status();
  };
  ASSIGN_OR_RETURN(server->queue_, IndexQueue::Open(service.store(), index, QueueOptions(service)));
  server->follower_ = std::make_unique<Follower>(
      service.store(), Follower::Work{[&service](SourceId id, std::stop_token stop) { return service.HasNews(id, std::move(stop)); },
                                      [queue = server->queue_.get()](SourceId id) { return queue->Submit(id); }});
  const auto log = [log = options.http.log](const std::string& text) {
    if (log) log("", text);
  };
  server->janitor_ = std::make_unique<Janitor>(service, *server->queue_, log);
  server->permissions_ = std::make_unique<Lookout>(PermissionLookout(service.permission_mirror()));
  server->http_ = std::make_unique<HttpServer>(std::move(options.http));
  AddRoutes(*server->http_, service, *server->queue_, server->follower_.get(), server->permissions_.get());
  RETURN_IF_ERROR(server->http_->Start());
  server->model_builder_ = std::jthread([&service, log](std::stop_token stop) {
    LowerPriority();
    service.encoders().KeepBuilding(service.threads(), stop, log);
  });
  return server;
}

Server::~Server() {
  model_builder_ = {};
  if (http_) http_->Stop(std::chrono::milliseconds(3000));
}

}  // namespace codelore::api
