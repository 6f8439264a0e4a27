// An OpenAI-compatible server whose answers a test writes, request by request, and a model that obeys all it reads.
#ifndef CODELORE_TESTS_API_PROTOCOLS_SCRIPTED_SERVER_H_
#define CODELORE_TESTS_API_PROTOCOLS_SCRIPTED_SERVER_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "api/protocols/protocol_fixture.h"

namespace codelore::api {

inline Json TextChunk(const std::string& text) { return {{"choices", Json::array({Json{{"index", 0}, {"delta", {{"content", text}}}}})}}; }
inline Json CompletionChunk(const std::string& text) { return {{"choices", Json::array({Json{{"index", 0}, {"text", text}}})}}; }
inline Json EndChunk(const std::string& reason) {
  return {{"choices", Json::array({Json{{"index", 0}, {"delta", Json::object()}, {"finish_reason", reason}}})}};
}
// A call in two pieces, as servers send them.
inline std::vector<Json> CallChunks(size_t index, const std::string& name, const std::string& arguments) {
  auto chunk = [&](Json call) {
    call["index"] = index;
    return Json{{"choices", Json::array({Json{{"index", 0}, {"delta", {{"tool_calls", Json::array({std::move(call)})}}}}})}};
  };
  size_t half = arguments.size() / 2;
  return {chunk({{"id", "call_" + std::to_string(index)}, {"type", "function"}, {"function", {{"name", name}, {"arguments", arguments.substr(0, half)}}}}),
          chunk({{"function", {{"arguments", arguments.substr(half)}}}})};
}

class ScriptedServer {
 public:
  // The chunks that answer a request; its number counts from 0.
  using Script = std::function<std::vector<Json>(size_t number, const Json& request)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    HttpServer::Options options;
    options.threads = 8;
    server_ = std::make_unique<HttpServer>(options);
    for (const char* path : {"/v1/chat/completions", "/v1/completions"}) {
      server_->Handle("POST", path, [this, path](const HttpRequest& request, HttpResponse& response) {
        Json body = Json::parse(request.body);
        body["path"] = path;
        std::vector<Json> chunks;
        {
          std::lock_guard lock(mutex_);
          chunks = script_(requests_.size(), body);
          requests_.push_back(body);
        }
        if (chunks.empty()) return response.SetProblem({.http_status = 503});
        response.SetStream([chunks](StreamWriter& writer) {
          for (const Json& chunk : chunks) (void)writer.Write("data: " + chunk.dump() + "\n\n");
          (void)writer.Write("data: [DONE]\n\n");
        }, kEventStreamType);
      }, {.max_body_bytes = 16 << 20});
    }
    EXPECT_TRUE(server_->Start().ok());
  }
  ~ScriptedServer() { server_->Stop(0ms); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/v1"; }
  std::vector<Json> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const Script script_;
  std::mutex mutex_;
  std::vector<Json> requests_;
  std::unique_ptr<HttpServer> server_;
};

inline GeneratorConfig ScriptedGenerator(const std::string& name, const std::string& url, const std::string& more = "") {
  return GeneratorConfig::Parse("name=" + name + " url=" + url + " model=m " + more).value();
}

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_PROTOCOLS_SCRIPTED_SERVER_H_
