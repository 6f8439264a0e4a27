#include "api/doctor.h"

#include <algorithm>

#include "api/service_fixture.h"
#include "codelore/coding.h"
#include "index/manifest.h"

namespace codelore::api {
namespace {

Finding FindingOf(const std::vector<Finding>& findings, const std::string& what) {
  auto at = std::ranges::find(findings, what, &Finding::what);
  return at == findings.end() ? Finding{.what = "", .ok = true, .detail = ""} : *at;
}

std::vector<Finding> ExamineClosed(World& world) {
  world.Close();
  return Examine({.data_folder = world.folder()});
}

TEST(Doctor, SeesABranchThatIsNotThereWhole) {
  ScratchRepository billing;
  FillBilling(billing);
  World world;
  acl::Source source = world.Index(billing.path(), "billing");
  EXPECT_TRUE(FindingOf(ExamineClosed(world), "source billing").ok);
  world.Open();
  std::string key = index::SourceKey(source.id);
  SourceState state;
  ASSERT_TRUE(index::Decode(*world.service().store().Get(Table::kManifest, key).value(), state).ok());
  state.others.push_back({.bit = 1, .name = "next", .revision = "", .target_revision = "abc"});
  WriteBatch batch;
  batch.Put(Table::kManifest, key, index::Encode(state));
  ASSERT_TRUE(world.service().store().Write(batch).ok());
  Finding finding = FindingOf(ExamineClosed(world), "source billing");
  EXPECT_FALSE(finding.ok);
  EXPECT_NE(finding.detail.find("index it again"), std::string::npos) << finding.detail;
}

TEST(Doctor, SeesFeedbackThatCannotBeRead) {
  World world;
  WriteBatch batch;
  batch.Put(Table::kFeedback, ByteWriter().Key32(world.Tenant().value).Raw("x").Take(), "y");
  ASSERT_TRUE(world.service().store().Write(batch).ok());
  EXPECT_FALSE(FindingOf(ExamineClosed(world), "feedback of tenant " + std::string(acl::kDefaultTenant)).ok);
}

TEST(Doctor, SeesSessionsThatCannotBeRead) {
  World world;
  ASSERT_TRUE(world.service().sessions().Create({world.Tenant(), "user:ann"}, "a title", 1'000'000).ok());
  WriteBatch batch;
  batch.Put(Table::kSessions, "t" + ByteWriter().Key32(world.Tenant().value).String("user:ann").Raw(std::string(32, '0')).Take(), "y");
  ASSERT_TRUE(world.service().store().Write(batch).ok());
  Finding finding = FindingOf(ExamineClosed(world), "sessions");
  EXPECT_FALSE(finding.ok);
  EXPECT_EQ(finding.detail, "2 records, 1 of them damaged");
}

}  // namespace
}  // namespace codelore::api
