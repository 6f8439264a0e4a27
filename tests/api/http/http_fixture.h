// A server on a free port with a few plain routes, for tests that speak to it through sockets.
#ifndef CODELORE_TESTS_API_HTTP_FIXTURE_H_
#define CODELORE_TESTS_API_HTTP_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "api/http/http_server.h"
#include "api/http/raw_client.h"

namespace codelore::api {

using namespace std::chrono_literals;  // NOLINT: tests only

inline int StatusIn(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.substr(9, 3).data()) : 0;
}

inline std::string BodyIn(const std::string& answer) {
  size_t head = answer.find("\r\n\r\n");
  return head == std::string::npos ? "" : answer.substr(head + 4);
}

// "GET /path HTTP/1.1" with a Host and `more` header lines.
inline std::string GetRequest(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
         "\r\n";
}

inline std::string PostRequest(std::string_view path, std::string_view body,
                               std::string_view more = "Content-Type: application/json\r\n") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

inline constexpr size_t kBigAnswerBytes = 10 * 1024 * 1024;

class HttpFixture : public ::testing::Test {
 protected:
  // Deadlines that let a test see them pass.
  static HttpServer::Options QuickOptions() {
    HttpServer::Options options;
    options.threads = 8;
    options.max_streams = 6;
    options.header_deadline = 300ms;
    options.idle_timeout = 2000ms;
    options.request_deadline = 600ms;
    options.write_deadline = 400ms;
    options.stream_deadline = 5000ms;
    return options;
  }

  void Start(HttpServer::Options options = QuickOptions()) {
    options.log = [this](std::string_view id, std::string_view text) {
      std::lock_guard lock(log_mutex_);
      log_ += std::string(id) + " " + std::string(text) + "\n";
    };
    server_ = std::make_unique<HttpServer>(options);
    AddRoutes();
    Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }

  void TearDown() override {
    release_ = true;
    if (server_) server_->Stop(0ms);
  }

  int port() const { return server_->port(); }
  RawClient Connect() { return RawClient(port()); }
  std::string Ask(std::string_view request) { return Connect().Ask(request); }
  std::string Log() {
    std::lock_guard lock(log_mutex_);
    return log_;
  }

  // True as soon as `holds` is, false when that takes over five seconds.
  template <typename Condition>
  static bool Eventually(Condition holds) {
    for (auto until = std::chrono::steady_clock::now() + 5s; !holds();) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  std::atomic<int> admin_runs_{0};  // of GET /admin, which no test may reach by stealth
  std::atomic<int> open_streams_{0};
  std::atomic<int> waiting_{0};
  std::atomic<bool> release_{false};  // lets /wait answer
  std::unique_ptr<HttpServer> server_;

 private:
  void AddRoutes();

  std::mutex log_mutex_;
  std::string log_;
};

inline void HttpFixture::AddRoutes() {
  server_->Handle("GET", "/healthz", [](const HttpRequest&, HttpResponse& response) {
    response.SetBody("{\"ok\":true}", kJsonType);
  });
  server_->Handle("GET", "/admin", [this](const HttpRequest&, HttpResponse& response) {
    ++admin_runs_;
    response.SetBody("admin", "text/plain");
  });
  server_->Handle("GET", "/say/:word", [](const HttpRequest& request, HttpResponse& response) {
    response.SetHeader("X-Said", request.Param("word"));
    response.SetBody(std::string(request.Param("word")), "text/plain");
  });
  server_->Handle("GET", "/query", [](const HttpRequest& request, HttpResponse& response) {
    response.SetHeader("X-Q", request.Query("q").value_or("-"));
    response.SetBody(std::string(request.Query("q").value_or("-")), "text/plain");
  });
  server_->Handle("GET", "/peer", [](const HttpRequest& request, HttpResponse& response) {
    response.SetBody(request.peer, "text/plain");
  });
  server_->Handle("POST", "/echo", [](const HttpRequest& request, HttpResponse& response) {
    response.SetBody(request.body, kJsonType);
  });
  server_->Handle("POST", "/raw",
                  [](const HttpRequest& request, HttpResponse& response) {
                    response.SetBody(request.body, "application/octet-stream");
                  },
                  {.max_body_bytes = 64 * 1024, .json_only = false});
  server_->Handle("GET", "/big", [](const HttpRequest&, HttpResponse& response) {
    response.SetBody(std::string(kBigAnswerBytes, 'x'), "text/plain");
  });
  server_->Handle("GET", "/throw", [](const HttpRequest&, HttpResponse&) {
    throw std::runtime_error("secret at /etc/shadow line 7");
  });
  server_->Handle("GET", "/wait", [this](const HttpRequest& request, HttpResponse& response) {
    ++waiting_;
    while (!release_ && !request.Cancelled()) std::this_thread::sleep_for(1ms);
    --waiting_;
    response.SetBody("waited", "text/plain");
  });
  // Events until the client goes.
  server_->Handle("GET", "/stream", [this](const HttpRequest&, HttpResponse& response) {
    auto body = [this](StreamWriter& out) {
      ++open_streams_;
      for (int i = 0; out.Write(SseEvent("tick", std::to_string(i))); ++i) {
        std::this_thread::sleep_for(5ms);
      }
      --open_streams_;
    };
    response.SetStream(body, kEventStreamType);
  });
  server_->Handle("GET", "/three", [](const HttpRequest&, HttpResponse& response) {
    auto body = [](StreamWriter& out) {
      for (int i = 1; i <= 3; ++i) {
        if (!out.Write(SseEvent("n", std::to_string(i)))) return;
      }
    };
    response.SetStream(body, kEventStreamType);
  });
}

}  // namespace codelore::api

#endif  // CODELORE_TESTS_API_HTTP_FIXTURE_H_
