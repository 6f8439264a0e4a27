#include "embed/bert_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "embed/corpus.h"
#include "embed/tiny_model.h"

namespace codelore::embed {
namespace {

const BertEncoderOptions kFloat32 = {.precision = Precision::kFloat32};

const BertEncoder& BuiltIn() {
  static const std::unique_ptr<BertEncoder> encoder =
      BertEncoder::Open(ModelFolder::BuiltIn(), kFloat32).value();
  return *encoder;
}

const BertEncoder& BuiltInInt8() {
  static const std::unique_ptr<BertEncoder> encoder =
      BertEncoder::Open(ModelFolder::BuiltIn(), {.precision = Precision::kInt8}).value();
  return *encoder;
}

std::vector<Encoding> Encode(const TextEncoder& encoder, const std::vector<std::string>& texts,
                             const EncodeOptions& options = {}) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  auto result = encoder.Encode(views, options);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return std::move(result).value();
}

double CosineDistance(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return 1 - ab / std::sqrt(aa * bb);
}

std::unique_ptr<BertEncoder> OpenTiny(const std::map<std::string, std::string>& files,
                                      const BertEncoderOptions& options = kFloat32) {
  auto encoder = BertEncoder::Open(ModelFolder::FromMemory("tiny", files), options);
  EXPECT_TRUE(encoder.ok()) << encoder.status().ToString();
  return std::move(encoder).value();
}

// The texts of embedding_texts.jsonl, all or those marked "long".
std::vector<std::string> ReferenceTexts(bool only_long) {
  std::ifstream file(TESTDATA "/embed/embedding_texts.jsonl");
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    if (only_long && !json.contains("long")) continue;
    texts.emplace_back();
    for (int n = json.value("repeat", 1); n > 0; --n)
      texts.back() += json["text"].get<std::string>();
  }
  return texts;
}

void ExpectReference(const std::vector<Encoding>& encodings, const std::string& file_name) {
  std::ifstream file(TESTDATA "/embed/" + file_name, std::ios::binary);
  std::vector<float> expected(384);
  for (size_t i = 0; i < encodings.size(); ++i) {
    ASSERT_TRUE(file.read(reinterpret_cast<char*>(expected.data()), 4 * 384));
    EXPECT_LT(CosineDistance(encodings[i].dense, expected), 1e-6) << "text " << i;
    for (size_t j = 0; j < 384; ++j)
      ASSERT_NEAR(encodings[i].dense[j], expected[j], 2e-6) << "text " << i;
  }
  EXPECT_EQ(file.peek(), std::ifstream::traits_type::eof());
}

TEST(BertEncoderTest, GivesTheReferenceVectors) {
  ExpectReference(Encode(BuiltIn(), ReferenceTexts(false)), "embeddings.f32");
}

TEST(BertEncoderTest, GivesTheReferenceVectorsUpToAllPositions) {
  const auto encoder = BertEncoder::Open(ModelFolder::BuiltIn(),
                                         {.max_tokens = 512, .precision = Precision::kFloat32})
                           .value();
  ExpectReference(Encode(*encoder, ReferenceTexts(true)), "embeddings_512.f32");
}

// The distance to the reference, for the worst of the texts and for most.
TEST(BertEncoderTest, StaysCloseToTheReferenceInInt8) {
  const std::vector<std::string> texts = ReferenceTexts(false);
  const auto exact = Encode(BuiltIn(), texts), rounded = Encode(BuiltInInt8(), texts);
  std::vector<double> distances;
  for (size_t i = 0; i < texts.size(); ++i)
    distances.push_back(CosineDistance(exact[i].dense, rounded[i].dense));
  std::ranges::sort(distances);
  EXPECT_LT(distances[distances.size() / 2], 1e-3);
  EXPECT_LT(distances.back(), 4e-3);
}

TEST(BertEncoderTest, FollowsTheBookInInt8WhateverTheSizes) {
  const TinyModel model;
  const auto encoder = OpenTiny(model.Files(), {.precision = Precision::kInt8});
  const auto encodings = Encode(*encoder, {"", "w5 w7 w119 w44 w45 w46"}, {.multi = true});
  const std::vector<std::vector<uint32_t>> ids = {{2, 3}, {2, 5, 7, 119, 44, 45, 46, 3}};
  for (size_t t = 0; t < ids.size(); ++t) {
    const std::vector<double> vectors = model.Forward(ids[t]);
    const std::vector<float> flat(vectors.begin(), vectors.end());
    for (size_t i = 0; i < flat.size(); i += 48) {
      EXPECT_LT(CosineDistance(std::span(encodings[t].multi).subspan(i, 48),
                               std::span(flat).subspan(i, 48)),
                2e-3);
    }
  }
}

TEST(BertEncoderTest, TakesTheFastestPrecisionByItself) {
  const auto encoder = BertEncoder::Open(ModelFolder::BuiltIn()).value();
  const BertEncoder& expected = FastestPrecision() == Precision::kInt8 ? BuiltInInt8() : BuiltIn();
  EXPECT_EQ(encoder->info().fingerprint, expected.info().fingerprint);
}

TEST(BertEncoderTest, DescribesTheBuiltInModel) {
  const EncoderInfo& info = BuiltIn().info();
  EXPECT_EQ(info.name, "all-MiniLM-L6-v2");
  EXPECT_EQ(info.dimension, 384u);
  EXPECT_EQ(info.max_tokens, 256u);
  EXPECT_TRUE(info.has_multi);
  EXPECT_FALSE(info.has_sparse);
}

TEST(BertEncoderTest, CountsTokensAndCutsLongTexts) {
  const auto encodings = Encode(BuiltIn(), {"", "hello world", std::string(5000, '.')});
  EXPECT_EQ(encodings[0].tokens, 2u);
  EXPECT_EQ(encodings[1].tokens, 4u);
  EXPECT_EQ(encodings[2].tokens, 256u);
}

TEST(BertEncoderTest, GivesNothingForNothing) { EXPECT_TRUE(Encode(BuiltIn(), {}).empty()); }

TEST(BertEncoderTest, RefusesTheHeadItLacks) {
  const std::string_view text = "x";
  const auto result = BuiltIn().Encode({&text, 1}, {.sparse = true});
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
}

TEST(BertEncoderTest, GivesUnitVectorsPerTokenWhenAsked) {
  const auto encodings = Encode(BuiltIn(), {"hello world", ""}, {.multi = true});
  for (const Encoding& encoding : encodings) {
    ASSERT_EQ(encoding.multi.size(), encoding.tokens * 384);
    for (size_t i = 0; i < encoding.tokens; ++i) {
      double squares = 0;
      for (size_t j = 0; j < 384; ++j) squares += std::pow(encoding.multi[i * 384 + j], 2);
      EXPECT_NEAR(squares, 1, 1e-5);
    }
  }
  EXPECT_TRUE(Encode(BuiltIn(), {"hello world"})[0].multi.empty());
}

TEST(BertEncoderTest, GivesATextTheSameBitsInAnyBatch) {
  const Corpus corpus(ModelFolder::BuiltIn().Read("vocab.txt").value());
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < 60; ++i) texts.push_back(corpus.Line(i));
  for (const BertEncoder* encoder : {&BuiltIn(), &BuiltInInt8()}) {
    const auto together = Encode(*encoder, texts);
    for (size_t i = 0; i < texts.size(); i += 7)
      EXPECT_EQ(Encode(*encoder, {texts[i]})[0].dense, together[i].dense) << i;
  }
}

TEST(BertEncoderTest, GivesTheSameBitsFromManyThreads) {
  const std::vector<std::string> texts = ReferenceTexts(false);
  const auto expected = Encode(BuiltIn(), texts);
  std::vector<std::jthread> threads;
  for (size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t begin = thread; begin < texts.size(); begin += 13) {
        const size_t end = std::min(begin + 5, texts.size());
        const auto some = Encode(BuiltIn(), {texts.begin() + begin, texts.begin() + end});
        for (size_t i = begin; i < end; ++i)
          EXPECT_EQ(some[i - begin].dense, expected[i].dense) << i;
      }
    });
  }
}

TEST(BertEncoderTest, FollowsTheBookOnAModelOfAwkwardSizes) {
  for (const char* prefix : {"", "bert."}) {
    const TinyModel model(prefix);
    auto files = model.Files();
    const auto mean = OpenTiny(files);
    files["1_Pooling/config.json"] =
        R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})";
    const auto first = OpenTiny(files);
    const std::vector<std::string> texts = {
        "", "w5", "w7 w7 nonsense w8",
        "w119 w5 w44 w45 w46 w47 w48 w49 w50 w51 w52 w53 w54 w55 w56 w57 w58"};
    const std::vector<std::vector<uint32_t>> ids = {
        {2, 3},
        {2, 5, 3},
        {2, 7, 7, 1, 8, 3},
        {2, 119, 5, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 3}};
    const auto mean_encodings = Encode(*mean, texts, {.multi = true}),
               first_encodings = Encode(*first, texts);
    for (size_t t = 0; t < texts.size(); ++t) {
      const std::vector<double> vectors = model.Forward(ids[t]);
      std::vector<float> sum(48, 0), flat(vectors.begin(), vectors.end());
      for (size_t i = 0; i < flat.size(); ++i) sum[i % 48] += flat[i];
      EXPECT_LT(CosineDistance(mean_encodings[t].dense, sum), 1e-9);
      EXPECT_LT(CosineDistance(first_encodings[t].dense, std::span(flat).first(48)), 1e-9);
      for (size_t i = 0; i < flat.size(); i += 48) {
        EXPECT_LT(CosineDistance(std::span(mean_encodings[t].multi).subspan(i, 48),
                                 std::span(flat).subspan(i, 48)),
                  1e-9);
      }
    }
  }
}

TEST(BertEncoderTest, PutsPrefixesBeforeQueriesAndPassages) {
  auto files = TinyModel().Files();
  const auto plain = OpenTiny(files);
  files["config_sentence_transformers.json"] =
      R"({"prompts": {"query": "w9 ", "document": "w10 "}})";
  const auto prefixed = OpenTiny(files);
  EXPECT_EQ(Encode(*prefixed, {"w7"}, {.role = TextRole::kQuery})[0].dense,
            Encode(*plain, {"w9 w7"})[0].dense);
  EXPECT_EQ(Encode(*prefixed, {"w7"})[0].dense, Encode(*plain, {"w10 w7"})[0].dense);
  const auto overridden =
      OpenTiny(files, {.query_prefix = "w11 ", .precision = Precision::kFloat32});
  EXPECT_EQ(Encode(*overridden, {"w7"}, {.role = TextRole::kQuery})[0].dense,
            Encode(*plain, {"w11 w7"})[0].dense);
}

TEST(BertEncoderTest, HasAFingerprintOfAllThatShapesAVector) {
  auto files = TinyModel().Files();
  const Hash256 plain = OpenTiny(files)->info().fingerprint;
  EXPECT_EQ(OpenTiny(files)->info().fingerprint, plain);
  EXPECT_NE(OpenTiny(files, {.precision = Precision::kInt8})->info().fingerprint, plain);
  for (BertEncoderOptions options :
       {BertEncoderOptions{.max_tokens = 20}, BertEncoderOptions{.query_prefix = "q"},
        BertEncoderOptions{.passage_prefix = "q"}}) {
    options.precision = Precision::kFloat32;
    EXPECT_NE(OpenTiny(files, options)->info().fingerprint, plain);
  }
  files["model.safetensors"].back() ^= 1;
  EXPECT_NE(OpenTiny(files)->info().fingerprint, plain);
}

std::string ErrorOf(const std::map<std::string, std::string>& files,
                    const BertEncoderOptions& options = {}) {
  const auto result = BertEncoder::Open(ModelFolder::FromMemory("tiny", files), options);
  return result.ok() ? "" : result.status().message();
}

TEST(BertEncoderTest, RefusesFilesThatDoNotFitEachOther) {
  auto files = TinyModel().Files();
  EXPECT_EQ(ErrorOf(files, {.max_tokens = 41}),
            "max_tokens of model tiny: expected 3 to 40, found 41");
  EXPECT_EQ(ErrorOf(files, {.max_tokens = 2}),
            "max_tokens of model tiny: expected 3 to 40, found 2");
  for (const char* file : {"config.json", "vocab.txt", "model.safetensors"}) {
    auto without = files;
    without.erase(file);
    EXPECT_EQ(ErrorOf(without),
              std::string("model tiny: expected the file ") + file + ", found none");
  }
  auto changed = files;
  changed["vocab.txt"] += "one_more\n";
  EXPECT_EQ(ErrorOf(changed),
            "vocab.txt: expected at most the 120 tokens of config.json, found 121");
  changed = files;
  changed["config.json"].replace(changed["config.json"].find("100"), 3, "101");
  EXPECT_EQ(ErrorOf(changed),
            "model.safetensors: encoder.layer.0.intermediate.dense.weight: expected the shape "
            "[101, 48], found [100, 48]");
  changed = files;
  changed["config.json"].replace(changed["config.json"].find("_layers\": 2") + 10, 1, "3");
  EXPECT_EQ(ErrorOf(changed),
            "model.safetensors: encoder.layer.2.attention.self.query.weight: expected this tensor, "
            "found none");
}

TEST(BertEncoderTest, RefusesWeightsThatAreNotFinite) {
  auto files = TinyModel().Files();
  std::string& weights = files["model.safetensors"];
  weights.replace(weights.size() - 4, 4, "\x00\x00\xC0\x7F", 4);
  EXPECT_EQ(ErrorOf(files),
            "model.safetensors: encoder.layer.1.output.LayerNorm.bias: expected finite values, "
            "found others");
}

TEST(BertEncoderTest, AnswersWithAnErrorRatherThanVectorsThatAreNone) {
  auto files = TinyModel().Files();
  std::string& weights = files["model.safetensors"];
  const uint64_t data = 8 + ByteReader(weights).Fixed<uint64_t>();
  weights.replace(data + 5 * 48 * 4, 4, "\x00\x00\xC0\x7F", 4);  // in the embedding of w5
  for (Precision precision : {Precision::kFloat32, Precision::kInt8}) {
    const auto encoder = OpenTiny(files, {.precision = precision});
    const std::string_view good = "w6", bad = "w5";
    EXPECT_TRUE(encoder->Encode({&good, 1}, {}).ok());
    EXPECT_EQ(encoder->Encode({&bad, 1}, {}).status().code(), StatusCode::kCorruption);
  }
}

TEST(BertEncoderTest, SurvivesDamagedModels) {
  const auto files = TinyModel().Files();
  Rng rng(3);
  for (int i = 0; i < 400; ++i) {
    auto damaged = files;
    auto file = damaged.begin();
    std::advance(file, rng.Below(damaged.size()));
    std::string& bytes = file->second;
    if (rng.Below(4) == 0) bytes.resize(rng.Below(bytes.size()));
    for (uint64_t n = rng.Below(3); n > 0 && !bytes.empty(); --n) {
      bytes[rng.Below(std::min<size_t>(bytes.size(), 4000))] ^=
          static_cast<char>(1 << rng.Below(8));
    }
    const auto encoder =
        BertEncoder::Open(ModelFolder::FromMemory("tiny", damaged),
                          {.precision = i % 2 == 0 ? Precision::kFloat32 : Precision::kInt8});
    if (!encoder.ok()) {
      const std::string& message = encoder.status().message();
      EXPECT_TRUE(std::ranges::any_of(files, [&](const auto& f) {
        return message.starts_with(f.first + ": ");
      })) << message;
      continue;
    }
    const std::string_view text = "w7 w8 w119 [MASK]";
    (void)(*encoder)->Encode({&text, 1}, {.multi = true});
  }
}

}  // namespace
}  // namespace codelore::embed
