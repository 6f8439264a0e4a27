// ATTACKS.md, section C, at the level of the service: what one may not read must not be there in any way.
#include <functional>
#include <set>
#include <thread>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

const char* const kQuestions[] = {"rounds the total of an invoice", "round_total", "emergency stop", "refund within three days", "MoveArm"};

class AttackPermissions : public ::testing::Test {
 protected:
  void SetUp() override {
    FillBilling(billing_);
    FillRobots(robots_);
  }
  // All that a caller can get to see, as one text.
  std::string Everything(World& world, const Caller& caller) {
    std::string all;
    for (const char* question : kQuestions) {
      for (const char* mode : {"hybrid", "lexical", "vector"}) {
        all += world.Outcome(caller, "search", {{"query", question}, {"mode", mode}}) + "\n";
      }
      all += world.Outcome(caller, "ask", {{"question", question}}) + "\n";
    }
    return all + world.Outcome(caller, "status") + "\n" + world.Outcome(caller, "source.list") + "\n";
  }

  ScratchRepository billing_, robots_;
  World world_;
};

TEST_F(AttackPermissions, Attack043_ProbingLetterByLetterTellsNothing) {
  world_.Index(robots_.path(), "robots", {"team:hardware"});
  std::string word = "emergency", expected;
  for (size_t length = 1; length <= word.size(); ++length) {
    std::string probe = word.substr(0, length), other = std::string(length, 'q');
    std::string answer = world_.Outcome(world_.User("eve"), "search", {{"query", probe}});
    std::string control = world_.Outcome(world_.User("eve"), "search", {{"query", other}});
    size_t at = control.find("\"query\":\"" + other) + 9;
    control.replace(at, other.size(), probe);
    EXPECT_EQ(answer, control);
  }
}

TEST_F(AttackPermissions, Attack047_NobodyIsServedFromAnothersAnswer) {
  world_.Index(billing_.path(), "billing", {"everyone"});
  world_.Index(robots_.path(), "robots", {"user:ann"});
  Caller ann = world_.User("ann"), bob = world_.User("bob");
  std::string of_ann = Everything(world_, ann), of_bob = Everything(world_, bob);
  EXPECT_NE(of_ann, of_bob);
  EXPECT_EQ(of_bob.find("robots"), std::string::npos);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 3; ++i) wrong += Everything(world_, t % 2 ? ann : bob) != (t % 2 ? of_ann : of_bob);
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST_F(AttackPermissions, Attack052_PublicSourceTurnedPrivateIsGone) {
  world_.Index(robots_.path(), "robots", {"everyone", "user:eve", "team:web"});
  EXPECT_NE(Everything(world_, world_.User("eve", {"web"})).find("robots@"), std::string::npos);
  for (const char* principal : {"everyone", "user:eve", "team:web"}) {
    world_.Call(world_.Operator(), "revoke", Json::object(), {{"source", "robots"}, {"principal", principal}});
  }
  World empty;
  EXPECT_EQ(Everything(world_, world_.User("eve", {"web"})), Everything(empty, empty.User("eve", {"web"})));
}

TEST_F(AttackPermissions, Attack052_SourceMadeAgainUnderItsNameHasNoReaders) {
  world_.Index(billing_.path(), "app", {"user:eve", "everyone"});
  world_.Call(world_.Operator(), "source.remove", Json::object(), {{"source", "app"}});
  world_.Index(robots_.path(), "app");
  World empty;
  EXPECT_EQ(Everything(world_, world_.User("eve")), Everything(empty, empty.User("eve")));
  world_.Open();  // nor after a restart
  EXPECT_EQ(Everything(world_, world_.User("eve")), Everything(empty, empty.User("eve")));
  EXPECT_FALSE(world_.Call(world_.Operator(), "search", {{"query", "MoveArm"}})["hits"].empty());
}

TEST_F(AttackPermissions, Attack052_ContentMovedToAnotherGroupLeavesTheOldOne) {
  ScratchRepository moving;
  moving.Write("plan.md", "# Plan\n\nThe walrus acquisition closes in May.\n");
  moving.Commit();
  world_.Index(moving.path(), "plans", {"team:web"});
  EXPECT_FALSE(world_.Call(world_.User("eve", {"web"}), "search", {{"query", "walrus acquisition"}})["hits"].empty());
  // The repository is transferred: gone here, there again for others, with the same blobs.
  world_.Call(world_.Operator(), "source.remove", Json::object(), {{"source", "plans"}});
  world_.Index(moving.path(), "private/plans", {"team:board"});
  EXPECT_TRUE(world_.Call(world_.User("eve", {"web"}), "search", {{"query", "walrus acquisition"}})["hits"].empty());
  EXPECT_FALSE(world_.Call(world_.User("bea", {"board"}), "search", {{"query", "walrus acquisition"}})["hits"].empty());
}

TEST_F(AttackPermissions, Attack052_RenamedFileIsFoundUnderItsNewNameOnly) {
  ScratchRepository repository;
  repository.Write("old_name.md", "# Walrus\n\nThe walrus chapter.\n");
  repository.Commit();
  world_.Index(repository.path(), "notes", {"user:ann"});
  repository.Git({"mv", "old_name.md", "new_name.md"});
  repository.Commit();
  world_.Index(repository.path(), "notes");
  Json reply = world_.Call(world_.User("ann"), "search", {{"query", "walrus old name"}});
  EXPECT_EQ(PathsIn(reply), std::vector<std::string>{"notes:new_name.md"});
}

// Blobs are stored once per tenant; who may read one of their places still reads only that place.
TEST_F(AttackPermissions, Attack053_CopyOfAPrivateFileShowsOnlyTheCopy) {
  ScratchRepository fork;
  FillRobots(fork);
  fork.Write("own.md", "# Fork\n\nPublic notes of the fork.\n");
  fork.Commit();
  world_.Index(robots_.path(), "private", {"team:hardware"});
  world_.Index(fork.path(), "fork", {"everyone"});
  World alone;
  alone.Index(fork.path(), "fork", {"everyone"});
  auto without_time = [](std::string text) {
    for (size_t at; (at = text.find("\"updated_at\":\"")) != std::string::npos;) text.erase(at, text.find('"', at + 14) - at + 1);
    return text;
  };
  EXPECT_EQ(without_time(Everything(world_, world_.User("eve"))), without_time(Everything(alone, alone.User("eve"))));
  world_.Call(world_.Operator(), "source.remove", Json::object(), {{"source", "fork"}});
  World empty;
  EXPECT_EQ(Everything(world_, world_.User("eve")), Everything(empty, empty.User("eve")));
  EXPECT_FALSE(world_.Call(world_.User("ann", {"hardware"}), "search", {{"query", "MoveArm"}})["hits"].empty());
}

TEST_F(AttackPermissions, Attack056_UnknownGroupsAndEmptyListsDeny) {
  world_.Index(billing_.path(), "nobody");
  world_.Index(robots_.path(), "hardware", {"team:hardware"});
  World empty;
  std::string nothing = Everything(empty, empty.User("eve"));
  EXPECT_EQ(Everything(world_, world_.User("eve")), nothing);
  EXPECT_EQ(Everything(world_, world_.User("eve", {"no-such-team", "hardware2", "hard"})), nothing);
  EXPECT_EQ(Everything(world_, world_.User("hardware")), nothing);           // a user of a team's name
  EXPECT_EQ(Everything(world_, world_.User("eve", {"user:eve"})), nothing);
}

TEST_F(AttackPermissions, Attack058_SameUserOfTwoTenantsCarriesNothingOver) {
  world_.Index(billing_.path(), "billing", {"user:ann", "team:dev"});
  world_.Index(robots_.path(), "robots", {"user:ann", "team:dev"}, "acme");
  std::string here = Everything(world_, world_.User("ann", {"dev"}));
  std::string there = Everything(world_, world_.User("ann", {"dev"}, "acme"));
  EXPECT_EQ(here.find("robots@"), std::string::npos);
  EXPECT_EQ(there.find("billing@"), std::string::npos);
  EXPECT_NE(here.find("billing@"), std::string::npos);
  EXPECT_NE(there.find("robots@"), std::string::npos);
  for (const char* source : {"billing", "robots"}) {
    Json body = {{"query", "x"}, {"sources", {source}}};
    EXPECT_EQ(world_.Outcome(world_.User("ann"), "search", body).starts_with("not found"), std::string(source) == "robots");
  }
}

TEST_F(AttackPermissions, Attack059_LookalikesAreOthers) {
  world_.Index(billing_.path(), "Billing", {"user:Admin", "team:dev"});
  World empty;
  std::string nothing = Everything(empty, empty.User("eve"));
  for (const char* name : {"admin", "ADMIN", "Admin ", "\uFF21dmin", "\u0410dmin", "Admin\u200b", "user:Admin", "A\u0301dmin"}) {
    auto caller = MakeLocalCaller(world_.service(), "", {std::string("user:") + name});
    EXPECT_TRUE(!caller.ok() || Everything(world_, *caller) == nothing) << name;
  }
  for (const char* team : {"Dev", "dev ", "d\u0435v"}) {
    auto caller = MakeLocalCaller(world_.service(), "", {"user:eve", std::string("team:") + team});
    EXPECT_TRUE(!caller.ok() || Everything(world_, *caller) == nothing) << team;
  }
  for (const char* source : {"billing", "BILLING", "Billing\u200b"}) {
    EXPECT_TRUE(world_.Outcome(world_.User("Admin"), "search", {{"query", "x"}, {"sources", {source}}}).starts_with("not found")) << source;
  }
}

// A viewer who may see a sliver of what is there still gets a full list.
TEST_F(AttackPermissions, Attack064_NarrowRightsStarveNoList) {
  TempFolder crowd, few;
  for (int i = 0; i < 400; ++i) {
    std::string text;
    for (int k = 0; k < 60; ++k) text += "walrus invoice number " + std::to_string(i * 100 + k) + " of the crowd is paid\n\n";
    crowd.Write("f" + std::to_string(i) + ".txt", text);
  }
  for (int i = 0; i < 12; ++i) few.Write("own" + std::to_string(i) + ".txt", "an invoice, mentioned once in passing, note " + std::to_string(i) + "\n");
  // Without vectors: encoding the crowd would take minutes and change nothing here.
  std::stop_source stop;
  acl::Source source = world_.service().FindOrAddSource(world_.Tenant(), crowd.path(), "crowd").value().source;
  (void)world_.service().IndexSource(source, stop.get_token(), [&](const ingest::IndexProgress& progress) {
    if (progress.stage == ingest::IndexStage::kVectors) stop.request_stop();
  });
  world_.Index(few.path(), "few", {"user:ann"});
  for (const char* mode : {"hybrid", "lexical", "vector"}) {
    Json reply = world_.Call(world_.User("ann"), "search", {{"query", "walrus invoice"}, {"mode", mode}});
    EXPECT_EQ(reply["hits"].size(), 10u) << mode;
    for (const std::string& path : PathsIn(reply)) EXPECT_TRUE(path.starts_with("few:")) << path;
  }
}

// Rights change while others ask: an answer never holds more than one of the two states allows.
TEST_F(AttackPermissions, Attack065_ChangesUnderWayNeverWidenAnAnswer) {
  world_.Index(billing_.path(), "billing", {"user:ann"});
  world_.Index(robots_.path(), "robots");
  SourceId robots = world_.directory().FindSource(world_.Tenant(), "robots")->id;
  std::atomic<bool> done = false;
  std::atomic<int> wrong{0};
  std::jthread asking([&] {
    while (!done) {
      for (const char* user : {"ann", "eve"}) {
        Json reply = Json::parse(world_.TryCall(world_.User(user), "search", {{"query", "round_total"}, {"mode", "lexical"}}).value());
        for (const std::string& path : PathsIn(reply)) wrong += path.starts_with("robots:") || (user == std::string("eve"));
      }
    }
  });
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(world_.directory().Grant(robots, "user:bob").ok());
    EXPECT_TRUE(world_.directory().Grant(robots, "team:x").ok());
    EXPECT_TRUE(world_.directory().Revoke(robots, "user:bob").ok());
    EXPECT_TRUE(world_.directory().Revoke(robots, "team:x").ok());
  }
  done = true;
  asking.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(AttackPermissions, Attack067_NamesThatForgeLinesAreRefused) {
  for (const char* name : {"x\nadmin login ok", "x\r\nfoo", "x\x1b[2J", "x\tb", "\u2028x", "x\u202Etxt"}) {
    EXPECT_TRUE(world_.Outcome(world_.Operator(), "token.create", {{"user", name}}).starts_with("invalid argument")) << name;
    EXPECT_TRUE(world_.Outcome(world_.Operator(), "tenant.create", {{"name", name}}).starts_with("invalid argument")) << name;
    EXPECT_EQ(MakeLocalCaller(world_.service(), "", {std::string("user:") + name}).status().code(), StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace codelore::api
