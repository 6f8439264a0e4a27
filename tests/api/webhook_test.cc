#include "api/webhook.h"

#include <gtest/gtest.h>

#include <map>

#include "support/memory_store.h"

namespace codelore::api {
namespace {

using testing::MemoryStore;
using Fields = std::map<std::string, std::string, std::less<>>;

// GitHub's own test vector.
const std::string kSecret = "It's a Secret to Everybody";
const std::string kBody = "Hello, World!";
const std::string kHex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

bool Signed(Forge forge, const Fields& fields, const std::string& body = kBody, std::vector<std::string> secrets = {kSecret}, int64_t now = 1'700'000'000) {
  WebhookRequest request{.header = [&](std::string_view name) -> std::optional<std::string_view> {
                           auto at = fields.find(name);
                           return at == fields.end() ? std::nullopt : std::optional<std::string_view>(at->second);
                         },
                         .body = body, .now_unix_s = now};
  return IsSigned(forge, request, secrets);
}

TEST(WebhookTest, SignaturesOfTheForgesAreKnown) {
  EXPECT_TRUE(Signed(Forge::kGitHub, {{"x-hub-signature-256", "sha256=" + kHex}}));
  EXPECT_TRUE(Signed(Forge::kBitbucket, {{"x-hub-signature", "sha256=" + kHex}}));
  EXPECT_TRUE(Signed(Forge::kGitea, {{"x-gitea-signature", kHex}}));
  EXPECT_TRUE(Signed(Forge::kForgejo, {{"x-forgejo-signature", kHex}}));
  EXPECT_TRUE(Signed(Forge::kForgejo, {{"x-gitea-signature", kHex}}));
  EXPECT_TRUE(Signed(Forge::kGitLab, {{"x-gitlab-token", kSecret}}));
}

TEST(WebhookTest, EverythingElseIsNotSigned) {
  for (Forge forge : {Forge::kGitHub, Forge::kGitLab, Forge::kGitea, Forge::kForgejo, Forge::kBitbucket}) {
    EXPECT_FALSE(Signed(forge, {}));
    EXPECT_FALSE(Signed(forge, {{"x-hub-signature-256", "sha256="}, {"x-gitlab-token", ""}, {"x-gitea-signature", ""}}));
    EXPECT_FALSE(Signed(forge, {{"x-hub-signature-256", "sha256=" + kHex}, {"x-hub-signature", "sha256=" + kHex},
                                {"x-gitea-signature", kHex}, {"x-gitlab-token", kSecret}}, kBody, {}));
    EXPECT_FALSE(Signed(forge, {{"x-gitlab-token", ""}}, kBody, {""}));
  }
  EXPECT_FALSE(Signed(Forge::kGitHub, {{"x-hub-signature-256", "sha256=" + kHex}}, kBody + " "));
  EXPECT_FALSE(Signed(Forge::kGitHub, {{"x-hub-signature-256", kHex}}));
  EXPECT_FALSE(Signed(Forge::kGitHub, {{"x-hub-signature-256", "sha1=" + kHex}}));
  EXPECT_FALSE(Signed(Forge::kGitHub, {{"x-hub-signature", "sha256=" + kHex}}));
  EXPECT_FALSE(Signed(Forge::kGitLab, {{"x-gitlab-token", kSecret + "x"}}));
  EXPECT_FALSE(Signed(Forge::kGitLab, {{"x-gitlab-token", kSecret.substr(1)}}));
  for (size_t i = 0; i < kHex.size(); ++i) {
    std::string altered = kHex;
    altered[i] = altered[i] == '0' ? '1' : '0';
    EXPECT_FALSE(Signed(Forge::kGitea, {{"x-gitea-signature", altered}})) << i;
    EXPECT_FALSE(Signed(Forge::kGitea, {{"x-gitea-signature", kHex.substr(0, i)}})) << i;
  }
}

TEST(WebhookTest, TwoSecretsLiveBesideEachOther) {
  Fields fields = {{"x-gitea-signature", kHex}};
  EXPECT_TRUE(Signed(Forge::kGitea, fields, kBody, {"the new secret", kSecret}));
  EXPECT_TRUE(Signed(Forge::kGitea, fields, kBody, {kSecret, "the old secret"}));
  EXPECT_FALSE(Signed(Forge::kGitea, fields, kBody, {"the new secret", "the old secret"}));
}

// The example of the Standard Webhooks specification.
TEST(WebhookTest, SignedTimesOfGitLabAreChecked) {
  Fields fields = {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"}, {"webhook-timestamp", "1614265330"},
                   {"webhook-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
  const std::string body = "{\"test\": 2432232314}";
  const std::vector<std::string> secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  EXPECT_TRUE(Signed(Forge::kGitLab, fields, body, secrets, 1'614'265'330 + 299));
  EXPECT_FALSE(Signed(Forge::kGitLab, fields, body, secrets, 1'614'265'330 + 301));
  EXPECT_FALSE(Signed(Forge::kGitLab, fields, body, secrets, 1'614'265'330 - 301));
  EXPECT_FALSE(Signed(Forge::kGitLab, fields, body + " ", secrets, 1'614'265'330));
  fields["webhook-id"] = "another";
  EXPECT_FALSE(Signed(Forge::kGitLab, fields, body, secrets, 1'614'265'330));
  // Who sends a signature is judged by it, not by a token beside it.
  fields["x-gitlab-token"] = secrets[0];
  EXPECT_FALSE(Signed(Forge::kGitLab, fields, body, secrets, 1'614'265'330));
}

TEST(WebhookTest, DeliveriesAreRememberedByIdAndBySignature) {
  MemoryStore store;
  auto marks = [](const Fields& fields) {
    WebhookRequest request{.header = [&](std::string_view name) -> std::optional<std::string_view> {
                             auto at = fields.find(name);
                             return at == fields.end() ? std::nullopt : std::optional<std::string_view>(at->second);
                           },
                           .body = ""};
    return DeliveryMarks(Forge::kGitHub, request);
  };
  auto first = marks({{"x-github-delivery", "1"}, {"x-hub-signature-256", "sha256=aa"}});
  EXPECT_FALSE(WasDelivered(store, {1}, first).value());
  WriteBatch batch;
  RememberDelivery({1}, first, 1000, batch);
  ASSERT_TRUE(store.Write(batch).ok());
  EXPECT_TRUE(WasDelivered(store, {1}, first).value());
  EXPECT_TRUE(WasDelivered(store, {1}, marks({{"x-github-delivery", "2"}, {"x-hub-signature-256", "sha256=aa"}})).value());
  EXPECT_TRUE(WasDelivered(store, {1}, marks({{"x-github-delivery", "1"}, {"x-hub-signature-256", "sha256=bb"}})).value());
  EXPECT_FALSE(WasDelivered(store, {1}, marks({{"x-github-delivery", "2"}, {"x-hub-signature-256", "sha256=bb"}})).value());
  EXPECT_FALSE(WasDelivered(store, {2}, first).value());
  ASSERT_TRUE(ForgetDeliveries(store, {1}, 1000).ok());
  EXPECT_TRUE(WasDelivered(store, {1}, first).value());
  ASSERT_TRUE(ForgetDeliveries(store, {1}, 1001).ok());
  EXPECT_FALSE(WasDelivered(store, {1}, first).value());
}

TEST(WebhookTest, EventsAreKnown) {
  auto event = [](Forge forge, const char* name, const char* value) {
    WebhookRequest request{.header = [&](std::string_view wanted) -> std::optional<std::string_view> {
                             return wanted == name ? std::optional<std::string_view>(value) : std::nullopt;
                           },
                           .body = ""};
    return EventOf(forge, request);
  };
  EXPECT_EQ(event(Forge::kGitHub, "x-github-event", "push"), WebhookEvent::kPush);
  EXPECT_EQ(event(Forge::kGitHub, "x-github-event", "ping"), WebhookEvent::kPing);
  EXPECT_EQ(event(Forge::kGitHub, "x-github-event", "issues"), WebhookEvent::kOther);
  EXPECT_EQ(event(Forge::kGitLab, "x-gitlab-event", "Push Hook"), WebhookEvent::kPush);
  EXPECT_EQ(event(Forge::kBitbucket, "x-event-key", "repo:push"), WebhookEvent::kPush);
  EXPECT_EQ(event(Forge::kBitbucket, "x-event-key", "diagnostics:ping"), WebhookEvent::kPing);
  EXPECT_EQ(event(Forge::kForgejo, "x-gitea-event", "push"), WebhookEvent::kPush);
  EXPECT_EQ(event(Forge::kGitea, "x-gitea-event", ""), WebhookEvent::kOther);
}

TEST(WebhookTest, EventsThatTellOfAccessAreKnown) {
  auto tells = [](Forge forge, const char* name, const char* value) {
    WebhookRequest request{.header = [&](std::string_view wanted) -> std::optional<std::string_view> {
                             return wanted == name ? std::optional<std::string_view>(value) : std::nullopt;
                           },
                           .body = ""};
    return TellsOfAccess(forge, request);
  };
  for (const char* event : {"member", "membership", "team", "team_add", "repository", "public", "organization"}) EXPECT_TRUE(tells(Forge::kGitHub, "x-github-event", event)) << event;
  for (const char* event : {"Member Hook", "Project Hook", "Subgroup Hook", "System Hook"}) EXPECT_TRUE(tells(Forge::kGitLab, "x-gitlab-event", event)) << event;
  EXPECT_TRUE(tells(Forge::kGitea, "x-gitea-event", "repository"));
  EXPECT_TRUE(tells(Forge::kForgejo, "x-forgejo-event", "repository"));
  EXPECT_TRUE(tells(Forge::kForgejo, "x-gitea-event", "repository"));
  EXPECT_FALSE(tells(Forge::kGitHub, "x-github-event", "push"));
  EXPECT_FALSE(tells(Forge::kGitHub, "x-github-event", ""));
  EXPECT_FALSE(tells(Forge::kGitHub, "x-gitea-event", "repository"));
  EXPECT_FALSE(tells(Forge::kBitbucket, "x-event-key", "repository"));
}

}  // namespace
}  // namespace codelore::api
