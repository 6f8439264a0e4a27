// Remotes that say nothing, or next to nothing, and those that send more than they should.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ingest/git.h"
#include "ingest/git_tree.h"
#include "ingest/scratch_repository.h"
#include "support/temp_folder.h"

namespace codelore::ingest {
namespace {

using testing::ScratchRepository;
using testing::TempFolder;
using std::chrono::milliseconds;

// Takes every connection, and sends one byte of `drip` after another, with a pause before each; after the last it keeps silent.
class SlowServer {
 public:
  explicit SlowServer(std::string drip = "") : drip_(std::move(drip)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~SlowServer() {
    over_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::string url(const std::string& protocol) const { return protocol + "://127.0.0.1:" + std::to_string(port_) + "/r.git"; }

 private:
  void Serve() {
    for (int client; (client = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(client)) {
      timeval pause{0, 20'000};
      ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
      for (size_t i = 0; !over_; ++i) {
        char bytes[4096];
        if (::recv(client, bytes, sizeof bytes, 0) == 0) break;  // it has hung up
        if (i < drip_.size()) (void)::send(client, &drip_[i], 1, MSG_NOSIGNAL);
      }
    }
  }
  const std::string drip_;
  const int socket_;
  int port_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

// How a fetch ends, and a look at the tip; neither takes long.
void ExpectStandstill(const std::string& url) {
  TempFolder data;
  MirrorOptions options{.folder = data / "m", .branch = "main", .stall = milliseconds(400), .networks = NetworkPolicy::Parse({"127.0.0.0/8"}).value()};
  auto begun = std::chrono::steady_clock::now();
  Status fetched = GitRepository::Mirror(url, options).status();
  Status looked = GitRepository::RemoteTip(url, options).status();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20)) << url;
  for (const Status& status : {fetched, looked}) {
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << url;
    EXPECT_NE(status.message().find("no progress"), std::string::npos) << url << ": " << status.message();
  }
}

TEST(GitStallTest, RemoteThatAcceptsAndSaysNothingIsLeft) {
  SlowServer silent;
  ExpectStandstill(silent.url("http"));
  ExpectStandstill(silent.url("git"));
}

TEST(GitStallTest, RemoteThatDripsIsLeft) {
  SlowServer http("HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 100000\r\n\r\n" + std::string(5000, '0'));
  ExpectStandstill(http.url("http"));
  SlowServer git("0032" + std::string(5000, 'a'));
  ExpectStandstill(git.url("git"));
}

// An ssh that connects and then waits, as one does whose server has gone silent.
TEST(GitStallTest, SilentSshIsLeft) {
  TempFolder programs;
  std::string ssh = programs / "ssh";
  std::ofstream(ssh) << "#!/bin/sh\nexec sleep 600\n";
  std::filesystem::permissions(ssh, std::filesystem::perms::owner_all);
  std::string before = getenv("PATH");
  setenv("PATH", (programs.path() + ":" + before).c_str(), 1);
  ExpectStandstill("ssh://git@127.0.0.1/r.git");
  setenv("PATH", before.c_str(), 1);
}

// A pack of some hundred kilobytes in which a blob of 150 MB stands: it is neither unpacked in memory nor read, and the rest is there.
void ListAndReadAroundAHugeBlob() {
  ScratchRepository remote;
  remote.Write("a.txt", "alpha\n");
  std::string huge = remote / "huge.txt";
  std::ofstream(huge).put('x');
  std::filesystem::resize_file(huge, 150 << 20);
  remote.Git({"-c", "core.bigFileThreshold=1m", "add", "--all"});
  remote.Git({"commit", "--quiet", "--message=change"});
  std::filesystem::remove(huge);
  TempFolder data;
  auto mirror = GitRepository::Mirror("file://" + remote.path(), {.folder = data / "m", .networks = NetworkPolicy::Parse({"all"}).value()});
  ASSERT_TRUE(mirror.ok()) << mirror.status().message();
  GitTree tree(*mirror, mirror->Head().value(), {});
  std::vector<TreeEntry> entries;
  ASSERT_TRUE(tree.List([&](TreeEntry entry) {
    entries.push_back(std::move(entry));
    return OkStatus();
  }).ok());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].size_bytes, 150u << 20);
  EXPECT_EQ(tree.Read(entries[1], 1 << 20).status().code(), StatusCode::kResourceExhausted);
  entries[1].size_bytes = 10;  // whatever it is said to be
  EXPECT_EQ(tree.Read(entries[1], 1 << 20).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(tree.Read(entries[0], 1 << 20).value(), "alpha\n");
  rusage children{};
  getrusage(RUSAGE_CHILDREN, &children);
  EXPECT_LT(children.ru_maxrss >> 10, 140) << "MB that a git needed";
}

// In a process of its own: until it is another program, a child counts with what its parent has.
TEST(GitStallTest, Attack_HugeBlobInASmallPackIsListedAndNotRead) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ListAndReadAroundAHugeBlob();
        std::exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace codelore::ingest
