#include "api/http/remote_server.h"

#include <utility>

#include "api/http/http_client.h"

namespace codelore::api {
namespace {

// What may pass when one tries again, in one code.
Status Retriable(Status status) {
  bool may_pass = status.code() == StatusCode::kResourceExhausted || status.code() == StatusCode::kInternal;
  return may_pass ? Unavailable(status.message()) : status;
}

class HttpRemoteServer final : public RemoteServer {
 public:
  explicit HttpRemoteServer(HttpClient::Options options) : options_(std::move(options)) {}

  const std::string& address() const override { return options_.server; }

  Result<std::string> Post(const std::string& path, const std::string& json, std::stop_token stop) const override {
    ASSIGN_OR_RETURN(auto client, HttpClient::Open(options_));
    std::stop_callback cancel(stop, [&] { client->Cancel(); });
    auto answer = client->Post(path, json);
    if (!answer.ok()) return Retriable(answer.status()).In(address());
    return answer;
  }

  Status Stream(const std::string& path, const std::string& json, std::stop_token stop,
                const std::function<bool(std::string_view)>& on_data) const override {
    ASSIGN_OR_RETURN(auto client, HttpClient::Open(options_));
    std::stop_callback cancel(stop, [&] { client->Cancel(); });
    return Retriable(client->Stream(path, json, [&](const SseMessage& message) { return on_data(message.data); })).In(address());
  }

 private:
  const HttpClient::Options options_;
};

}  // namespace

Result<std::unique_ptr<RemoteServer>> OpenRemoteServer(RemoteServerOptions options) {
  while (options.address.ends_with('/')) options.address.pop_back();
  HttpClient::Options client{.server = std::move(options.address),
                             .token = std::move(options.key),
                             .connect_timeout = std::chrono::milliseconds(options.connect_timeout_ms),
                             .read_timeout = std::chrono::milliseconds(options.silence_timeout_ms),
                             .total_timeout = std::chrono::milliseconds(options.total_timeout_ms)};
  RETURN_IF_ERROR(HttpClient::Open(client).status());
  return std::unique_ptr<RemoteServer>(std::make_unique<HttpRemoteServer>(std::move(client)));
}

}  // namespace codelore::api
