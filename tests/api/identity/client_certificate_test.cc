// Client certificates over HTTP, by a client that is not ours: curl.
#include <array>
#include <cstdio>

#include "api/http/test_certificates.h"
#include "api/served_world.h"

namespace codelore::api {
namespace {

class ClientCertificate : public ::testing::Test {
 protected:
  void Serve(const std::string& user, bool required = false) {
    world_ = std::make_unique<ServedWorld>(std::vector<GeneratorConfig>{}, QuotaLimits{}, IdentityOptions{.certificate_user = user});
    FillRobots(robots_);
    world_->Index(robots_.path(), "robots", {"user:ann", "user:ann@example.com"});
    TlsFiles files = certificates_.Server();
    files.client_ca = certificates_.File("ca.pem");
    files.client_required = required;
    world_->Serve({.tls = files});
  }
  // "200 BODY"; "000" when there was no answer.
  std::string Ask(const std::string& certificate, const std::string& more = "", const std::string& path = "/v1/sources") {
    std::string command = "curl -s -o - -w '\n%{http_code}' --max-time 20 --cacert " + certificates_.File("ca.pem") + " " + more;
    if (!certificate.empty()) command += " --cert " + certificates_.File(certificate + ".pem") + " --key " + certificates_.File(certificate + ".key");
    command += " https://127.0.0.1:" + std::to_string(world_->port()) + path + " 2>/dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    std::array<char, 4096> buffer;
    while (size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
    pclose(pipe);
    size_t line = text.rfind('\n');
    return text.substr(line + 1) + " " + text.substr(0, line);
  }
  bool SeesRobots(const std::string& answer) { return answer.starts_with("200") && answer.find("robots") != std::string::npos; }

  TestCertificates certificates_;
  ScratchRepository robots_;
  std::unique_ptr<ServedWorld> world_;
};

TEST_F(ClientCertificate, NamesTheUserByItsCommonName) {
  Serve("cn");
  EXPECT_TRUE(SeesRobots(Ask("ann")));
  EXPECT_TRUE(Ask("").starts_with("401"));
  EXPECT_TRUE(Ask("two").starts_with("401"));     // two names
  EXPECT_TRUE(Ask("nobody").starts_with("401"));  // none
  EXPECT_TRUE(Ask("old-ann").starts_with("000"));    // has expired
  EXPECT_TRUE(Ask("false-ann").starts_with("000"));  // of another authority
  EXPECT_TRUE(SeesRobots(Ask("", "-H 'Authorization: Bearer " + world_->Token("ann") + "'")));
  // A token that is sent must hold, and is who calls.
  EXPECT_TRUE(Ask("ann", "-H 'Authorization: Bearer clr_wrong'").starts_with("401"));
  EXPECT_FALSE(SeesRobots(Ask("ann", "-H 'Authorization: Bearer " + world_->Token("eve") + "'")));
  // It gives no role, and ends with its user.
  EXPECT_TRUE(Ask("ann", "", "/v1/tokens").starts_with("403"));
  ASSERT_TRUE(world_->directory().CreateUser({.tenant = world_->Tenant(), .name = "ann"}).ok());
  ASSERT_TRUE(world_->directory().ChangeUser(world_->Tenant(), "ann", {.disabled = true}).ok());
  EXPECT_TRUE(Ask("ann").starts_with("401"));
}

TEST_F(ClientCertificate, NamesTheUserByItsAddress) {
  Serve("email");
  EXPECT_TRUE(SeesRobots(Ask("ann")));
  EXPECT_TRUE(Ask("two").starts_with("401"));
  EXPECT_TRUE(Ask("nobody").starts_with("401"));
}

TEST_F(ClientCertificate, IsWantedOfEverybodyWhereItIsRequired) {
  Serve("cn", /*required=*/true);
  EXPECT_TRUE(SeesRobots(Ask("ann")));
  EXPECT_TRUE(Ask("").starts_with("000"));
  EXPECT_TRUE(Ask("", "-H 'Authorization: Bearer " + world_->Token("ann") + "'").starts_with("000"));
}

TEST_F(ClientCertificate, MeansNothingUnlessItIsConfigured) {
  Serve("");
  EXPECT_TRUE(Ask("ann").starts_with("401"));
}

}  // namespace
}  // namespace codelore::api
