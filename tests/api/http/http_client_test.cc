#include "api/http/http_client.h"

#include <utility>
#include <vector>

#include "api/http/http_fixture.h"

namespace codelore::api {
namespace {

class HttpClientTest : public HttpFixture {
 protected:
  void SetUp() override {
    server_ = std::make_unique<HttpServer>(QuickOptions());
    server_->Handle("POST", "/v1/echo", [](const HttpRequest& request, HttpResponse& response) {
      response.SetHeader("X-Auth", request.Header("Authorization").value_or("none"));
      response.SetBody(
          request.body + std::string(request.Header("Authorization").value_or(" none")), kJsonType);
    });
    server_->Handle("GET", "/v1/fail/:code",
                    [](const HttpRequest& request, HttpResponse& response) {
                      int http_status = std::atoi(std::string(request.Param("code")).c_str());
                      response.SetProblem({.http_status = http_status, .detail = "no luck"});
                    });
    server_->Handle("DELETE", "/v1/thing",
                    [](const HttpRequest&, HttpResponse& response) { response.SetStatus(204); });
    server_->Handle("GET", "/v1/elsewhere", [](const HttpRequest&, HttpResponse& response) {
      response.SetStatus(302);
      response.SetHeader("Location", "http://127.0.0.1:1/stolen");
    });
    server_->Handle("GET", "/v1/large", [](const HttpRequest&, HttpResponse& response) {
      response.SetBody(std::string(2000, 'x'), kJsonType);
    });
    server_->Handle("POST", "/v1/events", [](const HttpRequest&, HttpResponse& response) {
      auto body = [](StreamWriter& out) {
        for (const char* text : {"one", "two\nlines", ""}) {
          if (!out.Write(SseEvent("text", text))) return;
        }
        if (!out.Write(": a comment\n\n" + SseEvent("", "bare"))) return;
      };
      response.SetStream(body, kEventStreamType);
    });
    server_->Handle("GET", "/v1/slow", [](const HttpRequest& request, HttpResponse& response) {
      while (!request.Cancelled()) std::this_thread::sleep_for(1ms);
      response.SetBody("late", kJsonType);
    });
    ASSERT_TRUE(server_->Start().ok());
  }

  std::unique_ptr<HttpClient> Open(HttpClient::Options options = {}) {
    options.server = "http://127.0.0.1:" + std::to_string(port());
    auto client = HttpClient::Open(options);
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return std::move(client).value();
  }
};

TEST_F(HttpClientTest, SendsJsonAndItsToken) {
  auto client = Open({.token = "cl_abc"});
  for (int i = 0; i < 3; ++i) {
    auto answer = client->Post("/v1/echo", "{\"a\":1}");
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(*answer, "{\"a\":1}Bearer cl_abc");
  }
  EXPECT_EQ(*Open()->Post("/v1/echo", "{}"), "{} none");
}

TEST_F(HttpClientTest, SendsBodiesLargeEnoughToAskFirst) {
  std::string json = "{\"a\":\"" + std::string(500'000, 'x') + "\"}";
  auto answer = Open()->Post("/v1/echo", json);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(*answer, json + " none");
}

TEST_F(HttpClientTest, TellsWhatTheServerRefused) {
  auto client = Open();
  for (auto [http_status, code] :
       std::vector<std::pair<int, StatusCode>>{{400, StatusCode::kInvalidArgument},
                                               {401, StatusCode::kPermissionDenied},
                                               {403, StatusCode::kPermissionDenied},
                                               {404, StatusCode::kNotFound},
                                               {429, StatusCode::kResourceExhausted},
                                               {500, StatusCode::kInternal},
                                               {503, StatusCode::kUnavailable}}) {
    auto answer = client->Get("/v1/fail/" + std::to_string(http_status));
    EXPECT_EQ(answer.status().code(), code) << http_status;
    EXPECT_EQ(answer.status().message(), "no luck");
  }
  EXPECT_EQ(client->Get("/nothing").status().message(), "no such path");
  EXPECT_EQ(client->Post("/v1/echo", std::string(2 << 20, 'x')).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(HttpClientTest, DeletesAndTakesAnEmptyAnswer) {
  auto answer = Open()->Delete("/v1/thing");
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(*answer, "");
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
  auto answer = Open({.token = "cl_abc"})->Get("/v1/elsewhere");
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.status().message().find("redirects are not followed"), std::string::npos);
}

TEST_F(HttpClientTest, BoundsTheAnswer) {
  EXPECT_EQ(Open({.max_answer_bytes = 1999})->Get("/v1/large").status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_TRUE(Open({.max_answer_bytes = 2000})->Get("/v1/large").ok());
}

TEST_F(HttpClientTest, ReadsServerSentEvents) {
  std::vector<std::string> seen;
  Status status = Open()->Stream("/v1/events", "{}", [&](const SseMessage& message) {
    seen.push_back(message.event + "=" + message.data);
    return true;
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(seen,
            (std::vector<std::string>{"text=one", "text=two\nlines", "text=", "message=bare"}));
}

TEST_F(HttpClientTest, StopsReadingEventsWhenItHasEnough) {
  int seen = 0;
  auto client = Open();
  EXPECT_TRUE(
      client->Stream("/v1/events", "{}", [&](const SseMessage&) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(client->Get("/v1/large").ok());
}

TEST_F(HttpClientTest, TellsWhyAStreamWasRefused) {
  Status status = Open()->Stream("/v1/nothing", "{}", [](const SseMessage&) { return true; });
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
}

TEST_F(HttpClientTest, GivesUpOnASilentServer) {
  auto begin = std::chrono::steady_clock::now();
  auto answer = Open({.read_timeout = 100ms})->Get("/v1/slow");
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
}

TEST_F(HttpClientTest, SaysWhenNobodyListens) {
  auto client = Open();
  server_->Stop(0ms);
  EXPECT_EQ(client->Get("/v1/large").status().code(), StatusCode::kUnavailable);
}

TEST(HttpClientUrlTest, RefusesUrlsItCannotServe) {
  auto error = [](std::string server) {
    return HttpClient::Open({.server = std::move(server)}).status();
  };
  EXPECT_TRUE(HttpClient::Open({.server = "https://code.example"}).ok());  // see tls_test
  for (const char* url : {"", "code.example", "ftp://x", "http://", "http://:80", "http://x:0",
                          "http://x:99999", "http://x:8o", "http://user:p@x/", "http://x?y"}) {
    EXPECT_EQ(error(url).code(), StatusCode::kInvalidArgument) << url;
  }
  EXPECT_TRUE(HttpClient::Open({.server = "http://[::1]:8080/prefix/"}).ok());
  EXPECT_FALSE(HttpClient::Open({.server = "http://x", .token = "a\r\nb"}).ok());
}

TEST(SseParserTest, ReadsEventsHoweverTheirBytesArrive) {
  std::string text =
      ": c\r\n\r\nevent: a\rdata: 1\r\rdata:2\ndata\ndata:  3\n\nid: 5\n\nevent: lost\n\ndata: "
      "end\n\n";
  for (size_t piece : {1u, 2u, 3u, 100u}) {
    SseParser parser;
    std::string seen;
    for (size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(
          parser.Feed(std::string_view(text).substr(at, piece), [&](const SseMessage& message) {
            seen += message.event + "=" + message.data + ";";
            return true;
          }));
    }
    EXPECT_EQ(seen, "a=1;message=2\n\n 3;message=end;") << piece;
  }
}

TEST(SseParserTest, RefusesAnEndlessEvent) {
  SseParser parser;
  std::string megabyte(1 << 20, 'x');
  auto feed = [&] { return parser.Feed(megabyte, [](const SseMessage&) { return true; }); };
  int fed = 0;
  while (fed < 100 && feed()) ++fed;
  EXPECT_LE(fed, 16);
}

}  // namespace
}  // namespace codelore::api
