#include "api/server.h"

#include <chrono>
#include <utility>

#include "api/routes.h"

namespace codelore::api {

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server());
  ASSIGN_OR_RETURN(server->service_, Service::Open(options.service));
  Service& service = *server->service_;
  auto index = [&service](SourceId id, std::stop_token stop, const std::function<void(const ingest::IndexProgress&)>& progress) -> Status {
    ASSIGN_OR_RETURN(acl::Source source, service.directory().FindSource(id));
    return service.IndexSource(source, stop, progress).status();
  };
  ASSIGN_OR_RETURN(server->queue_, IndexQueue::Open(service.store(), index));
  server->http_ = std::make_unique<HttpServer>(std::move(options.http));
  AddRoutes(*server->http_, service, *server->queue_);
  RETURN_IF_ERROR(server->http_->Start());
  return server;
}

Server::~Server() {
  if (http_) http_->Stop(std::chrono::milliseconds(3000));
}

}  // namespace codelore::api
