#include "generate/lora_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <random>

#include "generate/llama_model.h"
#include "generate/tiny_gguf.h"
#include "support/temp_folder.h"

namespace codelore::generate {
namespace {

using testing::GgufWriter;
using testing::Weights;

const testing::TinyModel kTiny = {.layers = 1, .width = 32, .heads = 2, .kv_heads = 1, .inner = 32};

class LoraFileTest : public ::testing::Test {
 protected:
  LoraFileTest() { std::ofstream(model_, std::ios::binary) << testing::MakeTinyGguf(kTiny); }

  Status Check(const std::string& bytes) {
    std::ofstream(file_, std::ios::binary) << bytes;
    auto model = GgufFile::Read(model_);
    return model.ok() ? CheckLoraFile(file_, *model) : model.status();
  }
  // An adapter with these pairs, and what `add` puts into it.
  static std::string Make(const std::function<void(GgufWriter&)>& add, const char* type = "adapter", const char* kind = "lora",
                          const char* architecture = "llama", float alpha = 8) {
    GgufWriter file(1);
    file.Add("general.type", type);
    file.Add("general.architecture", architecture);
    file.Add("adapter.type", kind);
    file.Add("adapter.lora.alpha", alpha);
    add(file);
    return file.Finish();
  }
  static void AddGood(GgufWriter& file) {
    file.AddMatrix("blk.0.attn_q.weight.lora_a", 4, 32, 1, Weights::kF32);
    file.AddMatrix("blk.0.attn_q.weight.lora_b", 32, 4, 1, Weights::kF32);
  }
  void ExpectRefused(const std::string& bytes, std::string_view field) {
    Status status = Check(bytes);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << field;
    EXPECT_NE(status.message().find(field), std::string::npos) << field << " expected in: " << status.message();
    EXPECT_NE(status.message().find(file_), std::string::npos) << status.message();
  }

  testing::TempFolder folder_;
  const std::string model_ = folder_.path() + "/model.gguf", file_ = folder_.path() + "/lora.gguf";
};

TEST_F(LoraFileTest, TakesWhatFitsTheModel) {
  EXPECT_TRUE(Check(Make(AddGood)).ok()) << Check(Make(AddGood)).ToString();
  EXPECT_TRUE(Check(testing::MakeTinyLora(kTiny)).ok());
  auto small = [](GgufWriter& file) {
    file.AddMatrix("blk.0.ffn_gate.weight.lora_a", 32, 32, 1, Weights::kQ8);
    file.AddMatrix("blk.0.ffn_gate.weight.lora_b", 32, 32, 1, Weights::kQ8);
  };
  EXPECT_TRUE(Check(Make(small)).ok()) << Check(Make(small)).ToString();
}

TEST_F(LoraFileTest, NamesThePairThatIsWrong) {
  ExpectRefused(Make(AddGood, "model"), "general.type");
  ExpectRefused(Make(AddGood, "adapter", "control_vector"), "adapter.type");
  ExpectRefused(Make(AddGood, "adapter", "lora", "gpt2"), "general.architecture");
  ExpectRefused(Make(AddGood, "adapter", "lora", "llama", std::numeric_limits<float>::quiet_NaN()), "adapter.lora.alpha");
  ExpectRefused(Make(AddGood, "adapter", "lora", "llama", std::numeric_limits<float>::infinity()), "adapter.lora.alpha");
  ExpectRefused(Make([](GgufWriter& file) { AddGood(file), file.Add("adapter.alora.invocation_tokens", std::vector<int32_t>{1}); }), "adapter.alora.invocation_tokens");
  ExpectRefused(Make([](GgufWriter& file) { AddGood(file), file.Add("general.type", "adapter"); }), "twice");
  GgufWriter bare(1);
  AddGood(bare);
  ExpectRefused(bare.Finish(), "general.type");
}

TEST_F(LoraFileTest, NamesTheTensorThatIsWrong) {
  auto with = [](const char* a, uint32_t rows_a, uint32_t columns_a, const char* b, uint32_t rows_b, uint32_t columns_b) {
    return Make([=](GgufWriter& file) {
      if (a != nullptr) file.AddMatrix(a, rows_a, columns_a, 1, Weights::kF32);
      if (b != nullptr) file.AddMatrix(b, rows_b, columns_b, 1, Weights::kF32);
    });
  };
  const char* a = "blk.0.attn_q.weight.lora_a";
  const char* b = "blk.0.attn_q.weight.lora_b";
  ExpectRefused(with(nullptr, 0, 0, nullptr, 0, 0), "tensor count");
  ExpectRefused(with(a, 4, 32, nullptr, 0, 0), a);
  ExpectRefused(with(nullptr, 0, 0, b, 32, 4), b);
  ExpectRefused(with(a, 4, 64, b, 32, 4), a);
  ExpectRefused(with(a, 4, 32, b, 64, 4), a);
  ExpectRefused(with(a, 8, 32, b, 32, 4), a);
  ExpectRefused(with(a, 32, 4, b, 4, 32), a);
  ExpectRefused(with("blk.7.attn_q.weight.lora_a", 4, 32, "blk.7.attn_q.weight.lora_b", 32, 4), "blk.7.attn_q.weight");
  ExpectRefused(with("blk.0.attn_norm.weight", 1, 32, nullptr, 0, 0), "blk.0.attn_norm.weight");
  ExpectRefused(with(a, 5000, 32, b, 32, 5000), b);
}

TEST_F(LoraFileTest, NamesTheTensorWithWhatIsNoNumber) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::string bytes = Make(AddGood);
    std::memcpy(bytes.data() + bytes.size() - 4, &bad, 4);
    ExpectRefused(bytes, "blk.0.attn_q.weight.lora_b");
  }
}

// Where the 8 bytes of a number stand in the description of the first tensor.
size_t At(const std::string& bytes, std::string_view name, size_t behind) { return bytes.find(name) + name.size() + behind; }

TEST_F(LoraFileTest, BelievesNoCountShapeOrPlace) {
  const std::string good = Make(AddGood), name = "blk.0.attn_q.weight.lora_b";
  auto with = [&](size_t at, uint64_t value, size_t size) {
    std::string bytes = good;
    std::memcpy(bytes.data() + at, &value, size);
    return bytes;
  };
  for (uint64_t huge : {uint64_t{1} << 21, uint64_t{1} << 40, UINT64_MAX}) {
    ExpectRefused(with(8, huge, 8), "tensor count");
    ExpectRefused(with(16, huge, 8), "pair count");
    ExpectRefused(with(24, huge, 8), "key of pair 0");
    ExpectRefused(with(At(good, name, 4), huge, 8), huge == uint64_t{1} << 21 ? "shape" : name);
    ExpectRefused(with(At(good, name, 24), huge, 8), name);
  }
  ExpectRefused(with(At(good, name, 0), 9, 4), "dimensions");
  ExpectRefused(with(At(good, name, 4), 0, 8), name);
  ExpectRefused(with(At(good, name, 20), 99, 4), name);
  ExpectRefused(with(At(good, name, 24), 0, 8), "within 'blk.0.attn_q.weight.lora_a'");
  ExpectRefused(with(At(good, name, 24), 32, 8), "within 'blk.0.attn_q.weight.lora_a'");
  ExpectRefused(with(At(good, name, 24), 7, 8), "not aligned");
}

TEST_F(LoraFileTest, RefusesAFileCutOffAnywhere) {
  const std::string good = Make(AddGood);
  for (size_t size = 0; size < good.size(); size += size < 600 ? 1 : 37) EXPECT_FALSE(Check(good.substr(0, size)).ok()) << size;
}

// What is not refused is taken by the model, too, and answered with: nothing ends this process.
TEST_F(LoraFileTest, AModelSurvivesFlippedBytes) {
  auto opened = LlamaModel::Open({.name = "tiny", .file = model_, .context_tokens = 256, .threads = 1, .slots = 1});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const std::string good = testing::MakeTinyLora(kTiny);
  std::mt19937 random(7);
  const size_t header = good.find("lora_b") + 64;
  int refused = 0, taken = 0;
  for (int i = 0; i < 120; ++i) {
    std::string bytes = good;
    size_t at = i % 4 == 0 ? random() % bytes.size() : random() % header;
    bytes[at] = static_cast<char>(bytes[at] ^ (i % 3 == 0 ? 0xFF : 1 << random() % 8));
    std::ofstream(file_, std::ios::binary) << bytes;
    Status set = (*opened)->SetAdapter({"flipped", {{file_}, ""}});
    ++(set.ok() ? taken : refused);
    if (!set.ok()) continue;
    auto usage = (*opened)->Chat(std::vector<ChatMessage>{{ChatRole::kUser, "Hi"}}, {.max_tokens = 2, .adapter = "flipped"}, {}, [](std::string_view) {});
    EXPECT_TRUE(usage.ok() || usage.status().code() == StatusCode::kInternal) << usage.status().ToString();
  }
  EXPECT_GT(refused, 30);
  EXPECT_GT(taken, 10);
}

}  // namespace
}  // namespace codelore::generate
