#include "ingest/network_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "ingest/git.h"
#include "ingest/git_command.h"
#include "support/temp_folder.h"

namespace codelore::ingest {
namespace {

using testing::TempFolder;

IpAddress Address(const std::string& text) { return NetworkPolicy::Resolve(text).value()[0]; }

NetworkPolicy::Resolver Fixed(std::vector<std::string> addresses) {
  return [addresses](const std::string&) -> Result<std::vector<IpAddress>> {
    std::vector<IpAddress> list;
    for (const std::string& text : addresses) list.push_back(Address(text));
    return list;
  };
}

Status Bind(const std::string& url, const NetworkPolicy::Resolver& resolve = NetworkPolicy::Resolve) {
  Command command = NetworkGit("/nowhere", {"ls-remote"});
  return NetworkPolicy().Bind(url, command, resolve);
}

TEST(NetworkPolicyTest, Attack100_AddressesInsideAreRefusedInEverySpelling) {
  for (const char* host : {"127.0.0.1", "[::1]", "0", "0177.1", "2130706433", "0x7f.1", "127.1", "169.254.169.254", "10.1.2.3",
                           "172.31.255.255", "192.168.0.1", "100.64.0.1", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[fd00::1]",
                           "[fe80::1]", "[2002:a00:1::]", "[2001:0:1::]", "[::127.0.0.1]", "localhost", "255.255.255.255", "[::]"}) {
    for (std::string url : {"http://" + std::string(host) + "/r.git", "https://" + std::string(host) + ":8443/r.git",
                            "ssh://git@" + std::string(host) + "/r.git", "git://" + std::string(host) + "/r.git",
                            "git@" + std::string(host) + ":r.git"}) {
      Status status = Bind(url);
      EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << url << ": " << status.ToString();
    }
  }
  // Names that public name servers give such addresses to.
  for (const char* address : {"127.0.0.1", "10.0.0.1", "169.254.169.254"}) {
    EXPECT_EQ(Bind("https://metadata.nip.example/r.git", Fixed({address})).code(), StatusCode::kPermissionDenied);
  }
}

TEST(NetworkPolicyTest, Attack101_EveryAddressOfANameIsJudgedAndGitIsBoundToThem) {
  EXPECT_TRUE(Bind("https://example.org/r.git", Fixed({"93.184.215.14"})).ok());
  EXPECT_EQ(Bind("https://example.org/r.git", Fixed({"93.184.215.14", "10.0.0.1"})).code(), StatusCode::kPermissionDenied);
  int asked = 0;
  Command command = NetworkGit("/nowhere", {"ls-remote"});
  ASSERT_TRUE(NetworkPolicy().Bind("https://example.org/r.git", command, [&](const std::string& host) {
    EXPECT_EQ(host, "example.org");
    ++asked;
    return Fixed({"93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"})(host);
  }).ok());
  EXPECT_EQ(asked, 1);
  auto has = [](const std::vector<std::string>& list, const std::string& text) { return std::ranges::find(list, text) != list.end(); };
  EXPECT_TRUE(has(command.arguments, "http.curloptResolve=example.org:443:93.184.215.14,[2606:2800:21f:cb07:6820:80da:af6b:8b2c]"));
  EXPECT_TRUE(has(command.arguments, "http.followRedirects=false"));
  EXPECT_TRUE(has(command.environment, "GIT_ALLOW_PROTOCOL=https"));
  Command ssh = NetworkGit("/nowhere", {"ls-remote"});
  ASSERT_TRUE(NetworkPolicy().Bind("git@example.org:r.git", ssh, Fixed({"93.184.215.14"})).ok());
  auto line = std::ranges::find_if(ssh.environment, [](const auto& v) { return v.starts_with("GIT_SSH_COMMAND="); });
  EXPECT_NE(line->find(" -oHostName=93.184.215.14 -oHostKeyAlias=example.org"), std::string::npos) << *line;
}

TEST(NetworkPolicyTest, OperatorsAllowNetworks) {
  NetworkPolicy policy = NetworkPolicy::Parse({"10.1.0.0/16", "fd00::/8", "192.168.1.7"}).value();
  EXPECT_TRUE(policy.Allows(Address("10.1.2.3")));
  EXPECT_FALSE(policy.Allows(Address("10.2.2.3")));
  EXPECT_TRUE(policy.Allows(Address("fd12::1")));
  EXPECT_TRUE(policy.Allows(Address("192.168.1.7")));
  EXPECT_FALSE(policy.Allows(Address("192.168.1.8")));
  EXPECT_TRUE(policy.Allows(Address("93.184.215.14")));
  EXPECT_TRUE(NetworkPolicy::Parse({"all"})->Allows(Address("127.0.0.1")));
  for (const char* text : {"", "10", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "10.0.0.0/8x", "example.org", "/8"}) {
    EXPECT_FALSE(NetworkPolicy::Parse({text}).ok()) << text;
  }
}

// A server that answers every connection with one text, and counts them.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~OneAnswer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/r.git"; }
  int connections() const { return connections_; }

 private:
  void Serve() {
    for (int client; (client = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(client)) {
      ++connections_;
      char bytes[4096];
      (void)::recv(client, bytes, sizeof bytes, 0);
      (void)::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }
  const std::string answer_;
  const int socket_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

TEST(NetworkPolicyTest, Attack101_RedirectsAreNotFollowed) {
  OneAnswer inside("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  TempFolder data;
  MirrorOptions options{.folder = data / "m", .networks = NetworkPolicy::Parse({"127.0.0.0/8"}).value()};
  for (const std::string& location : {inside.url() + "/info/refs", std::string("file:///etc/passwd")}) {
    OneAnswer redirect("HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_FALSE(GitRepository::Mirror(redirect.url(), options).ok());
    EXPECT_GE(redirect.connections(), 1);
  }
  EXPECT_EQ(inside.connections(), 0);
  options.networks = {};
  EXPECT_EQ(GitRepository::Mirror(inside.url(), options).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(inside.connections(), 0);
}

TEST(NetworkPolicyTest, TokenGoesToItsHostAlone) {
  Command command = NetworkGit("/nowhere", {"ls-remote"});
  AddToken(command, "https://example.org:8443/a/r.git", "ann:secret");
  auto has = [&](const std::string& text) { return std::ranges::find(command.environment, text) != command.environment.end(); };
  EXPECT_TRUE(has("GIT_CONFIG_KEY_0=http.https://example.org:8443/.extraHeader"));
  EXPECT_TRUE(has("GIT_CONFIG_VALUE_0=Authorization: Basic YW5uOnNlY3JldA=="));
  for (const std::string& argument : command.arguments) EXPECT_EQ(argument.find("secret"), std::string::npos);
  size_t before = command.environment.size();
  AddToken(command, "git@example.org:r.git", "secret");
  AddToken(command, "file:///r.git", "secret");
  EXPECT_EQ(command.environment.size(), before);
}

}  // namespace
}  // namespace codelore::ingest
