#include "api/service.h"

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
  }
  ScratchRepository billing_, robots_;
};

TEST_F(ServiceTest, FindsByWordsAndByMeaningAndCitesExactly) {
  World world;
  world.Index(billing_.path(), "billing");
  Caller operating = world.Operator();
  for (const char* mode : {"hybrid", "lexical", "vector"}) {
    Json reply = world.Call(operating, "search", {{"query", "round the total of an invoice"}, {"mode", mode}});
    ASSERT_FALSE(reply["hits"].empty()) << mode;
    const Json& hit = reply["hits"][0];
    EXPECT_EQ(hit["path"], "src/invoice.py") << mode;
    EXPECT_EQ(hit["rank"], 1);
    EXPECT_EQ(hit["source"], "billing");
    EXPECT_EQ(hit["commit"], billing_.Git({"rev-parse", "HEAD"}));
    EXPECT_EQ(hit["branch"], "main");
    EXPECT_EQ(hit["language"], "python");
    EXPECT_EQ(hit["citation"], "billing@" + hit["commit"].get<std::string>() + ":src/invoice.py#L" +
                                   std::to_string(hit["start_line"].get<int>()) + "-L" + std::to_string(hit["end_line"].get<int>()));
    EXPECT_TRUE(reply["vectors_complete"]);
  }
  // No word in common: only meaning finds it.
  Json by_meaning = world.Call(operating, "search", {{"query", "give the money back"}, {"mode", "vector"}});
  EXPECT_EQ(by_meaning["hits"][0]["path"], "docs/billing.md");
}

TEST_F(ServiceTest, FiltersBySourcePathAndLanguage) {
  World world;
  world.Index(billing_.path(), "billing");
  world.Index(robots_.path(), "robots");
  Caller operating = world.Operator();
  auto found = [&](Json filters) {
    Json body = {{"query", "invoice total rate motors"}};
    body.update(filters);
    auto paths = PathsIn(world.Call(operating, "search", body));
    std::ranges::sort(paths);
    return paths;
  };
  using Paths = std::vector<std::string>;
  EXPECT_EQ(found({{"sources", {"robots"}}, {"languages", {"py"}}}), Paths{"robots:invoice.py"});
  EXPECT_EQ(found({{"languages", {"Python"}}}), (Paths{"billing:src/invoice.py", "robots:invoice.py"}));
  EXPECT_EQ(found({{"paths", {"*.go", "*.md"}}, {"sources", {"billing"}}}), (Paths{"billing:docs/billing.md", "billing:src/tax.go"}));
  EXPECT_EQ(found({{"paths", {"nowhere/**"}}}), Paths{});
  EXPECT_EQ(world.Outcome(operating, "search", {{"query", "x"}, {"languages", {"klingon"}}}),
            "invalid argument: 'klingon' is not a language Codelore knows");
}

TEST_F(ServiceTest, StrangerGetsTheBytesOfAnEmptyIndex) {
  World full, empty;
  full.Index(billing_.path(), "billing", {"user:ann", "team:finance"});
  full.Index(robots_.path(), "robots", {"everyone"}, "acme");
  for (const char* query : {"round the total of an invoice", "MoveArm", "billing", "x"}) {
    for (const char* operation : {"search", "ask"}) {
      Json body = {{std::string(operation) == "search" ? "query" : "question", query}};
      std::string expected = empty.Outcome(empty.User("eve"), operation, body);
      EXPECT_EQ(full.Outcome(full.User("eve"), operation, body), expected);
      EXPECT_EQ(full.Outcome(full.User("ann", {}, "acme"), operation, Json{{"sources", {"billing"}}, {body.begin().key(), query}}),
                empty.Outcome(empty.User("eve"), operation, Json{{"sources", {"billing"}}, {body.begin().key(), query}}));
    }
  }
  for (const char* operation : {"status", "source.list"}) {
    EXPECT_EQ(full.Outcome(full.User("eve"), operation), empty.Outcome(empty.User("eve"), operation));
  }
}

// What one may not read changes nothing in what one may: not an order, not a score, not a byte.
TEST_F(ServiceTest, HiddenSourcesChangeNoByteOfAReadersAnswers) {
  World both, alone;
  both.Index(robots_.path(), "robots", {"team:hardware"});
  both.Index(billing_.path(), "billing", {"user:ann"});
  both.Index(robots_.path(), "robots", {"user:ann"}, "acme");
  alone.Index(billing_.path(), "billing", {"user:ann"});
  for (const char* query : {"round_total", "rounds the total of a robot's invoice, secretly", "emergency stop", "refund"}) {
    for (const char* mode : {"hybrid", "lexical", "vector"}) {
      Json body = {{"query", query}, {"mode", mode}};
      EXPECT_EQ(both.Outcome(both.User("ann"), "search", body), alone.Outcome(alone.User("ann"), "search", body)) << query << " " << mode;
    }
    Json body = {{"question", query}};
    EXPECT_EQ(both.Outcome(both.User("ann"), "ask", body), alone.Outcome(alone.User("ann"), "ask", body));
  }
  // Scores too, as far as they can be seen: the service's own result.
  auto scores = [](World& world, const char* query) {
    std::vector<std::pair<double, double>> list;
    Caller ann = world.User("ann");
    SearchReply reply = world.service().Search(ann.viewer, {.text = query}).value();
    for (const NamedHit& named : reply.hits) list.emplace_back(named.hit.score, named.hit.coverage);
    return list;
  };
  EXPECT_EQ(scores(both, "invoice total"), scores(alone, "invoice total"));
}

TEST_F(ServiceTest, TeamsAndTenantsSeeTheirOwn) {
  World world;
  world.Index(billing_.path(), "billing", {"team:finance"});
  world.Index(robots_.path(), "robots", {"team:hardware"});
  world.Index(robots_.path(), "billing", {"everyone"}, "acme");
  auto sees = [&](const Caller& caller) {
    std::vector<std::string> names;
    Json list = world.Call(caller, "source.list");
    for (const Json& source : list["sources"]) names.push_back(source["name"]);
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(sees(world.User("ann", {"finance"})), Names{"billing"});
  EXPECT_EQ(sees(world.User("bob", {"hardware"})), Names{"robots"});
  EXPECT_EQ(sees(world.User("cem", {"finance", "hardware"})), (Names{"billing", "robots"}));
  EXPECT_EQ(sees(world.User("dan")), Names{});
  EXPECT_EQ(sees(world.User("eve", {}, "acme")), Names{"billing"});
  Json ann = world.Call(world.User("ann", {"finance"}), "search", {{"query", "round_total invoice"}});
  for (const std::string& path : PathsIn(ann)) EXPECT_TRUE(path.starts_with("billing:src/") || path.starts_with("billing:docs/")) << path;
  Json eve = world.Call(world.User("eve", {}, "acme"), "search", {{"query", "round_total invoice"}});
  EXPECT_EQ(PathsIn(eve)[0], "billing:invoice.py");
}

TEST_F(ServiceTest, UnknownAndHiddenSourceNamesAreOneAnswer) {
  World world;
  world.Index(billing_.path(), "billing");
  for (const char* operation : {"search", "ask"}) {
    auto answer = [&](const char* name) {
      std::string text = world.Outcome(world.User("eve"), operation,
                                       {{std::string(operation) == "search" ? "query" : "question", "invoice"}, {"sources", {name}}});
      text.replace(text.find(name), std::string(name).size(), "NAME");
      return text;
    };
    EXPECT_EQ(answer("billing"), answer("nothing"));
    EXPECT_EQ(answer("billing"), "not found: there is no source 'NAME' that you may read");
  }
}

TEST_F(ServiceTest, AnswersFromWhatFitsAndElseSaysNothingWasFound) {
  World world;
  world.Index(billing_.path(), "billing");
  Json answer = world.Call(world.Operator(), "ask", {{"question", "When is a refund paid back?"}});
  EXPECT_TRUE(answer["found"]);
  EXPECT_EQ(answer["generator"], "extractive");
  EXPECT_NE(answer["answer"].get<std::string>().find("within three days"), std::string::npos);
  ASSERT_FALSE(answer["citations"].empty());
  EXPECT_EQ(answer["citations"][0]["n"], 1);
  EXPECT_EQ(answer["citations"][0]["path"], "docs/billing.md");
  for (const auto& [question, words] : {std::pair("How are tomatoes planted?", "Nothing found"), std::pair("김치찌개는 어떻게 끓이나요?", "찾지 못했습니다")}) {
    Json nothing = world.Call(world.Operator(), "ask", {{"question", question}});
    EXPECT_FALSE(nothing["found"]) << question;
    EXPECT_TRUE(nothing["citations"].empty());
    EXPECT_TRUE(nothing["answer"].get<std::string>().starts_with(words));
  }
}

// A name is looked up in the asker's own world: another's definition of it neither answers nor shows.
TEST_F(ServiceTest, DefinitionsAndTheirUsesAreTheAskersOwn) {
  World world;
  world.Index(billing_.path(), "billing", {"user:ann"});
  ScratchRepository robots;
  FillRobots(robots);
  robots.Write("use.cc", "int Go() { return MoveArm(1, 2); }\n");
  robots.Commit();
  world.Index(robots.path(), "robots", {"user:bob"});
  Json bob = world.Call(world.User("bob"), "ask", {{"question", "what is MoveArm?"}});
  std::string text = bob["answer"];
  EXPECT_TRUE(text.starts_with("`MoveArm` (function) in `arm.cc`:")) << text;
  EXPECT_NE(text.find("// Moves the robot arm to a position."), std::string::npos) << text;
  EXPECT_NE(text.find("Used in:\n- `Go` (function) in `use.cc`"), std::string::npos) << text;
  for (const char* question : {"what is MoveArm?", "MoveArm vs Rate", "MoveArm란?"}) {
    Json ann = world.Call(world.User("ann"), "ask", {{"question", question}});
    EXPECT_EQ(ann.dump().find("arm.cc"), std::string::npos) << question;
    EXPECT_EQ(ann.dump().find("use.cc"), std::string::npos) << question;
  }
  Json mine = world.Call(world.User("ann"), "ask", {{"question", "round_total이란 무엇인가요?"}});
  EXPECT_EQ(mine["citations"][0]["source"], "billing");
  EXPECT_EQ(mine.dump().find("secretly"), std::string::npos);
}

TEST_F(ServiceTest, KoreanQuestionsFindKoreanPages) {
  World world;
  TempFolder handbook;
  handbook.Write("보안.md", "# 보안\n\n비밀번호는 12자 이상이어야 하고 90일마다 바꾼다.\n");
  handbook.Write("휴가.md", "# 휴가\n\n입사 1년이 지나면 연차 휴가는 15일이다.\n");
  world.Index(handbook.path(), "handbook");
  Json answer = world.Call(world.Operator(), "ask", {{"question", "연차 휴가는 며칠인가요?"}});
  ASSERT_TRUE(answer["found"]);
  EXPECT_EQ(answer["citations"][0]["path"], "휴가.md");
}

TEST_F(ServiceTest, QuestionsAreChecked) {
  World world;
  Viewer viewer = world.Operator().viewer;
  for (const std::string& text : {std::string(), std::string(" \n"), std::string(8193, 'x'), std::string("\xFF")}) {
    auto reply = world.service().Search(viewer, {.text = text});
    ASSERT_FALSE(reply.ok());
    EXPECT_EQ(reply.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(ServiceTest, SourcesAreNamedAfterTheirLocationAndStayOne) {
  World world;
  TenantId tenant = world.Tenant();
  Service& service = world.service();
  FoundSource first = service.FindOrAddSource(tenant, "https://git.example.com/team/app.git", "").value();
  EXPECT_TRUE(first.added);
  EXPECT_EQ(first.source.name, "app");
  FoundSource again = service.FindOrAddSource(tenant, "https://git.example.com/team/app.git", "").value();
  EXPECT_FALSE(again.added);
  EXPECT_EQ(again.source.id, first.source.id);
  EXPECT_EQ(service.FindOrAddSource(tenant, "git@git.example.com:other/tool.git", "")->source.name, "tool");
  auto clash = service.FindOrAddSource(tenant, "https://git.example.com/other/app.git", "");
  ASSERT_FALSE(clash.ok());
  EXPECT_NE(clash.status().message().find("choose another name with --name"), std::string::npos);
  EXPECT_TRUE(service.FindOrAddSource(tenant, "https://git.example.com/other/app.git", "app2")->added);
  EXPECT_TRUE(service.FindOrAddSource(world.Tenant("acme"), "https://git.example.com/team/app.git", "")->added);
}

TEST_F(ServiceTest, RemovedSourceLeavesNothingBehind) {
  World world;
  world.Index(billing_.path(), "billing", {"everyone"});
  ASSERT_TRUE(world.service().RemoveSource(world.Tenant(), "billing").ok());
  EXPECT_TRUE(world.Call(world.Operator(), "search", {{"query", "invoice"}})["hits"].empty());
  EXPECT_EQ(world.service().RemoveSource(world.Tenant(), "billing").code(), StatusCode::kNotFound);
  world.Open();
  EXPECT_TRUE(world.Call(world.Operator(), "status")["sources"].empty());
}

TEST_F(ServiceTest, RelativeDataFolderWorksForRemoteRepositoriesToo) {
  TempFolder place;
  auto before = std::filesystem::current_path();
  std::filesystem::current_path(place.path());
  {
    auto service = Service::Open({.data_folder = "here", .threads = 1}).value();
    TenantId tenant = service->directory().FindTenant(acl::kDefaultTenant).value();
    FoundSource found = service->FindOrAddSource(tenant, "file://" + billing_.path(), "billing").value();
    auto report = service->IndexSource(found.source, {}, [](const ingest::IndexProgress&) {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
  }
  std::filesystem::current_path(before);
}

TEST_F(ServiceTest, DataFolderHasOneOwner) {
  World world;
  auto second = Service::Open({.data_folder = world.folder()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable) << second.status().ToString();
}

}  // namespace
}  // namespace codelore::api
