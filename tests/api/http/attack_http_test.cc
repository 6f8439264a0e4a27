// The cases of ATTACKS.md, section A and the parts of B that belong to HTTP, against a real server;
// those about time, load and many connections are in attack_http_load_test.cc.

#include "api/http/http_fixture.h"

namespace codelore::api {
namespace {

class AttackHttp : public HttpFixture {
 protected:
  // `request` is answered with `status`, the connection is closed, and a request that follows never
  // runs.
  void ExpectRefusedAndClosed(const std::string& request, int status) {
    SCOPED_TRACE(request.substr(0, 200));
    RawClient client = Connect();
    client.Send(request + GetRequest("/admin"));
    std::string answer = client.ReadToEnd();
    EXPECT_EQ(StatusIn(answer), status);
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), answer.npos) << "answered twice";
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(admin_runs_, 0);
  }
  // The same when the following request comes in a segment of its own.
  void ExpectDeaf(const std::string& request, int status) {
    SCOPED_TRACE(request.substr(0, 200));
    RawClient client = Connect();
    client.Send(request);
    EXPECT_EQ(StatusIn(client.ReadAnswer()), status);
    client.Send(GetRequest("/admin"));
    EXPECT_EQ(client.ReadToEnd(), "");
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(admin_runs_, 0);
  }
  bool Healthy() { return StatusIn(Ask(GetRequest("/healthz"))) == 200; }
};

std::string PostHead(const std::string& lines) {
  return "POST /raw HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
}

TEST_F(AttackHttp, Attack001_LengthAndTransferCodingTogether) {
  Start();
  for (const char* lines : {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
                            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                            "transfer-encoding: chunked\r\ncontent-length: 0\r\n"}) {
    ExpectRefusedAndClosed(PostHead(lines) + "0\r\n\r\n", 400);
  }
}

TEST_F(AttackHttp, Attack002_TwoLengths) {
  Start();
  ExpectRefusedAndClosed(PostHead("Content-Length: 4\r\nContent-Length: 40\r\n") + "abcd", 400);
  ExpectRefusedAndClosed(PostHead("Content-Length: 4, 40\r\n") + "abcd", 400);
}

TEST_F(AttackHttp, Attack004_RequestHiddenInTheBodyOfAGet) {
  Start();
  std::string hidden = GetRequest("/admin");
  ExpectDeaf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                 std::to_string(hidden.size()) + "\r\n\r\n",
             400);
  ExpectDeaf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  ExpectDeaf("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n", 400);
}

TEST_F(AttackHttp, Attack005_NothingRunsAfterAFramingError) {
  Start();
  for (const char* broken :
       {"GET / HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "POST /raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /raw HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /raw HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n"}) {
    int status = std::string_view(broken).find("9.9") == std::string_view::npos ? 400 : 505;
    ExpectRefusedAndClosed(broken, status);
    ExpectDeaf(broken, status);
  }
}

TEST_F(AttackHttp, Attack007_ChunkSizesThatAreNone) {
  Start();
  std::string head = PostHead("Transfer-Encoding: chunked\r\n");
  for (const char* size : {"-2", "FFFFFFFFFFFFFFFFF", "0x2", "+2", " 2", "2 ", ""}) {
    ExpectRefusedAndClosed(head + size + "\r\nab\r\n0\r\n\r\n", 400);
  }
  RawClient client = Connect();
  client.Send(head + std::string(1 << 20, '1'));
  EXPECT_EQ(StatusIn(client.ReadToEnd()), 400);
  EXPECT_TRUE(client.closed());
}

TEST_F(AttackHttp, Attack008_ChunkExtensionsAndTrailers) {
  Start();
  std::string head = PostHead("Transfer-Encoding: chunked\r\n");
  ExpectRefusedAndClosed(head + "2;" + std::string(1 << 16, 'e') + "\r\nab\r\n0\r\n\r\n", 400);
  std::string trailers;
  for (int i = 0; i < 1000; ++i) trailers += "T" + std::to_string(i) + ": v\r\n";
  ExpectRefusedAndClosed(head + "2\r\nab\r\n0\r\n" + trailers + "\r\n", 400);
}

TEST_F(AttackHttp, Attack010_CompressedBodiesAreNeverInflated) {
  Start();
  for (const char* coding : {"gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip"}) {
    std::string lines = "Content-Encoding: " + std::string(coding) + "\r\n";
    ExpectRefusedAndClosed(PostRequest("/raw", "\x1f\x8b\x08", lines), 413);
  }
}

TEST_F(AttackHttp, Attack011_HugeHeads) {
  Start();
  std::string get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  RawClient endless = Connect();
  const std::string megabyte(1 << 20, 'v');
  endless.Send(get + "X: ");
  size_t taken = 0;
  for (int i = 0; i < 200; ++i) {
    size_t sent = endless.Send(megabyte, 200ms);
    taken += sent;
    if (sent < megabyte.size()) break;
  }
  EXPECT_LT(taken, 20u << 20);  // the rest would not fit into any buffer between us
  std::string answer = endless.ReadToEnd();
  EXPECT_TRUE(endless.closed());
  EXPECT_TRUE(answer.empty() || StatusIn(answer) == 431) << answer;

  std::string many = get;
  for (int i = 0; i < 5000; ++i) many += "X" + std::to_string(i) + ": v\r\n";
  ExpectRefusedAndClosed(many + "\r\n", 431);
  ExpectRefusedAndClosed(get + std::string(100 * 1024, 'N') + ": v\r\n\r\n", 431);
  ExpectRefusedAndClosed(
      "GET /" + std::string(100 * 1024, 'p') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414);
}

TEST_F(AttackHttp, Attack013_EscapedLineBreaksNeverReachAHeader) {
  Start();
  std::string header = Ask(GetRequest("/healthz", "X-Request-Id: a%0d%0aSet-Cookie: b\r\n"));
  EXPECT_EQ(StatusIn(header), 200);
  EXPECT_EQ(header.find("Set-Cookie"), header.npos);
  std::string query = Ask(GetRequest("/query?q=a%0d%0aSet-Cookie:%20b"));
  EXPECT_EQ(query.substr(0, query.find("\r\n\r\n")).find("Set-Cookie"), query.npos);
  EXPECT_EQ(BodyIn(query), "a\r\nSet-Cookie: b");
  EXPECT_EQ(StatusIn(Ask(GetRequest("/say/a%0d%0aSet-Cookie:%20b"))), 404);
}

TEST_F(AttackHttp, Attack014_BytesNoHeaderMayHold) {
  Start();
  std::string get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  for (std::string_view line :
       {std::string_view("A: b\rc"), std::string_view("A: b\nc"), std::string_view("A: \0b", 5),
        std::string_view("A: b\r\n c"), std::string_view("A: b\r\n\tc"), std::string_view("A : b"),
        std::string_view("A\t: b"), std::string_view(" A: b"), std::string_view("A\0: b", 5),
        std::string_view("A: \x1b[2J")}) {
    ExpectRefusedAndClosed(get + std::string(line) + "\r\n\r\n", 400);
  }
  ExpectRefusedAndClosed("GET /healthz HTTP/1.1\nHost: localhost\n\n", 400);
}

TEST_F(AttackHttp, Attack016_ForwardedHeadersAreNotBelieved) {
  Start();
  std::string answer =
      Ask(GetRequest("/peer",
                     "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For:\r\nX-Real-IP: 9.9.9.9\r\n"
                     "REMOTE_ADDR: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\n"));
  EXPECT_EQ(BodyIn(answer), "127.0.0.1");
  EXPECT_EQ(BodyIn(Ask(GetRequest("/peer", "X-Forwarded-For: , ,\r\n"))), "127.0.0.1");
}

TEST_F(AttackHttp, Attack017_PipelinedRequestsAreAllAnsweredInOrder) {
  Start();
  RawClient client = Connect();
  client.Send(GetRequest("/say/one") + PostRequest("/echo", "\"two\"") + GetRequest("/say/three"));
  EXPECT_EQ(BodyIn(client.ReadAnswer()), "one");
  EXPECT_EQ(BodyIn(client.ReadAnswer()), "\"two\"");
  EXPECT_EQ(BodyIn(client.ReadAnswer()), "three");
}

TEST_F(AttackHttp, Attack022_PathTricksFindNothing) {
  Start();
  for (const char* path :
       {"/static/../../etc/passwd", "/say/..", "/say/%2e%2e", "/say/%2e%2e%2f%2e%2e%2fetc",
        "/say/..%5c", "/say/a%00.txt", "/say/%c0%ae%c0%ae", "/say/%e0%80%ae", "/say/\\", "//say/a",
        "/say//a", "/say/a/", "/SAY/a", "/say/%252e%252e/x"}) {
    std::string answer = Ask(GetRequest(path));
    EXPECT_EQ(StatusIn(answer), 404) << path;
    EXPECT_EQ(answer.find("etc"), answer.npos);
  }
}

TEST_F(AttackHttp, Attack023_ExceptionsStayInside) {
  Start();
  std::string answer = Ask(GetRequest("/throw"));
  EXPECT_EQ(StatusIn(answer), 500);
  for (const char* secret : {"secret", "shadow", "runtime_error", "exception", ".cc"}) {
    EXPECT_EQ(answer.find(secret), answer.npos) << secret;
  }
  std::string id = answer.substr(answer.find("X-Request-Id: ") + 14, 32);
  EXPECT_NE(BodyIn(answer).find(id), std::string::npos);
  EXPECT_NE(Log().find(id + " internal error: uncaught exception: secret at /etc/shadow line 7"),
            std::string::npos)
      << Log();
  EXPECT_TRUE(Healthy());
}

TEST_F(AttackHttp, Attack025_MultipartBodiesAreNotParsed) {
  Start();
  std::string part =
      "--b\r\nContent-Disposition: form-data; name=\"f\"; filename*=" + std::string(1000, 'x') +
      "\r\n\r\n1\r\n";
  std::string body;
  for (int i = 0; i < 500; ++i) body += part;
  EXPECT_EQ(StatusIn(Ask(
                PostRequest("/echo", body, "Content-Type: multipart/form-data; boundary=b\r\n"))),
            415);
  std::string raw = PostRequest("/raw", part, "Content-Type: multipart/form-data; boundary=b\r\n");
  EXPECT_EQ(BodyIn(Ask(raw)), part);
}

TEST_F(AttackHttp, Attack028_LongPathsCostNothing) {
  Start();
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(StatusIn(Ask(GetRequest("/" + std::string(8000, 'a')))), 404);
  EXPECT_EQ(StatusIn(Ask(GetRequest("/aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"))), 404);
  std::string deep;
  for (int i = 0; i < 3900; ++i) deep += "/a";
  EXPECT_EQ(StatusIn(Ask(GetRequest(deep))), 404);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 200ms);
}

TEST_F(AttackHttp, Attack034_QueryParametersAreCapped) {
  Start();
  std::string path = "/query?";
  for (int i = 0; i < 1000; ++i) path += "f=1&";
  EXPECT_EQ(StatusIn(Ask(GetRequest(path))), 400);
}

TEST_F(AttackHttp, Attack035_FormsCannotPostJson) {
  Start();
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                           "text/json", "application/json2", "application/jsonx; charset=utf-8",
                           "application/json; charset=euc-kr", "text/plain; application/json"}) {
    EXPECT_EQ(
        StatusIn(Ask(PostRequest("/echo", "{}", "Content-Type: " + std::string(type) + "\r\n"))),
        415)
        << type;
  }
}

}  // namespace
}  // namespace codelore::api
