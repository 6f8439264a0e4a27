// The cases of ATTACKS.md, section A, about slow, silent and vanishing clients.
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <vector>

#include "api/http/http_fixture.h"

namespace codelore::api {
namespace {

size_t EntriesOf(const char* folder) {
  size_t count = 0;
  DIR* dir = opendir(folder);
  while (readdir(dir)) ++count;
  closedir(dir);
  return count;
}

class AttackHttpLoad : public HttpFixture {
 protected:
  bool Healthy() { return StatusIn(Ask(GetRequest("/healthz"))) == 200; }
};

std::string PostHead(const std::string& lines) {
  return "POST /raw HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
}

TEST_F(AttackHttpLoad, Attack019_SlowHeadersAreCut) {
  Start();
  RawClient client = Connect();
  client.Send("GET /healthz HTTP/1.1\r\nX: ");
  auto begin = std::chrono::steady_clock::now();
  std::string answer;
  while (!client.closed() && std::chrono::steady_clock::now() - begin < 5s) {
    client.Send("a", 10ms);
    answer += client.ReadToEnd(20ms);
  }
  EXPECT_EQ(StatusIn(answer), 408);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);  // deadline 0.3 s
}

TEST_F(AttackHttpLoad, Attack019_SlowBodiesAreCut) {
  Start();
  for (const char* framing : {"Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"}) {
    RawClient client = Connect();
    client.Send(PostHead(framing) + (std::string_view(framing).starts_with("T") ? "3e8\r\n" : ""));
    auto begin = std::chrono::steady_clock::now();
    std::string answer;
    while (!client.closed() && std::chrono::steady_clock::now() - begin < 5s) {
      client.Send("a", 10ms);
      answer += client.ReadToEnd(20ms);
    }
    EXPECT_EQ(StatusIn(answer), 408);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);  // deadline 0.6 s
  }
}

TEST_F(AttackHttpLoad, Attack019_SlowReadersAreCutAndHoldNoThread) {
  auto options = QuickOptions();
  options.threads = 2;
  options.request_deadline = 60s;
  Start(options);
  constexpr size_t kReaders = 10;
  size_t descriptors = EntriesOf("/proc/self/fd");
  std::vector<RawClient> readers;
  for (size_t i = 0; i < kReaders; ++i) {
    readers.emplace_back(port(), 4096);
    readers.back().Send(GetRequest("/big"));
  }
  EXPECT_TRUE(Healthy());
  // The server's ends are closed while ours still hold what they did not read.
  EXPECT_TRUE(Eventually([&] { return EntriesOf("/proc/self/fd") <= descriptors + kReaders; }));
  for (RawClient& reader : readers) {
    EXPECT_LT(reader.ReadToEnd().size(), kBigAnswerBytes);
    EXPECT_TRUE(reader.closed());
  }
}

TEST_F(AttackHttpLoad, Attack019_SlowReadersOfAStreamAreCut) {
  Start();
  server_->Stop(0ms);
  std::atomic<bool> ended{false};
  server_ = std::make_unique<HttpServer>(QuickOptions());
  server_->Handle("GET", "/flood", [&](const HttpRequest&, HttpResponse& response) {
    auto body = [&](StreamWriter& out) {
      while (out.Write(std::string(64 * 1024, 'x'))) {
      }
      ended = true;
    };
    response.SetStream(body, "text/plain");
  });
  ASSERT_TRUE(server_->Start().ok());
  RawClient reader(port(), 4096);
  reader.Send(GetRequest("/flood"));
  EXPECT_TRUE(Eventually([&] { return ended.load(); }));
}

TEST_F(AttackHttpLoad, Attack019_ManySlowClientsDoNotStopTheOthers) {
  auto options = QuickOptions();
  options.threads = 2;
  options.header_deadline = 5s;
  options.request_deadline = 5s;
  Start(options);
  std::vector<RawClient> slow;
  for (int i = 0; i < 60; ++i) {
    slow.push_back(Connect());
    switch (i % 3) {
      case 0:
        slow.back().Send("GET /heal");
        break;
      case 1:
        slow.back().Send(PostHead("Content-Length: 1000\r\n") + "abc");
        break;
      default:
        break;  // says nothing at all
    }
  }
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Healthy());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

// The server runs in a process of its own, with the descriptors most systems give one.
TEST_F(AttackHttpLoad, Attack020_TenThousandIdleConnections) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  size_t idle_count = std::min<size_t>(10'000, limit.rlim_cur - 100);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    rlimit few = {.rlim_cur = 1024, .rlim_max = 1024};
    setrlimit(RLIMIT_NOFILE, &few);
    auto options = QuickOptions();
    options.max_connections = 100'000;  // lowered to what the limit allows
    options.idle_timeout = options.header_deadline = 60s;
    Start(options);
    int bound = port();
    bool told = write(ready[1], &bound, sizeof(bound)) == sizeof(bound);
    while (told) pause();
    _exit(1);
  }
  int server_port = 0;
  ASSERT_EQ(read(ready[0], &server_port, sizeof(server_port)),
            static_cast<ssize_t>(sizeof(server_port)));
  std::vector<RawClient> idle;
  for (size_t i = 0; i < idle_count; ++i) {
    idle.emplace_back(server_port);
    EXPECT_TRUE(idle.back().connected());
    if (i % 1000 != 0) continue;
    EXPECT_EQ(StatusIn(idle.back().Ask(GetRequest("/healthz"))), 200) << i;
  }
  EXPECT_EQ(StatusIn(RawClient(server_port).Ask(GetRequest("/healthz"))), 200);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
}

TEST_F(AttackHttpLoad, Attack026_AThousandClientsLeaveInMidAnswer) {
  Start();
  EXPECT_TRUE(Healthy());
  auto settled = [&] { return open_streams_ == 0; };
  size_t threads = EntriesOf("/proc/self/task");
  size_t descriptors = EntriesOf("/proc/self/fd");
  for (int i = 0; i < 1000; ++i) {
    RawClient client = Connect();
    client.Send(GetRequest(i % 40 == 0 ? "/big" : "/stream"));
    client.ReadUntil("\r\n\r\n", 2000ms);
    if (i % 2 == 0) client.Reset();
  }
  EXPECT_TRUE(Eventually(settled));
  EXPECT_TRUE(Eventually([&] { return EntriesOf("/proc/self/fd") <= descriptors; }));
  EXPECT_LE(EntriesOf("/proc/self/task"), threads);
  EXPECT_TRUE(Healthy());
}

TEST_F(AttackHttpLoad, ManySseStreamsRunBesideQuickAnswers) {
  HttpServer::Options options;  // the defaults: 200 streams
  Start(options);
  std::vector<RawClient> streams;
  for (int i = 0; i < 200; ++i) {
    streams.push_back(Connect());
    streams.back().Send(GetRequest("/stream"));
  }
  ASSERT_TRUE(Eventually([&] { return open_streams_ == 200; }));
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Healthy());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  for (RawClient& stream : streams)
    EXPECT_NE(stream.ReadUntil("tick").find("tick"), std::string::npos);
  EXPECT_EQ(StatusIn(Ask(GetRequest("/stream"))), 503);
  streams.clear();
  EXPECT_TRUE(Eventually([&] { return open_streams_ == 0; }));
}

}  // namespace
}  // namespace codelore::api
