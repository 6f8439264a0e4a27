#include "api/document_operations.h"

#include "api/janitor.h"
#include "api/protocols/base64.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

class DocumentOperationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    acl::Source source = world_.service().FindOrAddDocuments(world_.Tenant(), "wiki").value().source;
    ASSERT_TRUE(world_.directory().Grant(source.id, "user:ann").ok());
  }
  Json Change(const Json& body) { return world_.Call(world_.Operator(), "document.change", body, kWiki); }
  Json Documents() { return world_.Call(world_.Operator(), "document.list", {}, kWiki)["documents"]; }
  Json Hits(const std::string& words) { return world_.Call(world_.User("ann"), "search", {{"query", words}, {"mode", "lexical"}})["hits"]; }

  const Params kWiki = {{"source", "wiki"}};
  World world_;
};

TEST_F(DocumentOperationsTest, PutIsFoundWithItsLinkAndDeleteTakesItAway) {
  Change({{"path", "ops/turbine.md"}, {"text", "# Turbine\n\nrestart the governor\n"}, {"link", "https://wiki.example.com/turbine"}});
  Json hits = Hits("governor");
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0]["link"], "https://wiki.example.com/turbine");
  ASSERT_EQ(Documents().size(), 1u);
  EXPECT_EQ(Documents()[0]["link"], "https://wiki.example.com/turbine");
  EXPECT_EQ(Documents()[0]["expires_at"], "");
  Change({{"path", "ops/turbine.md"}, {"delete", true}});
  EXPECT_TRUE(Hits("governor").empty());
  EXPECT_TRUE(Documents().empty());
  EXPECT_EQ(world_.TryCall(world_.Operator(), "document.change", {{"path", "ops/turbine.md"}, {"delete", true}}, kWiki).status().code(), StatusCode::kNotFound);
}

TEST_F(DocumentOperationsTest, BadOnesAreRefusedWithWhatToDo) {
  auto refused = [&](const Json& body) { return world_.Outcome(world_.Operator(), "document.change", body, kWiki); };
  EXPECT_NE(refused({{"path", "a.md"}}).find("give one of"), std::string::npos);
  EXPECT_NE(refused({{"path", "../a.md"}, {"text", "x"}}).find("path:"), std::string::npos);
  EXPECT_NE(refused({{"path", "a.md"}, {"base64", "a"}}).find("not base64"), std::string::npos);
  EXPECT_NE(refused({{"path", "a.md"}, {"text", "x"}, {"link", "javascript:alert(1)"}}).find("link:"), std::string::npos);
  EXPECT_NE(refused({{"path", "a.md"}, {"text", "x"}, {"expires", "yesterday"}}).find("expires:"), std::string::npos);
  EXPECT_NE(refused({{"path", "a.md"}, {"text", "x"}, {"expires", "2001-01-01"}}).find("expires:"), std::string::npos);
  EXPECT_NE(world_.Outcome(world_.User("ann"), "document.change", {{"path", "a.md"}, {"text", "x"}}, kWiki).find("permission denied"), std::string::npos);
}

TEST_F(DocumentOperationsTest, ExpiredOnesGoByThemselves) {
  Change({{"path", "short.md"}, {"text", "ephemeral governor\n"}, {"expires", "1h"}});
  Change({{"path", "kept.md"}, {"text", "kept governor\n"}, {"expires", "1h"}});
  Change({{"path", "kept.md"}, {"text", "kept governor\n"}});  // pushed again, for good
  EXPECT_EQ(Hits("governor").size(), 2u);
  auto work = [&](SourceId id, std::stop_token stop, const std::function<void(const ingest::IndexProgress&)>& progress) -> Status {
    ASSIGN_OR_RETURN(acl::Source source, world_.directory().FindSource(id));
    return world_.service().IndexSource(source, stop, progress).status();
  };
  auto queue = IndexQueue::Open(world_.service().store(), work).value();
  int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  ASSERT_TRUE(RemoveExpiredDocuments(world_.service(), *queue, now).ok());
  EXPECT_EQ(Documents().size(), 2u);
  ASSERT_TRUE(RemoveExpiredDocuments(world_.service(), *queue, now + 2 * 3'600'000).ok());
  EXPECT_EQ(Documents().size(), 1u);
  acl::Source source = world_.directory().FindSource(world_.Tenant(), "wiki").value();
  for (int i = 0; i < 1000 && queue->StateOf(source.id)->pending(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Json hits = Hits("governor");
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0]["path"], "kept.md");
}

TEST(Base64, DecodesWhatItEncodesAndNothingElse) {
  for (std::string text : {"", "a", "ab", "abc", "abcd", "\xFF\x00\x01"}) EXPECT_EQ(DecodeBase64(Base64(text)), text);
  for (const char* text : {"a", "ab=c", "a===", "====", "ab c", "a\n=="}) EXPECT_FALSE(DecodeBase64(text).has_value()) << text;
}

}  // namespace
}  // namespace codelore::api
