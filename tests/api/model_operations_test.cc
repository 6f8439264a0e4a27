#include "api/model_operations.h"

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

const std::string kModels = std::string(TESTDATA "/embed/models/");

class ModelOperationsTest : public ::testing::Test {
 protected:
  ModelOperationsTest() {
    FillBilling(repository_);
    world_.Index(repository_.path(), "billing", {"user:ann"});
  }
  Caller Platform() {
    Caller caller = world_.Administrator();
    caller.role = Role::kPlatform;
    return caller;
  }
  ScratchRepository repository_;
  World world_;
};

TEST_F(ModelOperationsTest, ListsUsesAndVerifies) {
  Json list = world_.Call(world_.Operator(), "model.list");
  EXPECT_EQ(list["serving"]["model"], "built-in");
  EXPECT_EQ(list["serving"]["chunks"], list["serving"]["chunks_with_vectors"]);
  EXPECT_FALSE(list.contains("building"));
  Json used = world_.Call(Platform(), "model.use", {{"model", kModels + "bert"}, {"precision", "f32"}});
  EXPECT_EQ(used["serving"]["name"], "bert");  // without a server it is built before the answer
  EXPECT_EQ(used["serving"]["precision"], "f32");
  Json verified = world_.Call(Platform(), "model.verify");
  EXPECT_TRUE(verified["ok"].get<bool>()) << verified.dump();
  EXPECT_GE(verified["files"].size(), 3u);
}

TEST_F(ModelOperationsTest, AreForPlatformAdministrators) {
  for (const char* operation : {"model.list", "model.use", "model.verify"}) {
    Json body = std::string(operation) == "model.use" ? Json{{"model", "built-in"}} : Json::object();
    EXPECT_TRUE(world_.Outcome(world_.User("ann"), operation, body).starts_with("permission denied")) << operation;
    EXPECT_TRUE(world_.Outcome(world_.Administrator(), operation, body).starts_with("permission denied")) << operation;
    EXPECT_TRUE(world_.Outcome(world_.Administrator("acme"), operation, body).starts_with("permission denied")) << operation;
  }
}

TEST_F(ModelOperationsTest, RefusesWhatIsNoModelAndSaysWhy) {
  const Caller root = Platform();
  EXPECT_NE(world_.Outcome(root, "model.use", {{"model", "bert"}}).find("must be absolute"), std::string::npos);
  EXPECT_TRUE(world_.Outcome(root, "model.use", {{"model", "/nowhere"}}).starts_with("not found"));
  EXPECT_TRUE(world_.Outcome(root, "model.use", Json::object()).starts_with("invalid argument"));
  EXPECT_NE(world_.Outcome(root, "model.use", {{"model", "built-in"}, {"precision", "f16"}}).find("neither f32 nor int8"), std::string::npos);
  EXPECT_EQ(world_.Call(root, "model.list")["serving"]["model"], "built-in");
}

}  // namespace
}  // namespace codelore::api
