#include "cli/backend.h"

#include "api/http/http_client.h"
#include "api/http/http_target.h"
#include "api/operations.h"

namespace codelore::cli {
namespace {

class LocalBackend final : public Backend {
 public:
  LocalBackend(std::unique_ptr<api::Service> service, api::Caller caller)
      : service_(std::move(service)), caller_(std::move(caller)) {}

  Result<std::string> Call(std::string_view operation, const std::string& body,
                           const std::vector<std::pair<std::string, std::string>>& params, std::stop_token stop,
                           const EventHandler& on_event) override {
    api::OperationInput input{.body = body.empty() ? "{}" : body, .params = params};
    api::OperationContext context{.service = *service_, .caller = caller_, .input = input, .stop = std::move(stop), .emit = {}};
    if (on_event) {
      context.emit = [&](std::string_view event, const std::string& json) {
        on_event(event, json);
        return true;
      };
    }
    return api::Run(api::OperationNamed(operation), context);
  }
  bool remote() const override { return false; }

 private:
  std::unique_ptr<api::Service> service_;
  api::Caller caller_;
};

std::string TargetOf(const api::Operation& operation, const std::vector<std::pair<std::string, std::string>>& params) {
  std::string target(operation.path);
  for (const auto& [name, value] : params) {
    size_t at = target.find(":" + name);
    if (at != std::string::npos) target.replace(at, name.size() + 1, api::PercentEncode(value));
  }
  return target;
}

class RemoteBackend final : public Backend {
 public:
  explicit RemoteBackend(std::unique_ptr<api::HttpClient> client) : client_(std::move(client)) {}

  Result<std::string> Call(std::string_view name, const std::string& body,
                           const std::vector<std::pair<std::string, std::string>>& params, std::stop_token stop,
                           const EventHandler& on_event) override {
    const api::Operation& operation = api::OperationNamed(name);
    std::string target = TargetOf(operation, params);
    if (operation.streams && on_event) return Stream(target, body, stop, on_event);
    if (operation.method == "GET") return client_->Get(target);
    if (operation.method == "PUT") return client_->Put(target, body.empty() ? "{}" : body);
    if (operation.method == "DELETE") return client_->Delete(target);
    return client_->Post(target, body.empty() ? "{}" : body);
  }
  bool remote() const override { return true; }

 private:
  // `body` has "stream": true.
  Result<std::string> Stream(const std::string& target, const std::string& body, std::stop_token stop,
                             const EventHandler& on_event) {
    std::string last, event;
    RETURN_IF_ERROR(client_->Stream(target, body, [&](const api::SseMessage& message) {
      on_event(message.event, message.data);
      event = message.event;
      last = message.data;
      return !stop.stop_requested() && event != "error";
    }));
    if (event == "error") return api::StatusOfProblem(last);
    if (event != "done" && !stop.stop_requested()) return Unavailable("the server broke off in mid-answer");
    return last;
  }

  std::unique_ptr<api::HttpClient> client_;
};

}  // namespace

Result<std::shared_ptr<const api::TlsContext>> TrustOf(const BackendOptions& options) {
  if (options.ca_file.empty()) return std::shared_ptr<const api::TlsContext>();
  return api::TlsContext::ForClients(options.ca_file);
}

Result<api::ServiceOptions> ServiceOptionsOf(const BackendOptions& options) {
  api::ServiceOptions service{.data_folder = options.data_folder, .threads = options.threads, .model = options.model,
                              .reranker_folder = options.reranker, .allowed_networks = options.allowed_networks};
  if (!options.precision.empty()) service.precision = options.precision == "int8" ? embed::Precision::kInt8 : embed::Precision::kFloat32;
  ASSIGN_OR_RETURN(service.trust, TrustOf(options));
  for (const std::string& text : options.generators) {
    ASSIGN_OR_RETURN(api::GeneratorConfig config, api::GeneratorConfig::Parse(text));
    service.generators.push_back(std::move(config));
  }
  return service;
}

Result<std::unique_ptr<Backend>> OpenBackend(const BackendOptions& options) {
  if (!options.server.empty()) {
    if (!options.as.empty()) return InvalidArgument("--as works on a data folder; a server goes by the token's user");
    ASSIGN_OR_RETURN(auto trust, TrustOf(options));
    ASSIGN_OR_RETURN(auto client, api::HttpClient::Open({.server = options.server, .token = options.token, .trust = std::move(trust)}));
    return std::unique_ptr<Backend>(std::make_unique<RemoteBackend>(std::move(client)));
  }
  ASSIGN_OR_RETURN(api::ServiceOptions service_options, ServiceOptionsOf(options));
  ASSIGN_OR_RETURN(auto service, api::Service::Open(service_options));
  ASSIGN_OR_RETURN(api::Caller caller, api::MakeLocalCaller(*service, options.tenant, options.as));
  return std::unique_ptr<Backend>(std::make_unique<LocalBackend>(std::move(service), std::move(caller)));
}

}  // namespace codelore::cli
