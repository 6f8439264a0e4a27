// A change of the model: the old one serves until the new one is complete, and a death anywhere in between loses nothing.
#include "api/encoders.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api/server.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

const std::string kModels = std::string(TESTDATA "/embed/models/");

Result<std::unique_ptr<Service>> OpenService(const std::string& folder, const std::string& model = "") {
  return Service::Open({.data_folder = folder, .threads = 1, .model = model, .precision = embed::Precision::kFloat32});
}

void Index(Service& service, const std::string& location, const std::string& name) {
  TenantId tenant = service.directory().FindTenant(acl::kDefaultTenant).value();
  auto source = service.FindOrAddSource(tenant, location, name);
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  auto report = service.IndexSource(source->source, {}, [](const ingest::IndexProgress&) {});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
}

Status Build(Service& service) { return service.encoders().Build(1, {}, [](const EmbedProgress&) {}); }

// A search as the operator; of every hit its cosine, which tells by whose vectors it was found.
std::vector<double> Similarities(Service& service, const std::string& text = "rounding of invoices") {
  Caller caller = MakeLocalCaller(service, "", {}).value();
  auto reply = service.Search(caller.viewer, {.text = text});
  EXPECT_TRUE(reply.ok()) << reply.status().ToString();
  std::vector<double> found;
  if (reply.ok()) {
    EXPECT_EQ(reply->chunks, reply->chunks_with_vectors);
    for (const NamedHit& hit : reply->hits) found.push_back(hit.hit.similarity);
  }
  return found;
}

class EncodersTest : public ::testing::Test {
 protected:
  EncodersTest() { FillBilling(repository_); }
  // What a fresh folder with that model answers.
  std::vector<double> Expected(const std::string& model) {
    TempFolder fresh;
    auto service = OpenService(fresh.path(), model).value();
    Index(*service, repository_.path(), "billing");
    return Similarities(*service);
  }

  ScratchRepository repository_;
  TempFolder data_;
};

TEST_F(EncodersTest, AnotherModelServesOnlyWhenItIsComplete) {
  const std::string other = kModels + "bert";
  const auto before = Expected("built-in"), after = Expected(other);
  ASSERT_NE(before, after);
  auto service = OpenService(data_.path()).value();
  Index(*service, repository_.path(), "billing");
  EXPECT_EQ(Similarities(*service), before);

  ASSERT_TRUE(service->encoders().Use({.model = other, .precision = embed::Precision::kFloat32}).ok());
  EXPECT_EQ(Similarities(*service), before);
  ModelReport report = service->encoders().Report();
  ASSERT_TRUE(report.building);
  EXPECT_EQ(report.building->identity.name, "bert");
  EXPECT_EQ(report.building->chunks_with_vectors, 0u);

  auto held = service->encoder();  // as a search or a run that is under way holds it
  ASSERT_TRUE(Build(*service).ok());
  EXPECT_EQ(Similarities(*service), after);
  report = service->encoders().Report();
  EXPECT_FALSE(report.building);
  EXPECT_EQ(report.serving.chunks_with_vectors, report.chunks);
  EXPECT_GT(report.bytes_unused, 0u);  // somebody holds them still
  held.reset();
  ASSERT_TRUE(Build(*service).ok());
  EXPECT_EQ(service->encoders().Report().bytes_unused, 0u);
  uint64_t cached = 0;
  ASSERT_TRUE(service->store().Scan(Table::kEmbeddings, "", [&](std::string_view, std::string_view) { return ++cached > 0; }).ok());
  EXPECT_EQ(cached, report.chunks);  // the old model's are gone

  service.reset();
  service = OpenService(data_.path()).value();  // without a word about the model: the one on record
  EXPECT_EQ(Similarities(*service), after);
}

TEST_F(EncodersTest, OpeningWithAnotherModelIsUsingIt) {
  {
    auto service = OpenService(data_.path()).value();
    Index(*service, repository_.path(), "billing");
  }
  const auto before = Expected("built-in"), after = Expected(kModels + "bge_m3");
  auto service = OpenService(data_.path(), kModels + "bge_m3/").value();  // the slash does not matter
  EXPECT_EQ(Similarities(*service), before);
  repository_.Write("src/more.py", "def more():\n    return 'more invoices'\n");
  repository_.Commit();
  Index(*service, repository_.path(), "billing");  // while it is being built
  Similarities(*service);
  ASSERT_TRUE(Build(*service).ok());
  EXPECT_EQ(service->encoders().Report().serving.identity.name, "bge_m3");
  EXPECT_EQ(Similarities(*service), Expected(kModels + "bge_m3"));
  EXPECT_NE(Similarities(*service), after);  // there is a file more

  service.reset();
  service = OpenService(data_.path(), "built-in").value();  // and back, without having built
  ASSERT_TRUE(service->encoders().Report().building);
  ASSERT_TRUE(service->encoders().Use({.model = kModels + "bge_m3", .precision = embed::Precision::kFloat32}).ok());
  EXPECT_FALSE(service->encoders().Report().building);
  ASSERT_TRUE(Build(*service).ok());
  EXPECT_EQ(service->encoders().Report().serving.identity.name, "bge_m3");
}

TEST_F(EncodersTest, AFolderWithoutVectorsTakesAnyModelAtOnce) {
  { auto service = OpenService(data_.path()).value(); }
  auto service = OpenService(data_.path(), kModels + "bert").value();
  EXPECT_EQ(service->encoders().Report().serving.identity.name, "bert");
  EXPECT_FALSE(service->encoders().Report().building);
  EXPECT_EQ(service->encoders().Use({.model = "/nowhere"}).code(), StatusCode::kNotFound);
  EXPECT_EQ(service->encoders().Report().serving.identity.name, "bert");
}

TEST_F(EncodersTest, VerifyNamesTheFilesThatChanged) {
  TempFolder models;
  const std::string model = models.path() + "/mine";
  std::filesystem::copy(kModels + "nomic", model, std::filesystem::copy_options::recursive);
  auto service = OpenService(data_.path(), model).value();
  Index(*service, repository_.path(), "billing");
  auto all = [&] { return service->encoders().Verify(false).value(); };
  for (const FileVerdict& one : all()) EXPECT_EQ(one.verdict, "unchanged") << one.file;
  std::ofstream(model + "/vocab.txt.new") << "[PAD]\n";
  std::filesystem::rename(model + "/vocab.txt.new", model + "/vocab.txt");
  std::filesystem::remove(model + "/tokenizer_config.json");
  std::ofstream(model + "/sentence_bert_config.json") << "{}";
  std::map<std::string, std::string> verdicts;
  for (const FileVerdict& one : all()) verdicts[one.file] = one.verdict;
  EXPECT_EQ(verdicts["vocab.txt"], "changed");
  EXPECT_EQ(verdicts["config.json"], "unchanged");
  EXPECT_EQ(service->encoders().Verify(true).status().code(), StatusCode::kNotFound);

  // What cannot be opened any more serves no longer; another can take its place.
  service.reset();
  std::filesystem::remove_all(model);
  auto gone = OpenService(data_.path());
  ASSERT_FALSE(gone.ok());
  EXPECT_NE(gone.status().message().find("--model"), std::string::npos) << gone.status().message();
  service = OpenService(data_.path(), "built-in").value();
  Index(*service, repository_.path(), "billing");
  ASSERT_TRUE(Build(*service).ok());
  EXPECT_EQ(Similarities(*service), Expected("built-in"));
  EXPECT_EQ(service->encoders().Report().bytes_unused, 0u);
}

constexpr char kDataVariable[] = "CODELORE_ENCODERS_TEST_DATA";

void ChangeModel(const std::string& data) {
  auto service = OpenService(data);
  ASSERT_TRUE(service.ok());
  ASSERT_TRUE((*service)->encoders().Use({.model = kModels + "bert", .precision = embed::Precision::kFloat32}).ok());
  ASSERT_TRUE(Build(**service).ok());
}

// What the process does that is to die.
TEST(EncodersChildTest, DISABLED_ChangesTheModel) {
  if (const char* data = std::getenv(kDataVariable)) ChangeModel(data);
}

// Changes the model in a process of its own, started anew because the store's threads do not survive a fork; true if it died
// at the crash point.
bool DiesAt(const std::string& point, const std::string& data) {
  pid_t child = ::fork();
  if (child == 0) {
    ::setenv("CODELORE_CRASH_AT", point.c_str(), 1);
    ::setenv(kDataVariable, data.c_str(), 1);
    ::execl("/proc/self/exe", "api_test", "--gtest_filter=EncodersChildTest.*", "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
    std::_Exit(1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 137;
}

TEST_F(EncodersTest, ADeathAnywhereLosesNothing) {
  const std::string other = kModels + "bert";
  const auto before = Expected("built-in"), after = Expected(other);
  {
    auto service = OpenService(data_.path()).value();
    Index(*service, repository_.path(), "billing");
  }
  for (const char* point : {"model-before-record", "model-recorded", "vectors-written", "model-before-switch", "model-switched",
                            "cached-vectors-erased", "obsolete-removed", "model-freed", "model-before-record:3"}) {
    TempFolder copies;
    const std::string data = copies.path() + "/data";
    std::filesystem::copy(data_.path(), data, std::filesystem::copy_options::recursive);
    EXPECT_TRUE(DiesAt(point, data)) << point;
    auto service = OpenService(data).value();
    auto found = Similarities(*service);  // all of one model, whichever
    EXPECT_TRUE(found == before || found == after) << point;
    ASSERT_TRUE(service->encoders().Use({.model = other, .precision = embed::Precision::kFloat32}).ok());
    ASSERT_TRUE(Build(*service).ok());
    EXPECT_EQ(Similarities(*service), after) << point;
    ModelReport report = service->encoders().Report();
    EXPECT_EQ(report.bytes_unused, 0u) << point;
    uint64_t cached = 0;
    ASSERT_TRUE(service->store().Scan(Table::kEmbeddings, "", [&](std::string_view, std::string_view) { return ++cached > 0; }).ok());
    EXPECT_EQ(cached, report.chunks) << point;
  }
}

TEST_F(EncodersTest, AServerBuildsByItself) {
  {
    auto service = OpenService(data_.path()).value();
    Index(*service, repository_.path(), "billing");
  }
  auto service = OpenService(data_.path()).value();
  std::jthread builder([&](std::stop_token stop) { service->encoders().KeepBuilding(1, stop); });
  ASSERT_TRUE(service->encoders().Use({.model = kModels + "bert", .precision = embed::Precision::kFloat32}).ok());
  auto packed = [&] { return std::distance(std::filesystem::directory_iterator(data_.path() + "/packed"), std::filesystem::directory_iterator()); };
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    ModelReport report = service->encoders().Report();
    if (!report.building && report.bytes_unused == 0 && packed() == 1) break;  // the old model's weights are gone, too
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    Similarities(*service);  // whoever serves has all
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(service->encoders().Report().serving.identity.name, "bert");
}

// As after an upgrade to a version that computes in another way: the same name, another fingerprint.
TEST_F(EncodersTest, AServerMakesTheVectorsOfAModelThatBecameAnother) {
  TempFolder models;
  const std::string model = models.path() + "/mine";
  std::filesystem::copy(kModels + "bert", model, std::filesystem::copy_options::recursive);
  Hash256 before;
  {
    auto service = OpenService(data_.path(), model).value();
    Index(*service, repository_.path(), "billing");
    before = service->encoders().Report().serving.identity.fingerprint;
  }
  std::ofstream(model + "/sentence_bert_config.json") << R"({"max_seq_length": 20})";
  auto service = OpenService(data_.path()).value();
  EXPECT_NE(service->encoders().Report().serving.identity.fingerprint, before);
  EXPECT_NE(service->encoders().Report().problem, "");
  ASSERT_TRUE(service->encoders().Report().building);
  std::jthread builder([&](std::stop_token stop) { service->encoders().KeepBuilding(1, stop); });
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (ModelReport report; report = service->encoders().Report(), report.building || report.bytes_unused > 0;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(service->encoders().Report().serving.chunks_with_vectors, service->encoders().Report().chunks);
  EXPECT_EQ(Similarities(*service), Expected(model));
}

}  // namespace
}  // namespace codelore::api
