#include "api/masking_operations.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

// In halves, so that no scanner takes this file for a leak.
const std::string kToken = std::string("ghp_") + "Zx81kQpLmN0aB1cD2eF3gH4iJ5kL6mN7oP8q";
const std::string kResident = std::string("960121-") + "1021413";

class MaskingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    repository_.Write("config.py", "# walrus settings\nTOKEN = \"" + kToken + "\"\n");
    repository_.Write("people.md", "# 직원\n\nheron 홍길동 " + kResident + "\n");
    repository_.Write("plain.md", "# otter\n\nNothing to hide.\n");
    repository_.Commit();
    world_.Index(repository_.path(), "app", {"user:ann"});
  }
  // All bytes of the data folder.
  std::string Folder() {
    world_.Close();
    std::string bytes;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world_.folder())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(stream), {});
    }
    world_.Open();
    return bytes;
  }
  Json SetPolicy(const std::string& policy) { return world_.Call(world_.Operator(), "source.masking", {{"policy", policy}}, kApp); }
  std::string Text(const std::string& query) { return world_.Call(world_.User("ann"), "search", {{"query", query}}).dump(); }

  const Params kApp = {{"source", "app"}};
  ScratchRepository repository_;
  World world_;
};

TEST_F(MaskingTest, NoValueReachesTheDataFolder) {
  EXPECT_NE(Text("walrus settings").find("TOKEN = \\\"" + std::string(kToken.size(), '*')), std::string::npos);
  EXPECT_EQ(Text("walrus settings").find(kToken), std::string::npos);
  EXPECT_EQ(Text("heron").find(kResident), std::string::npos);
  std::string bytes = Folder();
  EXPECT_EQ(bytes.find(kToken), std::string::npos);
  EXPECT_EQ(bytes.find(kResident), std::string::npos);
  EXPECT_TRUE(world_.Call(world_.User("ann"), "grep", {{"pattern", kToken}})["files"].empty());
}

TEST_F(MaskingTest, FindingsNameRuleAndPlaceForAdministratorsAlone) {
  Json found = world_.Call(world_.Operator(), "source.findings", {}, kApp);
  EXPECT_EQ(found["policy"], "mask");
  EXPECT_EQ(found["total"], 2);
  EXPECT_EQ(found["files"][0]["path"], "config.py");
  EXPECT_EQ(found["files"][0]["found"], "github-token in line 2");
  EXPECT_EQ(found["files"][1]["found"], "korean-resident-number in line 3");
  EXPECT_EQ(found.dump().find("Zx81"), std::string::npos);
  EXPECT_EQ(world_.TryCall(world_.User("ann"), "source.findings", {}, kApp).status().code(), StatusCode::kPermissionDenied);
}

TEST_F(MaskingTest, AnotherPolicyIndexesEveryFileAnew) {
  SetPolicy("secrets");
  EXPECT_NE(Text("heron").find(kResident), std::string::npos);
  EXPECT_EQ(Text("walrus").find(kToken), std::string::npos);
  SetPolicy("off");
  EXPECT_NE(Text("walrus").find(kToken), std::string::npos);
  SetPolicy("refuse");
  EXPECT_EQ(Text("walrus").find("config.py"), std::string::npos);
  EXPECT_NE(Text("otter").find("plain.md"), std::string::npos);
  Json found = world_.Call(world_.Operator(), "source.findings", {}, kApp);
  EXPECT_EQ(found["total"], 2);
  EXPECT_EQ(found["files"][0]["skipped"], true);
  SetPolicy("mask");
  EXPECT_EQ(Text("walrus").find(kToken), std::string::npos);
  EXPECT_NE(Text("walrus").find("config.py"), std::string::npos);
}

}  // namespace
}  // namespace codelore::api
