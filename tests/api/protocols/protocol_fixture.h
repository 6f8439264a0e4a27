// A server over two sources, with tokens of people who may read one each, and a scripted model behind HTTP.
#ifndef CODELORE_TESTS_API_PROTOCOLS_PROTOCOL_FIXTURE_H_
#define CODELORE_TESTS_API_PROTOCOLS_PROTOCOL_FIXTURE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/http/http_fixture.h"
#include "api/routes.h"
#include "api/service_fixture.h"

namespace codelore::api {

// What an OpenAI-compatible server answers, and what it was sent.
class ModelServer {
 public:
  explicit ModelServer(std::string answer) : answer_(std::move(answer)) {
    HttpServer::Options options;
    options.threads = 8;
    server_ = std::make_unique<HttpServer>(options);
    server_->Handle("POST", "/v1/chat/completions", [this](const HttpRequest& request, HttpResponse& response) {
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request.body);
        authorization_ = request.Header("authorization").value_or("");
      }
      if (failures_ > 0) {
        --failures_;
        return response.SetProblem({.http_status = 503});
      }
      response.SetStream([this](StreamWriter& writer) { Stream(writer); }, kEventStreamType);
    });
    EXPECT_TRUE(server_->Start().ok());
  }
  ~ModelServer() { Stop(); }
  void Stop() {
    release_ = true;
    if (server_) server_->Stop(0ms);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/v1"; }
  void FailNext(int times) { failures_ = times; }
  void Hang() { hang_ = true; }  // after the first word
  std::vector<Json> requests() {
    std::lock_guard lock(mutex_);
    std::vector<Json> parsed;
    for (const std::string& body : requests_) parsed.push_back(Json::parse(body));
    return parsed;
  }
  std::string authorization() {
    std::lock_guard lock(mutex_);
    return authorization_;
  }
  bool left() const { return left_; }  // a client went away in mid-answer

 private:
  void Stream(StreamWriter& writer) {
    for (size_t i = 0; i < answer_.size(); i += 9) {
      Json chunk = {{"choices", Json::array({Json{{"index", 0}, {"delta", {{"content", answer_.substr(i, 9)}}}}})}};
      if (!writer.Write("data: " + chunk.dump() + "\n\n")) return;
      while (hang_ && !release_) {
        if (writer.Closed()) {
          left_ = true;
          return;
        }
        std::this_thread::sleep_for(2ms);
      }
    }
    (void)writer.Write("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                       "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":9}}\n\ndata: [DONE]\n\n");
  }

  const std::string answer_;
  std::atomic<int> failures_ = 0;
  std::atomic<bool> hang_ = false, release_ = false, left_ = false;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::string authorization_;
  std::unique_ptr<HttpServer> server_;
};

class ProtocolTest : public ::testing::Test {
 protected:
  struct Reply {
    int status = 0;
    std::string head, body;
    Json json() const { return Json::parse(body, nullptr, false); }
  };

  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
  }
  void TearDown() override { StopServing(); }

  void Serve(const std::vector<GeneratorConfig>& generators = {}) {
    auto opened = Service::Open({.data_folder = data_.path(), .threads = 1, .generators = generators});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = std::move(*opened);
    TenantId tenant = service_->directory().FindTenant(acl::kDefaultTenant).value();
    Index(billing_.path(), "billing", "user:ann");
    Index(robots_.path(), "robots", "team:hardware");
    ann_ = service_->directory().CreateToken({.tenant = tenant, .user = "ann"})->text;
    bob_ = service_->directory().CreateToken({.tenant = tenant, .user = "bob", .teams = {"hardware"}})->text;
    queue_ = IndexQueue::Open(service_->store(), [](SourceId, std::stop_token, const auto&) { return OkStatus(); }).value();
    HttpServer::Options options;
    options.threads = 8;
    server_ = std::make_unique<HttpServer>(options);
    AddRoutes(*server_, *service_, *queue_);
    ASSERT_TRUE(server_->Start().ok());
  }
  void StopServing() {
    if (server_) server_->Stop(0ms);
    server_.reset();
    queue_.reset();
    service_.reset();
  }

  Reply Send(const std::string& method, const std::string& target, const std::string& token, const std::string& body = "",
             const std::string& more = "") {
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + more;
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (!body.empty() && more.find("Content-Type") == std::string::npos) request += "Content-Type: application/json\r\n";
    RawClient client(server_->port());
    client.Send(request + "\r\n" + body);
    std::string answer = client.ReadToEnd();
    return {StatusIn(answer), answer.substr(0, answer.find("\r\n\r\n")), BodyIn(answer)};
  }
  Reply Post(const std::string& target, const std::string& token, const Json& body) { return Send("POST", target, token, body.dump()); }

  static Json UserSays(const std::string& text) { return Json::array({Json{{"role", "user"}, {"content", text}}}); }

  ScratchRepository billing_, robots_;
  TempFolder data_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<IndexQueue> queue_;
  std::unique_ptr<HttpServer> server_;
  std::string ann_, bob_;

 private:
  void Index(const std::string& location, const std::string& name, const std::string& reader) {
    TenantId tenant = service_->directory().FindTenant(acl::kDefaultTenant).value();
    acl::Source source = service_->FindOrAddSource(tenant, location, name).value().source;
    ASSERT_TRUE(service_->IndexSource(source, {}, [](const ingest::IndexProgress&) {}).ok());
    ASSERT_TRUE(service_->directory().Grant(source.id, reader).ok());
  }
};

// The JSON of each "data:" line of a chunked event stream, "[DONE]" as a string.
inline std::vector<Json> EventsIn(const std::string& body) {
  std::vector<Json> events;
  for (size_t at = body.find("data: "); at != std::string::npos; at = body.find("data: ", at + 1)) {
    std::string data = body.substr(at + 6, body.find('\n', at) - at - 6);
    events.push_back(data == "[DONE]" ? Json(data) : Json::parse(data, nullptr, false));
  }
  return events;
}

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_PROTOCOLS_PROTOCOL_FIXTURE_H_
