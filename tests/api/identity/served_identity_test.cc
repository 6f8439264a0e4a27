// Callers without a token of ours, over HTTP: identity tokens with keys that are fetched, and a trusted proxy.
#include "api/identity/test_issuer.h"
#include "api/served_world.h"

namespace codelore::api {
namespace {

WorldRequest ListOf(const std::string& more = "") { return {"GET", "/v1/sources", "", more}; }

// An address that answers with a key set.
class KeyServer {
 public:
  explicit KeyServer(std::string keys) {
    server_.Handle("GET", "/keys", [this, keys](const HttpRequest&, HttpResponse& response) {
      ++asked;
      response.SetBody(keys, kJsonType);
    });
    EXPECT_TRUE(server_.Start().ok());
  }
  ~KeyServer() { server_.Stop(0ms); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/keys"; }
  std::atomic<int> asked{0};

 private:
  HttpServer server_{HttpServer::Options{.host = "127.0.0.1", .port = 0}};
};

class ServedIdentity : public ::testing::Test {
 protected:
  void Fill(ServedWorld& world) {
    FillRobots(robots_);
    world.Index(robots_.path(), "robots", {"user:ann"});
    world.Serve();
  }
  static bool SeesRobots(const WorldReply& reply) { return reply.body.find("robots") != std::string::npos; }

  ScratchRepository robots_;
  TestIssuer issuer_;
};

TEST_F(ServedIdentity, KeysAreFetchedOnceFromTheirAddress) {
  KeyServer keys(Json{{"keys", {issuer_.rsa.Public()}}}.dump());
  OidcConfig config = issuer_.Config();
  config.keys_file = "";
  config.keys_url = keys.url();
  ServedWorld world({}, {}, {.oidc = {config}});
  Fill(world);
  EXPECT_TRUE(SeesRobots(world.Send(ListOf(), issuer_.Sign({{"sub", "ann"}}))));
  EXPECT_FALSE(SeesRobots(world.Send(ListOf(), issuer_.Sign({{"sub", "eve"}}))));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(world.Send(ListOf(), issuer_.SignText(R"({"alg":"RS256","kid":"k)" + std::to_string(i) + "\"}", TestIssuer::Claims({{"sub", "ann"}}))).status, 401);
  }
  EXPECT_EQ(keys.asked, 1);
  EXPECT_EQ(world.Send(ListOf(), world.Token("ann")).status, 200);  // our own tokens go on
  // Who is disabled is refused at the next request, whatever the issuer says.
  ASSERT_TRUE(world.directory().CreateUser({.tenant = world.Tenant(), .name = "ann"}).ok());
  ASSERT_TRUE(world.directory().ChangeUser(world.Tenant(), "ann", {.disabled = true}).ok());
  EXPECT_EQ(world.Send(ListOf(), issuer_.Sign({{"sub", "ann"}})).status, 401);
}

TEST_F(ServedIdentity, AnIssuerThatIsDownLetsNobodyInAndTheServerStarts) {
  OidcConfig config = issuer_.Config();
  config.keys_file = "";
  config.keys_url = "http://127.0.0.1:1/keys";
  ServedWorld world({}, {}, {.oidc = {config}});
  Fill(world);
  EXPECT_EQ(world.Send(ListOf(), issuer_.Sign({{"sub", "ann"}})).status, 401);
  EXPECT_EQ(world.Send(ListOf(), world.Token("ann")).status, 200);
}

TEST_F(ServedIdentity, AProxysHeaderCountsFromItsAddressAlone) {
  for (const char* trusted : {"127.0.0.0/8", "10.0.0.0/8"}) {
    ServedWorld world({}, {}, {.trusted_proxies = {trusted}, .proxy_user_header = "X-Forwarded-User"});
    Fill(world);
    bool believed = std::string_view(trusted).starts_with("127");
    WorldReply ann = world.Send(ListOf("X-Forwarded-User: ann\r\n"), "");
    EXPECT_EQ(ann.status, believed ? 200 : 401);
    EXPECT_EQ(SeesRobots(ann), believed);
    EXPECT_EQ(world.Send(ListOf("X-Forwarded-User: eve\r\n"), "").status, believed ? 200 : 401);
    EXPECT_EQ(world.Send(ListOf("X-Forwarded-User: ann\r\nX-Forwarded-User: eve\r\n"), "").status, 401);
    EXPECT_EQ(world.Send(ListOf("X-Forwarded-User: ann\r\n"), "clr_wrong").status, 401);  // a token that is sent must hold
    EXPECT_EQ(world.Send(ListOf(), "").status, 401);
  }
}

TEST_F(ServedIdentity, WithoutSettingsNoHeaderAndNoForeignTokenCounts) {
  ServedWorld world;
  Fill(world);
  EXPECT_EQ(world.Send(ListOf("X-Forwarded-User: ann\r\n"), "").status, 401);
  EXPECT_EQ(world.Send(ListOf(), issuer_.Sign({{"sub", "ann"}})).status, 401);
}

}  // namespace
}  // namespace codelore::api
