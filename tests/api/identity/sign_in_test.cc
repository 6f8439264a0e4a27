// Signing in with a browser, over HTTP: by an issuer that is scripted here, and by a token.
#include <map>
#include <mutex>

#include "api/http/http_target.h"
#include "api/identity/test_issuer.h"
#include "api/identity/web_sessions.h"
#include "api/identity/code_flow.h"
#include "api/served_world.h"
#include "ingest/tree.h"

namespace codelore::api {
namespace {

// What an issuer's token address does: gives out the tokens of codes, each once, to who knows the verifier.
class TokenServer {
 public:
  TokenServer() {
    server_.Handle("POST", "/token", [this](const HttpRequest& request, HttpResponse& response) {
      std::lock_guard lock(mutex_);
      std::map<std::string, std::string> form;
      for (std::string_view rest = request.body; !rest.empty();) {
        std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        form[std::string(pair.substr(0, pair.find('=')))] = PercentDecode(pair.substr(pair.find('=') + 1), true).value_or("");
      }
      last = form;
      auto code = codes_.find(form["code"]);
      std::string challenge = Base64Url(std::string(ingest::Sha256Of(form["code_verifier"]).view()));
      bool good = code != codes_.end() && code->second.challenge == challenge && form["client_secret"] == "hush";
      if (!good) return response.SetProblem({.http_status = 400, .detail = "invalid_grant"});
      response.SetBody(Json{{"access_token", "x"}, {"token_type", "Bearer"}, {"id_token", code->second.token}}.dump(), kJsonType);
      codes_.erase(code);
    }, {.json_only = false});
    EXPECT_TRUE(server_.Start().ok());
  }
  ~TokenServer() { server_.Stop(0ms); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  void Give(const std::string& code, const std::string& challenge, const std::string& token) {
    std::lock_guard lock(mutex_);
    codes_[code] = {challenge, token};
  }
  std::map<std::string, std::string> last;

 private:
  struct Code {
    std::string challenge, token;
  };
  std::mutex mutex_;
  std::map<std::string, Code> codes_;
  HttpServer server_{HttpServer::Options{.host = "127.0.0.1", .port = 0}};
};

std::string HeaderIn(const WorldReply& reply, const std::string& name) {
  size_t at = reply.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  at += name.size() + 4;
  return reply.head.substr(at, reply.head.find("\r\n", at) - at);
}
// "name=value" of what a browser was told to keep.
std::string CookieIn(const WorldReply& reply) { return HeaderIn(reply, "Set-Cookie").substr(0, HeaderIn(reply, "Set-Cookie").find(';')); }
std::string ParameterIn(const std::string& url, const std::string& name) {
  size_t at = url.find(name + "=");
  return at == std::string::npos ? "" : PercentDecode(url.substr(at + name.size() + 1, url.find('&', at) - at - name.size() - 1), false).value_or("");
}

class SignInTest : public ::testing::Test {
 protected:
  SignInTest() {
    secret_.Write("secret", "hush");
    std::filesystem::permissions(secret_ / "secret", std::filesystem::perms(0600));
    config_ = issuer_.Config();
    config_.client_id = "codelore-web";
    config_.client_secret = "hush";
    config_.authorize_url = "https://login.example.com/authorize";
    config_.token_url = tokens_.url() + "/token";
    OidcConfig second = config_;
    second.issuer = "https://other.example.com";
    second.name = "other";
    world_ = std::make_unique<ServedWorld>(std::vector<GeneratorConfig>{}, QuotaLimits{},
                                           IdentityOptions{.oidc = {config_, second}, .trusted_proxies = {"127.0.0.1"}, .proxy_user_header = "X-Forwarded-User",
                                                           .public_url = "https://code.example.com"});
    FillRobots(robots_);
    world_->Index(robots_.path(), "robots", {"user:ann"});
    world_->Serve({.allowed_origins = {"https://code.example.com"}});
  }

  WorldReply Get(const std::string& target, const std::string& cookie = "", const std::string& more = "X-Forwarded-Proto: https\r\n") {
    return world_->Send({"GET", target, "", more + (cookie.empty() ? "" : "Cookie: " + cookie + "\r\n")}, "");
  }
  WorldReply PostForm(const std::string& target, const std::string& form, const std::string& cookie = "", const std::string& origin = "https://code.example.com") {
    RawClient client(world_->port());
    std::string request = "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n";
    if (!origin.empty()) request += "Origin: " + origin + "\r\n";
    if (!cookie.empty()) request += "Cookie: " + cookie + "\r\n";
    request += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + std::to_string(form.size()) + "\r\n\r\n" + form;
    client.Send(request);
    std::string answer = client.ReadToEnd();
    return {StatusIn(answer), answer.substr(0, answer.find("\r\n\r\n")), BodyIn(answer)};
  }

  struct Departure {
    std::string state, nonce, challenge, cookie;
  };
  Departure Depart(const std::string& next = "", const std::string& name = "oidc") {
    WorldReply reply = Get("/signin/" + name + "?next=" + PercentEncode(next));
    std::string url = HeaderIn(reply, "Location");
    EXPECT_EQ(reply.status, 303);
    EXPECT_TRUE(url.starts_with("https://login.example.com/authorize?response_type=code&client_id=codelore-web&")) << url;
    EXPECT_EQ(ParameterIn(url, "redirect_uri"), "https://code.example.com/signin/" + name + "/callback");
    EXPECT_EQ(ParameterIn(url, "code_challenge_method"), "S256");
    return {ParameterIn(url, "state"), ParameterIn(url, "nonce"), ParameterIn(url, "code_challenge"), CookieIn(reply)};
  }
  // The issuer lets somebody in: a code for this departure.
  std::string Admit(const Departure& departure, const Json& claims = Json::object()) {
    Json all = {{"sub", "ann"}, {"aud", "codelore-web"}, {"nonce", departure.nonce}};
    all.merge_patch(claims);
    std::string code = "code" + std::to_string(++codes_);
    tokens_.Give(code, departure.challenge, issuer_.Sign(all));
    return code;
  }
  WorldReply Return(const std::string& code, const Departure& departure, const std::string& more = "", const std::string& name = "oidc") {
    return Get("/signin/" + name + "/callback?code=" + code + "&state=" + departure.state + more, departure.cookie);
  }
  std::string SignIn() {
    Departure departure = Depart();
    WorldReply reply = Return(Admit(departure), departure);
    EXPECT_EQ(reply.status, 303);
    return CookieIn(reply);
  }
  bool SeesRobots(const std::string& cookie) { return Get("/v1/sources", cookie).body.find("robots") != std::string::npos; }
  void ExpectRefused(const WorldReply& reply) {
    EXPECT_EQ(reply.status, 403) << reply.body;
    EXPECT_EQ(HeaderIn(reply, "Set-Cookie"), "");
  }
  std::string CsrfOf(const std::string& cookie) {
    std::string page = Get("/me", cookie).body;
    size_t at = page.find("name=\"csrf\" value=\"");
    return at == std::string::npos ? "" : page.substr(at + 19, page.find('"', at + 19) - at - 19);
  }

  TestIssuer issuer_;
  TokenServer tokens_;
  testing::TempFolder secret_;
  OidcConfig config_;
  ScratchRepository robots_;
  std::unique_ptr<ServedWorld> world_;
  int codes_ = 0;
};

TEST_F(SignInTest, ByAnIssuerAndOutAgain) {
  Departure departure = Depart("/me?x=1");
  EXPECT_TRUE(departure.cookie.starts_with("__Host-codelore-signin="));
  WorldReply reply = Return(Admit(departure), departure, "&iss=https%3A%2F%2Flogin.example.com");
  EXPECT_EQ(reply.status, 303);
  EXPECT_EQ(HeaderIn(reply, "Location"), "/me?x=1");
  std::string told = HeaderIn(reply, "Set-Cookie"), cookie = CookieIn(reply);
  EXPECT_TRUE(told.starts_with("__Host-codelore="));
  for (const char* flag : {"; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age="}) EXPECT_NE(told.find(flag), std::string::npos) << told;
  EXPECT_EQ(told.find("Domain"), std::string::npos);
  EXPECT_EQ(tokens_.last["redirect_uri"], "https://code.example.com/signin/oidc/callback");
  WorldReply me = Get("/me", cookie);
  EXPECT_EQ(me.status, 200);
  EXPECT_NE(me.body.find("user:ann"), std::string::npos);
  EXPECT_NE(me.body.find("<li>robots</li>"), std::string::npos);
  EXPECT_NE(HeaderIn(me, "Content-Security-Policy").find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(me.body.find("<script"), std::string::npos);
  EXPECT_TRUE(SeesRobots(cookie));
  EXPECT_EQ(HeaderIn(Get("/me"), "Location"), "/signin?next=%2Fme");
  ExpectRefused(PostForm("/signout", "csrf=wrong", cookie));
  ExpectRefused(PostForm("/signout", "csrf=" + CsrfOf(cookie), cookie, ""));
  WorldReply out = PostForm("/signout", "csrf=" + CsrfOf(cookie), cookie);
  EXPECT_EQ(out.status, 303);
  EXPECT_NE(HeaderIn(out, "Set-Cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(Get("/v1/sources", cookie).status, 401);
}

TEST_F(SignInTest, Attack146_EveryWrongReturnIsRefused) {
  Departure good = Depart();
  std::string code = Admit(good);
  ExpectRefused(Return(code, {.state = "", .nonce = {}, .challenge = {}, .cookie = good.cookie}));
  ExpectRefused(Return(code, {.state = "AAAA", .nonce = {}, .challenge = {}, .cookie = good.cookie}));
  EXPECT_EQ(Return(code, good).status, 303);
  ExpectRefused(Return(code, good));  // the same once more

  Departure replayed = Depart();  // the code of another sign-in: its verifier is not known
  ExpectRefused(Return(Admit(good), replayed));
  Departure used = Depart();
  std::string once = Admit(used);
  EXPECT_EQ(Return(once, used).status, 303);
  ExpectRefused(Return(once, Depart()));

  Departure forged = Depart();  // begun in another browser
  ExpectRefused(Return(Admit(forged), {.state = forged.state, .nonce = {}, .challenge = {}, .cookie = ""}));
  Departure swapped = Depart(), other = Depart();
  ExpectRefused(Return(Admit(swapped), {.state = swapped.state, .nonce = {}, .challenge = {}, .cookie = other.cookie}));

  for (const Json& claims : {Json{{"nonce", "another"}}, Json{{"nonce", nullptr}}, Json{{"aud", "codelore"}}, Json{{"azp", "another"}}, Json{{"exp", 5}},
                             Json{{"iss", "https://other.example.com"}}, Json{{"sub", nullptr}}}) {
    Departure departure = Depart();
    ExpectRefused(Return(Admit(departure, claims), departure));
  }
  Departure denied = Depart();
  ExpectRefused(Get("/signin/oidc/callback?error=access_denied&state=" + denied.state, denied.cookie));
}

TEST_F(SignInTest, Attack146_IssuersAreNotMixedUp) {
  Departure departure = Depart();
  ExpectRefused(Return(Admit(departure), departure, "", "other"));  // at the other's address
  departure = Depart();
  ExpectRefused(Return(Admit(departure), departure, "&iss=https%3A%2F%2Fother.example.com"));
  departure = Depart("", "other");  // the right issuer, and a token of another
  ExpectRefused(Return(Admit(departure), departure, "", "other"));
  EXPECT_EQ(Get("/signin/nobody").status, 404);
  EXPECT_EQ(Get("/signin/nobody/callback?code=x&state=y").status, 404);
}

TEST_F(SignInTest, Attack146_NobodyIsSentElsewhere) {
  for (const char* next : {"https://evil.example/", "//evil.example", "/\\evil.example", "\\evil", "javascript:alert(1)", "evil", "/a b", "/\r\nX: y", ""}) {
    Departure departure = Depart(next);
    EXPECT_EQ(HeaderIn(Return(Admit(departure), departure), "Location"), "/me") << next;
    EXPECT_EQ(HeaderIn(PostForm("/signin", "token=" + world_->Token("ann") + "&next=" + PercentEncode(next)), "Location"), "/me") << next;
    std::string page = Get("/signin?next=" + PercentEncode(next)).body;
    EXPECT_EQ(page.find("evil"), std::string::npos) << next;
  }
  EXPECT_EQ(SafeNext("/v1/status"), "/v1/status");
}

TEST_F(SignInTest, ByATokenAsFarAsTheTokenGoes) {
  auto token = world_->directory().CreateToken({.tenant = world_->Tenant(), .user = "ann"}).value();
  ExpectRefused(PostForm("/signin", "token=" + token.text, "", "https://evil.example"));
  ExpectRefused(PostForm("/signin", "token=" + token.text, "", "null"));
  ExpectRefused(PostForm("/signin", "token=" + token.text, "", ""));
  ExpectRefused(PostForm("/signin", "token=clr_wrong"));
  std::string cookie = CookieIn(PostForm("/signin", "token=" + token.text));
  EXPECT_TRUE(SeesRobots(cookie));
  ASSERT_TRUE(world_->directory().RevokeToken(world_->Tenant(), token.id).ok());
  EXPECT_EQ(Get("/v1/sources", cookie).status, 401);
  acl::NewToken mcp{.tenant = world_->Tenant(), .user = "ann", .scope = {.protocols = static_cast<uint8_t>(acl::Protocol::kMcp)}};
  ExpectRefused(PostForm("/signin", "token=" + world_->directory().CreateToken(mcp)->text));
}

TEST_F(SignInTest, Attack148_WhatABrowserSendsByItselfChangesNothing) {
  std::string cookie = SignIn(), csrf = CsrfOf(cookie);
  auto search = [&](const std::string& more) {
    return world_->Send({"POST", "/v1/search", R"({"query":"MoveArm"})", "X-Forwarded-Proto: https\r\nCookie: " + cookie + "\r\n" + more}, "").status;
  };
  const std::string origin = "Origin: https://code.example.com\r\n", header = "X-Codelore-Csrf: " + csrf + "\r\n";
  EXPECT_EQ(search(origin + header), 200);
  EXPECT_EQ(search(""), 401);
  EXPECT_EQ(search(origin), 401);
  EXPECT_EQ(search(header), 401);
  EXPECT_EQ(search(origin + "X-Codelore-Csrf: wrong\r\n"), 401);
  for (const char* foreign : {"null", "https://evil.example", "https://code.example.com.evil.example", "http://code.example.com", "https://xcode.example.com"}) {
    EXPECT_NE(search("Origin: " + std::string(foreign) + "\r\n" + header), 200) << foreign;
  }
  // Signing in again ends the session before: a value that somebody planted is worth nothing.
  Departure departure = Depart();
  departure.cookie += "; " + cookie;
  WorldReply again = Return(Admit(departure), departure);
  EXPECT_NE(CookieIn(again), cookie);
  EXPECT_EQ(Get("/v1/sources", cookie).status, 401);
  std::string next = CookieIn(again);
  EXPECT_EQ(Get("/v1/sources", next + "; " + next).status, 401);                       // two of the name
  EXPECT_EQ(Get("/v1/sources", "codelore" + next.substr(next.find('='))).status, 401);  // a name that others can set
  EXPECT_EQ(Get("/v1/sources", next).status, 200);
  EXPECT_EQ(world_->Send({"POST", "/mcp", R"({"jsonrpc":"2.0","id":1,"method":"ping"})", "X-Forwarded-Proto: https\r\nCookie: " + next + "\r\n"}, "").status, 401);
}

TEST_F(SignInTest, Attack148_OutEverywhereAndDisabled) {
  std::string one = SignIn(), two = SignIn();
  EXPECT_EQ(PostForm("/signout", "everywhere=1&csrf=" + CsrfOf(one), one).status, 303);
  EXPECT_EQ(Get("/v1/sources", two).status, 401);
  std::string three = SignIn();
  EXPECT_TRUE(SeesRobots(three));
  ASSERT_TRUE(world_->directory().CreateUser({.tenant = world_->Tenant(), .name = "ann"}).ok());
  EXPECT_TRUE(SeesRobots(three));
  ASSERT_TRUE(world_->directory().ChangeUser(world_->Tenant(), "ann", {.disabled = true}).ok());
  EXPECT_EQ(Get("/v1/sources", three).status, 401);
  Departure departure = Depart();
  ExpectRefused(Return(Admit(departure), departure));
}

TEST_F(SignInTest, SessionsEndWhenUnusedAndAtLast) {
  int64_t now = 1'000'000;
  auto sessions = WebSessions::Open(world_->directory(), [&] { return now; }).value();
  auto ann = world_->directory().Vouched(world_->Tenant(), "ann", {}, 0).value();
  std::string value = sessions->Begin(ann).value();
  EXPECT_EQ(value.size(), 43u);
  now += WebSessions::kIdleMs - 1;
  EXPECT_TRUE(sessions->Find(value));
  now += WebSessions::kIdleMs;
  EXPECT_FALSE(sessions->Find(value));
  value = sessions->Begin(ann).value();
  for (int64_t end = now + WebSessions::kLongestMs; now + WebSessions::kIdleMs / 2 < end; now += WebSessions::kIdleMs / 2) EXPECT_TRUE(sessions->Find(value));
  now += WebSessions::kIdleMs / 2;
  EXPECT_FALSE(sessions->Find(value));
  std::string first = sessions->Begin(ann).value();
  for (size_t i = 0; i < WebSessions::kMaxOfUser; ++i) {
    ++now;
    EXPECT_TRUE(sessions->Begin(ann).ok());
  }
  EXPECT_FALSE(sessions->Find(first));
  EXPECT_FALSE(sessions->Find(""));
}

TEST_F(SignInTest, SettingsThatCannotWorkAreRefused) {
  const std::string base = "issuer=https://login.example.com audience=a jwks-file=f algorithms=RS256 ";
  EXPECT_TRUE(OidcConfig::Parse(base + "client-id=x authorize-url=https://a.example/auth token-url=https://a.example/token scope=openid,groups").ok());
  EXPECT_EQ(OidcConfig::Parse(base + "client-id=x authorize-url=https://a.example/auth token-url=https://a.example/token scope=openid,groups")->scope, "openid groups");
  for (const char* bad : {"client-id=x", "client-id=x authorize-url=https://a.example/auth", "token-url=https://a.example/token",
                          "client-id=x authorize-url=http://a.example/auth token-url=https://a.example/token",
                          "client-id=x authorize-url=https://a.example/auth token-url=http://a.example/token",
                          "client-id=x authorize-url=https://a.example/auth token-url=https://a.example/token name=A/b"}) {
    EXPECT_FALSE(OidcConfig::Parse(base + bad).ok()) << bad;
  }
  for (const char* url : {"", "http://code.example.com", "https://code.example.com/path", "code.example.com", "https://a@b"}) {
    EXPECT_FALSE(Service::Open({.data_folder = secret_ / "data", .identity = {.oidc = {config_}, .public_url = url}}).ok()) << url;
  }
}

}  // namespace
}  // namespace codelore::api
