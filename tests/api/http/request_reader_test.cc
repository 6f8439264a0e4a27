#include "api/http/request_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace codelore::api {
namespace {

constexpr size_t kMaxBody = 100;

Admission AdmitAll(const Framing&, HttpRequest*) { return {.max_body_bytes = kMaxBody}; }

// Reads `bytes` in pieces of `piece` bytes; the HTTP status of the refusal, 0 for one complete
// request, -1 when more is needed.
int Outcome(std::string bytes, RequestReader* reader, size_t piece) {
  std::string in;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    in += bytes.substr(at, piece);
    reader->Read(AdmitAll, &in);
    if (reader->state() == RequestReader::State::kFailed) return reader->problem().http_status;
    if (reader->state() == RequestReader::State::kComplete) return 0;
  }
  return -1;
}

// The outcome must not depend on how the bytes arrive.
int Outcome(const std::string& bytes) {
  RequestReader whole;
  int outcome = Outcome(bytes, &whole, bytes.size());
  for (size_t piece : {1, 2, 7}) {
    RequestReader reader;
    EXPECT_EQ(Outcome(bytes, &reader, piece), outcome)
        << piece << " bytes at a time: " << bytes.substr(0, 200);
    EXPECT_EQ(reader.request().body, whole.request().body);
  }
  return outcome;
}

std::string Get(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}
std::string Post(const std::string& rest) { return "POST / HTTP/1.1\r\nHost: h\r\n" + rest; }

TEST(RequestReaderTest, ReadsARequestHoweverItsBytesArrive) {
  EXPECT_EQ(Outcome(Get("A: b\r\nEmpty:\r\nTab:\tx \t\r\nUtf8: \xED\x95\x9C\r\n")), 0);
  EXPECT_EQ(Outcome(Post("Content-Length: 5\r\n\r\nhello")), 0);
  EXPECT_EQ(
      Outcome(Post(
          "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0000000a\r\n0123456789\r\n0\r\n\r\n")),
      0);
  EXPECT_EQ(Outcome("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(Outcome("DELETE /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"), 0);
  EXPECT_EQ(Outcome("POST / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
}

TEST(RequestReaderTest, KeepsWhatTheClientSent) {
  RequestReader reader;
  std::string in =
      "GET /a/b%20c?x=1&y=%3D&z HTTP/1.1\r\nHost: h\r\nx-Thing:  two words \r\n\r\nNEXT";
  ASSERT_EQ(reader.Read(AdmitAll, &in), RequestReader::State::kComplete);
  const HttpRequest& request = reader.request();
  EXPECT_EQ(in, "NEXT");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/a/b%20c?x=1&y=%3D&z");
  EXPECT_EQ(request.segments, (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(request.Query("y"), "=");
  EXPECT_EQ(request.Query("z"), "");
  EXPECT_EQ(request.Query("w"), std::nullopt);
  EXPECT_EQ(request.Header("X-THING"), "two words");
  EXPECT_TRUE(request.keep_alive);
}

TEST(RequestReaderTest, KnowsWhenTheConnectionEnds) {
  auto keep_alive = [](std::string in) {
    RequestReader reader;
    EXPECT_EQ(reader.Read(AdmitAll, &in), RequestReader::State::kComplete);
    return reader.request().keep_alive;
  };
  EXPECT_TRUE(keep_alive(Get("Connection: keep-alive\r\n")));
  EXPECT_FALSE(keep_alive(Get("Connection: close\r\n")));
  EXPECT_FALSE(keep_alive(Get("Connection: te , Close\r\n")));
  EXPECT_FALSE(keep_alive(Get("Connection: te\r\nConnection: close\r\n")));
  EXPECT_FALSE(keep_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestReaderTest, RefusesMalformedRequestLines) {
  for (const char* line :
       {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / / HTTP/1.1",
        "GET\t/ HTTP/1.1", "G(T / HTTP/1.1", "GET x HTTP/1.1", "GET http://h/ HTTP/1.1",
        "GET * HTTP/1.1", "CONNECT h:1 HTTP/1.1", "GET /\x80 HTTP/1.1", "GET /#a HTTP/1.1",
        "GET /%zz HTTP/1.1", "GET /%4 HTTP/1.1", "GET /?%zz HTTP/1.1", "GET /?q=%FF HTTP/1.1",
        "GET / http/1.1", "GET / FTP/1.1"}) {
    EXPECT_EQ(Outcome(std::string(line) + "\r\nHost: h\r\n\r\n"), 400) << line;
  }
  for (const char* line : {"GET / HTTP/1", "GET / HTTP/1.2", "GET / HTTP/2.0", "PRI * HTTP/2.0"}) {
    EXPECT_EQ(Outcome(std::string(line) + "\r\nHost: h\r\n\r\n"), 505) << line;
  }
  EXPECT_EQ(Outcome("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

TEST(RequestReaderTest, RefusesMalformedHeaders) {
  for (const char* line :
       {"A", "A : b", ": b", " A: b", "\tA: b", "A: b\r\n folded", "A\x80: b", "A(: b", "A: \x01",
        "A: \x7F", "A: b\rc", "A: b\nc", "Host: other", "Host : h"}) {
    EXPECT_EQ(Outcome(Get(std::string(line) + "\r\n")), 400) << line;
  }
  EXPECT_EQ(Outcome(Get(std::string("A: b\0c\r\n", 8))), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nA: b\r\n\r\n"), 400);  // no Host
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\nHost: h\n\n"), 400);
}

TEST(RequestReaderTest, RefusesAmbiguousFraming) {
  for (const char* lines :
       {"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 5 5\r\n", "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding:\r\n", "Transfer-Encoding: \"chunked\"\r\n"}) {
    EXPECT_EQ(Outcome(Post(std::string(lines) + "\r\nhello")), 400) << lines;
  }
  EXPECT_EQ(Outcome("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("POST / HTTP/1.0\r\n\r\n"), 411);
  EXPECT_EQ(Outcome(Get("Content-Length: 5\r\n")), 400);
  EXPECT_EQ(Outcome(Get("Content-Length: 0\r\n")), 0);
  EXPECT_EQ(Outcome(Get("Transfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(Outcome(Post("Expect: 200-ok\r\n\r\n")), 417);
}

TEST(RequestReaderTest, RefusesMalformedChunks) {
  for (const char* body :
       {"-2\r\nab\r\n", "+2\r\nab\r\n", "0x2\r\nab\r\n", " 2\r\nab\r\n", "2 \r\nab\r\n",
        "2;a=b\r\nab\r\n", "\r\n", "2\nab\r\n", "2\r\nabc\r\n", "2\r\nab\n", "2\r\nab\r\r",
        "000000002\r\nab\r\n", "FFFFFFFFFFFFFFFFF\r\n", "g\r\n", "0\r\nTrailer: x\r\n\r\n",
        "0\r\n\n", "0\n\r\n"}) {
    EXPECT_EQ(Outcome(Post("Transfer-Encoding: chunked\r\n\r\n" + std::string(body))), 400) << body;
  }
}

TEST(RequestReaderTest, BoundsBodies) {
  EXPECT_EQ(Outcome(Post("Content-Length: 100\r\n\r\n" + std::string(100, 'x'))), 0);
  EXPECT_EQ(Outcome(Post("Content-Length: 101\r\n\r\n")), 413);
  std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  EXPECT_EQ(Outcome(Post("Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n")), 0);
  EXPECT_EQ(Outcome(Post("Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "1\r\n")), 413);
  EXPECT_EQ(Outcome(Post("Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n")), 413);
}

TEST(RequestReaderTest, BoundsHeads) {
  EXPECT_EQ(Outcome("GET /" + std::string(8160, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  EXPECT_EQ(Outcome("GET /" + std::string(8200, 'a')), 414);
  EXPECT_EQ(Outcome(Get("A: " + std::string(8000, 'b') + "\r\n")), 0);
  EXPECT_EQ(Outcome(Get("A: " + std::string(8200, 'b'))), 431);
  EXPECT_EQ(Outcome(Get(std::string(257, 'A') + ": b\r\n")), 431);
  std::string many;
  for (int i = 0; i < 99; ++i) many += "A: b\r\n";
  EXPECT_EQ(Outcome(Get(many)), 0);
  EXPECT_EQ(Outcome(Get(many + "A: b\r\nA: b\r\n")), 431);
  std::string large;
  for (int i = 0; i < 5; ++i) large += "A: " + std::string(8000, 'b') + "\r\n";
  EXPECT_EQ(Outcome(Get(large)), 431);
  std::string query = "GET /?";
  for (int i = 0; i < 101; ++i) query += "a=b&";
  EXPECT_EQ(Outcome(query + " HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

TEST(RequestReaderTest, FindsNoPathWithATrickInIt) {
  for (const char* path : {"/static/../../etc/passwd",
                           "/.",
                           "/..",
                           "/a/./b",
                           "/%2e%2e/a",
                           "/%2E./a",
                           "/..%2f..%2fa",
                           "/a%2F..%2Fb",
                           "/..%5ca",
                           "/a\\b",
                           "/a%00b",
                           "/%00",
                           "/a%0d%0ab",
                           "/a%7f",
                           "/%c0%ae%c0%ae/a",
                           "/%c0%af",
                           "/%e0%80%af",
                           "/%ff",
                           "/%ed%a0%80",
                           "/a//b",
                           "//a",
                           "/a/",
                           "/a%2F",
                           "/%2Fa"}) {
    EXPECT_EQ(Outcome("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n"), 404) << path;
  }
}

// No crash, no endless loop, and the same outcome in one piece as byte by byte.
TEST(RequestReaderTest, SurvivesRandomDamage) {
  std::mt19937 random(1);
  const std::string good = Post(
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\n");
  const std::string alphabet = std::string("\r\n\0 \t:;,%-+0aA\x7F\xFF/", 18);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = good;
    for (size_t edits = 1 + random() % 3; edits > 0; --edits) {
      size_t at = random() % bytes.size();
      char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0:
          bytes[at] = c;
          break;
        case 1:
          bytes.insert(at, 1, c);
          break;
        default:
          bytes.erase(at, 1);
          break;
      }
    }
    RequestReader whole;
    RequestReader bytewise;
    ASSERT_EQ(Outcome(bytes, &whole, bytes.size()), Outcome(bytes, &bytewise, 1)) << bytes;
  }
}

}  // namespace
}  // namespace codelore::api
