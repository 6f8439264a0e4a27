// The small models of each architecture that make_models.py writes, against what the reference
// makes of texts.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "embed/bert_encoder.h"
#include "embed/bert_scorer.h"
#include "embed/model_files.h"

namespace codelore::embed {
namespace {

const std::string kModels = TESTDATA "/embed/models/";

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
nlohmann::json Golden(const std::string& model) {
  return nlohmann::json::parse(ReadFile(kModels + model + "/golden.json"));
}

std::vector<Encoding> Encode(const TextEncoder& encoder, const nlohmann::json& rows,
                             const EncodeOptions& options = {}) {
  std::vector<std::string> texts;
  for (const auto& row : rows) {
    texts.emplace_back();
    for (int n = row.value("repeat", 1); n > 0; --n) texts.back() += row["text"].get<std::string>();
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  auto result = encoder.Encode(views, options);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return std::move(result).value();
}

double CosineDistance(std::span<const float> a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return 1 - ab / std::sqrt(aa * bb);
}

// Each row's dense vector within `distance` of the reference, its tokens as many.
void ExpectGolden(const TextEncoder& encoder, const nlohmann::json& rows, double distance,
                  TextRole role = TextRole::kPassage) {
  const auto encodings = Encode(encoder, rows, {.role = role});
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(encodings[i].tokens, rows[i]["tokens"].get<uint32_t>()) << rows[i]["text"];
    const auto expected = rows[i]["dense"].get<std::vector<float>>();
    ASSERT_EQ(encodings[i].dense.size(), expected.size());
    EXPECT_LT(CosineDistance(encodings[i].dense, expected), distance) << rows[i]["text"];
  }
}

std::unique_ptr<BertEncoder> OpenModel(const std::string& model, BertEncoderOptions options = {}) {
  options.precision = options.precision.value_or(Precision::kFloat32);
  auto encoder = BertEncoder::Open(ModelFolder::Open(kModels + model).value(), options);
  EXPECT_TRUE(encoder.ok()) << encoder.status().ToString();
  return std::move(encoder).value();
}

constexpr double kFloat32 = 1e-5;

// The vectors' distance in int8 of random weights, which are harder to round than trained ones.
constexpr double kInt8 = 3e-3;

TEST(ModelsTest, RunsBertFromShardsAndTokenizerJson) {
  const auto golden = Golden("bert");
  ExpectGolden(*OpenModel("bert"), golden["rows"], kFloat32);
  ExpectGolden(*OpenModel("bert", {.precision = Precision::kInt8}), golden["rows"], kInt8);
}

TEST(ModelsTest, RunsBgeM3FromPyTorchFiles) {
  const auto golden = Golden("bge_m3");
  const auto encoder = OpenModel("bge_m3");
  EXPECT_TRUE(encoder->info().has_sparse && encoder->info().has_multi);
  EXPECT_EQ(encoder->info().max_tokens, 48u);
  ExpectGolden(*encoder, golden["rows"], kFloat32);
  ExpectGolden(*OpenModel("bge_m3", {.precision = Precision::kInt8}), golden["rows"], kInt8);
}

TEST(ModelsTest, WeighsTokensAsBgeM3Does) {
  const auto rows = Golden("bge_m3")["rows"];
  const auto encodings = Encode(*OpenModel("bge_m3"), rows, {.sparse = true});
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto expected = rows[i]["sparse"].get<std::vector<std::pair<uint32_t, float>>>();
    ASSERT_EQ(encodings[i].sparse.size(), expected.size()) << rows[i]["text"];
    for (size_t j = 0; j < expected.size(); ++j) {
      EXPECT_EQ(encodings[i].sparse[j].first, expected[j].first);
      EXPECT_NEAR(encodings[i].sparse[j].second, expected[j].second, 1e-4);
    }
  }
}

// Mean over the query's vectors of the greatest product with one of the passage's.
double MaxSim(const Encoding& query, const Encoding& passage, size_t dimension) {
  double sum = 0;
  for (size_t i = 0; i < query.multi.size(); i += dimension) {
    double best = -1;
    for (size_t j = 0; j < passage.multi.size(); j += dimension) {
      double product = 0;
      for (size_t d = 0; d < dimension; ++d) product += query.multi[i + d] * passage.multi[j + d];
      best = std::max(best, product);
    }
    sum += best;
  }
  return sum / static_cast<double>(query.multi.size() / dimension);
}

TEST(ModelsTest, GivesTheTokenVectorsOfBgeM3) {
  const auto golden = Golden("bge_m3");
  const auto rows = golden["rows"];
  const auto encoder = OpenModel("bge_m3");
  const auto encodings = Encode(*encoder, rows, {.multi = true});
  const size_t dimension = encoder->info().dimension;
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(encodings[i].multi.size(), (encodings[i].tokens - 1) * dimension);
    EXPECT_NEAR(MaxSim(encodings[golden["query"].get<size_t>()], encodings[i], dimension),
                rows[i]["maxsim"].get<double>(), 1e-3);
  }
}

TEST(ModelsTest, RunsE5FromASentencePieceModel) {
  std::map<std::string, std::string> files = {
      {"sentencepiece.bpe.model", ReadFile(TESTDATA "/embed/unigram/sentencepiece.bpe.model")}};
  for (const char* file : {"config.json", "model.safetensors", "1_Pooling/config.json",
                           "modules.json", "config_sentence_transformers.json"}) {
    files[file] = ReadFile(kModels + "e5/" + file);
  }
  const auto encoder =
      BertEncoder::Open(ModelFolder::FromMemory("e5", files), {.precision = Precision::kFloat32});
  ASSERT_TRUE(encoder.ok()) << encoder.status().ToString();
  ExpectGolden(**encoder, Golden("e5")["rows"], kFloat32, TextRole::kQuery);
}

TEST(ModelsTest, RunsNomicBert) {
  const auto golden = Golden("nomic");
  for (const auto& [precision, distance] :
       {std::pair(Precision::kFloat32, kFloat32), {Precision::kInt8, kInt8}}) {
    const auto encoder =
        OpenModel("nomic", {.query_prefix = "search_query: ", .precision = precision});
    ExpectGolden(*encoder, golden["rows"], distance, TextRole::kQuery);
  }
}

TEST(ModelsTest, StretchesTheRotationOfLongTextsAlone) {
  const auto golden = Golden("nomic_long");
  ExpectGolden(*OpenModel("nomic_long"), golden["rows"], kFloat32);
  ExpectGolden(*OpenModel("nomic_long", {.precision = Precision::kInt8}), golden["rows"], kInt8);
}

TEST(ModelsTest, GivesATextTheSameBitsInAnyBatch) {
  for (const char* model : {"bert", "bge_m3", "nomic", "nomic_long"}) {
    for (Precision precision : {Precision::kFloat32, Precision::kInt8}) {
      const auto encoder = OpenModel(model, {.precision = precision});
      const auto rows = Golden(model)["rows"];
      const EncodeOptions options = {.sparse = encoder->info().has_sparse, .multi = true};
      const auto together = Encode(*encoder, rows, options);
      for (size_t i = 0; i < rows.size(); ++i) {
        const auto alone = Encode(*encoder, nlohmann::json::array({rows[i]}), options);
        EXPECT_EQ(alone[0].dense, together[i].dense) << model;
        EXPECT_EQ(alone[0].sparse, together[i].sparse) << model;
        EXPECT_EQ(alone[0].multi, together[i].multi) << model;
      }
    }
  }
}

TEST(ModelsTest, UsesWellKnownPrefixesWhenAsked) {
  const ModelFolder folder = ModelFolder::Open(kModels + "nomic").value();
  std::map<std::string, std::string> files;
  for (const char* file :
       {"config.json", "model.safetensors", "1_Pooling/config.json", "vocab.txt"}) {
    files[file] = folder.Read(file).value();
  }
  const auto encoder =
      BertEncoder::Open(ModelFolder::FromMemory("nomic-embed-text-v1.5", files),
                        {.well_known_prefixes = true, .precision = Precision::kFloat32});
  ASSERT_TRUE(encoder.ok()) << encoder.status().ToString();
  ExpectGolden(**encoder, Golden("nomic")["rows"], kFloat32, TextRole::kQuery);
}

// ---- rerankers ----------------------------------------------------------------------------------

std::unique_ptr<BertScorer> OpenScorer(const std::string& model, BertScorerOptions options = {}) {
  options.precision = options.precision.value_or(Precision::kFloat32);
  auto scorer = BertScorer::Open(ModelFolder::Open(kModels + model).value(), options);
  EXPECT_TRUE(scorer.ok()) << scorer.status().ToString();
  return std::move(scorer).value();
}

class RerankTest : public testing::TestWithParam<const char*> {};

TEST_P(RerankTest, GivesTheReferenceScores) {
  const auto rows = Golden(GetParam())["rows"];
  const auto scorer = OpenScorer(GetParam());
  for (size_t i = 0; i < rows.size(); i += 10) {
    const std::string query = rows[i]["query"];
    std::vector<std::string> passages;
    for (size_t j = i; j < i + 10; ++j) passages.push_back(rows[j]["passage"]);
    const std::vector<std::string_view> views(passages.begin(), passages.end());
    const auto scores = scorer->Score(query, views);
    ASSERT_TRUE(scores.ok()) << scores.status().ToString();
    for (size_t j = 0; j < 10; ++j) {
      EXPECT_NEAR((*scores)[j], rows[i + j]["score"].get<float>(), 1e-4) << rows[i + j];
      EXPECT_EQ(scorer->Score(query, {&views[j], 1})->at(0), (*scores)[j]);
    }
  }
  EXPECT_TRUE(scorer->Score("q", {})->empty());
}

TEST_P(RerankTest, HasAFingerprintOfAllThatShapesAScore) {
  const Hash256 plain = OpenScorer(GetParam())->info().fingerprint;
  EXPECT_EQ(OpenScorer(GetParam())->info().fingerprint, plain);
  EXPECT_NE(OpenScorer(GetParam(), {.max_tokens = 20})->info().fingerprint, plain);
  EXPECT_NE(OpenScorer(GetParam(), {.precision = Precision::kInt8})->info().fingerprint, plain);
}

TEST_P(RerankTest, TakesEveryLengthOfQueryAndPassage) {
  const auto scorer = OpenScorer(GetParam(), {.max_tokens = 8});
  const std::string long_text(5000, 'a');
  const std::string_view passages[] = {"", "a", long_text, "\xFF\xFF"};
  EXPECT_TRUE(scorer->Score(long_text + " b c d e f g", passages).ok());
  EXPECT_TRUE(scorer->Score("", passages).ok());
}

INSTANTIATE_TEST_SUITE_P(All, RerankTest, testing::Values("bert_rerank", "xlmr_rerank"));

TEST(BertScorerTest, RefusesAModelWithoutItsHead) {
  EXPECT_EQ(BertScorer::Open(ModelFolder::Open(kModels + "bge_m3").value()).status().message(),
            "pytorch_model.bin: classifier.dense.weight: expected this tensor, found none");
  EXPECT_EQ(BertScorer::Open(ModelFolder::Open(kModels + "nomic").value()).status().message(),
            "config.json: model_type: expected \"bert\" or \"xlm-roberta\" for a reranker, found "
            "\"nomic_bert\"");
  EXPECT_EQ(BertScorer::Open(ModelFolder::Open(kModels + "bert_rerank").value(), {.max_tokens = 49})
                .status()
                .message(),
            "max_tokens of model bert_rerank: expected 8 to 48, found 49");
}

// ---- what does not fit --------------------------------------------------------------------------

std::string ErrorOf(const std::string& model, const std::map<std::string, std::string>& changed) {
  const ModelFolder folder = ModelFolder::Open(kModels + model).value();
  std::map<std::string, std::string> files;
  for (const char* file :
       {"config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "vocab.txt",
        "sparse_linear.pt", "colbert_linear.pt"}) {
    if (folder.Has(file)) files[file] = folder.Read(file).value();
  }
  for (const auto& [file, bytes] : changed) {
    if (bytes.empty()) {
      files.erase(file);
    } else {
      files[file] = bytes;
    }
  }
  const auto encoder = BertEncoder::Open(ModelFolder::FromMemory("m", files));
  return encoder.ok() ? "" : encoder.status().message();
}

TEST(ModelFilesTest, Attack122_RefusesAVocabularyThatDoesNotFit) {
  std::string config = ReadFile(kModels + "bge_m3/config.json");
  config.replace(config.find("\"vocab_size\": "), 14, "\"vocab_size\": 1");
  EXPECT_TRUE(
      ErrorOf("bge_m3", {{"config.json", config}})
          .starts_with(
              "pytorch_model.bin: embeddings.word_embeddings.weight: expected the shape [1"));
  EXPECT_TRUE(
      ErrorOf("bge_m3", {{"tokenizer.json", ReadFile(TESTDATA "/embed/unigram/tokenizer.json")}})
          .starts_with("tokenizer.json: expected at most the "));
  EXPECT_EQ(ErrorOf("bge_m3", {{"tokenizer.json", ""}}),
            "model m: expected the file tokenizer.json, found none");
  EXPECT_EQ(ErrorOf("nomic", {{"vocab.txt", ""}}),
            "model m: expected the file vocab.txt, found none");
}

TEST(ModelFilesTest, NamesTheHeadThatIsDamaged) {
  const std::string sparse = ReadFile(kModels + "bge_m3/sparse_linear.pt");
  EXPECT_EQ(
      ErrorOf("bge_m3", {{"sparse_linear.pt", ReadFile(kModels + "bge_m3/colbert_linear.pt")}}),
      "sparse_linear.pt: weight: expected the shape [1, 32], found [32, 32]");
  EXPECT_EQ(ErrorOf("bge_m3", {{"colbert_linear.pt", sparse}}),
            "colbert_linear.pt: weight: expected the shape [32, 32], found [1, 32]");
  EXPECT_EQ(
      ErrorOf("bge_m3", {{"colbert_linear.pt", sparse.substr(0, 100)}}),
      "colbert_linear.pt: expected a zip file with its end record, found none: is it cut off?");
}

TEST(ModelFilesTest, ReadsTheOtherWeightsOfAModelWithPyTorchsAlone) {
  EXPECT_EQ(ErrorOf("bge_m3", {}), "");
  EXPECT_EQ(ErrorOf("bge_m3", {{"pytorch_model.bin", ""}}),
            "model m: expected the file model.safetensors, found none");
}

}  // namespace
}  // namespace codelore::embed
