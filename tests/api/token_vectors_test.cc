// A model with BGE-M3's heads (random weights), from files to hits.
#include "api/token_vectors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "api/service_fixture.h"
#include "embed/bert_encoder.h"

namespace codelore::api {
namespace {

// The small model with another bias in its lexical head: as it is, random, next to no token has a weight.
void CopyModel(const std::string& to) {
  std::filesystem::copy(TESTDATA "/embed/models/bge_m3", to, std::filesystem::copy_options::recursive);
  constexpr std::streamoff kBias = 1024;  // where the file has it, in half precision
  std::fstream file(to + "/sparse_linear.pt", std::ios::binary | std::ios::in | std::ios::out);
  char before[3] = {};
  file.seekg(kBias).read(before, 2);
  ASSERT_STREQ(before, "\x85\x2c");
  file.seekp(kBias).write("\x00\x3e", 2);  // 1.5
}

class TokenVectorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    CopyModel(model_);
    Open(model_);
  }
  void Open(const std::string& model) {
    service_.reset();
    service_ = Service::Open({.data_folder = data_.path(), .threads = 1, .model = model, .precision = embed::Precision::kFloat32}).value();
  }
  acl::Source Index(const ScratchRepository& repository, const std::string& name) {
    const TenantId tenant = service_->directory().FindTenant(acl::kDefaultTenant).value();
    acl::Source source = service_->FindOrAddSource(tenant, repository.path(), name).value().source;
    auto report = service_->IndexSource(source, {}, [](const ingest::IndexProgress&) {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return source;
  }
  std::string Search(const Json& body, const std::vector<std::string>& as = {}) {
    const Caller caller = MakeLocalCaller(*service_, "", as).value();
    OperationInput input{.body = body.dump(), .params = {}};
    OperationContext context{.service = *service_, .queue = nullptr, .caller = caller, .input = input, .stop = {}, .emit = {}};
    auto result = api::Run(OperationNamed("search"), context);
    return result.ok() ? *result : result.status().ToString();
  }
  Json Hits(const Json& body, const std::vector<std::string>& as = {}) { return Json::parse(Search(body, as))["hits"]; }

  TempFolder data_, models_;
  const std::string model_ = models_ / "m";
  std::unique_ptr<Service> service_;
};

void Fill(ScratchRepository& repository) {
  repository.Write("read.py", "def read(self, path):\n    return open(path)\n");
  repository.Write("notes.md", "# The file\n\nThe file was not found at this place, so the reader is told where it was.\n");
  repository.Write("name.md", "# Name\n\nWhat is the name of the user who was here, and what is this about?\n");
  repository.Commit();
}

TEST_F(TokenVectorsTest, LexicalWeightsAreALegOfTheSearchAndShown) {
  ScratchRepository repository;
  Fill(repository);
  const acl::Source source = Index(repository, "repo");
  const std::string query = "the file was not found";
  const auto encoder = service_->encoder();
  auto encode = [&](std::string_view text, TextRole role) {
    return encoder->Encode({&text, 1}, {.role = role, .sparse = true}).value()[0].sparse;
  };
  const auto asked = encode(query, TextRole::kQuery);
  for (int round = 0; round < 2; ++round) {
    const Json hits = Hits({{"query", query}, {"explain", true}});
    ASSERT_EQ(hits.size(), 3u);
    for (const Json& hit : hits) {
      ASSERT_TRUE(hit["why"].contains("token_weights")) << hit.dump();
      // A chunk's text is embedded behind its path.
      const std::string text = hit["path"].get<std::string>() + "\n" + hit["snippet"].get<std::string>();
      double product = 0;
      for (auto [id, weight] : encode(text, TextRole::kPassage)) {
        for (auto [other, its] : asked) product += id == other ? double{weight} * its : 0;
      }
      EXPECT_NEAR(hit["why"]["token_weights"]["score"].get<double>(), product, 1e-3 * product) << text;
      EXPECT_TRUE(hit["why"]["signals"].contains("lexical weights of the encoder"));
    }
    Open(model_);
  }
  EXPECT_TRUE(Hits({{"query", query}}, {"user:stranger"}).empty());
  ASSERT_TRUE(service_->directory().Grant(source.id, "user:ann").ok());
  EXPECT_EQ(Hits({{"query", query}}, {"user:ann"}).size(), 3u);
}

TEST_F(TokenVectorsTest, HitsAreScoredAgainByMaxSim) {
  ScratchRepository repository, hidden;
  Fill(repository);
  hidden.Write("secret.md", "# The file\n\nThe file was not found in the secret place.\n");
  hidden.Commit();
  const acl::Source source = Index(repository, "repo");
  Index(hidden, "hidden");
  ASSERT_TRUE(service_->directory().Grant(source.id, "user:ann").ok());
  const std::string query = "the file was not found";
  const Json hits = Hits({{"query", query}, {"explain", true}, {"rescore", 10}, {"sources", {"repo"}}});
  ASSERT_EQ(hits.size(), 3u);
  const auto encoder = service_->encoder();
  const std::string_view asked = query;
  const auto question = encoder->Encode({&asked, 1}, {.role = TextRole::kQuery, .multi = true}).value()[0].multi;
  double before = 1e9;
  for (const Json& hit : hits) {
    const auto snippet = hit["snippet"].get<std::string>();
    const std::string_view text = snippet;
    const auto vectors = encoder->Encode({&text, 1}, {.multi = true}).value()[0].multi;
    EXPECT_NEAR(hit["why"]["token_vectors"]["score"].get<double>(), MaxSim(question, vectors, 32), 1e-5);
    const double score = hit["why"]["score"].get<double>();
    EXPECT_LE(score, before);
    before = score;
    double sum = 0;
    for (const auto& [name, amount] : hit["why"]["signals"].items()) sum += amount.get<double>();
    EXPECT_NEAR(sum, score, 1e-6);
  }
  // Pages of one order, and for a reader as if the hidden source were not there.
  const Json second = Hits({{"query", query}, {"rescore", 10}, {"limit", 1}, {"offset", 1}, {"sources", {"repo"}}});
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0]["path"], hits[1]["path"]);
  const Json anns = Hits({{"query", query}, {"rescore", 10}}, {"user:ann"});
  ASSERT_EQ(anns.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(anns[i]["path"], hits[i]["path"]);
}

TEST_F(TokenVectorsTest, AModelWithoutHeadsSaysSo) {
  Open("built-in");
  ScratchRepository repository;
  Fill(repository);
  Index(repository, "repo");
  EXPECT_NE(Search({{"query", "file"}, {"rescore", 5}}).find("no head for token vectors"), std::string::npos);
  const std::string plain = Search({{"query", "file"}, {"explain", true}});
  EXPECT_EQ(plain.find("token_weights"), std::string::npos);
  EXPECT_EQ(plain.find("lexical weights"), std::string::npos);
}

TEST(MaxSimTest, IsTheMeanOfTheBestProducts) {
  const std::vector<float> question = {1, 0, 0, 1}, text = {0.6f, 0.8f, 0, 1, -1, 0};
  EXPECT_NEAR(MaxSim(question, text, 2), (0.6 + 1) / 2, 1e-6);
  EXPECT_EQ(MaxSim({}, text, 2), 0);
  EXPECT_EQ(MaxSim(question, {}, 2), 0);
}

}  // namespace
}  // namespace codelore::api
