// The HTTP interface as its clients meet it: a real server over a real service.
#include "api/routes.h"

#include <functional>

#include "api/http/http_client.h"
#include "api/http/http_fixture.h"
#include "api/http/http_target.h"
#include "api/openapi.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  Json json() const { return Json::parse(body, nullptr, false); }
};

class RoutesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
    world_.Index(billing_.path(), "billing", {"user:ann"});
    world_.Index(robots_.path(), "robots", {"team:hardware"});
    ann_ = Token("ann");
    bob_ = Token("bob", {"hardware"});
    root_ = Token("root", {}, true);
    Serve();
  }
  void TearDown() override { StopServing(); }

  void Serve() {
    auto work = [this](SourceId id, std::stop_token stop, const std::function<void(const ingest::IndexProgress&)>& progress) -> Status {
      ASSIGN_OR_RETURN(acl::Source source, world_.directory().FindSource(id));
      return world_.service().IndexSource(source, stop, progress).status();
    };
    queue_ = IndexQueue::Open(world_.service().store(), work).value();
    HttpServer::Options options;
    options.threads = 8;
    options.max_streams = 4;
    options.log = [this](std::string_view id, std::string_view text) {
      std::lock_guard lock(log_mutex_);
      log_ += std::string(id) + " " + std::string(text) + "\n";
    };
    server_ = std::make_unique<HttpServer>(options);
    AddRoutes(*server_, world_.service(), *queue_);
    ASSERT_TRUE(server_->Start().ok());
  }
  void StopServing() {
    if (server_) server_->Stop(std::chrono::milliseconds(0));
    server_.reset();
    queue_.reset();
  }

  std::string Token(const std::string& user, const std::vector<std::string>& teams = {}, bool administrator = false,
                    const std::string& tenant = std::string(acl::kDefaultTenant)) {
    return world_.directory().CreateToken({.tenant = world_.Tenant(tenant), .user = user, .teams = teams, .role = administrator ? Role::kAdministrator : Role::kReader})->text;
  }

  Reply Send(const std::string& method, const std::string& target, const std::string& token, const std::string& body = "") {
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    if (!body.empty()) request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    RawClient client(server_->port());
    client.Send(request + "\r\n" + body);
    std::string answer = client.ReadToEnd();
    size_t end = answer.find("\r\n\r\n");
    return {StatusIn(answer), answer.substr(0, end), BodyIn(answer)};
  }
  Reply Post(const std::string& target, const std::string& token, const Json& body) { return Send("POST", target, token, body.dump()); }

  // The problem JSON of an answer that must be one.
  Json ProblemIn(const Reply& reply, int status) {
    EXPECT_EQ(reply.status, status) << reply.head << "\n" << reply.body;
    EXPECT_NE(reply.head.find("Content-Type: application/problem+json"), std::string::npos) << reply.head;
    Json problem = reply.json();
    EXPECT_EQ(problem["status"], status);
    for (const char* field : {"type", "title", "detail", "request_id"}) EXPECT_TRUE(problem[field].is_string()) << field;
    EXPECT_NE(reply.head.find("X-Request-Id: " + problem.value("request_id", "?")), std::string::npos);
    return problem;
  }

  // Waits until the source's job is over; its state.
  std::string Finished(const std::string& source) {
    for (int i = 0; i < 2000; ++i) {
      Json status = Send("GET", "/v1/status", root_).json();
      for (const Json& entry : status["sources"]) {
        if (entry["source"] != source || !entry.contains("indexing")) continue;
        std::string state = entry["indexing"]["state"];
        if (state == "done" || state == "failed") return state + entry["indexing"].value("error", "");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return "never";
  }

  ScratchRepository billing_, robots_;
  World world_;
  std::unique_ptr<IndexQueue> queue_;
  std::unique_ptr<HttpServer> server_;
  std::string ann_, bob_, root_;
  std::mutex log_mutex_;
  std::string log_;
};

TEST_F(RoutesTest, EveryOperationNeedsALivingToken) {
  for (const Operation& operation : Operations()) {
    std::string target(operation.path);
    for (size_t at; (at = target.find(':')) != std::string::npos;) target.replace(at, std::min(target.find('/', at), target.size()) - at, "x");
    std::string body = operation.method == "POST" ? "{}" : "";
    std::string expected;
    for (const std::string& token : {std::string(), std::string("nonsense"), ann_ + "x", ann_.substr(1)}) {
      Reply reply = Send(std::string(operation.method), target, token, body);
      Json problem = ProblemIn(reply, 401);
      EXPECT_NE(reply.head.find("WWW-Authenticate: Bearer"), std::string::npos);
      problem.erase("request_id");
      if (expected.empty()) expected = problem.dump();
      EXPECT_EQ(problem.dump(), expected) << operation.name;
    }
  }
}

TEST_F(RoutesTest, TokenMayComeInTwoHeaders) {
  RawClient client(server_->port());
  std::string answer = client.Ask(GetRequest("/v1/sources", "x-api-key: " + ann_ + "\r\n"));
  EXPECT_EQ(StatusIn(answer), 200);
  EXPECT_EQ(StatusIn(client.Ask(GetRequest("/v1/sources", "Authorization: bearer " + ann_ + "\r\n"))), 200);
  RawClient other(server_->port());
  EXPECT_EQ(StatusIn(other.Ask(GetRequest("/v1/sources", "Authorization: Basic " + ann_ + "\r\n"))), 401);
}

TEST_F(RoutesTest, SearchAnswersWithWhatTheTokenMaySee) {
  Reply ann = Post("/v1/search", ann_, {{"query", "rounds the total of an invoice"}});
  ASSERT_EQ(ann.status, 200) << ann.body;
  EXPECT_NE(ann.head.find("Content-Type: application/json"), std::string::npos);
  for (const std::string& path : PathsIn(ann.json())) EXPECT_TRUE(path.starts_with("billing:")) << path;
  Reply bob = Post("/v1/search", bob_, {{"query", "rounds the total of an invoice"}});
  for (const std::string& path : PathsIn(bob.json())) EXPECT_TRUE(path.starts_with("robots:")) << path;
  EXPECT_FALSE(PathsIn(bob.json()).empty());
  // An administrator looks after sources and reads none that were not granted.
  EXPECT_TRUE(Post("/v1/search", root_, {{"query", "invoice"}}).json()["hits"].empty());
}

TEST_F(RoutesTest, AskAnswersAsJsonAndAsEvents) {
  Json body = {{"question", "When is a refund paid back?"}};
  Reply whole = Post("/v1/ask", ann_, body);
  ASSERT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.json()["found"]);
  body["stream"] = true;
  Reply streamed = Post("/v1/ask", ann_, body);
  ASSERT_EQ(streamed.status, 200);
  EXPECT_NE(streamed.head.find("Content-Type: text/event-stream"), std::string::npos);
  auto client = HttpClient::Open({.server = "http://127.0.0.1:" + std::to_string(server_->port()), .token = ann_}).value();
  std::vector<std::string> events;
  std::string text;
  Status status = client->Stream("/v1/ask", body.dump(), [&](const SseMessage& message) {
    events.push_back(message.event);
    Json data = Json::parse(message.data);
    if (message.event == "citations") {
      EXPECT_EQ(data["citations"], whole.json()["citations"]);
    }
    if (message.event == "text") text += data["text"];
    if (message.event == "done") {
      EXPECT_TRUE(data["found"]);
    }
    return true;
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.front(), "citations");
  EXPECT_EQ(events.back(), "done");
  for (size_t i = 1; i + 1 < events.size(); ++i) EXPECT_EQ(events[i], "text");
  EXPECT_EQ(text, whole.json()["answer"]);
}

TEST_F(RoutesTest, StreamThatCannotBeginIsAProblemLikeAnyOther) {
  for (const char* body : {R"({"question": "x", "stream": true, "sources": ["robots"]})", R"({"question": "", "stream": true})",
                           R"({"question": "x", "stream": true, "colour": 1})"}) {
    Reply reply = Send("POST", "/v1/ask", ann_, body);
    if (reply.status == 200) {
      EXPECT_NE(reply.body.find("event: error"), std::string::npos) << body;
      EXPECT_EQ(reply.body.find("event: citations"), std::string::npos) << body;
    } else {
      ProblemIn(reply, reply.status);
    }
  }
}

TEST_F(RoutesTest, GrantAndRevocationActAtTheNextRequest) {
  Json query = {{"query", "emergency stop motors"}};
  auto sees = [&] { return !Post("/v1/search", ann_, query).json()["hits"].empty() && Post("/v1/search", ann_, query).body.find("robots") != std::string::npos; };
  EXPECT_FALSE(sees());
  for (const std::string& principal : {std::string("user:ann"), std::string("everyone")}) {
    Reply granted = Post("/v1/sources/robots/grants", root_, {{"principal", principal}});
    ASSERT_EQ(granted.status, 200) << granted.body;
    EXPECT_TRUE(sees()) << principal;
    Reply revoked = Send("DELETE", "/v1/sources/robots/grants/" + PercentEncode(principal), root_);
    ASSERT_EQ(revoked.status, 200) << revoked.body;
    EXPECT_FALSE(sees()) << principal;
  }
}

TEST_F(RoutesTest, ReadersMayChangeNothing) {
  ProblemIn(Post("/v1/sources", ann_, {{"location", billing_.path()}}), 403);
  ProblemIn(Send("DELETE", "/v1/sources/billing", ann_), 403);
  ProblemIn(Post("/v1/sources/billing/grants", ann_, {{"principal", "everyone"}}), 403);
  ProblemIn(Send("DELETE", "/v1/sources/billing/grants/user:ann", ann_), 403);
  ProblemIn(Post("/v1/tokens", ann_, {{"user", "eve"}}), 403);
  ProblemIn(Send("GET", "/v1/tokens", ann_), 403);
  ProblemIn(Send("DELETE", "/v1/tokens/1", ann_), 403);
  for (const std::string& token : {ann_, root_}) {
    ProblemIn(Post("/v1/tenants", token, {{"name", "acme"}}), 403);
    ProblemIn(Send("GET", "/v1/tenants", token), 403);
  }
  ProblemIn(Post("/v1/search", ann_, {{"query", "x"}, {"explain", true}}), 403);
}

TEST_F(RoutesTest, TokensAreMadeListedAndRevoked) {
  Reply made = Post("/v1/tokens", root_, {{"user", "cem"}, {"teams", {"hardware"}}});
  ASSERT_EQ(made.status, 200) << made.body;
  std::string cem = made.json()["token"];
  EXPECT_EQ(Send("GET", "/v1/sources", cem).json(), Json::parse(R"({"sources":[{"name":"robots"}]})"));
  Reply list = Send("GET", "/v1/tokens", root_);
  EXPECT_EQ(list.json()["tokens"].size(), 4u);
  EXPECT_EQ(list.body.find(cem), std::string::npos);
  EXPECT_EQ(Send("DELETE", "/v1/tokens/" + std::to_string(made.json()["id"].get<int>()), root_).status, 200);
  ProblemIn(Send("GET", "/v1/sources", cem), 401);
  ProblemIn(Send("DELETE", "/v1/tokens/one", root_), 400);
  ProblemIn(Send("DELETE", "/v1/tokens/4000000000", root_), 404);
}

TEST_F(RoutesTest, IndexingRunsBehindTheRequest) {
  TempFolder folder;
  folder.Write("a.md", "# Walrus\n\nThe walrus chapter.\n");
  Reply accepted = Post("/v1/sources", root_, {{"location", folder.path()}, {"name", "notes"}});
  ASSERT_EQ(accepted.status, 200) << accepted.body;
  EXPECT_EQ(accepted.json(), Json::parse(R"({"source":"notes","accepted":true})"));
  EXPECT_EQ(Finished("notes"), "done");
  Post("/v1/sources/notes/grants", root_, {{"principal", "user:ann"}});
  EXPECT_EQ(PathsIn(Post("/v1/search", ann_, {{"query", "walrus"}, {"mode", "lexical"}}).json()), std::vector<std::string>{"notes:a.md"});
  folder.Write("a.md", "# Heron\n");
  Post("/v1/sources", root_, {{"location", folder.path()}, {"name", "notes"}});
  EXPECT_EQ(Finished("notes"), "done");
  EXPECT_TRUE(Post("/v1/search", ann_, {{"query", "walrus"}, {"mode", "lexical"}}).json()["hits"].empty());
}

TEST_F(RoutesTest, FailedIndexingIsShown) {
  ScratchRepository empty;
  ASSERT_EQ(Post("/v1/sources", root_, {{"location", empty.path()}, {"name", "void"}}).status, 200);
  std::string outcome = Finished("void");
  EXPECT_TRUE(outcome.starts_with("failed")) << outcome;
  EXPECT_NE(outcome.find("no commit yet"), std::string::npos) << outcome;
  EXPECT_EQ(Send("GET", "/v1/status", ann_).body.find("void"), std::string::npos);
  ProblemIn(Post("/v1/sources", root_, {{"location", "/no/such/place"}}), 404);
  ProblemIn(Post("/v1/sources", root_, {{"location", "--upload-pack=touch /tmp/x"}}), 400);
}

TEST_F(RoutesTest, NamesWithSlashesAndLettersOfAllKindsWorkInPaths) {
  TempFolder folder;
  folder.Write("a.md", "walrus\n");
  for (const std::string& name : {std::string("team/app"), std::string("문서 모음"), std::string("a%2Fb?c#d"), std::string("CORP\\app")}) {
    ASSERT_EQ(Post("/v1/sources", root_, {{"location", folder.path()}, {"name", name}}).status, 200) << name;
    ASSERT_EQ(Finished(name), "done") << name;
    std::string principal = "user:CORP\\김 씨/" + name.substr(0, 3);
    std::string path = "/v1/sources/" + PercentEncode(name);
    Reply granted = Post(path + "/grants", root_, {{"principal", principal}});
    ASSERT_EQ(granted.status, 200) << granted.body;
    EXPECT_EQ(granted.json()["readers"], Json({principal}));
    Reply revoked = Send("DELETE", path + "/grants/" + PercentEncode(principal), root_);
    EXPECT_EQ(revoked.status, 200) << revoked.body;
    EXPECT_TRUE(revoked.json()["readers"].empty());
    EXPECT_EQ(Send("DELETE", path, root_).json(), Json({{"removed", name}}));
    ProblemIn(Send("DELETE", path, root_), 404);
  }
}

TEST_F(RoutesTest, EveryErrorIsProblemJson) {
  ProblemIn(Send("POST", "/v1/search", ann_, "{"), 400);
  ProblemIn(Send("POST", "/v1/search", ann_, "[]"), 400);
  ProblemIn(Post("/v1/search", ann_, {{"query", 7}}), 400);
  ProblemIn(Post("/v1/search", ann_, {{"query", "x"}, {"languages", {"klingon"}}}), 400);
  ProblemIn(Post("/v1/search", ann_, {{"query", "x"}, {"sources", {"none"}}}), 404);
  ProblemIn(Send("GET", "/v1/nothing", ann_), 404);
  ProblemIn(Send("GET", "/v1/search", ann_), 405);
  ProblemIn(Send("DELETE", "/v1/sources/none", root_), 404);
  ProblemIn(Post("/v1/search", ann_, {{"query", std::string(20'000, 'x')}}), 400);
  ProblemIn(Post("/v1/search", ann_, {{"query", std::string(2 << 20, 'x')}}), 413);
  RawClient client(server_->port());
  std::string form = client.Ask(PostRequest("/v1/search", "query=x", "Authorization: Bearer " + ann_ + "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  EXPECT_EQ(StatusIn(form), 415);
}

TEST_F(RoutesTest, FailuresOfTheServerAreToldToItsLogOnly) {
  // A store that no longer holds the text the index points at.
  Reply before = Post("/v1/search", ann_, {{"query", "refund"}});
  ASSERT_EQ(before.status, 200);
  WriteBatch batch;
  ASSERT_TRUE(world_.service().store().Scan(Table::kBlobs, "", [&](std::string_view key, std::string_view) {
    batch.Delete(Table::kBlobs, std::string(key));
    return true;
  }).ok());
  ASSERT_TRUE(world_.service().store().Write(batch).ok());
  Json problem = ProblemIn(Post("/v1/search", ann_, {{"query", "invoice"}}), 500);  // another question: that one is kept
  EXPECT_EQ(problem["detail"], "the server failed; its log has more under this request id");
  std::lock_guard lock(log_mutex_);
  EXPECT_NE(log_.find(problem["request_id"].get<std::string>()), std::string::npos);
}

TEST_F(RoutesTest, HealthAndDescriptionNeedNoToken) {
  for (const char* target : {"/healthz", "/readyz"}) {
    Reply reply = Send("GET", target, "");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json()["status"], "ok");
  }
  Reply document = Send("GET", "/openapi.json", "");
  EXPECT_EQ(document.status, 200);
  EXPECT_EQ(document.body, OpenApiDocument());
}

TEST_F(RoutesTest, JobsGoOnAfterARestart) {
  StopServing();
  TempFolder folder;
  folder.Write("a.md", "# Walrus\n");
  acl::Source source = world_.service().FindOrAddSource(world_.Tenant(), folder.path(), "notes").value().source;
  {
    std::atomic<bool> began = false;
    auto queue = IndexQueue::Open(world_.service().store(), [&](SourceId, std::stop_token stop, const auto&) -> Status {
      began = true;
      while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return Unavailable("interrupted");
    }).value();
    ASSERT_TRUE(queue->Submit(source.id).ok());
    while (!began) std::this_thread::yield();
  }
  world_.Open();
  Serve();
  EXPECT_EQ(Finished("notes"), "done");
}

// ---- webhooks ----------------------------------------------------------------------------------------------

class WebhookRouteTest : public RoutesTest {
 protected:
  void SetUp() override {
    RoutesTest::SetUp();
    Put("/v1/sources/billing", {{"location", billing_.path()}, {"poll", "never"}, {"webhook_secret", kSecret}});
    ASSERT_EQ(Finished("billing"), "done");
  }
  Reply Put(const std::string& target, const Json& body) { return Send("PUT", target, root_, body.dump()); }
  Reply Deliver(const std::string& target, const std::string& headers, const std::string& body = "Hello, World!") {
    RawClient client(server_->port());
    client.Send("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "Content-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    std::string answer = client.ReadToEnd();
    return {StatusIn(answer), answer.substr(0, answer.find("\r\n\r\n")), BodyIn(answer)};
  }
  static std::string GitHub(const std::string& event, const std::string& delivery, const std::string& hex = kHex) {
    return "X-GitHub-Event: " + event + "\r\nX-GitHub-Delivery: " + delivery + "\r\nX-Hub-Signature-256: sha256=" + hex +
           "\r\nContent-Type: application/x-www-form-urlencoded\r\n";
  }

  static inline const std::string kSecret = "It's a Secret to Everybody";
  static inline const std::string kHex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
};

TEST_F(WebhookRouteTest, SignedPushIsIndexedAndARepeatedOneIsNot) {
  billing_.Write("docs/new.md", "# New\n\nThe walrus pays in herring.\n");
  std::string commit = billing_.Commit();
  Reply reply = Deliver("/v1/webhooks/github/billing", GitHub("push", "1"));
  EXPECT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(reply.json()["accepted"], true);
  EXPECT_EQ(Finished("billing"), "done");
  Json found = Post("/v1/search", ann_, {{"query", "walrus herring"}, {"mode", "lexical"}}).json();
  ASSERT_FALSE(found["hits"].empty());
  EXPECT_EQ(found["hits"][0]["commit"], commit);
  for (const char* delivery : {"1", "2"}) {  // the same id; another id over the same signature
    reply = Deliver("/v1/webhooks/github/billing", GitHub("push", delivery));
    EXPECT_EQ(reply.status, 202);
    EXPECT_EQ(reply.json()["accepted"], false);
  }
}

TEST_F(WebhookRouteTest, PingsAreAnsweredAndOtherEventsLeftAlone) {
  EXPECT_EQ(Deliver("/v1/webhooks/github/billing", GitHub("ping", "1")).json()["pong"], true);
  Reply other = Deliver("/v1/webhooks/github/billing", GitHub("issues", "2"));
  EXPECT_EQ(other.status, 202);
  EXPECT_EQ(other.json()["accepted"], false);
  EXPECT_EQ(Deliver("/v1/webhooks/github/billing", GitHub("push", "2")).json()["accepted"], true);
}

TEST_F(WebhookRouteTest, WrongSignatureUnknownSourceAndSourceWithoutSecretAreOneAnswer) {
  std::string first;
  auto check = [&](const std::string& target, const std::string& headers) {
    Json problem = ProblemIn(Deliver(target, headers), 401);
    problem.erase("request_id");
    if (first.empty()) first = problem.dump();
    EXPECT_EQ(problem.dump(), first) << target << "\n" << headers;
  };
  std::string wrong = kHex;
  wrong[5] = 'f';
  check("/v1/webhooks/github/billing", GitHub("push", "1", wrong));
  check("/v1/webhooks/github/billing", GitHub("ping", "1", wrong));
  check("/v1/webhooks/github/billing", GitHub("push", "1", ""));
  check("/v1/webhooks/github/billing", "");
  check("/v1/webhooks/github/billing?tenant=other", GitHub("push", "1"));
  check("/v1/webhooks/github/nothing", GitHub("push", "1"));
  check("/v1/webhooks/github/robots", GitHub("push", "1"));  // has no secret
  check("/v1/webhooks/sourcehut/billing", GitHub("push", "1"));
  check("/v1/webhooks/gitea/billing", GitHub("push", "1"));
  check("/v1/webhooks/gitlab/billing", "X-Gitlab-Token: wrong\r\n");
}

TEST_F(WebhookRouteTest, BodyIsLimitedBeforeItIsRead) {
  RawClient client(server_->port());
  client.Send("POST /v1/webhooks/github/billing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194305\r\n\r\n");
  EXPECT_EQ(StatusIn(client.ReadToEnd()), 413);
}

TEST_F(WebhookRouteTest, AcknowledgedPushSurvivesARestart) {
  ASSERT_EQ(Send("POST", "/v1/sources/billing/pause", root_, "{}").status, 200);
  billing_.Write("docs/new.md", "# New\n\nThe walrus pays in herring.\n");
  billing_.Commit();
  StopServing();
  world_.Open();
  Serve();
  // (This fixture's queue knows no pauses; what matters is what is on disk when the acknowledgement has come.)
  EXPECT_EQ(Deliver("/v1/webhooks/github/billing", GitHub("push", "1")).status, 202);
  StopServing();
  world_.Open();
  Serve();
  EXPECT_EQ(Deliver("/v1/webhooks/github/billing", GitHub("push", "1")).json()["accepted"], false);
  Json found;
  for (int i = 0; i < 1000 && (i == 0 || found["hits"].empty()); ++i) {
    found = Post("/v1/search", ann_, {{"query", "walrus herring"}, {"mode", "lexical"}}).json();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_FALSE(found["hits"].empty());
}

}  // namespace
}  // namespace codelore::api
