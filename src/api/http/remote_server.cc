#include "api/http/remote_server.h"

#include <sys/stat.h>

#include <fstream>
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

  Result<std::string> Post(const std::string& path, const std::string& json, std::stop_token stop,
                           std::chrono::seconds* retry_after) const override {
    ASSIGN_OR_RETURN(auto client, HttpClient::Open(options_));
    std::stop_callback cancel(stop, [&] { client->Cancel(); });
    auto answer = client->Post(path, json);
    if (retry_after != nullptr) *retry_after = client->retry_after();
    if (!answer.ok()) return WithoutKey(Retriable(answer.status())).In(address());
    return answer;
  }

  Status Stream(const std::string& path, const std::string& json, std::stop_token stop,
                const std::function<bool(std::string_view)>& on_data) const override {
    ASSIGN_OR_RETURN(auto client, HttpClient::Open(options_));
    std::stop_callback cancel(stop, [&] { client->Cancel(); });
    return WithoutKey(Retriable(client->Stream(path, json, [&](const SseMessage& message) { return on_data(message.data); }))).In(address());
  }

 private:
  // A server that repeats our key in its refusal would have it in a log.
  Status WithoutKey(const Status& status) const {
    if (options_.token.empty() || status.message().find(options_.token) == std::string::npos) return status;
    std::string text = status.message();
    for (size_t at; (at = text.find(options_.token)) != std::string::npos;) text.replace(at, options_.token.size(), "");
    return Status(status.code(), text);
  }

  const HttpClient::Options options_;
};

}  // namespace

Result<std::string> ReadKeyFile(const std::string& file) {
  struct stat info;
  if (::stat(file.c_str(), &info) != 0) return InvalidArgument("key file " + file + " cannot be read");
  if ((info.st_mode & S_IROTH) != 0) return InvalidArgument("key file " + file + " is readable by everyone; chmod 600 it");
  std::ifstream stream(file);
  std::string key;
  std::getline(stream, key);
  while (key.ends_with('\r') || key.ends_with(' ')) key.pop_back();
  if (key.empty()) return InvalidArgument("key file " + file + " is empty; expected the key in its first line");
  return key;
}

Result<std::unique_ptr<RemoteServer>> OpenRemoteServer(RemoteServerOptions options) {
  while (options.address.ends_with('/')) options.address.pop_back();
  if (!options.trust && options.address.starts_with("https://")) {
    ASSIGN_OR_RETURN(options.trust, TlsContext::ForClients(""));  // once, not for each call
  }
  HttpClient::Options client{.server = std::move(options.address),
                             .token = std::move(options.key),
                             .connect_timeout = std::chrono::milliseconds(options.connect_timeout_ms),
                             .read_timeout = std::chrono::milliseconds(options.silence_timeout_ms),
                             .total_timeout = std::chrono::milliseconds(options.total_timeout_ms),
                             .trust = std::move(options.trust)};
  RETURN_IF_ERROR(HttpClient::Open(client).status());
  return std::unique_ptr<RemoteServer>(std::make_unique<HttpRemoteServer>(std::move(client)));
}

}  // namespace codelore::api
