#include "api/operations.h"

#include <set>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class OperationsTest : public ::testing::Test {
 protected:
  void SetUp() override { FillBilling(billing_); }
  ScratchRepository billing_;
  World world_;
};

TEST_F(OperationsTest, TableHasEveryNameAndRouteOnce) {
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, std::string_view>> routes;
  for (const Operation& operation : Operations()) {
    EXPECT_TRUE(names.insert(operation.name).second) << operation.name;
    EXPECT_TRUE(routes.emplace(operation.method, operation.path).second) << operation.path;
    EXPECT_EQ(&OperationNamed(operation.name), &operation);
  }
}

TEST_F(OperationsTest, EachRoleMayDoItsOwn) {
  Caller reader = world_.User("ann"), administrator = world_.Administrator(), operating = world_.Operator();
  for (const Operation& operation : Operations()) {
    for (const Caller* caller : {&reader, &administrator, &operating}) {
      auto result = world_.TryCall(*caller, operation.name, Json{{"no such field", 1}}, {{"source", "x"}, {"principal", "y"}, {"id", "z"}});
      bool denied = !result.ok() && result.status().code() == StatusCode::kPermissionDenied;
      EXPECT_EQ(denied, caller->role < operation.needs) << operation.name << " as role " << static_cast<int>(caller->role);
    }
  }
}

TEST_F(OperationsTest, EachBodyIsReadStrictly) {
  Caller operating = world_.Operator();
  for (const char* operation : {"search", "ask", "grep", "index", "token.create", "tenant.create"}) {
    EXPECT_EQ(world_.Outcome(operating, operation, {{"colour", "red"}}), "invalid argument: field 'colour' is not known here") << operation;
  }
  world_.Index(billing_.path(), "billing");
  EXPECT_EQ(world_.Outcome(operating, "grant", {{"colour", "red"}}, {{"source", "billing"}}), "invalid argument: field 'colour' is not known here");
  EXPECT_EQ(world_.Outcome(operating, "search", {{"query", ""}}), "invalid argument: field 'query' must not be empty");
  EXPECT_EQ(world_.Outcome(operating, "search"), "invalid argument: field 'query' is missing");
  EXPECT_EQ(world_.Outcome(operating, "search", {{"query", "x"}, {"limit", 0}}), "invalid argument: field 'limit' must be an integer from 1 to 100");
  EXPECT_EQ(world_.Outcome(operating, "search", {{"query", "x"}, {"limit", 101}}), "invalid argument: field 'limit' must be an integer from 1 to 100");
  EXPECT_EQ(world_.Outcome(operating, "search", {{"query", "x"}, {"offset", 1001}}), "invalid argument: field 'offset' must be an integer from 0 to 1000");
  EXPECT_TRUE(world_.Outcome(operating, "search", {{"query", "x"}, {"mode", "psychic"}}).starts_with("invalid argument: field 'mode' must be"));
}

TEST_F(OperationsTest, HitHasExactlyTheFieldsOfTheContract) {
  world_.Index(billing_.path(), "billing");
  Json reply = world_.Call(world_.Operator(), "search", {{"query", "round_total"}});
  std::vector<std::string> fields;
  for (const auto& [name, value] : reply["hits"][0].items()) fields.push_back(name);
  EXPECT_EQ(fields, (std::vector<std::string>{"rank", "source", "commit", "branch", "branches", "path", "language", "kind", "symbol", "scope", "start_line",
                                              "end_line", "snippet", "match_lines", "citation"}));
}

TEST_F(OperationsTest, ExplanationsAreForAdministrators) {
  world_.Index(billing_.path(), "billing", {"everyone"});
  Json body = {{"query", "round_total"}, {"explain", true}};
  EXPECT_TRUE(world_.Outcome(world_.User("ann"), "search", body).starts_with("permission denied"));
  Json why = world_.Call(world_.Administrator(), "search", body)["hits"][0]["why"];
  EXPECT_GT(why["score"].get<double>(), 0);
  EXPECT_EQ(why["lexical"]["rank"], 1);
  EXPECT_FALSE(why["signals"].empty());
  EXPECT_FALSE(world_.Call(world_.User("ann"), "search", {{"query", "round_total"}})["hits"][0].contains("why"));
}

TEST_F(OperationsTest, AFileHasAsManyHitsAsAskedFor) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "The walrus swims in water number " + std::to_string(i) + ".\n\n";
  TempFolder folder;
  folder.Write("sea.md", text);
  world_.Index(folder.path(), "sea", {"user:ann"});
  auto count = [&](const auto& caller, Json body) { return world_.Call(caller, "search", std::move(body))["hits"].size(); };
  EXPECT_EQ(count(world_.User("ann"), {{"query", "walrus"}}), 1u);
  EXPECT_EQ(count(world_.User("ann"), {{"query", "walrus"}, {"per_file", 3}}), 3u);
  EXPECT_EQ(count(world_.User("ann"), {{"query", "walrus"}, {"per_file", 0}, {"limit", 5}}), 5u);
  EXPECT_EQ(count(world_.User("bob"), {{"query", "walrus"}, {"per_file", 0}}), 0u);
}

TEST_F(OperationsTest, OffsetGoesOnWhereLimitEnds) {
  world_.Index(billing_.path(), "billing");
  Json all = world_.Call(world_.Operator(), "search", {{"query", "invoice tax refund"}});
  ASSERT_EQ(all["hits"].size(), 3u);
  for (int i = 0; i < 3; ++i) {
    Json one = world_.Call(world_.Operator(), "search", {{"query", "invoice tax refund"}, {"limit", 1}, {"offset", i}});
    ASSERT_EQ(one["hits"].size(), 1u);
    EXPECT_EQ(one["hits"][0], all["hits"][i]);
  }
  EXPECT_TRUE(world_.Call(world_.Operator(), "search", {{"query", "invoice"}, {"offset", 1000}})["hits"].empty());
}

TEST_F(OperationsTest, AskStreamsCitationsFirstThenTextThenDone) {
  world_.Index(billing_.path(), "billing");
  std::vector<std::pair<std::string, Json>> events;
  OperationInput input{.body = R"({"question": "When is a refund paid back?", "stream": true})", .params = {}};
  Caller caller = world_.Operator();
  OperationContext context{.service = world_.service(), .caller = caller, .input = input, .stop = {},
                           .emit = [&](std::string_view event, const std::string& json) {
                             events.emplace_back(event, Json::parse(json));
                             return true;
                           }};
  auto result = api::Run(OperationNamed("ask"), context);
  ASSERT_TRUE(result.ok());
  Json whole = Json::parse(*result);
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.front().first, "citations");
  EXPECT_EQ(events.front().second["citations"], whole["citations"]);
  EXPECT_EQ(events.back().first, "done");
  EXPECT_EQ(events.back().second["found"], true);
  std::string text;
  for (size_t i = 1; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i].first, "text");
    text += events[i].second["text"];
    for (const Json& support : events[i].second["supports"]) {
      const Json& citation = whole["citations"].at(support["n"].get<size_t>() - 1);
      EXPECT_GE(support["start_line"], citation["start_line"]);
      EXPECT_LE(support["end_line"], citation["end_line"]);
    }
  }
  EXPECT_EQ(text, whole["answer"]);
}

TEST_F(OperationsTest, ListenerWhoLeavesEndsTheAnswer) {
  world_.Index(billing_.path(), "billing");
  OperationInput input{.body = R"({"question": "When is a refund paid back?"})", .params = {}};
  Caller caller = world_.Operator();
  int events = 0;
  OperationContext context{.service = world_.service(), .caller = caller, .input = input, .stop = {},
                           .emit = [&](std::string_view, const std::string&) { return ++events < 1; }};
  auto result = api::Run(OperationNamed("ask"), context);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(events, 1);
}

TEST_F(OperationsTest, IndexReportsWhatItDidAndAgainThatNothingChanged) {
  Json body = {{"location", billing_.path()}, {"name", "billing"}};
  Json first = world_.Call(world_.Operator(), "index", body);
  EXPECT_EQ(first["source"], "billing");
  EXPECT_EQ(first["files"]["seen"], 3);
  EXPECT_EQ(first["files"]["indexed"], 3);
  EXPECT_GT(first["vectors"]["chunks_encoded"], 0);
  Json second = world_.Call(world_.Operator(), "index", body);
  EXPECT_EQ(second["files"]["unchanged"], 3);
  EXPECT_EQ(second["files"]["changed"], 0);
  Json status = world_.Call(world_.Operator(), "status")["sources"][0];
  EXPECT_EQ(status["source"], "billing");
  EXPECT_EQ(status["location"], billing_.path());
  EXPECT_EQ(status["commit"], first["commit"]);
  EXPECT_EQ(status["files"]["seen"], 3);
  EXPECT_EQ(status["languages"]["python"], 1);
  EXPECT_EQ(status["chunks"], status["chunks_with_vectors"]);
  EXPECT_TRUE(status["updated_at"].get<std::string>().ends_with("Z"));
}

TEST_F(OperationsTest, SourceThatCouldNeverBeIndexedIsForgotten) {
  TempFolder gone;
  ScratchRepository empty;
  for (const std::string& location : {"file://" + (gone / "none"), empty.path()}) {
    EXPECT_FALSE(world_.TryCall(world_.Operator(), "index", {{"location", location}, {"name", "typo"}}).ok());
    EXPECT_TRUE(world_.Call(world_.Operator(), "source.list")["sources"].empty()) << location;
  }
  EXPECT_TRUE(world_.Outcome(world_.Operator(), "index", {{"location", gone / "none"}}).starts_with("not found"));
}

TEST_F(OperationsTest, GrantsAndTheirEndAreListed) {
  world_.Index(billing_.path(), "billing");
  Caller administrator = world_.Administrator();
  EXPECT_EQ(world_.Call(administrator, "grant", {{"principal", "team:finance"}}, {{"source", "billing"}})["readers"], Json({"team:finance"}));
  EXPECT_EQ(world_.Call(administrator, "grant", {{"principal", "user:ann"}}, {{"source", "billing"}})["readers"].size(), 2u);
  EXPECT_EQ(world_.Call(administrator, "source.list")["sources"][0]["readers"].size(), 2u);
  EXPECT_EQ(world_.Call(administrator, "revoke", Json::object(), {{"source", "billing"}, {"principal", "team:finance"}})["readers"], Json({"user:ann"}));
  EXPECT_TRUE(world_.Outcome(administrator, "revoke", Json::object(), {{"source", "billing"}, {"principal", "team:finance"}}).starts_with("not found"));
  EXPECT_TRUE(world_.Outcome(administrator, "grant", {{"principal", "ann"}}, {{"source", "billing"}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(administrator, "grant", {{"principal", "user:ann"}}, {{"source", "none"}}).starts_with("not found"));
}

TEST_F(OperationsTest, ReadersSeeNamesOnlyNoLocationsAndNoReaders) {
  world_.Index(billing_.path(), "billing", {"user:ann"});
  Json listed = world_.Call(world_.User("ann"), "source.list")["sources"];
  EXPECT_EQ(listed, Json::array({Json{{"name", "billing"}}}));
  EXPECT_FALSE(world_.Call(world_.User("ann"), "status")["sources"][0].contains("location"));
}

TEST_F(OperationsTest, TokensAreMadeListedAndRevoked) {
  Caller operating = world_.Operator();
  Json created = world_.Call(operating, "token.create", {{"user", "ann"}, {"teams", {"finance"}}, {"expires_in_days", 7}});
  EXPECT_TRUE(world_.directory().Authenticate(created["token"].get<std::string>()).ok());
  EXPECT_FALSE(created["expires_at"].get<std::string>().empty());
  Json listed = world_.Call(operating, "token.list")["tokens"];
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["user"], "ann");
  EXPECT_EQ(listed.dump().find(created["token"].get<std::string>()), std::string::npos);
  Params id = {{"id", std::to_string(created["id"].get<int>())}};
  world_.Call(operating, "token.revoke", Json::object(), id);
  EXPECT_FALSE(world_.directory().Authenticate(created["token"].get<std::string>()).ok());
  EXPECT_TRUE(world_.Outcome(operating, "token.revoke", Json::object(), id).starts_with("not found"));
  for (const char* bad : {"", "-1", "1 or 2", "99999999999999999999", "x"}) {
    EXPECT_TRUE(world_.Outcome(operating, "token.revoke", Json::object(), {{"id", bad}}).starts_with("invalid argument")) << bad;
  }
  EXPECT_TRUE(world_.Outcome(operating, "token.revoke", Json::object(), {{"id", "4294967297"}}).starts_with("not found"));
}

TEST_F(OperationsTest, AdministratorsStayInTheirTenant) {
  world_.Tenant("acme");
  Caller administrator = world_.Administrator("acme");
  std::string other = world_.Outcome(administrator, "token.create", {{"user", "x"}, {"tenant", "default"}});
  std::string none = world_.Outcome(administrator, "token.create", {{"user", "x"}, {"tenant", "nothing"}});
  EXPECT_EQ(other, "not found: there is no tenant 'default' that you look after");
  EXPECT_EQ(none, "not found: there is no tenant 'nothing' that you look after");
  EXPECT_TRUE(world_.TryCall(administrator, "token.create", {{"user", "x"}, {"tenant", "acme"}}).ok());
  EXPECT_TRUE(world_.Call(world_.Administrator(), "token.list")["tokens"].empty());
  EXPECT_EQ(world_.Call(world_.Operator(), "tenant.list")["tenants"].size(), 2u);
}

TEST_F(OperationsTest, AdministratorsOfOtherTenantsIndexNoPathsOfTheServer) {
  Caller own = world_.Administrator(), other = world_.Administrator("acme");
  for (const std::string& location : {billing_.path(), "file://" + billing_.path(), "FILE://" + billing_.path(), std::string("/etc"), std::string("src")}) {
    EXPECT_TRUE(world_.Outcome(other, "index", {{"location", location}, {"name", "x"}}).starts_with("permission denied")) << location;
  }
  EXPECT_TRUE(world_.Outcome(own, "index", {{"location", "src"}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.TryCall(own, "index", {{"location", billing_.path()}, {"name", "x"}}).ok());
}

TEST_F(OperationsTest, LocalCallerIsTheOperatorUnlessToldOtherwise) {
  EXPECT_EQ(world_.Operator().role, Role::kOperator);
  EXPECT_EQ(world_.User("ann").role, Role::kReader);
  Service& service = world_.service();
  EXPECT_EQ(MakeLocalCaller(service, "nothing", {}).status().code(), StatusCode::kNotFound);
  for (const std::vector<std::string>& as : {std::vector<std::string>{"ann"}, {"team:a"}, {"user:a", "user:b"}, {"everyone"}, {"user:"}}) {
    EXPECT_EQ(MakeLocalCaller(service, "", as).status().code(), StatusCode::kInvalidArgument) << as[0];
  }
}

}  // namespace
}  // namespace codelore::api
