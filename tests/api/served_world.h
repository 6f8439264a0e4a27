// A data folder behind HTTP, with as many tenants, sources and tokens as a test wants.
#ifndef CODELORE_TESTS_API_SERVED_WORLD_H_
#define CODELORE_TESTS_API_SERVED_WORLD_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/http/http_fixture.h"
#include "api/routes.h"
#include "api/service_fixture.h"

namespace codelore::api {

struct WorldRequest {
  std::string method, target, body, more;
};

struct WorldReply {
  int status = 0;
  std::string head, body;
};

// The payload of a chunked body, or the body as it is.
inline std::string PlainBody(const std::string& head, const std::string& body) {
  if (head.find("Transfer-Encoding: chunked") == std::string::npos) return body;
  std::string plain;
  for (size_t at = 0; at < body.size();) {
    size_t length = std::strtoull(body.c_str() + at, nullptr, 16), line = body.find("\r\n", at);
    if (line == std::string::npos || length == 0) break;
    plain += body.substr(line + 2, length);
    at = line + 2 + length + 2;
  }
  return plain;
}

class ServedWorld {
 public:
  explicit ServedWorld(const std::vector<GeneratorConfig>& generators = {}, QuotaLimits quotas = {}, IdentityOptions identity = {}) {
    auto opened = Service::Open({.data_folder = data_.path(), .threads = 1, .generators = generators,
                                 .precision = embed::Precision::kFloat32, .quotas = quotas, .identity = std::move(identity)});
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = std::move(*opened);
  }
  ~ServedWorld() {
    if (server_) server_->Stop(0ms);
  }

  Service& service() { return *service_; }
  acl::Directory& directory() { return service_->directory(); }
  int port() const { return server_->port(); }
  HttpServer& server() { return *server_; }
  const std::string& folder() const { return data_.path(); }

  TenantId Tenant(const std::string& name = std::string(acl::kDefaultTenant)) {
    auto found = directory().FindTenant(name);
    return found.ok() ? *found : directory().CreateTenant(name).value();
  }
  acl::Source Index(const std::string& location, const std::string& name, const std::vector<std::string>& readers,
                    const std::string& tenant = std::string(acl::kDefaultTenant)) {
    acl::Source source = service_->FindOrAddSource(Tenant(tenant), location, name).value().source;
    auto report = service_->IndexSource(source, {}, [](const ingest::IndexProgress&) {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    for (const std::string& reader : readers) EXPECT_TRUE(directory().Grant(source.id, reader).ok());
    return source;
  }
  std::string Token(const std::string& user, const std::vector<std::string>& teams = {}, bool administrator = false,
                    const std::string& tenant = std::string(acl::kDefaultTenant)) {
    return directory().CreateToken({.tenant = Tenant(tenant), .user = user, .teams = teams, .role = administrator ? acl::Role::kAdministrator : acl::Role::kReader})->text;
  }

  void Serve(HttpServer::Options options = {}) {
    queue_ = IndexQueue::Open(service_->store(), [](SourceId, std::stop_token, const auto&) { return OkStatus(); }).value();
    options.threads = std::min<size_t>(options.threads, 16);
    server_ = std::make_unique<HttpServer>(options);
    AddRoutes(*server_, *service_, *queue_);
    ASSERT_TRUE(server_->Start().ok());
  }
  WorldReply Send(const WorldRequest& request, const std::string& token) const {
    RawClient client(server_->port());
    client.Send(TextOf(request, token));
    std::string answer = client.ReadToEnd();
    WorldReply reply{StatusIn(answer), answer.substr(0, answer.find("\r\n\r\n")), {}};
    reply.body = PlainBody(reply.head, BodyIn(answer));
    return reply;
  }
  static std::string TextOf(const WorldRequest& request, const std::string& token) {
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + request.more;
    if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
    if (!request.body.empty()) text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
    return text + "\r\n" + request.body;
  }

 private:
  TempFolder data_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<IndexQueue> queue_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_SERVED_WORLD_H_
