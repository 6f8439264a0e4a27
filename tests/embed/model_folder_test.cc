#include "embed/model_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace codelore::embed {
namespace {

class ModelFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "model_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  void Write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  std::filesystem::path path_;
};

TEST_F(ModelFolderTest, HoldsThePublishedModelInTheBinary) {
  const ModelFolder folder = ModelFolder::BuiltIn();
  EXPECT_EQ(Sha256(folder.Read("model.safetensors").value()).ToHex(),
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db");
  EXPECT_EQ(Sha256(folder.Read("vocab.txt").value()).ToHex(),
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3");
  for (const char* file : {"config.json", "1_Pooling/config.json", "tokenizer_config.json",
                           "sentence_bert_config.json"}) {
    std::ifstream in(std::string(MODEL_FOLDER) + "/" + file, std::ios::binary);
    EXPECT_EQ(folder.Read(file).value(), std::string(std::istreambuf_iterator<char>(in), {}))
        << file;
  }
}

TEST_F(ModelFolderTest, KnowsTheHashOfTheBuiltInWeights) {
  const ModelFolder built_in = ModelFolder::BuiltIn();
  std::map<std::string, std::string> files;
  for (const char* file : {"model.safetensors", "vocab.txt", "config.json", "1_Pooling/config.json",
                           "tokenizer_config.json", "sentence_bert_config.json"}) {
    files[file] = built_in.Read(file).value();
  }
  EXPECT_EQ(built_in.Fingerprint(), ModelFolder::FromMemory("copy", files).Fingerprint());
}

TEST_F(ModelFolderTest, MapsTheFilesItKnows) {
  Write("config.json", "{}");
  Write("1_Pooling/config.json", "pooling");
  Write("vocab.txt", "");
  Write("run_me.py", "no");
  const ModelFolder folder = ModelFolder::Open(path_.string() + "/").value();
  EXPECT_EQ(folder.name(), path_.filename());
  EXPECT_EQ(folder.Read("config.json").value(), "{}");
  EXPECT_EQ(folder.Read("1_Pooling/config.json").value(), "pooling");
  EXPECT_EQ(folder.Read("vocab.txt").value(), "");
  EXPECT_FALSE(folder.Has("run_me.py"));
  EXPECT_EQ(folder.Read("model.safetensors").status().code(), StatusCode::kNotFound);
}

TEST_F(ModelFolderTest, MapsOneFormatOfWhatIsThereInSeveral) {
  Write("sentencepiece.bpe.model", "3");
  Write("pytorch_model.bin", "3");
  EXPECT_TRUE(ModelFolder::Open(path_.string())->Has("pytorch_model.bin"));
  Write("tokenizer.json", "2");
  Write("model.safetensors.index.json", "2");
  Write("model-00001-of-00001.safetensors", "2");
  Write("model-1-of-1.safetensors", "no");
  const ModelFolder folder = ModelFolder::Open(path_.string()).value();
  EXPECT_TRUE(folder.Has("tokenizer.json") && folder.Has("model-00001-of-00001.safetensors"));
  EXPECT_FALSE(folder.Has("sentencepiece.bpe.model") || folder.Has("pytorch_model.bin") ||
               folder.Has("model-1-of-1.safetensors"));
  Write("vocab.txt", "1");
  Write("model.safetensors", "1");
  const ModelFolder first = ModelFolder::Open(path_.string()).value();
  EXPECT_TRUE(first.Has("vocab.txt") && first.Has("model.safetensors"));
  EXPECT_FALSE(first.Has("tokenizer.json") || first.Has("model-00001-of-00001.safetensors"));
}

TEST_F(ModelFolderTest, KeepsTheBytesWhileACopyLives) {
  Write("vocab.txt", "words");
  std::optional<ModelFolder> folder = ModelFolder::Open(path_.string()).value();
  const ModelFolder copy = *folder;
  folder.reset();
  EXPECT_EQ(copy.Read("vocab.txt").value(), "words");
}

TEST_F(ModelFolderTest, RefusesWhatIsNoFolderOrNoFile) {
  EXPECT_EQ(ModelFolder::Open((path_ / "absent").string()).status().code(), StatusCode::kNotFound);
  ASSERT_EQ(mkfifo((path_ / "vocab.txt").c_str(), 0600), 0);
  EXPECT_EQ(ModelFolder::Open(path_.string()).status().message(),
            path_.string() + "/vocab.txt: expected a file, found something else");
}

TEST_F(ModelFolderTest, HashesNamesAndContents) {
  const auto fingerprint = [](const std::map<std::string, std::string>& files) {
    return ModelFolder::FromMemory("m", files).Fingerprint();
  };
  const Hash256 one = fingerprint({{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(fingerprint({{"a", "1"}, {"b", "2"}}), one);
  EXPECT_NE(fingerprint({{"a", "2"}, {"b", "1"}}), one);
  EXPECT_NE(fingerprint({{"a", "1"}, {"c", "2"}}), one);
  EXPECT_NE(fingerprint({{"a", "1"}}), one);
}

TEST(Sha256Test, FollowsTheStandard) {
  EXPECT_EQ(Sha256("abc").ToHex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace codelore::embed
