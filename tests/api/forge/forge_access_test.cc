#include "api/forge/forge_access.h"

#include <gtest/gtest.h>

#include "api/forge/scripted_forge.h"

namespace codelore::api {
namespace {

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

class ForgeAccessTest : public ::testing::TestWithParam<Forge> {
 protected:
  Result<ForgeAccess> Read(const std::string& repository = "team/app") {
    auto client = HttpClient::Open({.server = forge_.url(), .headers = {TokenHeader(GetParam(), "t0ken")}}).value();
    return ReadForgeAccess(GetParam(), repository, [&](const std::string& target) { return client->Ask(target); });
  }
  ScriptedForge forge_;
};

TEST_P(ForgeAccessTest, WhoReadsTheCodeIsFoundAndNobodyElse) {
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann", "bob"}, .guests = {"eve"}, .teams = {{"core", {"kim"}}, {"ops", {"lee", "ann"}}}}; });
  auto access = Read();
  ASSERT_TRUE(access.ok()) << access.status().ToString();
  EXPECT_TRUE(access->shown);
  EXPECT_FALSE(access->is_public);
  std::vector<std::string> users = Sorted(access->users);
  users.erase(std::ranges::unique(users).begin(), users.end());
  EXPECT_EQ(users, (std::vector<std::string>{"ann", "bob", "kim", "lee"}));
  EXPECT_EQ(Sorted(access->teams), (std::vector<std::string>{"core", "ops"}));
  EXPECT_NE(forge_.last_token().find("t0ken"), std::string::npos);
}

TEST_P(ForgeAccessTest, OnlyWhatIsPublicIsPublic) {
  for (std::string visibility : {"public", "internal", "private"}) {
    forge_.Set([&](ForgeState& state) { state.visibility = visibility; });
    EXPECT_EQ(Read()->is_public, visibility == "public") << visibility;
  }
}

TEST_P(ForgeAccessTest, EveryPageIsReadHoweverManyItemsItHas) {
  std::vector<std::string> names;
  for (int i = 0; i < 230; ++i) names.push_back("user" + std::to_string(i));
  for (size_t page_size : {0u, 7u, 23u, 230u}) {
    forge_.Set([&](ForgeState& state) { state = {.readers = names, .page_size = page_size}; });
    EXPECT_EQ(Read()->users.size(), names.size() + (GetParam() == Forge::kGitea || GetParam() == Forge::kForgejo)) << page_size;  // their owner
  }
}

TEST_P(ForgeAccessTest, PagesAreBounded) {
  std::vector<std::string> names(300, "ann");
  forge_.Set([&](ForgeState& state) { state = {.readers = names, .page_size = 1}; });
  EXPECT_EQ(Read().status().code(), StatusCode::kResourceExhausted);
  EXPECT_LE(forge_.asked, 210);
}

TEST_P(ForgeAccessTest, HiddenRepositoryIsNotShownAndTroubleIsAnError) {
  for (int hidden : {404, 403, 410}) {
    forge_.Set([&](ForgeState& state) { state = {.refuses = hidden}; });
    ASSERT_TRUE(Read().ok()) << hidden;
    EXPECT_FALSE(Read()->shown) << hidden;
  }
  EXPECT_FALSE(Read("other/app")->shown);
  for (int trouble : {301, 401, 429, 500, 502, 503}) {
    forge_.Set([&](ForgeState& state) { state = {.readers = {"ann"}, .refuses = trouble}; });
    Status status = Read().status();
    EXPECT_FALSE(status.ok()) << trouble;
    EXPECT_EQ(status.message().find("SECRET"), std::string::npos);
  }
  // A forge that has been asked too often says so with 403, too.
  forge_.Set([](ForgeState& state) { state = {.refuses = 403, .more_header = "X-RateLimit-Remaining", .more_value = "0"}; });
  EXPECT_FALSE(Read().ok());
}

TEST_P(ForgeAccessTest, ListThatMayNotBeReadIsAnErrorAndNotAnEmptyOne) {
  for (int refusal : {403, 404, 500}) {
    forge_.Set([&](ForgeState& state) { state = {.readers = {"ann"}, .refuses_people = refusal}; });
    EXPECT_FALSE(Read().ok()) << refusal;
  }
}

TEST_P(ForgeAccessTest, WhatIsNotUnderstoodIsAnError) {
  for (const char* answer : {" ", "null", "[]", "{}", "7", "{\"private\":\"no\"}", "{\"private\":false", "[{}]", "<html>", "{\"message\":\"hello\"}"}) {
    forge_.Set([&](ForgeState& state) { state.answers = answer; });
    EXPECT_FALSE(Read().ok()) << answer;
  }
}

TEST_P(ForgeAccessTest, RepositoryOfAUserHasNoTeams) {
  if (GetParam() != Forge::kGitea && GetParam() != Forge::kForgejo) GTEST_SKIP();
  forge_.Set([](ForgeState& state) { state = {.readers = {"ann"}, .owned_by_user = true}; });
  EXPECT_EQ(Sorted(Read()->users), (std::vector<std::string>{"ann", "team"}));
}

INSTANTIATE_TEST_SUITE_P(All, ForgeAccessTest, ::testing::Values(Forge::kGitHub, Forge::kGitLab, Forge::kGitea, Forge::kForgejo),
                         [](const auto& forge) { return std::string(ForgeName(forge.param)); });

}  // namespace
}  // namespace codelore::api
