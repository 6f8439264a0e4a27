// Two worlds: A holds what a team may read, B the same among much that it may not. Whatever the team asks, over every
// protocol, both answer in the same bytes; times and the random ids of requests and answers aside.
// CODELORE_TWO_WORLDS_REQUESTS=N asks more.
#include <cstdlib>
#include <map>
#include <set>

#include "api/protocols/protocol_fixture.h"
#include "api/random_requests.h"

namespace codelore::api {
namespace {

const std::vector<std::string> kShared = {"invoice", "refund", "ledger", "total", "customer", "payment", "account", "balance", "rounding",
                                          "currency", "discount", "tax", "report", "export", "schedule", "retry", "timeout", "session",
                                          "cache", "index"};
const std::vector<std::string> kSecret = {"walrus", "acquisition", "layoff", "zeppelin", "merger", "honeypot"};

// A repository of `count` files, of words and names out of `words`.
void Fill(ScratchRepository& repository, uint32_t seed, size_t count, const std::vector<std::string>& words) {
  std::mt19937 random(seed);
  auto word = [&] { return words[random() % words.size()]; };
  auto sentence = [&](size_t n) {
    std::string text = word();
    for (; n > 0; --n) text += " " + word();
    return text;
  };
  for (size_t i = 0; i < count; ++i) {
    std::string name = word() + "_" + word(), other = word() + "_" + word();
    if (i % 3 == 0) {
      repository.Write("docs/" + name + ".md", "# " + sentence(2) + "\n\nThe " + sentence(12) + ".\n\n## " + sentence(1) + "\n\nA " + sentence(10) + ".\n");
    } else {
      repository.Write("src/" + name + ".py", "def " + name + "(" + word() + "):\n    \"\"\"The " + sentence(8) + ".\"\"\"\n    return " + other +
                                                  "(1)\n\n\ndef " + other + "(" + word() + "):\n    # " + sentence(6) + "\n    return 0\n");
    }
  }
  repository.Commit();
}

// Blanks the values of fields that are times or random.
std::string WithoutTimes(std::string text) {
  for (const char* field : {"\"request_id\":\"", "\"created\":", "\"created_at\":\"", "\"updated_at\":\"", "\"id\":\"chatcmpl", "\"id\":\"cmpl",
                            "\"total_duration\":", "\"eval_duration\":"}) {
    std::string key = field;
    for (size_t at = 0; (at = text.find(key, at)) != std::string::npos;) {
      at += key.size();
      text.erase(at, text.find_first_of(key.find(":\"") == std::string::npos ? ",}" : "\"", at) - at);
    }
  }
  return text;
}

std::string WithoutTimes(const WorldReply& reply) {
  std::string text = std::to_string(reply.status) + "\n";
  for (size_t begin = 0; begin < reply.head.size();) {
    size_t end = std::min(reply.head.find("\r\n", begin), reply.head.size());
    std::string line = reply.head.substr(begin, end - begin);
    bool varies = line.starts_with("X-Request-Id") || line.starts_with("Date:") ||
                  (line.starts_with("Content-Length") && reply.body.find("_duration\":") != std::string::npos);
    if (!varies) text += line + "\n";
    begin = end + 2;
  }
  return text + "\n" + WithoutTimes(reply.body);
}

class TwoWorlds : public ::testing::Test {
 protected:
  TwoWorlds() {
    std::vector<std::string> all = kShared;
    all.insert(all.end(), kSecret.begin(), kSecret.end());
    for (uint32_t i = 0; i < 4; ++i) Fill(seen_[i], i, 9, kShared);
    for (uint32_t i = 0; i < 3; ++i) Fill(hidden_[i], 100 + i, 12, all);
    Fill(hidden_[3], 0, 9, kShared);  // the same files as the first that is seen
    hidden_[3].Write("docs/own.md", "# Own\n\nThe walrus invoice refund total.\n");
    hidden_[3].Commit();
    FillWorlds();
    names_.words = all;
    names_.sources = {"billing", "ledger-service", "shared", "notes", "vault", "billing-private", "old", "was-removed", "acme-billing", "nowhere"};
    for (ScratchRepository* repository : {&seen_[0], &seen_[1], &seen_[2], &seen_[3], &hidden_[0], &hidden_[1], &hidden_[3]}) {
      AddPaths(*repository);
    }
    names_.paths.push_back("src/nowhere.py");
  }

  void AddPaths(const ScratchRepository& repository) {
    std::istringstream lines(repository.Git({"ls-files"}));
    for (std::string path; std::getline(lines, path);) {
      names_.paths.push_back(path);
      names_.symbols.push_back(std::filesystem::path(path).stem().string());
    }
  }

  // What both hold, in the same order; B has others before, between and behind.
  void FillWorlds() {
    const std::vector<std::pair<std::string, std::string>> seen = {
        {"billing", "team:web"}, {"ledger-service", "team:web"}, {"shared", "everyone"}, {"notes", "user:ann"}};
    b_.Tenant("acme");
    b_.Token("ann", {"web"}, false, "acme");
    b_.Index(hidden_[0].path(), "vault", {"team:board"});
    acl::Source removed = b_.Index(hidden_[1].path(), "was-removed", {"everyone", "team:web"});
    for (size_t i = 0; i < seen.size(); ++i) {
      a_.Index(seen_[i].path(), seen[i].first, {seen[i].second});
      b_.Index(seen_[i].path(), seen[i].first, {seen[i].second});
      b_.Index(hidden_[i].path(), "acme-" + seen[i].first, {"team:web", "user:ann", "everyone"}, "acme");
      b_.Index(seen_[i].path(), seen[i].first, {"team:web", "user:ann", "everyone"}, "acme");
      b_.Index(hidden_[i].path(), i == 0 ? "billing-private" : "hidden" + std::to_string(i), {"user:boss"});
    }
    acl::Source old = b_.Index(hidden_[2].path(), "old", {"everyone", "user:eve"});
    EXPECT_TRUE(b_.directory().Revoke(old.id, "everyone").ok() && b_.directory().Revoke(old.id, "user:eve").ok());
    EXPECT_TRUE(b_.service().RemoveSource(removed.tenant, removed.name).ok());
    for (const char* user : {"ann", "eve"}) {
      std::vector<std::string> teams = {std::string(user) == "ann" ? "web" : "design"};
      tokens_[user] = {a_.Token(user, teams), b_.Token(user, teams)};
      b_.Token("boss", {"board"});
    }
    a_.Serve();
    b_.Serve();
  }

  static GeneratorConfig Scripted(const ModelServer& server) { return {.name = "scripted", .url = server.url(), .model = "m"}; }

  const std::string answer_ = "The invoice is rounded [1]. The ledger is kept [2].";
  ScratchRepository seen_[4], hidden_[4];
  ModelServer model_a_{answer_}, model_b_{answer_};
  ServedWorld a_{{Scripted(model_a_)}}, b_{{Scripted(model_b_)}};
  std::map<std::string, std::pair<std::string, std::string>> tokens_;  // in A and in B
  Names names_;
};

TEST_F(TwoWorlds, AnswerInTheSameBytes) {
  const char* wanted = std::getenv("CODELORE_TWO_WORLDS_REQUESTS");
  const int count = wanted != nullptr ? std::atoi(wanted) : 300;
  RandomRequests requests(20261121, names_);
  int differences = 0, answered = 0;
  std::set<std::string> distinct;
  for (int i = 0; i < count && differences < 10; ++i) {
    WorldRequest request = requests.Next();
    const auto& [in_a, in_b] = tokens_[i % 3 == 0 ? "eve" : "ann"];
    WorldReply from_b;
    std::thread asking([&] { from_b = b_.Send(request, in_b); });
    std::string a = WithoutTimes(a_.Send(request, in_a));
    asking.join();
    std::string b = WithoutTimes(from_b);
    differences += a != b;
    answered += a.starts_with("200");
    distinct.insert(a);
    EXPECT_EQ(a, b) << "request " << i << ": " << request.method << " " << request.target << " " << request.body;
    for (const std::string& secret : kSecret) {
      bool asked = request.body.find(secret) != std::string::npos || request.target.find(secret) != std::string::npos;
      EXPECT_TRUE(asked || b.find(secret) == std::string::npos) << secret << "\n" << request.body << "\n" << b;
    }
  }
  EXPECT_EQ(model_a_.requests(), model_b_.requests());  // what a model is told
  std::printf("%d requests, %d differences, %d answered with 200, %zu distinct answers\n", count, differences, answered, distinct.size());
  EXPECT_GT(answered, count / 2);
  EXPECT_GT(distinct.size(), static_cast<size_t>(count) / 3);
  // A difference would have been seen: there is one for those who may read more.
  WorldRequest request{"POST", "/v1/grep", Json{{"pattern", "walrus"}}.dump(), ""};
  EXPECT_NE(WithoutTimes(a_.Send(request, a_.Token("boss", {"board"}))), WithoutTimes(b_.Send(request, b_.Token("boss", {"board"}))));
}

}  // namespace
}  // namespace codelore::api
