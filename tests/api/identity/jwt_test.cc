// Identity tokens: a table of good ones and a table of forged ones, the key cache, and the rules for proxies.
#include "api/identity/jwt.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "api/identity/identity_providers.h"
#include "api/identity/test_issuer.h"
#include "support/memory_store.h"

namespace codelore::api {
namespace {

using Json = nlohmann::json;

class Jwt : public ::testing::Test {
 protected:
  Result<JwtSubject> Verify(const std::string& token) { return VerifyJwt(token, config_, cache_, TestIssuer::Now() * 1000); }
  static std::string Token(const TestKey& key, const std::string& header, const std::string& claims, const std::string& digest = "SHA256", bool pss = false) {
    std::string text = Base64Url(header) + "." + Base64Url(claims);
    return text + "." + Base64Url(key.Sign(text, digest, pss));
  }
  static std::string Header(const Json& changes) {
    Json header = {{"alg", "RS256"}, {"kid", "rsa"}};
    header.merge_patch(changes);
    return header.dump();
  }

  TestIssuer issuer_;
  OidcConfig config_ = issuer_.Config();
  JwkCache cache_{JwkCache::FromFile(config_.keys_file), [] { return TestIssuer::Now() * 1000; }};
};

TEST_F(Jwt, TakesWhatItsIssuerSigns) {
  for (const Json& claims : {Json{{"sub", "ann"}}, Json{{"sub", "ann"}, {"aud", {"other", "codelore"}}}, Json{{"sub", "ann"}, {"nbf", TestIssuer::Now() + 30}},
                             Json{{"sub", "ann"}, {"exp", TestIssuer::Now() - 30}}}) {
    auto subject = Verify(issuer_.Sign(claims));
    ASSERT_TRUE(subject.ok()) << claims << subject.status().ToString();
    EXPECT_EQ(subject->user, "ann");
    EXPECT_TRUE(subject->teams.empty());
  }
  auto teams = Verify(issuer_.Sign({{"sub", "ann"}, {"groups", {"Engineering", "engineering", "root", "web"}}}));
  EXPECT_EQ(teams->teams, std::vector<std::string>{"web"});  // mapped groups only, by their exact names
  EXPECT_TRUE(Verify(Token(issuer_.ec, R"({"alg":"ES256","kid":"ec","typ":"at+jwt"})", TestIssuer::Claims({{"sub", "ann"}}))).ok());
  EXPECT_TRUE(Verify(Token(issuer_.ec, R"({"alg":"ES256"})", TestIssuer::Claims({{"sub", "ann"}}))).ok());  // the only key for it
  config_.algorithms = {"PS256", "RS512"};
  EXPECT_TRUE(Verify(Token(issuer_.rsa, Header({{"alg", "PS256"}}), TestIssuer::Claims({{"sub", "ann"}}), "SHA256", true)).ok());
  EXPECT_TRUE(Verify(Token(issuer_.rsa, Header({{"alg", "RS512"}}), TestIssuer::Claims({{"sub", "ann"}}), "SHA512")).ok());
}

// HMAC with the text of the public key: what a verifier that goes by the header's "alg" would take (RFC 8725, 2.1).
std::string HmacWithPublicKey(const TestIssuer& issuer, const std::string& header, const std::string& claims, const std::string& secret) {
  std::string text = Base64Url(header) + "." + Base64Url(claims);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  (void)issuer;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return text + "." + Base64Url({reinterpret_cast<char*>(digest), size});
}

TEST_F(Jwt, RefusesWhatIsForged) {
  const TestKey stranger("RSA", "rsa"), small("RSA", "small", 1024), curve("P-384", "p384");
  const std::string good = TestIssuer::Claims({{"sub", "ann"}}), token = issuer_.Sign({{"sub", "ann"}});
  const std::string twice = good.substr(0, good.size() - 1) + R"(,"aud":"codelore"})";
  auto times = [](const char* name, const Json& value) { return Json{{"sub", "ann"}, {name, value}}; };
  const int64_t now = TestIssuer::Now();
  std::string altered = token;
  altered[altered.find('.') + 5] ^= 1;
  const std::string body = token.substr(0, token.rfind('.')), signature = token.substr(token.rfind('.') + 1);
  issuer_.Publish({issuer_.rsa.Public(), issuer_.ec.Public(), small.Public(), {{"kty", "oct"}, {"kid", "oct"}, {"k", "c2VjcmV0"}}});
  const std::vector<std::pair<const char*, std::string>> forged = {
      {"another key of that name", Token(stranger, Header({}), good)},
      {"a changed payload", altered},
      {"no signature", body + "."},
      {"alg none", Base64Url(R"({"alg":"none"})") + "." + Base64Url(good) + "."},
      {"alg None", Base64Url(R"({"alg":"None","kid":"rsa"})") + "." + Base64Url(good) + "." + signature},
      {"alg empty", Token(issuer_.rsa, Header({{"alg", ""}}), good)},
      {"alg missing", Token(issuer_.rsa, Header({{"alg", nullptr}}), good)},
      {"alg a number", Token(issuer_.rsa, Header({{"alg", 256}}), good)},
      {"HS256 with the modulus", HmacWithPublicKey(issuer_, Header({{"alg", "HS256"}}), good, issuer_.rsa.Public()["n"].get<std::string>())},
      {"HS256 with the key's JSON", HmacWithPublicKey(issuer_, Header({{"alg", "HS256"}}), good, issuer_.rsa.Public().dump())},
      {"HS256 with an oct key of the set", HmacWithPublicKey(issuer_, Header({{"alg", "HS256"}, {"kid", "oct"}}), good, "secret")},
      {"HMAC called RS256", HmacWithPublicKey(issuer_, Header({}), good, issuer_.rsa.Public()["n"].get<std::string>())},
      {"an algorithm that is not configured", Token(issuer_.rsa, Header({{"alg", "RS512"}}), good, "SHA512")},
      {"an algorithm of another key type", Token(issuer_.rsa, Header({{"alg", "ES256"}}), good)},
      {"another curve", Token(curve, Header({{"alg", "ES256"}, {"kid", "ec"}}), good)},
      {"a key that is too small", Token(small, Header({{"kid", "small"}}), good)},
      {"an unknown kid", Token(issuer_.rsa, Header({{"kid", "other"}}), good)},
      {"a kid that is a path", Token(issuer_.rsa, Header({{"kid", "../../../../dev/null"}}), good)},
      {"a kid that is a statement", Token(issuer_.rsa, Header({{"kid", "rsa' OR '1'='1"}}), good)},
      {"a kid that is too long", Token(issuer_.rsa, Header({{"kid", std::string(300, 'k')}}), good)},
      {"a kid that is no text", Token(issuer_.rsa, Header({{"kid", {1}}}), good)},
      {"a key brought along (jwk)", Token(stranger, Header({{"jwk", stranger.Public()}}), good)},
      {"a key elsewhere (jku)", Token(stranger, Header({{"jku", "http://127.0.0.1/keys"}}), good)},
      {"a certificate elsewhere (x5u)", Token(stranger, Header({{"x5u", "file:///etc/passwd"}, {"x5c", {"MIIB"}}}), good)},
      {"an extension (crit)", Token(issuer_.rsa, Header({{"crit", {"b64"}}, {"b64", false}}), good)},
      {"a token in a token (cty)", Token(issuer_.rsa, Header({{"cty", "JWT"}}), good)},
      {"another type", Token(issuer_.rsa, Header({{"typ", "logout+jwt"}}), good)},
      {"a header with a name twice", Token(issuer_.rsa, R"({"alg":"RS256","kid":"rsa","alg":"RS256"})", good)},
      {"claims with a name twice", Token(issuer_.rsa, Header({}), twice)},
      {"claims that are no object", Token(issuer_.rsa, Header({}), "[1]")},
      {"claims that are no JSON", Token(issuer_.rsa, Header({}), "iss=x")},
      {"another issuer", issuer_.Sign({{"sub", "ann"}, {"iss", "https://login.example.com/"}})},
      {"no issuer", issuer_.Sign({{"sub", "ann"}, {"iss", nullptr}})},
      {"another audience", issuer_.Sign({{"sub", "ann"}, {"aud", "codelore2"}})},
      {"other audiences", issuer_.Sign({{"sub", "ann"}, {"aud", {"a", "b"}}})},
      {"no audience", issuer_.Sign({{"sub", "ann"}, {"aud", nullptr}})},
      {"an audience that is an object", issuer_.Sign({{"sub", "ann"}, {"aud", {{"codelore", 1}}}})},
      {"expired", issuer_.Sign(times("exp", now - 61))},
      {"no end", issuer_.Sign(times("exp", nullptr))},
      {"an end that is a text", issuer_.Sign(times("exp", "9999999999"))},
      {"an end beyond all numbers", issuer_.Sign(times("exp", 1e300))},
      {"a negative end", issuer_.Sign(times("exp", -1))},
      {"not valid yet", issuer_.Sign(times("nbf", now + 120))},
      {"issued in the future", issuer_.Sign(times("iat", now + 120))},
      {"no subject", issuer_.Sign(Json::object())},
      {"an empty subject", issuer_.Sign({{"sub", ""}})},
      {"a subject that is a list", issuer_.Sign({{"sub", {"ann"}}})},
      {"groups that are no list", issuer_.Sign({{"sub", "ann"}, {"groups", "Engineering"}})},
      {"too large", issuer_.Sign({{"sub", "ann"}, {"padding", std::string(9000, 'x')}})},
      {"four parts", token + ".x"},
      {"two parts", body},
      {"padding", token + "="},
      {"standard base64", body + "." + std::string(signature.size() - 1, '+') + "/"},
      {"bits left over in the signature", token.substr(0, token.size() - 1) + "B"},
      {"white space", token + " "},
      {"nothing", ""},
      {"dots", ".."},
  };
  for (const auto& [what, text] : forged) {
    auto subject = Verify(text);
    EXPECT_EQ(subject.status().code(), StatusCode::kPermissionDenied) << what;
    EXPECT_EQ(subject.status().message().find("ann"), std::string::npos) << what << ": says what the token holds";
  }
  EXPECT_TRUE(Verify(token).ok());
}

TEST_F(Jwt, EveryChangedCharacterIsRefused) {
  const std::string token = issuer_.Sign({{"sub", "ann"}});
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(Verify(changed).ok()) << i;
  }
}

TEST_F(Jwt, AnAddressCountsOnceItIsVerified) {
  config_.user_claim = "email";
  EXPECT_FALSE(Verify(issuer_.Sign({{"email", "ann@example.com"}})).ok());
  EXPECT_FALSE(Verify(issuer_.Sign({{"email", "ann@example.com"}, {"email_verified", "true"}})).ok());
  EXPECT_EQ(Verify(issuer_.Sign({{"email", "ann@example.com"}, {"email_verified", true}}))->user, "ann@example.com");
}

// ---- keys ------------------------------------------------------------------------------------------------

// Attack145: unknown keys, a server that is down, slow or floods, and a rotation.
TEST_F(Jwt, Attack145_KeysAreFetchedOnceAMinuteAtMost) {
  const TestKey next("RSA", "next");
  int64_t now = 1'000'000'000;
  int fetched = 0;
  Result<std::string> answer = Json{{"keys", {issuer_.rsa.Public()}}}.dump();
  JwkCache cache([&] { return ++fetched, answer; }, [&] { return now; });
  auto good = [&](const TestKey& key) { return cache.Verifies(key.id(), "RS256", "text", key.Sign("text")); };
  EXPECT_TRUE(good(issuer_.rsa));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(cache.Verifies("unknown-" + std::to_string(i), "RS256", "text", "signature"));
  EXPECT_EQ(fetched, 1);
  now += 60'000;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(cache.Verifies("unknown-" + std::to_string(i), "RS256", "text", "signature"));
  EXPECT_EQ(fetched, 2);
  answer = Json{{"keys", {issuer_.rsa.Public(), next.Public()}}}.dump();  // rotated
  EXPECT_FALSE(good(next));
  now += 60'000;
  EXPECT_TRUE(good(next));
  EXPECT_TRUE(good(issuer_.rsa));
  for (const std::string& broken : {std::string("{"), std::string(300'000, ' '), std::string(R"({"keys":[]})"), std::string(R"({"keys":[{"kty":"RSA"}]})")}) {
    answer = broken;
    now += 16 * 60'000;
    EXPECT_TRUE(good(next));  // what there was goes on
  }
  answer = Unavailable("down");
  now += 3'600'000;
  EXPECT_TRUE(good(next));
  now += 24 * 3'600'000;
  EXPECT_FALSE(good(next));  // not for ever
  answer = Json{{"keys", {next.Public()}}}.dump();
  now += 60'000;
  EXPECT_TRUE(good(next));
  EXPECT_FALSE(good(issuer_.rsa));  // taken back
}

TEST_F(Jwt, ASlowIssuerHoldsOneThread) {
  std::atomic<int64_t> now{1'000'000'000};
  std::atomic<bool> slow{false}, inside{false};
  JwkCache cache([&]() -> Result<std::string> {
    inside = slow.load();
    while (slow) std::this_thread::yield();
    return Json{{"keys", {issuer_.rsa.Public()}}}.dump();
  }, [&] { return now.load(); });
  std::string signature = issuer_.rsa.Sign("text");
  EXPECT_TRUE(cache.Verifies("rsa", "RS256", "text", signature));
  now += 60'000;
  slow = true;
  std::jthread waiting([&] { EXPECT_FALSE(cache.Verifies("unknown", "RS256", "text", signature)); });
  while (!inside) std::this_thread::yield();
  EXPECT_TRUE(cache.Verifies("rsa", "RS256", "text", signature));
  EXPECT_FALSE(cache.Verifies("another", "RS256", "text", signature));
  slow = false;
}

TEST_F(Jwt, KeysThatAreNotForThisAreLeftOut) {
  Json rsa = issuer_.rsa.Public();
  auto with = [&](const Json& changes) {
    Json key = rsa;
    key.merge_patch(changes);
    return JwkSet::Parse(Json{{"keys", {key}}}.dump()).ok();
  };
  EXPECT_TRUE(with(Json::object()));
  EXPECT_TRUE(with({{"alg", "RS256"}, {"key_ops", {"verify"}}}));
  for (const Json& changes : {Json{{"use", "enc"}}, Json{{"key_ops", {"encrypt"}}}, Json{{"alg", "HS256"}}, Json{{"kty", "oct"}}, Json{{"e", "AQ"}}, Json{{"e", "Ag"}},
                              Json{{"n", "AQAB"}}, Json{{"n", nullptr}}, Json{{"n", "!"}}}) {
    EXPECT_FALSE(with(changes)) << changes;
  }
  Json off = issuer_.ec.Public();
  off["x"] = Base64Url(std::string(32, '\x01'));  // not on the curve
  EXPECT_FALSE(JwkSet::Parse(Json{{"keys", {off}}}.dump()).ok());
  EXPECT_FALSE(JwkSet::Parse(R"({"keys":5})").ok());
}

// ---- settings, and who is believed -----------------------------------------------------------------------

TEST(OidcConfigTest, SaysWhatIsWrong) {
  const std::string good = "issuer=https://i audience=a jwks-file=/k algorithms=RS256,ES256 tenant=acme user-claim=email groups-claim=g team=A:B team=C:D leeway=5";
  auto config = OidcConfig::Parse(good);
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->teams.at("C"), "D");
  EXPECT_EQ(config->algorithms, (std::vector<std::string>{"RS256", "ES256"}));
  for (const char* bad : {"", "issuer=i", "issuer=i audience=a algorithms=RS256", "issuer=i audience=a jwks-file=k", "issuer=i audience=a jwks-file=k algorithms=none",
                          "issuer=i audience=a jwks-file=k algorithms=HS256", "issuer=i audience=a jwks-file=k jwks-url=u algorithms=RS256",
                          "issuer=i audience=a jwks-file=k algorithms=RS256 groups-claim=g", "issuer=i audience=a jwks-file=k algorithms=RS256 x=y",
                          "issuer=i audience=a jwks-file=k algorithms=RS256 leeway=9999", "issuer=i jwks-file=k algorithms=RS256"}) {
    EXPECT_EQ(OidcConfig::Parse(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

class Providers : public ::testing::Test {
 protected:
  std::optional<Result<acl::Identity>> Identify(IdentityProviders& providers, const std::string& peer, std::vector<HttpField> headers, const std::string& token = "") {
    HttpRequest request;
    request.peer = peer;
    request.headers = std::move(headers);
    return providers.Identify(request, token);
  }
  testing::MemoryStore store_;
  std::unique_ptr<acl::Directory> directory_ = acl::Directory::Open(store_).value();
};

TEST_F(Providers, AHeaderCountsFromTheProxyAlone) {
  auto providers = IdentityProviders::Open(*directory_, {.trusted_proxies = {"10.1.0.0/16", "::1"}, .proxy_user_header = "X-Forwarded-User"}).value();
  for (const char* peer : {"10.1.2.3", "::1"}) {
    auto ann = Identify(*providers, peer, {{"x-forwarded-user", "ann"}});
    ASSERT_TRUE(ann && ann->ok());
    EXPECT_EQ((*ann)->user, "ann");
    EXPECT_EQ((*ann)->role, acl::Role::kReader);
  }
  for (const char* peer : {"10.2.0.1", "127.0.0.1", "8.8.8.8", "", "10.1.2.3, 8.8.8.8"}) {
    EXPECT_FALSE(Identify(*providers, peer, {{"X-Forwarded-User", "ann"}})) << peer;
  }
  EXPECT_FALSE(Identify(*providers, "10.1.2.3", {{"X-Forwarded-User", "ann"}, {"Authorization", "Basic x"}}));
  EXPECT_FALSE(Identify(*providers, "10.1.2.3", {{"X-Forwarded-User", "ann"}, {"Authorization", "Bearer clr_x"}}, "clr_x"));
  EXPECT_FALSE(Identify(*providers, "10.1.2.3", {}));
  for (auto headers : {std::vector<HttpField>{{"X-Forwarded-User", "ann"}, {"x-forwarded-user", "bob"}}, {{"X-Forwarded-User", "a\nb"}}, {{"X-Forwarded-User", ""}}}) {
    auto refused = Identify(*providers, "10.1.2.3", headers);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status().code(), StatusCode::kPermissionDenied);
  }
  ASSERT_TRUE(directory_->CreateUser({.tenant = directory_->FindTenant(acl::kDefaultTenant).value(), .name = "ci", .kind = acl::UserKind::kService}).ok());
  EXPECT_EQ(Identify(*providers, "10.1.2.3", {{"X-Forwarded-User", "ci"}})->status().code(), StatusCode::kPermissionDenied);
}

TEST_F(Providers, RefusesSettingsThatTrustEverybody) {
  for (const IdentityOptions& wrong : {IdentityOptions{.trusted_proxies = {"all"}, .proxy_user_header = "X-User"}, IdentityOptions{.proxy_user_header = "X-User"},
                                       IdentityOptions{.trusted_proxies = {"10.0.0.1"}}, IdentityOptions{.trusted_proxies = {"proxy"}, .proxy_user_header = "X-User"},
                                       IdentityOptions{.trusted_proxies = {"10.0.0.1"}, .proxy_user_header = "Authorization"},
                                       IdentityOptions{.trusted_proxies = {"10.0.0.1"}, .proxy_user_header = "X-User", .proxy_tenant = "none"}}) {
    EXPECT_FALSE(IdentityProviders::Open(*directory_, wrong).ok());
  }
}

TEST_F(Providers, ATokenIsOfOneTenantAndEndsWithItsTime) {
  TestIssuer issuer;
  TenantId acme = directory_->CreateTenant("acme").value();
  OidcConfig config = issuer.Config();
  config.tenant = "acme";
  int64_t now = TestIssuer::Now() * 1000;
  auto providers = IdentityProviders::Open(*directory_, {.oidc = {config}}, [&] { return now; }).value();
  auto ann = Identify(*providers, "8.8.8.8", {}, issuer.Sign({{"sub", "ann"}, {"groups", {"Engineering"}}}));
  ASSERT_TRUE(ann && ann->ok()) << ann->status().ToString();
  EXPECT_EQ((*ann)->tenant, acme);
  EXPECT_EQ((*ann)->teams, std::vector<std::string>{"web"});
  EXPECT_NE((*ann)->expires_unix_ms, 0);
  EXPECT_FALSE(Identify(*providers, "8.8.8.8", {}, "clr_abc"));  // ours to say
  EXPECT_EQ(Identify(*providers, "8.8.8.8", {}, issuer.Sign({{"sub", "ann"}, {"iss", "https://evil.example"}}))->status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Identify(*providers, "8.8.8.8", {}, issuer.Sign({{"sub", "a\u200Bnn"}}))->status().code(), StatusCode::kPermissionDenied);
  config.tenant = "nowhere";
  EXPECT_EQ(IdentityProviders::Open(*directory_, {.oidc = {config}}).status().code(), StatusCode::kNotFound);
  config = issuer.Config();
  EXPECT_FALSE(IdentityProviders::Open(*directory_, {.oidc = {config, config}}).ok());
  config.keys_file = "/nonexistent";
  EXPECT_FALSE(IdentityProviders::Open(*directory_, {.oidc = {config}}).ok());
}

}  // namespace
}  // namespace codelore::api
