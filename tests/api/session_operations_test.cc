#include "api/session_operations.h"

#include "api/conversation.h"
#include "api/eval.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class SessionOperations : public ::testing::Test {
 protected:
  SessionOperations() {
    FillBilling(billing_);
    FillRobots(robots_);
    source_ = world_.Index(billing_.path(), "billing", {"user:ann", "user:root"}).id;
    robots_id_ = world_.Index(robots_.path(), "robots", {"user:ann"}).id;
  }
  std::string Begin(const Caller& caller) { return world_.Call(caller, "session.create")["id"]; }
  Json Ask(const Caller& caller, const std::string& session, const std::string& question) {
    return world_.Call(caller, "ask", {{"question", question}, {"session", session}});
  }
  Json Show(const Caller& caller, const std::string& session) { return world_.Call(caller, "session.show", {}, {{"session", session}}); }

  ScratchRepository billing_, robots_;
  World world_;
  SourceId source_, robots_id_;
};

TEST_F(SessionOperations, KeepsQuestionsAndAnswersOverARestart) {
  std::string session = Begin(world_.User("ann"));
  Json first = Ask(world_.User("ann"), session, "When is a refund paid back?");
  EXPECT_EQ(first["session"], session);
  EXPECT_EQ(first["turn"], 1);
  world_.Open();
  Json shown = Show(world_.User("ann"), session);
  ASSERT_EQ(shown["turns"].size(), 1u);
  EXPECT_EQ(shown["title"], "When is a refund paid back?");
  EXPECT_EQ(shown["turns"][0]["answer"], first["answer"]);
  EXPECT_EQ(shown["turns"][0]["withheld"], false);
  EXPECT_EQ(shown["turns"][0]["citations"][0]["citation"], first["citations"][0]["citation"]);
  Json list = world_.Call(world_.User("ann"), "session.list")["sessions"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["turns"], 1);
  world_.Call(world_.User("ann"), "session.delete", {}, {{"session", session}});
  EXPECT_TRUE(world_.Call(world_.User("ann"), "session.list")["sessions"].empty());
  EXPECT_EQ(world_.TryCall(world_.User("ann"), "session.show", {}, {{"session", session}}).status().code(), StatusCode::kNotFound);
}

TEST_F(SessionOperations, FollowUpsBorrowTheSessionsNames) {
  Caller ann = world_.User("ann");
  std::string session = Begin(ann);
  Ask(ann, session, "How does round_total round the total of an invoice?");
  Json next = Ask(ann, session, "and where is it tested?");
  EXPECT_EQ(next["turn"], 2);
  EXPECT_NE(next["searched"].get<std::string>().find("round_total"), std::string::npos) << next["searched"];
  Json alone = Ask(ann, session, "When is a refund paid back to customers?");
  EXPECT_EQ(alone["searched"], "When is a refund paid back to customers?");
}

TEST_F(SessionOperations, NobodyElseHasAWayToThem) {
  std::string session = Begin(world_.User("ann"));
  std::string missing = world_.Outcome(world_.User("eve"), "session.show", {}, {{"session", std::string(32, 'a')}});
  for (const Caller& other : {world_.User("eve"), world_.Administrator(), world_.Operator()}) {
    EXPECT_EQ(world_.Outcome(other, "session.show", {}, {{"session", session}}), missing);
    EXPECT_EQ(world_.Outcome(other, "session.delete", {}, {{"session", session}}), missing);
    EXPECT_EQ(world_.Outcome(other, "ask", {{"question", "refund"}, {"session", session}}), missing);
  }
  world_.Tenant("acme");
  EXPECT_EQ(world_.Outcome(world_.User("ann", {}, "acme"), "session.show", {}, {{"session", session}}), missing);
  for (const char* id : {"", "x", "../../x", "00000000000000000000000000000000'"}) {
    EXPECT_EQ(world_.Outcome(world_.User("ann"), "session.show", {}, {{"session", id}}), missing) << id;
  }
  EXPECT_EQ(Show(world_.User("ann"), session)["turns"].size(), 0u);
}

// Attack 050: what was taken back is gone from what was said, too, and from what followed from it.
TEST_F(SessionOperations, Attack050TakesBackWhatRestsOnATakenBackSource) {
  Caller ann = world_.User("ann");
  std::string session = Begin(ann);
  Json harmless = Ask(ann, session, "When is a refund of a cancelled invoice paid back?");
  ASSERT_EQ(harmless["citations"][0]["source"], "billing");
  Json secret = Ask(ann, session, "What does the emergency stop of the motors cut within ten milliseconds?");
  ASSERT_NE(secret.dump().find("power of all motors"), std::string::npos);
  Json derived = Ask(ann, session, "and what does it say about it?");  // made with that answer before it
  EXPECT_EQ(derived["turn"], 3);
  ASSERT_TRUE(world_.directory().Revoke(robots_id_, "user:ann").ok());
  Caller now = world_.User("ann");
  Json shown = Show(now, session);
  EXPECT_EQ(shown["turns"][1]["withheld"], true);
  EXPECT_EQ(shown["turns"][1]["answer"], "");
  EXPECT_EQ(shown["turns"][2]["withheld"], true);
  for (const char* word : {"power of all", "safety.md", "arm.cc", "robots@"}) EXPECT_EQ(shown.dump().find(word), std::string::npos) << word;
  Json next = Ask(now, session, "what did the file say?");
  for (const char* word : {"power of all", "safety.md", "arm.cc", "robots@", "MoveArm"}) EXPECT_EQ(next.dump().find(word), std::string::npos) << word << next;
  // And it comes back with the right.
  ASSERT_TRUE(world_.directory().Grant(robots_id_, "user:ann").ok());
  EXPECT_EQ(Show(world_.User("ann"), session)["turns"][1]["answer"], secret["answer"]);
}

TEST_F(SessionOperations, ATurnWithoutTheSecretStaysWhenOthersGo) {
  ASSERT_TRUE(world_.directory().Revoke(robots_id_, "user:ann").ok());
  std::string session = Begin(world_.User("ann"));
  Json answer = Ask(world_.User("ann"), session, "When is a refund of a cancelled invoice paid back?");
  ASSERT_TRUE(world_.directory().Grant(robots_id_, "user:ann").ok());
  ASSERT_TRUE(world_.directory().Revoke(robots_id_, "user:ann").ok());
  Json shown = Show(world_.User("ann"), session);
  EXPECT_EQ(shown["turns"][0]["withheld"], false);
  EXPECT_EQ(shown["turns"][0]["answer"], answer["answer"]);
}

TEST_F(SessionOperations, ExpiresAfterItsLastUse) {
  int64_t now = 1'000'000;
  auto sessions = Sessions::Open(world_.service().store(), [&] { return now; }).value();
  SessionOwner ann{world_.Tenant(), "user:ann"};
  std::string id = sessions->Create(ann, "", 1000)->id;
  now += 900;
  EXPECT_EQ(sessions->Append(ann, id, {.question = "why?"}).value(), 1u);
  now += 900;
  EXPECT_EQ(sessions->Find(ann, id)->turns.size(), 1u);
  now += 200;
  EXPECT_EQ(sessions->Find(ann, id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(sessions->List(ann)->empty());
  sessions = Sessions::Open(world_.service().store(), [&] { return now; }).value();
  size_t rows = 0;
  ASSERT_TRUE(world_.service().store().Scan(Table::kSessions, "", [&](std::string_view, std::string_view) { return ++rows > 0; }).ok());
  EXPECT_EQ(rows, 0u);  // its turns are gone with it
}

TEST_F(SessionOperations, HasLimitsAndSaysSo) {
  auto& sessions = world_.service().sessions();
  SessionOwner ann{world_.Tenant(), "user:ann"};
  for (size_t i = 0; i < Sessions::kMaxSessions; ++i) ASSERT_TRUE(sessions.Create(ann, "", 1'000'000).ok());
  EXPECT_EQ(sessions.Create(ann, "", 1'000'000).status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(sessions.Create({world_.Tenant(), "user:bob"}, "", 1'000'000).ok());
  std::string id = sessions.List(ann)->front().id;
  for (size_t i = 0; i < Sessions::kMaxTurns; ++i) ASSERT_TRUE(sessions.Append(ann, id, {.question = "x"}).ok());
  EXPECT_EQ(sessions.Append(ann, id, {.question = "x"}).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(world_.TryCall(world_.User("ann"), "session.create", {{"expires_in_days", 0}}).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(SessionOperations, CondensesWithoutCodeMarksAndLists) {
  EXPECT_EQ(CondensedAnswer("It rounds [1]. See `x` [1, 2].\n```py\ncode\n```\n[1] `billing@abc:x.py#L1-L2`\nDone.\n", 200), "It rounds . See `x` .\nDone.\n");
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += "A sentence of words. ";
  std::string cut = CondensedAnswer(longer, 100);
  EXPECT_LE(cut.size(), 100u);
  EXPECT_TRUE(cut.ends_with("."));
}

// ---- feedback --------------------------------------------------------------------------------------------

TEST_F(SessionOperations, FeedbackBecomesEvaluationData) {
  Caller ann = world_.User("ann");
  std::string session = Begin(ann);
  Json answer = Ask(ann, session, "When is a refund of a cancelled invoice paid back?");
  for (const Json& citation : answer["citations"]) ASSERT_EQ(citation["source"], "billing");
  std::string praised = world_.Call(ann, "feedback", {{"rating", "up"}, {"session", session}, {"turn", 1}})["id"];
  world_.Call(ann, "feedback", {{"rating", "down"}, {"question", "Where is the tax rate?"}, {"text", "wrong file"},
                                {"corrected", {"billing:src/tax.go", "billing:docs/billing.md"}}});
  world_.Call(ann, "feedback", {{"rating", "down"}, {"question", "no idea"}});  // no target: nothing to evaluate by
  world_.Open();
  Json reply = world_.Call(world_.Administrator(), "feedback.list");
  EXPECT_EQ(reply["feedback"].size(), 3u);
  ASSERT_EQ(reply["queries"].size(), 2u);
  EXPECT_EQ(reply["queries"][0]["_id"], praised);
  EXPECT_EQ(reply["queries"][0]["text"], "When is a refund of a cancelled invoice paid back?");
  EXPECT_EQ(reply["queries"][1]["category"], "corrected");
  EXPECT_EQ(reply["queries"][1]["relevant"][0]["path"], "src/tax.go");
  // What `codelore eval` reads.
  TempFolder folder;
  std::string lines;
  for (const Json& line : reply["queries"]) lines += line.dump() + "\n";
  folder.Write("queries.jsonl", lines);
  folder.Write("repos/billing/src/tax.go", "package tax\n\n// Rate is the rate of the value added tax.\nfunc Rate() float64 { return 0.19 }\n");
  folder.Write("repos/billing/docs/billing.md", "# Billing\n\nA refund is paid back within three days after a cancelled invoice.\n");
  EvalOptions options{.queries_file = folder / "queries.jsonl", .repositories = folder / "repos"};
  auto measured = Evaluate(world_.service(), options, {{}, [](const std::string&) {}});
  EXPECT_TRUE(measured.ok()) << measured.status().ToString();
}

TEST_F(SessionOperations, FeedbackShowsNothingThatItsReaderMayNotRead) {
  Caller ann = world_.User("ann");
  EXPECT_EQ(world_.Outcome(world_.User("eve"), "feedback", {{"rating", "up"}, {"question", "x"}, {"corrected", {"robots:arm.cc"}}}),
            "not found: there is no file 'robots:arm.cc' that you may read; name it as SOURCE:PATH");
  world_.Call(ann, "feedback", {{"rating", "down"}, {"question", "what moves the arm?"}, {"corrected", {"robots:arm.cc"}}});
  Json root = world_.Call(world_.Administrator(), "feedback.list");  // may read billing, not robots
  EXPECT_TRUE(root["feedback"].empty()) << root;
  EXPECT_TRUE(root["queries"].empty());
  Json all = world_.Call(world_.Operator(), "feedback.list");
  ASSERT_EQ(all["feedback"].size(), 1u);
  std::string id = all["feedback"][0]["id"];
  EXPECT_EQ(world_.Outcome(world_.Administrator(), "feedback.delete", {}, {{"feedback", id}}),
            world_.Outcome(world_.Administrator(), "feedback.delete", {}, {{"feedback", std::string(32, 'b')}}));
  world_.Call(world_.Operator(), "feedback.delete", {}, {{"feedback", id}});
  EXPECT_TRUE(world_.Call(world_.Operator(), "feedback.list")["feedback"].empty());
  world_.Tenant("acme");
  EXPECT_TRUE(world_.Call(world_.Administrator("acme"), "feedback.list")["feedback"].empty());
}

// An answer was made with the answers before it: whoever may not read what those rest on does not get it either.
TEST_F(SessionOperations, FeedbackOnAFollowUpRestsOnWhatWentBefore) {
  Caller ann = world_.User("ann");
  std::string session = Begin(ann);
  Json secret = Ask(ann, session, "What does the emergency stop of the motors cut within ten milliseconds?");
  ASSERT_EQ(secret["citations"][0]["source"], "robots");
  auto ask_billing = [&](const std::string& question) {
    Json asked = world_.Call(ann, "ask", {{"question", question}, {"session", session}, {"sources", {"billing"}}});
    for (const Json& citation : asked["citations"]) ASSERT_EQ(citation["source"], "billing");
  };
  ask_billing("When is a refund of a cancelled invoice paid back?");
  for (int i = 0; i < 13; ++i) ask_billing("And how is the total of an invoice rounded?");  // of the first turn only others tell
  for (int turn : {2, 15}) world_.Call(ann, "feedback", {{"rating", "up"}, {"session", session}, {"turn", turn}});
  world_.Open();
  Json root = world_.Call(world_.Administrator(), "feedback.list");  // may read billing, not robots
  EXPECT_TRUE(root["feedback"].empty()) << root;
  Json all = world_.Call(world_.Operator(), "feedback.list");
  EXPECT_EQ(all["feedback"].size(), 2u);
  EXPECT_EQ(all.dump().find("robots"), std::string::npos) << all;  // it is no citation of theirs
}

// A token for some sources is not told what its user asked about others, not even by a title.
TEST_F(SessionOperations, ATokenForSomeSourcesSeesTheSessionsOfThese) {
  Caller ann = world_.User("ann"), limited = world_.User("ann");
  limited.only_sources = {source_};
  std::string billing = Begin(ann), robots = Begin(ann), fresh = Begin(limited);
  Ask(ann, billing, "When is a refund paid back?");
  Json asked = Ask(ann, robots, "What does the emergency stop of the motors cut within ten milliseconds?");
  ASSERT_EQ(asked["citations"][0]["source"], "robots");
  for (const Json& citation : world_.Call(ann, "session.show", {}, {{"session", billing}})["turns"][0]["citations"]) ASSERT_EQ(citation["source"], "billing");
  EXPECT_EQ(world_.Call(ann, "session.list")["sessions"].size(), 3u);
  Json list = world_.Call(limited, "session.list");
  EXPECT_EQ(list["sessions"].size(), 2u) << list;
  EXPECT_EQ(list.dump().find("emergency"), std::string::npos);
  const std::string none(32, '0');
  for (const char* operation : {"session.show", "session.delete"}) {
    EXPECT_EQ(world_.Outcome(limited, operation, {}, {{"session", robots}}), world_.Outcome(limited, operation, {}, {{"session", none}})) << operation;
  }
  EXPECT_EQ(world_.Outcome(limited, "ask", {{"question", "and then?"}, {"session", robots}}), world_.Outcome(limited, "ask", {{"question", "and then?"}, {"session", none}}));
  EXPECT_TRUE(world_.TryCall(limited, "session.show", {}, {{"session", fresh}}).ok());
  EXPECT_TRUE(world_.TryCall(ann, "session.show", {}, {{"session", robots}}).ok());
}

// What nobody can read any more can be deleted still, and is no way to learn what it said.
TEST_F(SessionOperations, FeedbackOnWhatIsGoneAndDamagedFeedbackCanBeDeleted) {
  Caller ann = world_.User("ann");
  world_.Call(ann, "feedback", {{"rating", "down"}, {"question", "what moves the arm?"}, {"corrected", {"robots:arm.cc"}}});
  world_.Call(ann, "feedback", {{"rating", "up"}, {"question", "when is a refund paid?"}});
  ASSERT_TRUE(world_.service().RemoveSource(world_.Tenant(), "robots").ok());
  std::string damaged(32, 'd');
  WriteBatch batch;
  batch.Put(Table::kFeedback, ByteWriter().Key32(world_.Tenant().value).String("user:ann").Key32(0).Key32(1).Raw(damaged).Take(), "y");
  ASSERT_TRUE(world_.service().store().Write(batch).ok());
  Json list = world_.Call(world_.Administrator(), "feedback.list");
  EXPECT_EQ(list["feedback"].size(), 1u);
  EXPECT_EQ(list.dump().find("moves the arm"), std::string::npos);
  ASSERT_EQ(list["left_over"].size(), 1u);
  EXPECT_EQ(list["damaged"], Json::array({damaged}));
  for (const std::string& id : {list["left_over"][0].get<std::string>(), damaged}) world_.Call(world_.Administrator(), "feedback.delete", {}, {{"feedback", id}});
  list = world_.Call(world_.Administrator(), "feedback.list");
  EXPECT_TRUE(list["left_over"].empty() && list["damaged"].empty());
  EXPECT_EQ(list["feedback"].size(), 1u);
}

TEST_F(SessionOperations, FeedbackSaysWhatIsWrong) {
  Caller ann = world_.User("ann");
  for (const Json& body : {Json{{"question", "x"}}, Json{{"rating", "good"}, {"question", "x"}}, Json{{"rating", "up"}},
                           Json{{"rating", "up"}, {"session", std::string(32, '0')}, {"question", "x"}}}) {
    EXPECT_EQ(world_.TryCall(ann, "feedback", body).status().code(), StatusCode::kInvalidArgument) << body;
  }
  EXPECT_EQ(world_.TryCall(ann, "feedback", {{"rating", "up"}, {"session", Begin(ann)}, {"turn", 1}}).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace codelore::api
