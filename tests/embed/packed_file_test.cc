#include "embed/packed_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <thread>

#include "embed/bert.h"
#include "embed/bert_encoder.h"
#include "embed/corpus.h"
#include "embed/tiny_model.h"

namespace codelore::embed {
namespace {

namespace fs = std::filesystem;

class PackedFileTest : public testing::TestWithParam<Precision> {
 protected:
  PackedFileTest() { fs::remove_all(folder_); }
  ~PackedFileTest() override { fs::remove_all(folder_); }

  using FileMap = std::map<std::string, std::string>;

  std::unique_ptr<BertEncoder> Open(const FileMap& model, bool packed = true) const {
    BertEncoderOptions options = {.precision = GetParam()};
    if (packed) options.packed_folder = folder_;
    return BertEncoder::Open(ModelFolder::FromMemory("tiny", model), options).value();
  }
  static FileMap Model() { return TinyModel().Files(); }
  // With another last number in its weights.
  static FileMap Model(float last) {
    FileMap files = Model();
    std::string& weights = files["model.safetensors"];
    weights.replace(weights.size() - 4, 4, reinterpret_cast<const char*>(&last), 4);
    return files;
  }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    if (!fs::exists(folder_)) return files;
    for (const auto& file : fs::directory_iterator(folder_)) files.push_back(file.path());
    return files;
  }
  static std::string Read(const fs::path& path) {
    std::stringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
  }
  static void Write(const fs::path& path, std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }
  static ino_t Inode(const fs::path& path) {
    struct stat info = {};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_ino;
  }
  static std::vector<float> Vector(const BertEncoder& encoder) {
    const std::string_view text = "w7 w8 w30";
    return encoder.Encode({&text, 1}, {}).value()[0].dense;
  }

  const std::string folder_ = testing::TempDir() + "/packed_file_test_" + std::to_string(getpid());
};

INSTANTIATE_TEST_SUITE_P(Each, PackedFileTest, testing::Values(Precision::kFloat32, Precision::kInt8),
                         [](const auto& one) { return one.param == Precision::kInt8 ? "int8" : "f32"; });

TEST_P(PackedFileTest, GivesTheVectorsOfPackingInMemory) {
  const FileMap model = Model();
  const std::vector<float> expected = Vector(*Open(model, false));
  EXPECT_TRUE(Files().empty());
  EXPECT_EQ(Vector(*Open(model)), expected);
  ASSERT_EQ(Files().size(), 1u);
  const ino_t written = Inode(Files()[0]);
  const auto again = Open(model);
  EXPECT_EQ(Vector(*again), expected);
  EXPECT_EQ(Inode(Files()[0]), written);
  EXPECT_EQ(again->info().fingerprint, Open(model, false)->info().fingerprint);
}

TEST_P(PackedFileTest, NoticesDamageAndPacksAnew) {
  const FileMap model = Model();
  const std::vector<float> expected = Vector(*Open(model));
  const fs::path path = Files()[0];
  const std::string whole = Read(path);
  Rng rng(3);
  for (int i = 0; i < 60; ++i) {
    std::string damaged = whole;
    // Every part of the header, the first and the last byte, and any others; and cut short.
    const size_t at = i < 32 ? static_cast<size_t>(4 * i) : i == 32 ? whole.size() - 1 : rng.Below(whole.size());
    if (i % 3 == 2) {
      damaged.resize(at);
    } else {
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << i % 8);
    }
    Write(path, damaged);
    ASSERT_EQ(Vector(*Open(model)), expected) << i << " at " << at;
    ASSERT_EQ(Read(path), whole) << i << " at " << at;
  }
}

TEST_P(PackedFileTest, IsNotTakenForAModelOfOtherFiles) {
  const FileMap model = Model();
  const std::vector<float> before = Vector(*Open(model));
  const auto mapped = Open(model);
  const FileMap other = Model(2.5f);
  const std::vector<float> expected = Vector(*Open(other, false));
  EXPECT_NE(expected, before);
  EXPECT_EQ(Vector(*Open(other)), expected);
  EXPECT_EQ(Files().size(), 1u);  // it took the first one's place
  EXPECT_EQ(Vector(*mapped), before);  // which is still there for whoever has it
}

// A data folder may move to another machine, whose kernels want the bytes in another order, or other bytes.
TEST(PackedKeyTest, TellsKernelsApart) {
  std::set<Hash256> keys;
  for (const Int8Kernels* kernels : AvailableInt8Kernels()) keys.insert(PackedKey(Sha256("files"), *kernels));
  EXPECT_EQ(keys.size(), AvailableInt8Kernels().size());
  Int8Kernels before = BestInt8Kernels();
  ++before.together;  // a version whose weights may be heavier
  keys.insert(PackedKey(Sha256("files"), before));
  EXPECT_EQ(keys.size(), AvailableInt8Kernels().size() + 1);
  EXPECT_TRUE(keys.contains(PackedKey(Sha256("files"), Precision::kInt8)));
}

TEST_P(PackedFileTest, IsDoneWithoutWhereNothingCanBeWritten) {
  const FileMap model = Model();
  Write(folder_, "a file, no folder");
  EXPECT_EQ(Vector(*Open(model)), Vector(*Open(model, false)));
  EXPECT_EQ(Read(folder_), "a file, no folder");
}

TEST_P(PackedFileTest, ClearsAwayWhatAProcessLeftThatWasKilled) {
  const FileMap model = Model();
  fs::create_directories(folder_);
  const fs::path old = fs::path(folder_) / "0.packed.1-0.aside", young = fs::path(folder_) / "0.packed.2-0.aside";
  Write(old, "x");
  Write(young, "x");
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  (void)Open(model);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));  // somebody may be writing it
  EXPECT_EQ(Files().size(), 2u);
}

TEST_P(PackedFileTest, RemovesThoseThatNobodyUses) {
  auto used = BertEncoder::Open(ModelFolder::FromMemory("used", Model()), {.precision = GetParam(), .packed_folder = folder_}).value();
  const std::vector<fs::path> kept = Files();
  auto other = Open(Model(0.25f));
  EXPECT_EQ(RemoveUnusedPacked(folder_), 0u);
  ASSERT_EQ(Files().size(), 2u);
  const fs::path gone = Files()[0] == kept[0] ? Files()[1] : Files()[0];
  const uint64_t bytes = fs::file_size(gone);
  const fs::path writing = gone.string() + ".1-0.aside", foreign = fs::path(folder_) / "notes.txt";
  Write(writing, "x");
  Write(foreign, "x");
  other.reset();
  EXPECT_EQ(RemoveUnusedPacked(folder_), bytes);
  EXPECT_FALSE(fs::exists(gone));
  for (const fs::path& path : {kept[0], writing, foreign}) EXPECT_TRUE(fs::exists(path)) << path;
  EXPECT_EQ(Vector(*Open(Model(0.25f))), Vector(*Open(Model(0.25f), false)));
  used.reset();
  EXPECT_GT(RemoveUnusedPacked(folder_), bytes);
  EXPECT_EQ(RemoveUnusedPacked(folder_ + "/none"), 0u);
}

// One process opens and packs it, another looks for what nobody uses.
TEST_P(PackedFileTest, IsNeverGoneForWhoeverOpensIt) {
  const FileMap model = Model();
  const std::vector<float> expected = Vector(*Open(model, false));
  std::jthread remover([&](std::stop_token stop) {
    while (!stop.stop_requested()) RemoveUnusedPacked(folder_);
  });
  for (int i = 0; i < 100; ++i) {
    const auto encoder = Open(model);
    ASSERT_EQ(Vector(*encoder), expected) << i;
  }
}

TEST_P(PackedFileTest, AModelThatCannotBeReadLeavesNone) {
  const FileMap files = Model(std::numeric_limits<float>::quiet_NaN());
  const auto status = BertEncoder::Open(ModelFolder::FromMemory("tiny", files), {.precision = GetParam(), .packed_folder = folder_}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.message(), BertEncoder::Open(ModelFolder::FromMemory("tiny", files), {.precision = GetParam()}).status().message());
  EXPECT_TRUE(Files().empty());
}

}  // namespace
}  // namespace codelore::embed
