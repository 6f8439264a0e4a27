#include "api/grep_operation.h"

#include <chrono>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class GrepOperationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
    world_.Index(billing_.path(), "billing", {"user:ann"});
    world_.Index(robots_.path(), "robots", {"user:bob"});
  }
  Json Grep(const Caller& caller, Json body) { return world_.Call(caller, "grep", body); }
  static std::string Places(const Json& reply) {
    std::string text;
    for (const Json& file : reply["files"]) {
      text += file["source"].get<std::string>() + ":" + file["path"].get<std::string>();
      for (const Json& line : file["lines"]) text += " " + std::to_string(line["line"].get<int>());
      text += "\n";
    }
    return text;
  }

  ScratchRepository billing_, robots_;
  World world_;
};

TEST_F(GrepOperationTest, FindsLinesOfTheSourcesTheCallerMayRead) {
  EXPECT_EQ(Places(Grep(world_.User("ann"), {{"pattern", "round_total"}})), "billing:src/invoice.py 4\n");
  EXPECT_EQ(Places(Grep(world_.User("bob"), {{"pattern", "round_total"}})), "robots:invoice.py 1\n");
  EXPECT_EQ(Places(Grep(world_.Operator(), {{"pattern", "round_total"}})), "robots:invoice.py 1\nbilling:src/invoice.py 4\n");
}

TEST_F(GrepOperationTest, AnswersAStrangerAsIfNothingWereThere) {
  Json expected = {{"pattern", "round_total"}, {"matches", 0}, {"files_with_matches", 0}, {"complete", true}, {"incomplete", ""}, {"files", Json::array()}, {"seen", Json::array()}};
  EXPECT_EQ(Grep(world_.User("eve"), {{"pattern", "round_total"}}), expected);
  EXPECT_EQ(world_.Outcome(world_.User("eve"), "grep", {{"pattern", "x"}, {"sources", {"billing"}}}),
            world_.Outcome(world_.User("eve"), "grep", {{"pattern", "x"}, {"sources", {"billing"}}}));
  EXPECT_EQ(world_.Outcome(world_.User("eve"), "grep", {{"pattern", "x"}, {"sources", {"billing"}}}),
            "not found: there is no source 'billing' that you may read");
}

TEST_F(GrepOperationTest, ForgetsASourceWithTheGrantThatIsTakenBack) {
  acl::Source billing = world_.directory().FindSource(world_.Tenant(), "billing").value();
  ASSERT_TRUE(world_.directory().Revoke(billing.id, "user:ann").ok());
  EXPECT_EQ(Places(Grep(world_.User("ann"), {{"pattern", "round_total"}})), "");
}

TEST_F(GrepOperationTest, GivesBytesOfMatchesAndContext) {
  Json reply = Grep(world_.User("ann"), {{"pattern", "r\\w+_total"}, {"regex", true}, {"context", 1}});
  const Json& file = reply["files"][0];
  EXPECT_EQ(file["matches"], 1);
  EXPECT_EQ(file["defines"], true);
  EXPECT_EQ(file["language"], "python");
  EXPECT_FALSE(file["commit"].get<std::string>().empty());
  ASSERT_EQ(file["lines"].size(), 3u);
  EXPECT_EQ(file["lines"][0]["matches"], Json::array());
  EXPECT_EQ(file["lines"][1], (Json{{"line", 4}, {"text", "def round_total(amount):"}, {"column", 0}, {"cut", false}, {"matches", {{4, 15}}}}));
}

TEST_F(GrepOperationTest, FiltersByPathLanguageAndSourceAndHeedsCase) {
  Caller caller = world_.Operator();
  EXPECT_EQ(Places(Grep(caller, {{"pattern", "invoice"}, {"paths", {"docs/**"}}})), "billing:docs/billing.md 7\n");
  EXPECT_EQ(Places(Grep(caller, {{"pattern", "rate"}, {"languages", {"go"}}})), "billing:src/tax.go 3 4\n");
  EXPECT_EQ(Places(Grep(caller, {{"pattern", "rate"}, {"languages", {"go"}}, {"case", "sensitive"}})), "billing:src/tax.go 3\n");
  EXPECT_EQ(Places(Grep(caller, {{"pattern", "Rate"}, {"languages", {"go"}}, {"case", "insensitive"}})), "billing:src/tax.go 3 4\n");
  EXPECT_EQ(Grep(caller, {{"pattern", "invoice"}, {"sources", {"robots"}}})["files_with_matches"], 1);
  Json counted = Grep(caller, {{"pattern", "invoice"}, {"count", true}, {"limit", 1}});
  EXPECT_EQ(counted["files"].size(), 1u);
  EXPECT_EQ(counted["files"][0]["lines"], Json::array());
  EXPECT_EQ(counted["files_with_matches"], 3);
}

TEST_F(GrepOperationTest, RefusesWhatItCannotSearchForAndSaysWhy) {
  Caller caller = world_.User("ann");
  auto outcome = [&](Json body) { return world_.Outcome(caller, "grep", body); };
  EXPECT_EQ(outcome({{"regex", true}}), "invalid argument: field 'pattern' is missing");
  EXPECT_EQ(outcome({{"pattern", "a(b"}, {"regex", true}}), "invalid argument: not a regular expression: missing ): a(b");
  EXPECT_EQ(outcome({{"pattern", std::string(10'000, 'a')}}), "invalid argument: the pattern has 10000 bytes; at most 4096 are allowed");
  EXPECT_NE(outcome({{"pattern", std::string(100'000, 'a')}}).find("invalid argument"), std::string::npos);
  EXPECT_NE(outcome({{"pattern", std::string("a\0b", 3)}}).find("NUL"), std::string::npos);
  EXPECT_NE(outcome({{"pattern", "a"}, {"limit", 1001}}).find("limit"), std::string::npos);
  EXPECT_NE(outcome({{"pattern", "a"}, {"context", 11}}).find("context"), std::string::npos);
  EXPECT_NE(outcome({{"pattern", "a"}, {"case", "loud"}}).find("case"), std::string::npos);
  EXPECT_NE(outcome({{"pattern", "a"}, {"languages", {"klingon"}}}).find("klingon"), std::string::npos);
}

// Attack 040: a user's regular expression costs bounded time and memory, or is refused.
TEST_F(GrepOperationTest, Attack040_HostileRegularExpressionsAreBoundedOrRefused) {
  std::string alternation;
  for (int i = 0; i < 600; ++i) alternation += "w" + std::to_string(i) + "|";
  auto start = std::chrono::steady_clock::now();
  for (const std::string& pattern : std::vector<std::string>{
           "(a+)+$", "(.*)*\\1", "((a{1,100}){1,100}){1,100}", alternation + "x", alternation + alternation + alternation + alternation,
           "(a{1000}){1000}", "(?:\\pL{300}|\\pN{300}){3}", std::string(1000, '(') + std::string(1000, ')'), "\\C\\C\\C", "(?i)ß*\\pL+$"}) {
    (void)world_.Outcome(world_.User("ann"), "grep", {{"pattern", pattern}, {"regex", true}});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace codelore::api
