// What is taken back is gone: from the next request of any thread, and from answers that are under way.
#include "api/protocols/protocol_fixture.h"
#include "api/served_world.h"

namespace codelore::api {
namespace {

constexpr const char* kCanary = "xylophone7";

class Revocation : public ::testing::Test {
 protected:
  void SetUp() override {
    repository_.Write("plan.md", std::string("# Plan\n\nThe ") + kCanary + " merger closes in May.\n");
    repository_.Commit();
  }
  void Start(ServedWorld& world) {
    world.Index(repository_.path(), "plans", {"team:web"});
    world.Serve();
    root_ = world.Token("root", {}, true);
    auto created = world.directory().CreateToken({.tenant = world.Tenant(), .user = "ann", .teams = {"web"}}).value();
    ann_ = created.text;
    ann_id_ = created.id.value;
  }
  static WorldRequest Post(const std::string& target, const Json& body) { return {"POST", target, body.dump(), ""}; }
  void SetGrant(ServedWorld& world, bool given) {
    WorldRequest change = given ? Post("/v1/sources/plans/grants", {{"principal", "team:web"}})
                                : WorldRequest{"DELETE", "/v1/sources/plans/grants/team%3Aweb", "", ""};
    EXPECT_EQ(world.Send(change, root_).status, 200);
  }
  static std::vector<WorldRequest> Reads() {
    Json says = Json::array({Json{{"role", "user"}, {"content", "When does the merger close?"}}});
    return {Post("/v1/grep", {{"pattern", "merger"}}),
            Post("/v1/search", {{"query", "merger"}, {"mode", "lexical"}}),
            Post("/v1/read", {{"source", "plans"}, {"path", "plan.md"}}),
            Post("/v1/ask", {{"question", "When does the merger close?"}, {"stream", true}}),
            Post("/v1/chat/completions", {{"messages", says}, {"stream", true}}),
            Post("/api/chat", {{"messages", says}}),
            Post("/mcp", {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "resources/read"}, {"params", {{"uri", "codelore://plans/plan.md"}}}})};
  }

  ScratchRepository repository_;
  std::string root_, ann_;
  uint32_t ann_id_ = 0;
};

// Attack065 and 047 over HTTP: a request that begins after the answer to a revocation sees nothing of it.
TEST_F(Revocation, NoReadThatBeginsAfterwardsIsStale) {
  ServedWorld world;
  Start(world);
  const std::vector<WorldRequest> reads = Reads();
  std::atomic<int> epoch{0};  // odd: revoked, and acknowledged
  std::atomic<int> stale{0}, seen{0}, asked{0};
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (size_t t = 0; t < 32; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; !done; ++i) {
        int before = epoch;
        bool found = world.Send(reads[i % reads.size()], ann_).body.find(kCanary) != std::string::npos;
        ++asked;
        // Nobody gave it back in between: it was gone for all of the request.
        if (before % 2 == 1 && epoch == before && found) ++stale;
        if (found) ++seen;
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    SetGrant(world, false);
    ++epoch;
    for (int before = asked; asked < before + 100;) std::this_thread::yield();
    ++epoch;
    SetGrant(world, true);
    for (int before = asked; asked < before + 100;) std::this_thread::yield();
  }
  done = true;
  threads.clear();
  EXPECT_EQ(stale, 0);
  EXPECT_GT(seen, 100);
}

// Attack049. The model says its first words and is silent then; the stream ends all the same, with no word after.
TEST_F(Revocation, EndsTheStreamsUnderWay) {
  ModelServer model("The merger closes in May [1]. And this is what it never comes to say about xylophone7 [1].");
  model.Hang();
  ServedWorld world({{.name = "scripted", .url = model.url(), .model = "m"}});
  Start(world);
  struct Turn { size_t read; bool token; };  // the last one loses its token instead of the grant
  for (auto [read, token] : {Turn{3, false}, Turn{4, false}, Turn{5, false}, Turn{5, true}}) {
    RawClient client(world.port());
    client.Send(ServedWorld::TextOf(Reads()[read], ann_));
    ASSERT_NE(client.ReadUntil("}\n").find("plan.md"), std::string::npos);  // the citations
    if (token) {
      EXPECT_EQ(world.Send({"DELETE", "/v1/tokens/" + std::to_string(ann_id_), "", ""}, root_).status, 200);
    } else {
      SetGrant(world, false);
    }
    std::string rest = client.ReadToEnd();  // does not wait for the model
    EXPECT_NE(rest.find("taken back"), std::string::npos) << rest;
    EXPECT_EQ(rest.find("never comes"), std::string::npos) << rest;
    EXPECT_EQ(rest.find(kCanary), std::string::npos) << rest;
    if (!token) SetGrant(world, true);
  }
}

}  // namespace
}  // namespace codelore::api
