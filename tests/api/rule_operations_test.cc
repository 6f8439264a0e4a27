// Path rules from the operation to what is read: moves, renames, and two worlds that differ in hidden files only.
#include "api/rule_operations.h"

#include "api/random_requests.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class RuleOperations : public ::testing::Test {
 protected:
  void SetUp() override {
    repository_.Write("app/main.py", "def walrus_main():\n    \"\"\"Starts the walrus.\"\"\"\n    return 1\n");
    repository_.Write("infra/secrets/keys.md", "# Keys\n\nThe walrus zeppelin opens the vault.\n");
    repository_.Write("infra/readme.md", "# Infra\n\nThe walrus runs here.\n");
    repository_.Commit();
    world_.Index(repository_.path(), "app", {"everyone"});
  }
  std::vector<std::string> Found(const Caller& caller) {
    Json reply = world_.Call(caller, "grep", {{"pattern", "walrus"}});
    std::vector<std::string> paths;
    for (const Json& file : reply["files"]) paths.push_back(file["path"]);
    std::ranges::sort(paths);
    return paths;
  }
  Json Add(const std::string& path, const std::vector<std::string>& principals, IndexQueue* queue = nullptr) {
    return Json::parse(world_.TryCall(world_.Operator(), "rule.add", {{"path", path}, {"principals", principals}}, {{"source", "app"}}, queue).value());
  }

  using Paths = std::vector<std::string>;
  ScratchRepository repository_;
  World world_;
};

TEST_F(RuleOperations, MoveFilesUnderTheirOwnReaders) {
  EXPECT_EQ(Found(world_.User("eve")), (Paths{"app/main.py", "infra/readme.md", "infra/secrets/keys.md"}));
  Json added = Add("infra/secrets/**", {"team:platform"});
  EXPECT_EQ(added["sorted"], true);
  EXPECT_EQ(Found(world_.User("eve")), (Paths{"app/main.py", "infra/readme.md"}));
  EXPECT_EQ(Found(world_.User("pia", {"platform"})), (Paths{"app/main.py", "infra/readme.md", "infra/secrets/keys.md"}));
  for (const char* operation : {"read", "outline", "why"}) {
    auto outcome = [&](const std::string& path) {
      std::string text = world_.Outcome(world_.User("eve"), operation, {{"source", "app"}, {"path", path}});
      return text.replace(text.find(path), path.size(), "PATH");
    };
    EXPECT_EQ(outcome("infra/secrets/keys.md"), outcome("infra/secrets/nowhere.md")) << operation;
  }
  EXPECT_EQ(world_.Call(world_.Operator(), "rule.list", Json::object(), {{"source", "app"}})["rules"].size(), 1u);
  // Other readers for a rule that is there: at once, with nothing to move.
  Add("infra/secrets/**", {"user:eve"});
  EXPECT_EQ(Found(world_.User("eve")).size(), 3u);
  EXPECT_EQ(Found(world_.User("pia", {"platform"})).size(), 2u);
  world_.Open();
  EXPECT_EQ(Found(world_.User("pia", {"platform"})).size(), 2u);
  world_.Call(world_.Operator(), "rule.remove", {{"path", "infra/secrets/**"}}, {{"source", "app"}});
  EXPECT_EQ(Found(world_.User("pia")).size(), 3u);
  EXPECT_TRUE(world_.Outcome(world_.Operator(), "rule.remove", {{"path", "infra/secrets/**"}}, {{"source", "app"}}).starts_with("not found"));
}

// Until a run has moved the files, both the old rights and the new are asked for.
TEST_F(RuleOperations, HoldTheStricterRightsUntilFilesHaveMoved) {
  auto queue = IndexQueue::Open(world_.service().store(), [](SourceId, std::stop_token, const auto&) { return Unavailable("not now"); }).value();
  EXPECT_EQ(Add("infra/secrets/**", {"team:platform"}, queue.get())["sorted"], false);
  EXPECT_EQ(Found(world_.User("eve")), Paths());
  EXPECT_EQ(Found(world_.User("pia", {"platform"})).size(), 3u);
  queue.reset();
  world_.Open();  // nor does a restart forget it
  EXPECT_EQ(Found(world_.User("eve")), Paths());
  world_.Index(repository_.path(), "app");
  EXPECT_EQ(Found(world_.User("eve")).size(), 2u);
  // Removed: who could not read the files still cannot, before they have moved.
  queue = IndexQueue::Open(world_.service().store(), [](SourceId, std::stop_token, const auto&) { return Unavailable("not now"); }).value();
  EXPECT_TRUE(world_.TryCall(world_.Operator(), "rule.remove", {{"path", "infra/secrets/**"}}, {{"source", "app"}}, queue.get()).ok());
  EXPECT_EQ(Found(world_.User("eve")).size(), 2u);
}

// Attack055
TEST_F(RuleOperations, Attack055_ARenamedFileTakesTheRuleOfItsNewPath) {
  Add("infra/secrets/**", {"team:platform"});
  repository_.Git({"mv", "infra/secrets/keys.md", "infra/open.md"});
  repository_.Git({"mv", "app/main.py", "infra/secrets/main.py"});
  repository_.Commit();
  world_.Index(repository_.path(), "app");
  EXPECT_EQ(Found(world_.User("eve")), (Paths{"infra/open.md", "infra/readme.md"}));
  EXPECT_EQ(Found(world_.User("pia", {"platform"})), (Paths{"infra/open.md", "infra/readme.md", "infra/secrets/main.py"}));
}

TEST_F(RuleOperations, NobodyReadsUnderARuleWithoutReaders) {
  Add("infra", {});
  EXPECT_EQ(Found(world_.User("eve")), Paths{"app/main.py"});
  EXPECT_EQ(Found(world_.Operator()).size(), 3u);
  for (const char* path : {"", "../x", "a\nb"}) {
    EXPECT_TRUE(world_.Outcome(world_.Operator(), "rule.add", {{"path", path}, {"principals", {"everyone"}}}, {{"source", "app"}}).starts_with("invalid argument"));
  }
}

// A source whose hidden files are there and change, or are not: the same bytes, because who reads a part of a source is told
// no commit and no time.
TEST(TwoWorldsOfRules, AnswerInTheSameBytes) {
  constexpr const char* kAboutSources[] = {"/v1/status", "/v1/sources/app", "/v1/sources/app/freshness", "/v1/sources"};
  ScratchRepository with, without;
  Names names{.words = {"invoice", "refund", "ledger", "walrus", "total"}, .symbols = {"invoice_total", "walrus_total"},
              .paths = {"src/invoice_total.py", "secret/walrus_total.py", "docs/refund.md", "secret/plan.md", "src/gone.py"}, .sources = {"app", "nowhere"}};
  for (ScratchRepository* repository : {&with, &without}) {
    repository->Write("src/invoice_total.py", "def invoice_total(ledger):\n    \"\"\"The refund of an invoice total.\"\"\"\n    return ledger\n");
    repository->Write("docs/refund.md", "# Refund\n\nThe ledger of each refund and invoice.\n");
  }
  with.Write("secret/walrus_total.py", "def walrus_total(ledger):\n    \"\"\"The refund of an invoice total, invoice_total.\"\"\"\n    return invoice_total(ledger)\n");
  with.Write("secret/plan.md", "# Plan\n\nThe walrus invoice refund ledger total.\n");
  with.Write("secret/broken.bin", std::string("\0\1\2", 3));
  without.Commit();
  with.Commit();
  ServedWorld worlds[2];
  std::string tokens[2];
  for (int w = 0; w < 2; ++w) {
    acl::Source source = worlds[w].service().FindOrAddSource(worlds[w].Tenant(), (w == 0 ? without : with).path(), "app").value().source;
    EXPECT_TRUE(worlds[w].directory().SetRule(source.id, "secret/**", {"team:board"}).ok());
    worlds[w].Index(source.location, "app", {"team:web"});
    tokens[w] = worlds[w].Token("ann", {"web"});
    worlds[w].Serve();
  }
  RandomRequests requests(55, names);
  for (int i = 0; i < 250; ++i) {
    if (i % 50 == 25) {  // a push of hidden files
      with.Write("secret/plan.md", "# Plan " + std::to_string(i) + "\n\nThe walrus refund.\n");
      with.Commit();
      worlds[1].Index(with.path(), "app", {});
    }
    WorldRequest request = i % 10 == 0 ? WorldRequest{"GET", kAboutSources[static_cast<size_t>(i / 10) % std::size(kAboutSources)], "", ""} : requests.Next();
    if (request.target.starts_with("/api/") || request.target.find("completions") != std::string::npos) continue;  // times; /v1/ask is the same path
    std::string texts[2];
    for (int w = 0; w < 2; ++w) {
      WorldReply reply = worlds[w].Send(request, tokens[w]);
      texts[w] = std::to_string(reply.status) + reply.body;
      for (const char* key : {"\"request_id\":\""}) {
        for (size_t at = 0; (at = texts[w].find(key, at)) != std::string::npos;) {
          at += std::strlen(key);
          texts[w].erase(at, texts[w].find('"', at) - at);
        }
      }
    }
    EXPECT_EQ(texts[0], texts[1]) << request.method << " " << request.target << " " << request.body;
  }
}

}  // namespace
}  // namespace codelore::api
