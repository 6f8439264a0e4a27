#include "api/http/http_server.h"

#include <fcntl.h>
#include <httplib.h>
#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "api/http/http_admission.h"
#include "api/http/http_exchange.h"
#include "api/http/http_intake.h"
#include "api/http/worker_pool.h"

namespace codelore::api {
namespace {

// Binds and listens as cpp-httplib does, but without SO_REUSEPORT: a second daemon on the same port
// must fail.
class Listener final : public httplib::Server {
 public:
  Listener() {
    set_socket_options(
        [](socket_t fd) { httplib::set_socket_opt(fd, SOL_SOCKET, SO_REUSEADDR, 1); });
  }
  ~Listener() override { stop(); }
  // The port bound to, or -1.
  int Bind(const std::string& host, int port) {
    int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
    if (bound >= 0) fcntl(fd(), F_SETFL, fcntl(fd(), F_GETFL) | O_NONBLOCK);
    return bound;
  }
  int fd() const { return svr_sock_; }
};

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

AdmissionRules RulesOf(const HttpServer::Options& options) {
  AdmissionRules rules = {.allowed_hosts = options.allowed_hosts,
                          .allowed_origins = options.allowed_origins,
                          .max_body_bytes = options.max_body_bytes,
                          .deadline = options.request_deadline};
  if (rules.allowed_hosts.empty() && IsLoopback(options.host)) {
    rules.allowed_hosts = {"localhost", "127.0.0.1", "[::1]", options.host};
  }
  return rules;
}

// The rest of the descriptors is for the index's files.
size_t AffordableConnections(size_t wanted) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return std::min<size_t>(wanted, limit.rlim_cur / 4 * 3);
}

}  // namespace

class HttpServer::Core {
 public:
  explicit Core(Options options) : options_(std::move(options)), rules_(RulesOf(options_)) {}
  ~Core() { Stop(Milliseconds(0)); }

  HttpRouter& router() { return router_; }
  int port() const { return port_; }

  Status Start() {
    if (options_.threads == 0 || options_.port < 0 || options_.port > 65535) {
      return InvalidArgument("the server needs at least one thread and a port from 0 to 65535");
    }
    const TlsFiles& files = options_.tls;
    if (!files.certificate.empty() || !files.key.empty() || !files.client_ca.empty() || files.client_required) {
      ASSIGN_OR_RETURN(tls_, TlsContext::ForServer(files));
    }
    port_ = listener_.Bind(options_.host, options_.port);
    if (port_ < 0) {
      return Unavailable("cannot listen on " + options_.host + " port " +
                         std::to_string(options_.port) +
                         ": the address is in use, not this machine's, or not permitted");
    }
    context_.max_streams = options_.max_streams;
    context_.write_deadline = options_.write_deadline;
    context_.stream_deadline = options_.stream_deadline;
    context_.log = options_.log;
    context_.stopping = [this] { return intake_->stopping(); };
    try {
      pool_ = std::make_unique<WorkerPool>(options_.threads, options_.max_queued);
      return StartIntake();
    } catch (const std::exception& error) {
      return ResourceExhausted(std::string("cannot start the server's threads: ") + error.what());
    }
  }

  void Stop(Milliseconds drain) {
    if (intake_) intake_->Stop(drain);
    if (pool_) pool_->Stop();
    pool_.reset();
    intake_.reset();
    listener_.stop();
  }

 private:
  Status StartIntake() {
    HttpIntake::Options intake = {
        .listener = listener_.fd(),
        .tls = tls_,
        .max_connections = AffordableConnections(options_.max_connections),
        .max_buffered_bytes = options_.max_buffered_bytes,
        .header_deadline = options_.header_deadline,
        .idle_timeout = options_.idle_timeout,
        .write_deadline = options_.write_deadline};
    auto admit = [this](const Framing& framing, HttpRequest* request) {
      return AdmitRequest(rules_, router_, framing, request);
    };
    auto dispatch = [this](HttpConnection& connection) {
      return pool_->Run([this, &connection] {
        AnswerRequest(context_, connection);
        intake_->Finish(connection);
      });
    };
    intake_ = std::make_unique<HttpIntake>(intake, admit, dispatch);
    return intake_->Start();
  }

  const Options options_;
  const AdmissionRules rules_;
  HttpRouter router_;
  Listener listener_;
  int port_ = 0;
  std::shared_ptr<const TlsContext> tls_;
  ExchangeContext context_;
  std::unique_ptr<WorkerPool> pool_;
  std::unique_ptr<HttpIntake> intake_;
};

HttpServer::HttpServer(Options options) : core_(std::make_unique<Core>(std::move(options))) {}
HttpServer::~HttpServer() = default;

void HttpServer::Handle(std::string method, std::string pattern, HttpHandler handler,
                        RouteOptions options) {
  core_->router().Add({.method = std::move(method),
                       .pattern = std::move(pattern),
                       .segments = {},
                       .handler = std::move(handler),
                       .options = options});
}

std::vector<std::string> HttpServer::Routes() const {
  std::vector<std::string> routes;
  for (const Route& route : core_->router().routes()) routes.push_back(route.method + " " + route.pattern);
  return routes;
}

Status HttpServer::Start() { return core_->Start(); }
int HttpServer::port() const { return core_->port(); }
void HttpServer::Stop(Milliseconds drain) { core_->Stop(drain); }

}  // namespace codelore::api
