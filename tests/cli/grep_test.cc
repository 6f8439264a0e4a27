#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "support/temp_folder.h"

namespace codelore::cli {
namespace {

class GrepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("src/load.py", "import os\n\n\ndef load(path):\n    return os.open(path)\n\n\ndef load_all():\n    return [load(p) for p in PATHS]\n");
    Write("tests/test_load.py", "from load import load\nload(1), load(2), load(3), load(4)\n");
    Write("escape.txt", "before \x1b[31mred load\x1b[0m \xE2\x80\xAEwards\n");
    ASSERT_EQ(Run({"index", folder_.path(), "--name", "repo"}), 0) << err_;
  }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::path full = std::filesystem::path(folder_.path()) / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << text;
  }

  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), {"codelore", "--data", data_.path()});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int code = Main(static_cast<int>(argv.size()), argv.data());
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  codelore::testing::TempFolder folder_, data_;
  std::string out_, err_;
};

TEST_F(GrepTest, PrintsPathsThenLinesSourceBeforeTests) {
  EXPECT_EQ(Run({"grep", "load("}), 0);
  EXPECT_EQ(out_,
            "src/load.py  [repo]\n4:def load(path):\n9:    return [load(p) for p in PATHS]\n\n"
            "tests/test_load.py  [repo]\n2:load(1), load(2), load(3), load(4)\n");
  EXPECT_EQ(err_, "6 matches in 2 files\n");
}

TEST_F(GrepTest, PrintsContextWithGapsMarked) {
  EXPECT_EQ(Run({"grep", "--regex", "^(import|def \\w+_all)", "--path", "src/**", "--context", "1"}), 0);
  EXPECT_EQ(out_, "src/load.py  [repo]\n1:import os\n2-\n--\n7-\n8:def load_all():\n9-    return [load(p) for p in PATHS]\n");
}

TEST_F(GrepTest, CountsAndLimits) {
  EXPECT_EQ(Run({"grep", "load", "--lang", "python", "--count"}), 0);
  EXPECT_EQ(out_, "src/load.py:3  [repo]\ntests/test_load.py:6  [repo]\n");
  EXPECT_EQ(Run({"grep", "load", "--limit", "1"}), 0);
  EXPECT_EQ(out_, "src/load.py  [repo]\n4:def load(path):\n");
}

TEST_F(GrepTest, LetsNoTextDriveTheTerminal) {
  EXPECT_EQ(Run({"grep", "red load"}), 0);
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  EXPECT_EQ(out_.find("\xE2\x80\xAE"), std::string::npos);
  EXPECT_EQ(Run({"--json", "grep", "red load"}), 0);
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  EXPECT_NE(out_.find("\"matches\":1"), std::string::npos);
}

TEST_F(GrepTest, TellsByItsExitCodeHowItWent) {
  EXPECT_EQ(Run({"grep", "nothing like this"}), 1);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Run({"grep", "LOAD", "--case", "sensitive"}), 1);
  EXPECT_EQ(Run({"grep", "LOAD", "--case", "insensitive"}), 0);
  EXPECT_EQ(Run({"grep", "--regex", "a(b"}), 2);
  EXPECT_NE(err_.find("missing )"), std::string::npos);
  EXPECT_EQ(Run({"grep", ""}), 2);
  EXPECT_EQ(Run({"grep", "a", "--limit", "0"}), 2);
  EXPECT_EQ(Run({"--as", "user:eve", "grep", "load"}), 1);
  EXPECT_EQ(out_, "");
}

}  // namespace
}  // namespace codelore::cli
