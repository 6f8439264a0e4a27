// Server: a data folder behind HTTP: the service, its indexing queue, the routes.
#ifndef CODELORE_API_SERVER_H_
#define CODELORE_API_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "api/follower.h"
#include "api/http/http_server.h"
#include "api/index_queue.h"
#include "api/janitor.h"
#include "api/service.h"

namespace codelore::api {

struct ServerOptions {
  ServiceOptions service;
  HttpServer::Options http;
};

class Server {
 public:
  // Serves when it returns. Indexing jobs that were cut off go on.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options);
  ~Server();  // drains requests for a few seconds, then stops

  int port() const { return http_->port(); }

 private:
  Server() = default;

  std::unique_ptr<Service> service_;
  std::unique_ptr<IndexQueue> queue_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<Janitor> janitor_;
  std::unique_ptr<Lookout> permissions_;  // looks at forges
  std::unique_ptr<HttpServer> http_;
  std::jthread model_builder_;  // a new model's vectors, beside everything else
};

}  // namespace codelore::api

#endif  // CODELORE_API_SERVER_H_
