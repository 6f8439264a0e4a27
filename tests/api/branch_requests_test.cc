// Branches through the operations: every read takes one, and says which commit it saw.
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class BranchRequestsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    repository_.Write("a.py", "def before():\n    return turbine\n");
    repository_.Commit();
    repository_.Git({"branch", "release/1"});
    repository_.Write("a.py", "def after():\n    return turbine\n");
    repository_.Commit();
    Json body = {{"location", repository_.path()}, {"branches", {"main", "release/*"}}, {"tags", {"v*"}}};
    world_.Call(world_.Operator(), "source.add", body, kApp);
    world_.Call(world_.Operator(), "source.sync", {}, kApp);
    acl::Source source = world_.directory().FindSource(world_.Tenant(), "app").value();
    ASSERT_TRUE(world_.directory().Grant(source.id, "user:ann").ok());
  }
  Json Ask(std::string_view operation, Json body, const std::string& branch) {
    if (!branch.empty()) body["branch"] = branch;
    return world_.Call(world_.User("ann"), operation, body);
  }

  const Params kApp = {{"source", "app"}};
  ScratchRepository repository_;
  World world_;
};

TEST_F(BranchRequestsTest, EveryReadTakesABranch) {
  const std::string release = repository_.Git({"rev-parse", "release/1"}), main = repository_.Git({"rev-parse", "main"});
  EXPECT_EQ(Ask("search", {{"query", "turbine"}, {"mode", "lexical"}}, "")["hits"][0]["commit"], main);
  Json hit = Ask("search", {{"query", "turbine"}, {"mode", "lexical"}}, "release/1")["hits"][0];
  EXPECT_EQ(hit["commit"], release);
  EXPECT_EQ(hit["branch"], "release/1");
  EXPECT_EQ(hit["branches"], Json::array({"release/1"}));
  EXPECT_EQ(Ask("grep", {{"pattern", "before"}}, "release/1")["matches"], 1);
  EXPECT_EQ(Ask("grep", {{"pattern", "before"}}, "")["matches"], 0);
  EXPECT_EQ(Ask("symbols", {{"name", "before"}}, "release/1")["definitions"].size(), 1u);
  EXPECT_EQ(Ask("references", {{"name", "before"}}, "release/1")["references"].size(), 0u);
  EXPECT_EQ(Ask("files", {{"query", "a"}}, "release/1")["files"][0]["commit"], release);
  Json file = {{"source", "app"}, {"path", "a.py"}};
  EXPECT_NE(Ask("read", file, "release/1")["text"].get<std::string>().find("before"), std::string::npos);
  EXPECT_EQ(Ask("outline", file, "release/1")["entries"][0]["name"], "before");
  EXPECT_EQ(Ask("why", file, "release/1")["commit"], release);
  EXPECT_EQ(Ask("ask", {{"question", "where is the turbine returned"}}, "release/1")["seen"][0]["branch"], "release/1");
}

TEST_F(BranchRequestsTest, SimilarTakesACitationOfAnyBranch) {
  repository_.Git({"checkout", "-q", "release/1"});
  repository_.Write("only_there.py", "def before_that():\n    return turbine\n");
  repository_.Commit();
  repository_.Git({"checkout", "-q", "main"});
  world_.Call(world_.Operator(), "source.sync", {}, kApp);
  Json hit = Ask("search", {{"query", "before_that"}, {"mode", "lexical"}}, "release/1")["hits"][0];
  ASSERT_EQ(hit["path"], "only_there.py");
  EXPECT_EQ(Ask("similar", {{"file", hit["citation"]}}, "")["files"][0]["path"], "a.py");
  EXPECT_TRUE(world_.Outcome(world_.User("ann"), "similar", {{"file", "app:only_there.py"}}).starts_with("not found"));
  EXPECT_TRUE(world_.Outcome(world_.User("eve"), "similar", {{"file", hit["citation"]}}).starts_with("not found"));
}

TEST_F(BranchRequestsTest, ABranchThatIsNotFollowedIsNamedWithThoseThatAre) {
  repository_.Git({"branch", "secret-plan"});
  for (const char* operation : {"search", "files"}) {
    EXPECT_EQ(world_.Outcome(world_.User("ann"), operation, {{"query", "x"}, {"branch", "secret-plan"}}),
              "not found: no source searched has a branch 'secret-plan' that is followed; followed: main, release/1");
    EXPECT_EQ(world_.Outcome(world_.User("eve"), operation, {{"query", "x"}, {"branch", "release/1"}}),
              "not found: no source searched has a branch 'release/1' that is followed");
  }
}

TEST_F(BranchRequestsTest, ASessionKeepsWhatItWasToldOfAnotherBranch) {
  repository_.Git({"checkout", "-q", "release/1"});
  repository_.Write("docs/valve.md", "# Valves\n\nThe relief valve opens at nine bar and closes at seven bar.\n");
  repository_.Commit();
  repository_.Git({"checkout", "-q", "main"});
  world_.Call(world_.Operator(), "source.sync", {}, kApp);
  Caller ann = world_.User("ann");
  std::string session = world_.Call(ann, "session.create")["id"];
  Json asked = world_.Call(ann, "ask", {{"question", "When does the relief valve open and close?"}, {"branch", "release/1"}, {"session", session}});
  ASSERT_EQ(asked["citations"][0]["path"], "docs/valve.md") << asked;
  auto turn = [&](const Caller& caller) { return world_.Call(caller, "session.show", {}, {{"session", session}})["turns"][0]; };
  EXPECT_EQ(turn(ann)["withheld"], false);
  EXPECT_EQ(turn(ann)["answer"], asked["answer"]);
  world_.Call(ann, "feedback", {{"rating", "up"}, {"question", "valve?"}, {"citations", {asked["citations"][0]["citation"]}}});
  // A rule holds on every branch.
  acl::Source source = world_.directory().FindSource(world_.Tenant(), "app").value();
  ASSERT_TRUE(world_.directory().SetRule(source.id, "docs/**", {"user:root"}).ok());
  EXPECT_EQ(turn(world_.User("ann"))["withheld"], true);
  world_.Call(world_.Operator(), "source.sync", {}, kApp);
  EXPECT_EQ(turn(world_.User("ann"))["withheld"], true);
  EXPECT_EQ(turn(world_.User("ann"))["answer"], "");
}

TEST_F(BranchRequestsTest, AnswersSayWhichCommitTheySawAndWhetherNewsWait) {
  auto seen = [&] { return Ask("search", {{"query", "turbine"}}, "")["seen"]; };
  Json expected = {{"source", "app"}, {"branch", "main"}, {"commit", repository_.Git({"rev-parse", "main"})}, {"pending", false}};
  EXPECT_EQ(seen(), Json::array({expected}));
  world_.Call(world_.Operator(), "source.add", {{"location", repository_.path()}}, kApp);  // leaves a job for a server
  expected["pending"] = true;
  EXPECT_EQ(seen(), Json::array({expected}));
  EXPECT_EQ(world_.Call(world_.User("eve"), "search", {{"query", "turbine"}})["seen"], Json::array());
  EXPECT_EQ(Ask("grep", {{"pattern", "x"}}, "release/1")["seen"][0]["branch"], "release/1");
}

TEST_F(BranchRequestsTest, WhatIsFollowedCanBeChangedAndIsShown) {
  Json shown = world_.Call(world_.Operator(), "source.show", {}, kApp);
  EXPECT_EQ(shown["branches"].size(), 2u);
  EXPECT_EQ(shown["following"]["branches"], Json::array({"release/*"}));
  world_.Call(world_.Operator(), "source.add", {{"location", repository_.path()}, {"branches", {"main"}}}, kApp);
  world_.Call(world_.Operator(), "source.sync", {}, kApp);
  EXPECT_EQ(world_.Call(world_.Operator(), "source.show", {}, kApp)["branches"].size(), 1u);
  EXPECT_FALSE(world_.TryCall(world_.Operator(), "source.add", {{"location", repository_.path()}, {"branches", {"-x"}}}, kApp).ok());
}

}  // namespace
}  // namespace codelore::api
