// The client side of bench/permission/run.py, against a server on 127.0.0.1.
//
//   permission_load marks PORT PRINCIPALS REQUESTS
//     PRINCIPALS: lines "MARK TOKEN". A thread and a connection each; every answer must hold the principal's own mark and
//     nobody else's. Prints requests, answers without their mark, answers with another's.
//   permission_load pairs PORT TOKEN HIDDEN PAIRS
//     HIDDEN: lines with names of sources that exist and the token may not read. For each kind of request PAIRS pairs, a
//     hidden name and one of the same form that does not exist, in random order; the answers must be equal but for the name
//     and the request id. Prints Welch's t of their times, of all and of those within the pooled 99th percentile.
//   permission_load flood PORT QUIET FLOODERS CONNECTIONS ROUNDS
//     QUIET: one token, asked with over one connection, a request every few milliseconds. FLOODERS: a file with tokens of
//     another tenant, which ask over CONNECTIONS connections as fast as they are answered, in every second of ROUNDS turns
//     of a second. Prints the quiet one's times in both kinds of turns.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Answer {
  std::string head, body;
};

// One connection, kept open; ends the process when the server does not answer.
class Client {
 public:
  Client(int port, std::string token) : port_(port), token_(std::move(token)) {}
  ~Client() { Close(); }

  Answer Ask(const std::string& method, const std::string& target, const std::string& body) {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token_ + "\r\n";
    if (!body.empty()) text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n" + body;
    for (int tries = 0; tries < 3; ++tries) {  // the server may close an idle or much used connection
      Answer answer;
      if (Connect() && Send(text) && Read(answer)) return answer;
      Close();
    }
    std::fprintf(stderr, "no answer\n");
    std::exit(1);
  }

 private:
  bool Connect() {
    if (socket_ >= 0) return true;
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  void Close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    buffer_.clear();
  }
  bool Send(std::string_view text) {
    while (!text.empty()) {
      ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  bool More() {
    char bytes[16384];
    ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(got));
    return true;
  }
  bool Read(Answer& answer) {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return false;
    }
    answer.head = buffer_.substr(0, end);
    size_t length = answer.head.find("Content-Length: ");
    if (length == std::string::npos) return false;
    size_t size = std::strtoull(answer.head.c_str() + length + 16, nullptr, 10);
    while (buffer_.size() < end + 4 + size) {
      if (!More()) return false;
    }
    answer.body = buffer_.substr(end + 4, size);
    buffer_.erase(0, end + 4 + size);
    if (answer.head.find("Connection: close") != std::string::npos) Close();
    return true;
  }

  int port_, socket_ = -1;
  std::string token_, buffer_;
};

std::vector<std::string> LinesOf(const char* path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// ---- marks -------------------------------------------------------------------------------------------------

constexpr std::string_view kMarkBegin = "zq";
constexpr size_t kMarkSize = 12;

struct Counts {
  std::atomic<uint64_t> asked{0}, unmarked{0}, mixed{0}, refused{0};
};

void AskForMarks(int port, const std::string& mark, const std::string& token, Counts& counts, uint64_t requests) {
  Client client(port, token);
  const std::string source = "s-" + mark;
  for (uint64_t i = 0; counts.asked.fetch_add(1) < requests; ++i) {
    Answer answer;
    switch (i % 5) {
      case 0: answer = client.Ask("POST", "/v1/read", R"({"source":")" + source + R"(","path":"a.md"})"); break;
      case 1: answer = client.Ask("GET", "/v1/sources", ""); break;
      case 2: answer = client.Ask("POST", "/v1/search", R"({"query":"walrus","mode":"lexical"})"); break;
      case 3: answer = client.Ask("POST", "/v1/grep", R"({"pattern":"walrus"})"); break;
      default: answer = client.Ask("GET", "/v1/sources/" + source, "");
    }
    if (!answer.head.starts_with("HTTP/1.1 200")) ++counts.refused;
    bool own = false, other = false;
    for (size_t at = 0; (at = answer.body.find(kMarkBegin, at)) != std::string::npos; ++at) {
      (answer.body.compare(at, kMarkSize, mark) == 0 ? own : other) = true;
    }
    if (!own) ++counts.unmarked;
    if (other) ++counts.mixed;
  }
}

int Marks(int port, const char* file, uint64_t requests) {
  Counts counts;
  auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (const std::string& line : LinesOf(file)) {
      size_t space = line.find(' ');
      threads.emplace_back([&counts, port, requests, mark = line.substr(0, space), token = line.substr(space + 1)] {
        AskForMarks(port, mark, token, counts, requests);
      });
    }
  }
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("requests %llu, not answered 200: %llu, without their mark: %llu, with another's: %llu, %.0f s, %.0f/s\n", static_cast<unsigned long long>(requests),
              static_cast<unsigned long long>(counts.refused), static_cast<unsigned long long>(counts.unmarked), static_cast<unsigned long long>(counts.mixed), seconds,
              static_cast<double>(requests) / seconds);
  return counts.refused + counts.unmarked + counts.mixed == 0 ? 0 : 1;
}

// ---- pairs -------------------------------------------------------------------------------------------------

// Without the name that was asked for, and what no two answers have in common.
std::string Comparable(const Answer& answer, const std::string& name) {
  std::string text = answer.head + "\n" + answer.body;
  for (size_t at; (at = text.find(name)) != std::string::npos;) text.replace(at, name.size(), "NAME");
  for (std::string_view key : {"X-Request-Id: ", "\"request_id\":\"", "Date: "}) {
    size_t at = text.find(key);
    if (at == std::string::npos) continue;
    at += key.size();
    text.erase(at, text.find_first_of("\"\r\n", at) - at);
  }
  return text;
}

double WelchT(const std::vector<double>& a, const std::vector<double>& b) {
  auto moments = [](const std::vector<double>& values) {
    double mean = 0, squares = 0;
    for (double value : values) mean += value;
    mean /= static_cast<double>(values.size());
    for (double value : values) squares += (value - mean) * (value - mean);
    return std::pair(mean, squares / static_cast<double>(values.size() - 1));
  };
  auto [mean_a, variance_a] = moments(a);
  auto [mean_b, variance_b] = moments(b);
  return (mean_a - mean_b) / std::sqrt(variance_a / static_cast<double>(a.size()) + variance_b / static_cast<double>(b.size()));
}

std::vector<double> Below(const std::vector<double>& values, double limit) {
  std::vector<double> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [&](double value) { return value <= limit; });
  return kept;
}

struct Kind {
  const char* what;
  const char* method;
  const char* target;
  const char* body;
};
constexpr Kind kKinds[] = {
    {"show a source", "GET", "/v1/sources/NAME", ""},
    {"freshness", "GET", "/v1/sources/NAME/freshness", ""},
    {"read a file", "POST", "/v1/read", R"({"source":"NAME","path":"a.md"})"},
    {"outline a file", "POST", "/v1/outline", R"({"source":"NAME","path":"a.md"})"},
    {"why", "POST", "/v1/why", R"({"source":"NAME","path":"a.md"})"},
    {"grep in a source", "POST", "/v1/grep", R"({"pattern":"walrus","sources":["NAME"]})"},
    {"search in a source", "POST", "/v1/search", R"({"query":"walrus","mode":"lexical","sources":["NAME"]})"},
    {"a model of a source", "GET", "/v1/models/codelore:NAME", ""},
};

std::string With(std::string text, const std::string& name) {
  if (size_t at = text.find("NAME"); at != std::string::npos) text.replace(at, 4, name);
  return text;
}

bool ComparePairs(Client& client, const Kind& kind, const std::vector<std::string>& hidden, uint64_t pairs, std::mt19937_64& random) {
  std::vector<double> times[2];
  uint64_t different = 0;
  for (uint64_t i = 0; i < pairs + 200; ++i) {
    std::string names[2] = {hidden[random() % hidden.size()], hidden[0]};
    for (size_t at = names[1].size() - 10; at < names[1].size(); ++at) names[1][at] = "0123456789abcdef"[random() % 16];  // "s-zq" + 10 digits
    std::string texts[2];
    bool swapped = random() % 2 == 1;
    for (int turn = 0; turn < 2; ++turn) {
      int which = turn ^ (swapped ? 1 : 0);
      std::string target = With(kind.target, names[which]), body = With(kind.body, names[which]);
      auto start = Clock::now();
      Answer answer = client.Ask(kind.method, target, body);
      double us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
      if (i >= 200) times[which].push_back(us);  // the first warm up
      texts[which] = Comparable(answer, names[which]);
    }
    if (texts[0] != texts[1] && ++different == 1) std::fprintf(stderr, "%s\n--- and ---\n%s\n", texts[0].c_str(), texts[1].c_str());
  }
  std::vector<double> all = times[0];
  all.insert(all.end(), times[1].begin(), times[1].end());
  std::sort(all.begin(), all.end());
  double limit = all[all.size() * 99 / 100];
  double t = WelchT(times[0], times[1]), cropped = WelchT(Below(times[0], limit), Below(times[1], limit));
  std::printf("| %s | %llu | %llu | %.0f | %.2f | %.2f |\n", kind.what, static_cast<unsigned long long>(pairs), static_cast<unsigned long long>(different), all[all.size() / 2], t, cropped);
  std::fflush(stdout);
  return different == 0 && std::abs(t) < 4.5 && std::abs(cropped) < 4.5;
}

int Pairs(int port, const std::string& token, const char* file, uint64_t pairs) {
  std::vector<std::string> hidden = LinesOf(file);
  Client client(port, token);
  std::mt19937_64 random(20261121);
  bool good = true;
  std::printf("| request | pairs | different answers | median us | t, all | t, within p99 |\n|---|---|---|---|---|---|\n");
  for (const Kind& kind : kKinds) good = ComparePairs(client, kind, hidden, pairs, random) && good;
  return good ? 0 : 1;
}

// ---- flood -------------------------------------------------------------------------------------------------

// Searches, expressions and reads, all over what the token may read.
Answer AskSomething(Client& client, uint64_t i) {
  switch (i % 4) {
    case 0: return client.Ask("POST", "/v1/search", R"({"query":"how does the walrus sleep","mode":"lexical"})");
    case 1: return client.Ask("POST", "/v1/grep", R"({"pattern":"wal[a-z]+ of","regex":true})");
    case 2: return client.Ask("POST", "/v1/files", R"({"query":"page"})");
    default: return client.Ask("POST", "/v1/search", R"({"query":"which page is about a walrus"})");
  }
}

struct Flood {
  std::atomic<bool> on{false}, over{false};
  std::atomic<uint64_t> answered{0}, refused{0};
};

void AskAllTheTime(int port, const std::string& token, uint64_t first, Flood& flood) {
  Client client(port, token);
  for (uint64_t i = first; !flood.over; ++i) {
    if (!flood.on) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    bool good = AskSomething(client, i).head.starts_with("HTTP/1.1 200");
    ++(good ? flood.answered : flood.refused);
  }
}

void PrintTimes(const char* what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  std::printf("| %s | %zu | %.2f | %.2f | %.2f |\n", what, times.size(), times[times.size() / 2], times[times.size() * 99 / 100], times.back());
}

int RunFlood(int port, const std::string& quiet, const char* file, uint64_t connections, uint64_t rounds) {
  std::vector<std::string> tokens = LinesOf(file);
  Flood flood;
  std::vector<double> times[2];
  uint64_t refused = 0;
  {
    std::vector<std::jthread> threads;
    for (uint64_t i = 0; i < connections; ++i) threads.emplace_back([&, i] { AskAllTheTime(port, tokens[i % tokens.size()], i, flood); });
    Client client(port, quiet);
    for (uint64_t round = 0, i = 0; round < rounds * 2; ++round) {
      flood.on = round % 2 == 1;
      auto until = Clock::now() + std::chrono::seconds(1);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));  // until the flood is there, or gone
      while (Clock::now() < until) {
        auto start = Clock::now();
        refused += !AskSomething(client, i++).head.starts_with("HTTP/1.1 200");
        times[round % 2].push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
      }
    }
    flood.over = true;
  }
  std::printf("| quiet tenant | requests | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|\n");
  PrintTimes("alone", times[0]);
  PrintTimes("beside the flood", times[1]);
  std::printf("flood: %llu answered, %llu refused; of the quiet tenant %llu refused\n", static_cast<unsigned long long>(flood.answered.load()),
              static_cast<unsigned long long>(flood.refused.load()), static_cast<unsigned long long>(refused));
  return refused == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "marks" && argc == 5) return Marks(std::atoi(argv[2]), argv[3], std::strtoull(argv[4], nullptr, 10));
  if (mode == "pairs" && argc == 6) return Pairs(std::atoi(argv[2]), argv[3], argv[4], std::strtoull(argv[5], nullptr, 10));
  if (mode == "flood" && argc == 7) return RunFlood(std::atoi(argv[2]), argv[3], argv[4], std::strtoull(argv[5], nullptr, 10), std::strtoull(argv[6], nullptr, 10));
  std::fprintf(stderr, "permission_load marks PORT PRINCIPALS REQUESTS | permission_load pairs PORT TOKEN HIDDEN PAIRS | permission_load flood PORT QUIET FLOODERS CONNECTIONS ROUNDS\n");
  return 2;
}
