// One secret word in each source, and users with grants at random: who asks finds the words of their own sources and no
// others, whichever way they ask. CODELORE_CANARY_SOURCES=N and CODELORE_CANARY_USERS=M make it larger.
#include <random>
#include <set>

#include "api/served_world.h"

namespace codelore::api {
namespace {

size_t SizeFrom(const char* variable, size_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

std::string WordOf(size_t source) { return "canary" + std::to_string(source) + "z"; }
std::string NameOf(size_t source) { return "source-" + std::to_string(source); }

std::set<size_t> CanariesIn(const std::string& text) {
  std::set<size_t> found;
  for (size_t at = 0; (at = text.find("canary", at)) != std::string::npos; at += 6) {
    char* end = nullptr;
    size_t number = std::strtoul(text.c_str() + at + 6, &end, 10);
    if (*end == 'z') found.insert(number);
  }
  return found;
}

class Canaries : public ::testing::Test {
 protected:
  const size_t sources_ = SizeFrom("CODELORE_CANARY_SOURCES", 20), users_ = SizeFrom("CODELORE_CANARY_USERS", 8);

  void SetUp() override {
    for (size_t i = 0; i < sources_; ++i) {
      TempFolder folder;
      folder.Write("secret.md", "# Secret\n\nThe secret word of this place is " + WordOf(i) + ".\n");
      world_.Index(folder.path(), NameOf(i), {"team:" + NameOf(i)});
    }
    std::mt19937 random(3);
    for (size_t u = 0; u < users_; ++u) {
      std::vector<std::string> teams;
      std::set<size_t> own;
      for (size_t i = 0; i < sources_; ++i) {
        if (random() % 4 != 0) continue;
        own.insert(i);
        teams.push_back(NameOf(i));
      }
      granted_.push_back(own);
      tokens_.push_back(world_.Token("user" + std::to_string(u), teams));
    }
    world_.Serve();
  }
  std::string Ask(size_t user, const std::string& target, const Json& body) {
    return world_.Send({body.is_null() ? "GET" : "POST", target, body.is_null() ? "" : body.dump(), ""}, tokens_[user]).body;
  }

  ServedWorld world_;
  std::vector<std::set<size_t>> granted_;
  std::vector<std::string> tokens_;
};

TEST_F(Canaries, AreFoundByThoseWithAGrantAndNobodyElse) {
  for (size_t u = 0; u < users_; ++u) {
    const std::set<size_t>& own = granted_[u];
    EXPECT_EQ(CanariesIn(Ask(u, "/v1/grep", {{"pattern", "canary"}, {"limit", 1000}})), own);
    EXPECT_EQ(CanariesIn(Ask(u, "/mcp", {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/call"},
                                         {"params", {{"name", "regex_search"}, {"arguments", {{"pattern", "canary[0-9]+z"}, {"limit", 500}}}}}})),
              own);
    std::string listed = Ask(u, "/v1/sources", nullptr) + Ask(u, "/v1/status", nullptr) + Ask(u, "/v1/models", nullptr);
    for (size_t i = 0; i < sources_; ++i) {
      std::set<size_t> wanted;
      if (own.contains(i)) wanted.insert(i);
      EXPECT_EQ(listed.find("\"" + NameOf(i) + "\"") != std::string::npos, own.contains(i));
      EXPECT_EQ(CanariesIn(Ask(u, "/v1/read", {{"source", NameOf(i)}, {"path", "secret.md"}})), wanted);
      EXPECT_EQ(Ask(u, "/v1/files", {{"sources", {NameOf(i)}}}).find("secret.md") != std::string::npos, own.contains(i));
      for (const char* mode : {"lexical", "hybrid"}) {
        Json hits = Json::parse(Ask(u, "/v1/search", {{"query", WordOf(i)}, {"mode", mode}, {"limit", 100}}))["hits"];
        std::set<size_t> found = CanariesIn(hits.dump());
        EXPECT_TRUE(std::ranges::includes(own, found)) << mode;
        EXPECT_EQ(found.contains(i), own.contains(i)) << mode << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace codelore::api
