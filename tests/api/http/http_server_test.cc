#include "api/http/http_server.h"

#include <set>
#include <vector>

#include "api/http/http_fixture.h"

namespace codelore::api {
namespace {

class HttpServerTest : public HttpFixture {};

TEST_F(HttpServerTest, AnswersAGet) {
  Start();
  std::string answer = Ask(GetRequest("/healthz"));
  EXPECT_EQ(StatusIn(answer), 200);
  EXPECT_EQ(BodyIn(answer), "{\"ok\":true}");
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), answer.npos);
}

TEST_F(HttpServerTest, SendsTheSafetyHeadersAndNoServerName) {
  Start();
  for (const std::string& answer : {Ask(GetRequest("/healthz")), Ask(GetRequest("/nothing")),
                                    Ask("GET / HTTP/1.1\r\nbroken\r\n\r\n")}) {
    EXPECT_NE(answer.find("X-Content-Type-Options: nosniff\r\n"), answer.npos) << answer;
    EXPECT_NE(answer.find("Cache-Control: no-store\r\n"), answer.npos);
    EXPECT_NE(answer.find("Referrer-Policy: no-referrer\r\n"), answer.npos);
    EXPECT_NE(answer.find("Content-Security-Policy: default-src 'none'"), answer.npos);
    EXPECT_EQ(answer.find("Server:"), answer.npos);
    EXPECT_EQ(answer.find("httplib"), answer.npos);
    EXPECT_EQ(answer.find("Keep-Alive:"), answer.npos);
  }
}

TEST_F(HttpServerTest, LetsARouteReplaceASafetyHeader) {
  Start();
  server_->Stop(0ms);
  server_ = std::make_unique<HttpServer>(QuickOptions());
  server_->Handle("GET", "/page", [](const HttpRequest&, HttpResponse& response) {
    response.SetHeader("cache-control", "max-age=60");
    response.SetBody("<p>", "text/html");
  });
  ASSERT_TRUE(server_->Start().ok());
  std::string answer = Ask(GetRequest("/page"));
  EXPECT_NE(answer.find("cache-control: max-age=60\r\n"), answer.npos);
  EXPECT_EQ(answer.find("no-store"), answer.npos);
}

TEST_F(HttpServerTest, GivesEachAnswerItsOwnRequestId) {
  Start();
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    std::string answer = Ask(GetRequest("/healthz", "X-Request-Id: mine\r\n"));
    size_t at = answer.find("X-Request-Id: ");
    ASSERT_NE(at, answer.npos);
    ids.insert(answer.substr(at + 14, 32));
    EXPECT_EQ(answer.find("mine"), answer.npos);
  }
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  Start();
  RawClient client = Connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(StatusIn(client.Ask(GetRequest("/healthz"))), 200);
  EXPECT_EQ(StatusIn(client.Ask(PostRequest("/echo", "{}"))), 200);
  EXPECT_EQ(StatusIn(client.Ask(GetRequest("/healthz", "Connection: close\r\n"))), 200);
  EXPECT_TRUE(client.WaitForClose());
}

TEST_F(HttpServerTest, ClosesAfterEveryError) {
  Start();
  for (std::string_view path : {"/nothing", "/throw"}) {
    RawClient client = Connect();
    client.Send(GetRequest(path) + GetRequest("/admin"));
    std::string answer = client.ReadToEnd();
    EXPECT_NE(answer.find("Connection: close\r\n"), answer.npos);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(admin_runs_, 0);
}

TEST_F(HttpServerTest, AnswersErrorsAsProblemJson) {
  Start();
  std::string answer = Ask(GetRequest("/nothing"));
  EXPECT_EQ(StatusIn(answer), 404);
  EXPECT_NE(answer.find("Content-Type: application/problem+json\r\n"), answer.npos);
  std::string id = answer.substr(answer.find("X-Request-Id: ") + 14, 32);
  EXPECT_EQ(BodyIn(answer),
            "{\"type\":\"urn:codelore:problem:not-found\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"no such path\",\"request_id\":\"" +
                id + "\"}");
}

TEST_F(HttpServerTest, NamesTheMethodsAPathKnows) {
  Start();
  std::string answer = Ask(PostRequest("/healthz", "{}"));
  EXPECT_EQ(StatusIn(answer), 405);
  EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), answer.npos);
  EXPECT_EQ(StatusIn(Ask(GetRequest("/echo"))), 405);
  EXPECT_EQ(StatusIn(Ask("BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")), 405);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  Start();
  RawClient client = Connect();
  client.Send("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  std::string answer = client.ReadToEnd();
  EXPECT_EQ(StatusIn(answer), 200);
  EXPECT_EQ(BodyIn(answer), "");
  EXPECT_NE(answer.find("Content-Length: 11\r\n"), answer.npos);
  EXPECT_EQ(answer.find("Accept-Ranges"), answer.npos);
}

TEST_F(HttpServerTest, DecodesParametersOfPathAndQuery) {
  Start();
  EXPECT_EQ(BodyIn(Ask(GetRequest("/say/a%2Fb%20c"))), "a/b c");
  EXPECT_EQ(BodyIn(Ask(GetRequest("/query?x=1&q=a+b%26%ED%95%9C"))), "a b&한");
  EXPECT_EQ(BodyIn(Ask(GetRequest("/query"))), "-");
}

TEST_F(HttpServerTest, IgnoresRangesAndUpgrades) {
  Start();
  std::string ranged = Ask(GetRequest("/healthz", "Range: bytes=0-1\r\n"));
  EXPECT_EQ(StatusIn(ranged), 200);
  EXPECT_EQ(BodyIn(ranged), "{\"ok\":true}");
  EXPECT_EQ(StatusIn(Ask(GetRequest("/healthz",
                                    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                                    "Sec-WebSocket-Version: 13\r\n"))),
            200);
}

TEST_F(HttpServerTest, GivesARouteTheRawBody) {
  Start();
  std::string bytes = "a=1&b=\x01\xFF";
  std::string answer =
      Ask(PostRequest("/raw", bytes, "Content-Type: application/x-www-form-urlencoded\r\n"));
  EXPECT_EQ(BodyIn(answer), bytes);
}

TEST_F(HttpServerTest, ReadsChunkedBodies) {
  Start();
  RawClient client = Connect();
  std::string head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; "
      "charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(BodyIn(client.Ask(head + "3\r\n{\"a\r\nA\r\n\": \"0123\"}\r\n0\r\n\r\n")),
            "{\"a\": \"0123\"}");
  EXPECT_EQ(StatusIn(client.Ask(GetRequest("/healthz"))), 200);
}

TEST_F(HttpServerTest, InvitesTheBodyAClientHoldsBack) {
  Start();
  RawClient client = Connect();
  std::string request =
      PostRequest("/echo", "{}", "Content-Type: application/json\r\nExpect: 100-continue\r\n");
  client.Send(request.substr(0, request.size() - 2));
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(BodyIn(client.Ask("{}")), "{}");
}

TEST_F(HttpServerTest, RefusesABodyItWouldNotTakeBeforeItIsSent) {
  Start();
  std::string head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n";
  EXPECT_EQ(StatusIn(Ask(head)), 413);
}

TEST_F(HttpServerTest, LetsARouteSetItsOwnBodyLimit) {
  Start();
  EXPECT_EQ(StatusIn(Ask(PostRequest("/raw", std::string(64 * 1024, 'x')))), 200);
  EXPECT_EQ(StatusIn(Ask(PostRequest("/raw", std::string(64 * 1024 + 1, 'x')))), 413);
}

TEST_F(HttpServerTest, TellsAClientThatSentTooMuchBeforeItCloses) {
  Start();
  RawClient client = Connect();
  client.Send(PostRequest("/echo", std::string(5 * 1024 * 1024, 'x')));
  EXPECT_EQ(StatusIn(client.ReadToEnd()), 413);
}

TEST_F(HttpServerTest, TakesOnlyJsonWhereARouteWantsIt) {
  Start();
  EXPECT_EQ(StatusIn(Ask(PostRequest("/echo", "{}", "Content-Type: text/plain\r\n"))), 415);
  EXPECT_EQ(StatusIn(Ask(PostRequest("/echo", "{}", ""))), 415);
  EXPECT_EQ(StatusIn(Ask(
                PostRequest("/echo", "{}", "Content-Type: application/json; charset=utf-16\r\n"))),
            415);
  EXPECT_EQ(StatusIn(Ask(PostRequest("/echo", "", ""))),
            200);  // nothing was sent: nothing to declare
}

TEST_F(HttpServerTest, StreamsEventsAsTheyAreWritten) {
  Start();
  RawClient client = Connect();
  client.Send(GetRequest("/three"));
  std::string answer = client.ReadUntil("0\r\n\r\n");
  EXPECT_NE(answer.find("Content-Type: text/event-stream\r\n"), answer.npos);
  EXPECT_NE(answer.find("X-Accel-Buffering: no\r\n"), answer.npos);
  EXPECT_NE(answer.find("\r\nevent: n\ndata: 1\n\n\r\n"), answer.npos);
  EXPECT_NE(answer.find("\r\nevent: n\ndata: 3\n\n\r\n"), answer.npos);
  EXPECT_EQ(StatusIn(client.Ask(GetRequest("/healthz"))), 200);  // the connection lives on
}

TEST_F(HttpServerTest, StreamsToAnOldClientUntilItCloses) {
  Start();
  RawClient client = Connect();
  client.Send("GET /three HTTP/1.0\r\n\r\n");
  std::string answer = client.ReadToEnd();
  EXPECT_EQ(answer.find("chunked"), answer.npos);
  EXPECT_EQ(BodyIn(answer), "event: n\ndata: 1\n\nevent: n\ndata: 2\n\nevent: n\ndata: 3\n\n");
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, TellsAStreamThatItsClientIsGone) {
  Start();
  RawClient client = Connect();
  client.Send(GetRequest("/stream"));
  client.ReadUntil("tick");
  EXPECT_EQ(open_streams_, 1);
  client.Close();
  EXPECT_TRUE(Eventually([&] { return open_streams_ == 0; }));
}

TEST_F(HttpServerTest, TellsAHandlerThatItsClientIsGone) {
  auto options = QuickOptions();
  options.request_deadline = 60s;
  Start(options);
  RawClient client = Connect();
  client.Send(GetRequest("/wait"));
  ASSERT_TRUE(Eventually([&] { return waiting_ == 1; }));
  client.Close();
  EXPECT_TRUE(Eventually([&] { return waiting_ == 0; }));
}

TEST_F(HttpServerTest, CutsAStreamWhoseBodyThrows) {
  Start();
  server_->Stop(0ms);
  server_ = std::make_unique<HttpServer>(QuickOptions());
  server_->Handle("GET", "/half", [](const HttpRequest&, HttpResponse& response) {
    auto body = [](StreamWriter& out) {
      if (out.Write("half")) throw std::runtime_error("lost");
    };
    response.SetStream(body, "text/plain");
  });
  ASSERT_TRUE(server_->Start().ok());
  RawClient client = Connect();
  client.Send(GetRequest("/half"));
  std::string answer = client.ReadToEnd();
  EXPECT_NE(answer.find("half"), answer.npos);
  EXPECT_EQ(answer.find("0\r\n\r\n"), answer.npos);  // no end mark: visibly incomplete
  EXPECT_EQ(answer.find("lost"), answer.npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, BoundsStreamsSoThatQuickAnswersGoOn) {
  auto options = QuickOptions();
  options.max_streams = 3;
  Start(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Connect());
    clients.back().Send(GetRequest("/stream"));
    clients.back().ReadUntil("tick");
  }
  std::string refused = Ask(GetRequest("/stream"));
  EXPECT_EQ(StatusIn(refused), 503);
  EXPECT_NE(refused.find("Retry-After: "), refused.npos);
  EXPECT_EQ(StatusIn(Ask(GetRequest("/healthz"))), 200);
  clients.clear();
  ASSERT_TRUE(Eventually([&] { return open_streams_ == 0; }));
  EXPECT_EQ(StatusIn(Ask(GetRequest("/three"))), 200);
}

TEST_F(HttpServerTest, RefusesWhatTheQueueCannotHold) {
  auto options = QuickOptions();
  options.threads = 2;
  options.max_queued = 1;
  options.request_deadline = 60s;
  Start(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(Connect());
    clients.back().Send(GetRequest("/wait"));
    ASSERT_TRUE(Eventually([&] { return waiting_ == i + 1; }));
  }
  clients.push_back(Connect());
  clients.back().Send(GetRequest("/wait"));  // queued: nothing tells us when
  std::string refused;
  ASSERT_TRUE(Eventually([&] {
    RawClient client = Connect();
    client.Send(GetRequest("/healthz"));
    refused = client.ReadAnswer(50ms);
    return !refused.empty();
  }));
  EXPECT_EQ(StatusIn(refused), 503);
  EXPECT_NE(refused.find("Retry-After: "), refused.npos);
  release_ = true;
  for (RawClient& client : clients) EXPECT_EQ(BodyIn(client.ReadAnswer()), "waited");
}

TEST_F(HttpServerTest, LetsRequestsUnderWayFinishWhenItStops) {
  auto options = QuickOptions();
  options.request_deadline = 60s;
  Start(options);
  RawClient busy = Connect();
  RawClient idle = Connect();
  EXPECT_EQ(StatusIn(idle.Ask(GetRequest("/healthz"))), 200);
  busy.Send(GetRequest("/wait"));
  ASSERT_TRUE(Eventually([&] { return waiting_ == 1; }));
  std::thread stop([&] { server_->Stop(10s); });
  EXPECT_TRUE(idle.WaitForClose());
  EXPECT_FALSE(RawClient(port()).connected());
  release_ = true;
  EXPECT_EQ(BodyIn(busy.ReadAnswer()), "waited");
  stop.join();
  EXPECT_TRUE(busy.WaitForClose());
}

TEST_F(HttpServerTest, CutsStreamsWhenTheDrainTimeIsOver) {
  Start();
  RawClient client = Connect();
  client.Send(GetRequest("/stream"));
  client.ReadUntil("tick");
  auto begin = std::chrono::steady_clock::now();
  server_->Stop(50ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  EXPECT_EQ(open_streams_, 0);
}

TEST_F(HttpServerTest, CannotShareItsPort) {
  Start();
  HttpServer::Options options = QuickOptions();
  options.port = port();
  HttpServer second(options);
  Status status = second.Start();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find(std::to_string(options.port)), std::string::npos);
}

TEST_F(HttpServerTest, KnowsItsOwnNamesOnLoopback) {
  Start();
  for (std::string_view host :
       {"localhost", "LOCALHOST:99", "127.0.0.1:8080", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(StatusIn(Ask("GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")),
              200)
        << host;
  }
  for (std::string_view host :
       {"evil.example", "localhost.evil.example", "evil.example:8080", "[::2]", ""}) {
    EXPECT_EQ(StatusIn(Ask("GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")),
              421)
        << host;
  }
}

TEST_F(HttpServerTest, TakesConfiguredNamesOnly) {
  auto options = QuickOptions();
  options.allowed_hosts = {"code.example"};
  Start(options);
  EXPECT_EQ(StatusIn(Ask("GET /healthz HTTP/1.1\r\nHost: Code.example:443\r\n\r\n")), 200);
  EXPECT_EQ(StatusIn(Ask(GetRequest("/healthz"))), 421);
}

TEST_F(HttpServerTest, RefusesForeignPagesThatWouldChangeSomething) {
  auto options = QuickOptions();
  options.allowed_origins = {"https://portal.example"};
  Start(options);
  auto post = [&](std::string_view origin) {
    return StatusIn(Ask(
        PostRequest("/echo", "{}",
                    "Content-Type: application/json\r\nOrigin: " + std::string(origin) + "\r\n")));
  };
  EXPECT_EQ(post("https://portal.example"), 200);
  EXPECT_EQ(post("http://localhost"), 200);  // this very server
  EXPECT_EQ(post("https://evil.example"), 403);
  EXPECT_EQ(post("https://portal.example.evil.example"), 403);
  EXPECT_EQ(post("https://evil-portal.example"), 403);
  EXPECT_EQ(post("http://localhost:99"), 403);
  EXPECT_EQ(post("null"), 403);
  EXPECT_EQ(StatusIn(Ask(GetRequest("/healthz", "Origin: https://evil.example\r\n"))), 200);
}

}  // namespace
}  // namespace codelore::api
