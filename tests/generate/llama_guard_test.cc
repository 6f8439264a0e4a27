#include "generate/llama_guard.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "generate/llama_model.h"
#include "generate/tiny_gguf.h"
#include "support/temp_folder.h"

namespace codelore::generate {
namespace {

class LlamaGuardTest : public ::testing::Test {
 protected:
  Status Check(const std::string& bytes, const std::string& sha256 = {}) {
    std::ofstream(file_, std::ios::binary) << bytes;
    return CheckModel({.model = {.file = file_}, .sha256 = sha256, .timeout = std::chrono::seconds(60)});
  }

  testing::TempFolder folder_;
  const std::string file_ = folder_.path() + "/model.gguf";
  const std::string good_ = testing::MakeTinyGguf({.layers = 1, .width = 32, .heads = 2, .kv_heads = 1, .inner = 32});
};

TEST_F(LlamaGuardTest, LetsAGoodFileThrough) { EXPECT_TRUE(Check(good_).ok()) << Check(good_).ToString(); }

TEST_F(LlamaGuardTest, SaysWhatIsWrong) {
  auto says = [&](const Status& status, std::string_view word) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(word), std::string::npos) << status.message();
  };
  says(CheckModel({.model = {.file = folder_.path() + "/none.gguf"}}), "cannot be read");
  says(CheckModel({.model = {.file = folder_.path()}}), "no regular file");
  says(Check(""), "too short");
  says(Check(std::string(4096, 'x')), "no GGUF file");
  std::string next_version = good_;
  next_version[4] = 9;
  says(Check(next_version), "version 9");
  says(Check(good_, std::string(64, '0')), "SHA-256");
  says(Check(good_.substr(0, good_.size() / 2)), "cannot be loaded");
}

TEST_F(LlamaGuardTest, KnowsAFileByItsHash) {
  std::ofstream(file_, std::ios::binary) << good_;
  std::string message = CheckModel({.model = {.file = file_}, .sha256 = std::string(64, '0')}).message();
  std::string hash = message.substr(message.find(" is ") + 4, 64);
  EXPECT_TRUE(Check(good_, hash).ok());
  std::string flipped = good_;
  flipped.back() ^= 1;
  EXPECT_FALSE(Check(flipped, hash).ok());
}

TEST_F(LlamaGuardTest, RefusesAFileCutOffAnywhere) {
  for (int i = 0; i < 120; ++i) {
    size_t size = good_.size() * static_cast<size_t>(i) / 120;
    EXPECT_FALSE(Check(good_.substr(0, size)).ok()) << size << " of " << good_.size() << " bytes";
  }
}

// Some flips only change a weight or a name: such a model may be loaded, and then it must run.
TEST_F(LlamaGuardTest, SurvivesFlippedBytes) {
  std::mt19937 random(1);
  const size_t header = good_.find("output.weight") + 64;
  int refused = 0;
  for (int i = 0; i < 160; ++i) {
    std::string bytes = good_;
    // Every byte of a vocabulary is alike: half of the flips hit what comes before and behind it.
    size_t at = i % 2 == 0 ? random() % header : i % 4 == 1 ? random() % 700 : header - random() % 1200;
    bytes[at] = static_cast<char>(bytes[at] ^ (i % 3 == 0 ? 0xFF : 1 << random() % 8));
    if (!Check(bytes).ok()) {
      ++refused;
      continue;
    }
    auto model = LlamaModel::Open({.name = "flipped", .file = file_, .context_tokens = 256, .threads = 1});
    if (!model.ok()) continue;
    (void)(*model)->CountTokens("any text");
    (void)(*model)->Chat(std::vector<ChatMessage>{{ChatRole::kUser, "Hi"}}, {.max_tokens = 4}, {}, [](std::string_view) {});
  }
  EXPECT_GT(refused, 40);
  EXPECT_LT(refused, 160);
}

TEST_F(LlamaGuardTest, RefusesAnAdapterOfAnotherModel) {
  const std::string lora = folder_.path() + "/lora.gguf";
  std::ofstream(lora, std::ios::binary) << testing::MakeTinyLora({.width = 64});
  std::ofstream(file_, std::ios::binary) << good_;
  Status status = CheckModel({.model = {.file = file_, .adapters = {{lora}}}});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("lora.gguf: blk.0."), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("do not make the model's"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace codelore::generate
