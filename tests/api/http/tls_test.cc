// TLS on both sides: what a certificate must be, and the limits of the plain server, within TLS.
#include "api/http/tls.h"

#include <poll.h>
#include <sys/socket.h>

#include "api/http/http_client.h"
#include "api/http/http_fixture.h"
#include "api/http/test_certificates.h"

namespace codelore::api {
namespace {

TestCertificates& Certificates() {
  static TestCertificates certificates;  // making keys takes a while
  return certificates;
}

// A client that says what it is told to, within TLS.
class RawTlsClient {
 public:
  explicit RawTlsClient(int port, std::shared_ptr<const TlsContext> trust = Certificates().Trust()) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    session_ = TlsSession::Connect(std::move(trust), fd_, "127.0.0.1");
  }
  ~RawTlsClient() { close(fd_); }

  bool Shake() { return Until([&] { return session_->Handshake(); }); }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t count = 0;
      if (!Until([&] { return session_->Write(bytes, count); })) return false;
      bytes.remove_prefix(count);
    }
    return true;
  }
  // What comes until the server ends, or is silent for five seconds.
  std::string ReadToEnd() {
    std::string all;
    while (ReadSome(all)) {
    }
    return all;
  }
  std::string ReadUntil(std::string_view mark) {
    std::string all;
    while (all.find(mark) == std::string::npos && ReadSome(all)) {
    }
    return all;
  }
  std::string Ask(std::string_view request) { return Send(request) ? ReadToEnd() : ""; }
  bool ended() const { return ended_; }

 private:
  bool ReadSome(std::string& to) {
    char buffer[4096];
    size_t count = 0;
    if (!Until([&] { return session_->Read(buffer, sizeof buffer, count); })) return false;
    to.append(buffer, count);
    return true;
  }
  template <typename Step>
  bool Until(Step step) {
    while (true) {
      TlsSession::Io io = step();
      if (io == TlsSession::Io::kDone) return true;
      ended_ = io == TlsSession::Io::kEnd;
      pollfd poller = {.fd = fd_, .events = static_cast<short>(io == TlsSession::Io::kWantsWrite ? POLLOUT : POLLIN), .revents = 0};
      if (ended_ || poll(&poller, 1, 5000) <= 0) return false;
    }
  }

  int fd_;
  bool ended_ = false;
  std::unique_ptr<TlsSession> session_;
};

std::string Closing(std::string_view path) { return GetRequest(path, "Connection: close\r\n"); }

class TlsTest : public HttpFixture {
 protected:
  void StartWith(const TlsFiles& files) {
    HttpServer::Options options = QuickOptions();
    options.header_deadline = 1000ms;
    options.request_deadline = 1500ms;
    options.tls = files;
    Start(options);
  }
  Result<std::string> Get(const std::string& path, const std::string& host = "127.0.0.1", std::shared_ptr<const TlsContext> trust = Certificates().Trust()) {
    auto client = HttpClient::Open({.server = "https://" + host + ":" + std::to_string(port()), .connect_timeout = 2000ms, .trust = std::move(trust)});
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return (*client)->Get(path);
  }
};

TEST_F(TlsTest, ServesWhatThePlainServerServes) {
  StartWith(Certificates().Server());
  auto client = HttpClient::Open({.server = "https://localhost:" + std::to_string(port()), .trust = Certificates().Trust()}).value();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client->Get("/say/hello").value(), "hello");  // one connection
  EXPECT_EQ(client->Get("/big").value().size(), kBigAnswerBytes);
  EXPECT_EQ(client->Post("/echo", "{\"a\":1}").value(), "{\"a\":1}");
  std::string large = "\"" + std::string(900'000, 'y') + "\"";
  EXPECT_EQ(client->Post("/echo", large).value(), large);
  EXPECT_EQ(client->Get("/nowhere").status().code(), StatusCode::kNotFound);
  RawTlsClient raw(port());
  std::string three = raw.Ask(GetRequest("/say/a") + GetRequest("/say/b") + Closing("/three"));
  EXPECT_NE(three.find("X-Said: a"), std::string::npos);
  EXPECT_NE(three.find("X-Said: b"), std::string::npos);
  EXPECT_NE(three.find("data: 3"), std::string::npos);
  EXPECT_TRUE(raw.ended());
}

TEST_F(TlsTest, AClientComesBackAfterItsConnectionWasClosed) {
  StartWith(Certificates().Server());
  auto client = HttpClient::Open({.server = "https://127.0.0.1:" + std::to_string(port()), .trust = Certificates().Trust()}).value();
  EXPECT_TRUE(client->Get("/say/a").ok());
  EXPECT_FALSE(client->Get("/say/%2e").ok());  // a refusal closes
  EXPECT_TRUE(client->Get("/say/b").ok());
}

TEST_F(TlsTest, OnlyTrustedCertificatesForThisHostCount) {
  struct Case {
    const char *certificate, *host, *authority;
    bool good;
  };
  const Case kCases[] = {{"server", "127.0.0.1", "ca", true},     {"server", "localhost", "ca", true},      {"elsewhere", "127.0.0.1", "ca", false},
                         {"elsewhere", "localhost", "ca", false}, {"expired", "127.0.0.1", "ca", false},    {"stranger", "127.0.0.1", "ca", false},
                         {"stranger", "127.0.0.1", "other-ca", true}, {"selfsigned", "127.0.0.1", "ca", false}, {"selfsigned", "127.0.0.1", "selfsigned", true},
                         {"selfsigned", "localhost", "selfsigned", false}};
  for (const Case& each : kCases) {
    StartWith(Certificates().Server(each.certificate));
    auto answer = Get("/say/hello", each.host, Certificates().Trust(each.authority));
    EXPECT_EQ(answer.ok(), each.good) << each.certificate << " at " << each.host << ": " << answer.status().ToString();
    if (!each.good) EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
    EXPECT_FALSE(Get("/say/hello", each.host, nullptr).ok());  // the system's authorities know none of them
    EXPECT_EQ(admin_runs_, 0);
    server_->Stop(0ms);
  }
}

TEST_F(TlsTest, SaysWhyACertificateIsNotTrusted) {
  StartWith(Certificates().Server("expired"));
  EXPECT_NE(Get("/say/a").status().message().find("expired"), std::string::npos);
  server_->Stop(0ms);
  StartWith(Certificates().Server("elsewhere"));
  EXPECT_NE(Get("/say/a").status().message().find("mismatch"), std::string::npos) << Get("/say/a").status().ToString();
  EXPECT_NE(Get("/say/a").status().message().find("--ca-file"), std::string::npos);
}

TEST_F(TlsTest, ThereIsNoWayBackToPlainText) {
  StartWith(Certificates().Server());
  RawClient plain(port());
  EXPECT_EQ(plain.Ask(GetRequest("/admin")).find("HTTP/1.1 200"), std::string::npos);
  EXPECT_TRUE(plain.closed());
  EXPECT_EQ(admin_runs_, 0);
  server_->Stop(0ms);
  Start();  // plain
  EXPECT_FALSE(Get("/admin").ok());
  EXPECT_EQ(admin_runs_, 0);
}

TEST_F(TlsTest, FilesThatCannotWorkAreRefusedAtTheStart) {
  auto refused = [](const TlsFiles& files) { return HttpServer({.tls = files}).Start().message(); };
  TlsFiles good = Certificates().Server(), other = good, open = good, ca = good;
  other.key = Certificates().File("stranger.key");
  EXPECT_NE(refused(other), "");
  other.key = "";
  EXPECT_NE(refused(other).find("--tls-key"), std::string::npos);
  other.key = "/nowhere/key";
  EXPECT_NE(refused(other).find("/nowhere/key"), std::string::npos);
  ca.client_ca = Certificates().File("server.key");
  EXPECT_NE(refused(ca), "");
  std::filesystem::copy_file(good.key, Certificates().File("open.key"), std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(Certificates().File("open.key"), std::filesystem::perms(0644));
  open.key = Certificates().File("open.key");
  EXPECT_NE(refused(open).find("readable by everyone"), std::string::npos);
  EXPECT_FALSE(TlsContext::ForClients("/nowhere").ok());
}

TEST_F(TlsTest, LimitsHoldWithinTls) {
  StartWith(Certificates().Server());
  {
    RawTlsClient slow(port());  // a head that never ends
    ASSERT_TRUE(slow.Send("GET /admin HTTP/1.1\r\nHost: loc"));
    EXPECT_NE(slow.ReadToEnd().find("408"), std::string::npos);
    EXPECT_TRUE(slow.ended());
  }
  {
    RawTlsClient slow(port());  // a body that never ends
    ASSERT_TRUE(slow.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"));
    EXPECT_NE(slow.ReadToEnd().find("408"), std::string::npos);
  }
  for (const char* framing : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n", "Bad Header: x\r\n"}) {
    RawTlsClient smuggler(port());
    std::string answer = smuggler.Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + std::string(framing) + "\r\n" + GetRequest("/admin"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
    EXPECT_TRUE(smuggler.ended());
  }
  RawTlsClient large(port());
  EXPECT_TRUE(large.Ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(60'000, 'a')).starts_with("HTTP/1.1 431"));
  RawTlsClient foreign(port());
  EXPECT_TRUE(foreign.Ask("GET /admin HTTP/1.1\r\nHost: evil.example\r\n\r\n").starts_with("HTTP/1.1 421"));
  EXPECT_EQ(admin_runs_, 0);
}

TEST_F(TlsTest, HandshakesThatDoNotEndHoldNobodyUp) {
  StartWith(Certificates().Server());
  std::vector<RawClient> silent, stuck;
  for (int i = 0; i < 30; ++i) {
    silent.emplace_back(port());
    stuck.emplace_back(port());
    stuck.back().Send("\x16\x03\x01\x02");  // the begin of a first message
  }
  EXPECT_EQ(Get("/say/hello").value(), "hello");
  EXPECT_TRUE(silent[0].WaitForClose());
  EXPECT_TRUE(stuck[0].WaitForClose());
  RawClient garbage(port());
  garbage.Send(std::string(5000, '\x16'));
  EXPECT_TRUE(garbage.WaitForClose());
  EXPECT_EQ(Get("/say/hello").value(), "hello");
}

TEST_F(TlsTest, AClientThatGoesEndsItsStream) {
  StartWith(Certificates().Server());
  {
    RawTlsClient reader(port());
    ASSERT_TRUE(reader.Send(GetRequest("/stream")));
    EXPECT_NE(reader.ReadUntil("data: 3").find("data: 3"), std::string::npos);
    EXPECT_EQ(open_streams_, 1);
  }
  EXPECT_TRUE(Eventually([&] { return open_streams_ == 0; }));
}

TEST_F(TlsTest, CancelEndsAnExchangeUnderWay) {
  StartWith(Certificates().Server());
  auto client = HttpClient::Open({.server = "https://127.0.0.1:" + std::to_string(port()), .trust = Certificates().Trust()}).value();
  std::jthread later([&] {
    EXPECT_TRUE(Eventually([&] { return waiting_ == 1; }));
    client->Cancel();
  });
  EXPECT_EQ(client->Get("/wait").status().code(), StatusCode::kUnavailable);
}

TEST_F(TlsTest, AnAnswerThatIsCutOffIsNone) {
  StartWith(Certificates().Server());
  auto client = HttpClient::Open({.server = "https://127.0.0.1:" + std::to_string(port()), .read_timeout = 300ms, .trust = Certificates().Trust()}).value();
  EXPECT_EQ(client->Get("/wait").status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace codelore::api
